/*
 * row_sort.h
 *		Sorting source rows by key with PostgreSQL's external sort, bounded by
 *		work_mem.
 */
#ifndef BULK_UPDATE_ROW_SORT_H
#define BULK_UPDATE_ROW_SORT_H

#include "target.h"

namespace bulkupdate
{

struct RowSort;

/*
 * row_sort_create
 *		A sort of rows of the form source, by key and then by position,
 *		ascending or descending.  Rows without a key come last.
 *
 * Values stored out of line stay there.  Raises 54011 (the source's columns and
 * those of the key are more than a row can have).  Allocates in the current memory
 * context; temporary files belong to the current resource owner, so the other
 * functions must not be called in a subtransaction.
 */
extern RowSort *row_sort_create(const Target *target, TupleDesc source, bool ascending_position);

/* row_sort_put: add a row; key is NULL for a row without one. */
extern void row_sort_put(RowSort *sort, TupleTableSlot *row, int64 position, const Datum *key);

/* row_sort_perform: all rows are in. */
extern void row_sort_perform(RowSort *sort);

/*
 * row_sort_next
 *		The next row, or NULL after the last: a slot that begins with the
 *		source's columns.  Sets position, and key when the row has one.
 */
extern TupleTableSlot *row_sort_next(RowSort *sort, int64 *position, Datum *key);

/* row_sort_has_key: has the newest row a key? */
extern bool row_sort_has_key(const RowSort *sort);

/* row_sort_spilled_bytes: most disk space that its temporary files have taken so far. */
extern int64 row_sort_spilled_bytes(const RowSort *sort);

/* row_sort_end: release memory and temporary files. */
extern void row_sort_end(RowSort *sort);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_ROW_SORT_H */
