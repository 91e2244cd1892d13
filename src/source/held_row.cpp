/*
 * held_row.cpp
 *		Copying one row and its key.
 */
#include "source/held_row.h"

#include "source/keyed_row.h"

namespace bulkupdate
{

HeldRow *
held_row_create(const Target &target, TupleDesc source)
{
	HeldRow *held = palloc_one<HeldRow>();

	held->slot = MakeSingleTupleTableSlot(source, &TTSOpsMinimalTuple);
	key_copy_init(held->key, target);
	return held;
}

void
held_row_set(HeldRow &held, const SourceRow &row)
{
	ExecCopySlot(held.slot, row.slot);
	key_copy_set(held.key, row.key, row.position);
}

void
held_row_get(const HeldRow &held, SourceRow &row)
{
	row.slot = held.slot;
	row.position = held.key.position;
	set_key(*held.key.target, row, held.key.key);
}

void
held_row_end(HeldRow &held)
{
	ExecDropSingleTupleTableSlot(held.slot);
}

} /* namespace bulkupdate */
