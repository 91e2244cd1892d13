/*
 * held_entries.cpp
 *		Index entries of subtransactions, in memory.
 */
#include "apply/held_entries.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

constexpr int FIRST_CAPACITY = 256;

/* Of the memory for all entries that wait, a quarter. */
Size
limit()
{
	return static_cast<Size>(maintenance_work_mem) * 1024 / 4;
}

/* The attempts of a chunk follow each other, so those that failed are the newest. */
void
drop_failed(HeldEntries &held)
{
	while (held.entries.size > 0)
	{
		const HeldEntry &newest = held.entries[held.entries.size - 1];

		if (TransactionIdIsCurrentTransactionId(newest.xid))
			return;
		held.bytes -= GetMemoryChunkSpace(newest.tuple) + sizeof(HeldEntry);
		pfree(newest.tuple);
		held.entries.size--;
	}
}

void
grow(HeldEntries &held)
{
	if (held.entries.size < held.capacity)
		return;
	held.capacity = Max(held.capacity * 2, FIRST_CAPACITY);

	Size size = sizeof(HeldEntry) * static_cast<Size>(held.capacity);

	held.entries.data = static_cast<HeldEntry *>(
		held.entries.data == nullptr ? palloc(size) : repalloc_huge(held.entries.data, size));
}

} /* namespace */

void
held_entries_init(HeldEntries &held)
{
	held = {};
	held.memory = AllocSetContextCreate(CurrentMemoryContext, "bulk_update held index entries",
										ALLOCSET_DEFAULT_SIZES);
}

bool
held_entries_add(HeldEntries &held, IndexSort &sort, Relation index, ItemPointer tid, Datum *values,
				 bool *nulls)
{
	TransactionId xid = GetCurrentTransactionIdIfAny();

	FAULT_POINT(entry_hold);
	if (held.entries.size > 0 && held.entries[held.entries.size - 1].xid != xid)
		drop_failed(held);
	if (held.bytes >= limit())
		return false;
	with_memory_context(held.memory, [&] {
		IndexTuple tuple = index_form_tuple(RelationGetDescr(index), values, nulls);

		tuple->t_tid = *tid;
		grow(held);
		held.entries[held.entries.size++] = {&sort, tuple, xid};
		held.bytes += GetMemoryChunkSpace(tuple) + sizeof(HeldEntry);
	});
	return true;
}

void
held_entries_clear(HeldEntries &held)
{
	MemoryContext memory = held.memory;

	MemoryContextReset(memory);
	held = {};
	held.memory = memory;
}

} /* namespace bulkupdate */
