/*
 * expected_columns.h
 *		The columns whose present values the source states.
 */
#ifndef BULK_UPDATE_TARGET_EXPECTED_COLUMNS_H
#define BULK_UPDATE_TARGET_EXPECTED_COLUMNS_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * map_expected_columns
 *		Set expected of the target: the attributes for the last columns of the source.
 *
 * The other columns have been mapped.  Casts are set later.  Raises 42703 (no such column), 0A000
 * (a system column), 42701 (a column is named twice), 22023 (a key column).
 */
void map_expected_columns(Target &target, const Options &options, TupleDesc source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_EXPECTED_COLUMNS_H */
