/*
 * column_cast.h
 *		The cast between a source column and the column that it feeds.
 */
#ifndef BULK_UPDATE_COLUMN_CAST_H
#define BULK_UPDATE_COLUMN_CAST_H

#include "target.h"

namespace bulkupdate
{

/*
 * column_cast
 *		Set column->cast to the assignment cast of a source column, as
 *		transformAssignedExpr() builds it for INSERT ... SELECT.  There is none
 *		where the datum goes in as it is.
 *
 * Elements of arrays are also read as text by the input function of a type to
 * which text has no assignment cast.  Notes in target whether casts can fail.
 *
 * Raises 42804 (types without an assignment cast).
 */
extern void column_cast(Target *target, const Options &options, MappedColumn *column,
						TupleDesc source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_COLUMN_CAST_H */
