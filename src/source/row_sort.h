/*
 * row_sort.h
 *		Sorting source rows by key, or by place, with PostgreSQL's external sort, bounded
 *		by work_mem.
 */
#ifndef BULK_UPDATE_SOURCE_ROW_SORT_H
#define BULK_UPDATE_SOURCE_ROW_SORT_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

struct RowSort;

/*
 * row_sort_create
 *		A sort of rows of the form source, by key and then by position,
 *		ascending or descending.  Rows without a key come last.
 *
 * Values stored out of line are not fetched.  Raises 54011 (the source's columns and
 * those of the key are more than a row can have).  Allocates in the current memory
 * context; temporary files belong to the current resource owner, so the other
 * functions must not be called in a subtransaction.
 */
RowSort *row_sort_create(const Target &target, TupleDesc source, bool ascending_position);

/*
 * row_sort_create_by_place
 *		The same by place.  Rows without a place come last, in the order of their positions.
 */
RowSort *row_sort_create_by_place(const Target &target, TupleDesc source);

/* row_sort_put: add a row, whose key may be missing or bad. */
void row_sort_put(RowSort &sort, const SourceRow &row);

/* row_sort_perform: sort, after all rows have been added. */
void row_sort_perform(RowSort &sort);

/*
 * row_sort_next
 *		Take the next row; false after the last.  It is valid until the next call,
 *		and its slot begins with the source's columns.  An error is allocated in
 *		the current memory context.
 */
bool row_sort_next(RowSort &sort, SourceRow &row);

/* row_sort_spilled_bytes: the maximum disk space of its temporary files so far. */
int64 row_sort_spilled_bytes(const RowSort &sort);

/* row_sort_end: release memory and temporary files. */
void row_sort_end(RowSort &sort);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_ROW_SORT_H */
