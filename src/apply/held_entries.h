/*
 * held_entries.h
 *		Index entries for versions that were written in subtransactions, until it is
 *		known whether these succeed.
 */
#ifndef BULK_UPDATE_APPLY_HELD_ENTRIES_H
#define BULK_UPDATE_APPLY_HELD_ENTRIES_H

#include "server/scope.h"

namespace bulkupdate
{

struct IndexSort;

struct HeldEntry
{
	IndexSort *sort; /* of its index */
	IndexTuple tuple;
	TransactionId xid; /* of the subtransaction that wrote the version */
};

struct HeldEntries
{
	MemoryContext memory;
	Span<HeldEntry> entries; /* in the order in which they were added */
	int capacity;
	Size bytes;
};

/* held_entries_init: none yet.  Allocates below the current memory context. */
void held_entries_init(HeldEntries &held);

/*
 * held_entries_add
 *		Hold the entry of an index for the version at tid, which the current subtransaction
 *		wrote; false if there are too many.
 */
[[nodiscard]] bool held_entries_add(HeldEntries &held, IndexSort &sort, Relation index,
									ItemPointer tid, Datum *values, bool *nulls);

void held_entries_clear(HeldEntries &held);

/*
 * held_entries_release
 *		After the subtransactions have ended: call body(entry) for the entries of those that
 *		succeeded, and hold none of them any more.
 */
template <typename Body>
void
held_entries_release(HeldEntries &held, Body body)
{
	TransactionId succeeded = InvalidTransactionId;

	for (const HeldEntry &entry : held.entries)
	{
		CHECK_FOR_INTERRUPTS();
		if (entry.xid != succeeded && !TransactionIdIsCurrentTransactionId(entry.xid))
			continue;
		succeeded = entry.xid;
		body(entry);
	}
	held_entries_clear(held);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_HELD_ENTRIES_H */
