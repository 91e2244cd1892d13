/*
 * index_entries.h
 *		Entering new versions of rows into the indexes of their table.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H
#define BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H

#include "apply/sorted_entries.h"

namespace bulkupdate
{

/* An index that is hidden from ExecInsertIndexTuples(), and its position there. */
struct OwnIndex
{
	int place;
	Relation index;
	bool unchanged;
	IndexSort *sort; /* where its entries wait, or NULL */
};

/*
 * The indexes of a table, open in a ResultRelInfo.
 *
 * Most of an update's time is spent on index entries, and much of that is unnecessary
 * if no column of a B-tree index changes:
 *
 * - A unique index that is valid need not be searched for another row with the key.  The
 *   old version has it, so no other row can.
 * - A full leaf page is first searched for entries of dead versions ("bottom-up
 *   deletion", nbtree's README), which reads the heap pages that its entries
 *     point to.  The versions that the transaction itself has made dead cannot be removed,
 *     so the search is useful only if there are older ones.
 *
 * So such indexes are hidden from ExecInsertIndexTuples(), and get their
 * entries by index_insert() with the appropriate arguments.  So are indexes whose
 * entries wait for the end of the call.
 */
struct IndexEntries
{
	ResultRelInfo *result;
	Span<OwnIndex> hidden;
	SortedEntries *sorted; /* or NULL */
};

/*
 * index_entries_begin
 *		Open the indexes of result and hide those that no update changes, or
 *		whose entries wait in sorted.
 *
 * changing: attributes, minus FirstLowInvalidHeapAttributeNumber, that may get
 * another value; NULL if all may.  key_index: rows are applied in its order, so its
 * entries need not wait.  Allocates in the current memory context.
 */
void index_entries_begin(IndexEntries &entries, EState *estate, ResultRelInfo *result,
						 const Bitmapset *changing /* or NULL */,
						 SortedEntries *sorted /* or NULL */, Oid key_index);

/*
 * index_entries_insert
 *		Enter the new version in slot into the indexes that need it; returns the
 *		indexes to check again later.
 *
 * dead_versions: older dead versions of rows are likely to be found.
 * Raises the errors of ExecInsertIndexTuples().
 */
List *index_entries_insert(const IndexEntries &entries, TupleTableSlot *slot, EState *estate,
						   IndexesToUpdate which, bool dead_versions);

/* index_entries_end: restore the hidden indexes, for ExecCloseIndices(). */
void index_entries_end(IndexEntries &entries);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H */
