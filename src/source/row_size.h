/*
 * row_size.h
 *		Rows that are too large for one tuple.
 *
 * UPDATE does not fetch values that are stored out of line and not changed.  Here a row
 * has to contain them, as an array has to contain the row, and a tuple of the server has
 * at most 1 GB.
 */
#ifndef BULK_UPDATE_SOURCE_ROW_SIZE_H
#define BULK_UPDATE_SOURCE_ROW_SIZE_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

/* Reserved for other data: the other columns of the table, headers of tuples and arrays. */
constexpr Size MAX_ROW_BYTES = MaxAllocSize - Size{256} * 1024;

/*
 * row_size_error
 *		The error of a row whose values are too large in total, before any is
 *		fetched; NULL if they are not, as far as is known before the casts.
 *
 * This and the next two return errors with SQLSTATE 54000, to reject rows
 * with or to be raised by ThrowErrorData(), allocated in the current
 * memory context.
 */
ErrorData *row_size_error(const Target &target, const SourceRow &row);

/*
 * form_row
 *		The row as a tuple of the target's row type, or NULL and the error.
 *
 * slot: the source row that values and nulls were computed from.
 */
HeapTuple form_row(const Target &target, TupleTableSlot *slot, int64 position, const Datum *values,
				   const bool *nulls, ErrorData **error);

/* sort_size_error: of a row that is too large to be sorted together with its key. */
ErrorData *sort_size_error(const Target &target, const SourceRow &row);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_ROW_SIZE_H */
