/*
 * index_entries.h
 *		Entering new versions of rows into the indexes of their table.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H
#define BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H

#include "server/scope.h"

namespace bulkupdate
{

/* An index that ExecInsertIndexTuples() is not to see, and its place there. */
struct UnchangedIndex
{
	int place;
	Relation index;
};

/*
 * The indexes of a table, open in a ResultRelInfo.
 *
 * Most of an update's time goes into index entries, and much of that is in vain
 * where no column of a B-tree index changes:
 *
 * - A unique index that is valid need not be searched for another row with the key.  The
 *   old version has it, so no other row can.
 * - A full leaf page is first searched for entries of dead versions ("bottom-up
 *   deletion", nbtree's README), which reads the heap pages that its entries
 *   point to.  The versions that the transaction itself has made old cannot go.
 *   Only where others are left from before is it worth the search.
 *
 * So such indexes are taken out of ExecInsertIndexTuples(), and get their
 * entries by index_insert() with the arguments that say so.
 */
struct IndexEntries
{
	ResultRelInfo *result;
	Span<UnchangedIndex> taken;
};

/*
 * index_entries_begin
 *		Open the indexes of result and take those that no update changes.
 *
 * changing: attributes, less FirstLowInvalidHeapAttributeNumber, that may get
 * another value; NULL when any may.  Allocates in the current memory context.
 */
void index_entries_begin(IndexEntries &entries, ResultRelInfo *result, const Bitmapset *changing);

/*
 * index_entries_insert
 *		Enter the new version in slot into the indexes that need it; returns the
 *		indexes to check again later.
 *
 * dead_versions: dead versions of rows from before are likely to be found.
 * Raises what ExecInsertIndexTuples() raises.
 */
List *index_entries_insert(const IndexEntries &entries, TupleTableSlot *slot, EState *estate,
						   IndexesToUpdate which, bool dead_versions);

/* index_entries_end: give the taken indexes back, for ExecCloseIndices(). */
void index_entries_end(IndexEntries &entries);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_INDEX_ENTRIES_H */
