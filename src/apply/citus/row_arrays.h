/*
 * row_arrays.h
 *		Rows of a chunk as parameters of a statement.
 */
#ifndef BULK_UPDATE_APPLY_CITUS_ROW_ARRAYS_H
#define BULK_UPDATE_APPLY_CITUS_ROW_ARRAYS_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/*
 * row_arrays
 *		The new and the expected values of rows, as arrays of the target's row type: $1 and $2,
 *		which is null if the target has no expected columns.  n parameters in all; the caller sets
 *		the others.
 *
 * Allocates in the current memory context.
 */
ParamListInfo row_arrays(const Target &target, Span<ChunkRow *> rows, int n);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_CITUS_ROW_ARRAYS_H */
