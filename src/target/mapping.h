/*
 * mapping.h
 *		From source columns to target columns: by name or by position, with the
 *		assignment casts of INSERT ... SELECT.
 */
#ifndef BULK_UPDATE_TARGET_MAPPING_H
#define BULK_UPDATE_TARGET_MAPPING_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * map_columns
 *		Set columns and expected of the target: the attribute of each source column.
 *
 * Raises 42601 (number of columns differs from the source's), 42703 (no such
 * column, or a key column that the source does not have), 42701 (a column is
 * specified twice), 0A000 (a system column), 428C9 (a generated column or an
 * identity column GENERATED ALWAYS as a value), 42704 (no primary key and no
 * key_columns), 42601 (there is no column to update), 42804 (types without an
 * assignment cast), and the errors of map_expected_columns.
 */
void map_columns(Target &target, const Options &options, TupleDesc source);

/* source_row_size: bytes of a row as it is stored in a chunk, before the casts. */
Size source_row_size(const Target &target, TupleTableSlot *row);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_MAPPING_H */
