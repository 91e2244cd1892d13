/*
 * held_row.cpp
 *		Two copies of rows that take turns.
 */
#include "source/held_row.h"

#include "source/key_error.h"
#include "source/keyed_row.h"
#include "source/seen_keys.h"

namespace bulkupdate
{

namespace
{

struct RowCopy
{
	TupleTableSlot *slot;
	KeyCopy key; /* no key: no row */
};

void
set(RowCopy &copy, const SourceRow &row)
{
	ExecCopySlot(copy.slot, row.slot);
	key_copy_set(copy.key, row.key, row.position);
}

void
get(const RowCopy &copy, SourceRow &row)
{
	row.slot = copy.slot;
	row.position = copy.key.position;
	set_key(*copy.key.target, row, copy.key.key);
}

} /* namespace */

struct HeldRow
{
	RowCopy copies[2];
	int newest;
};

HeldRow *
held_row_create(const Target &target, TupleDesc source)
{
	HeldRow *held = palloc_one<HeldRow>();

	for (RowCopy &copy : held->copies)
	{
		copy.slot = MakeSingleTupleTableSlot(source, &TTSOpsMinimalTuple);
		key_copy_init(copy.key, target);
	}
	return held;
}

bool
held_row_exchange(HeldRow &held, SourceRow &row)
{
	const RowCopy &before = held.copies[held.newest];
	int order = key_copy_compare(before.key, row.key);

	if (order > 0)
		refuse_order(before.key, row.key, row.position);
	held.newest = 1 - held.newest;
	set(held.copies[held.newest], row);
	if (before.key.position == 0)
		return false;
	get(before, row);
	if (order == 0)
		row.outcome = Outcome::Duplicate;
	return true;
}

bool
held_row_take(HeldRow &held, SourceRow &row)
{
	RowCopy &newest = held.copies[held.newest];

	if (newest.key.position == 0)
		return false;
	get(newest, row);
	key_copy_clear(newest.key);
	return true;
}

void
held_row_end(const HeldRow &held)
{
	for (const RowCopy &copy : held.copies)
		ExecDropSingleTupleTableSlot(copy.slot);
}

} /* namespace bulkupdate */
