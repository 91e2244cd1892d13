/*
 * column_cast.h
 *		The cast between a source column and its target column.
 */
#ifndef BULK_UPDATE_TARGET_COLUMN_CAST_H
#define BULK_UPDATE_TARGET_COLUMN_CAST_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * column_cast
 *		Set cast, input and comparison of a mapped column.
 *
 * A value is assigned: by the assignment cast that transformAssignedExpr() builds
 * for INSERT ... SELECT, or, if there is none from text, by the type's input
 * function with the column's type modifier, as in COPY.  There is no cast
 * if the datum can be used as it is.
 *
 * A key is compared: it is cast to the type without the column's type modifier,
 * and if the cast may change it, the result is compared with the source's
 * value (key_comparison.h).
 *
 * Records in target whether casts can fail.  Raises 42804 (types without an
 * assignment cast).
 */
void column_cast(Target &target, const Options &options, MappedColumn &column, TupleDesc source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_COLUMN_CAST_H */
