/*
 * kept_columns.h
 *		The columns of a table of old values, or of a job's rows, and the columns of the target
 *		whose values they have.
 */
#ifndef BULK_UPDATE_TARGET_KEPT_COLUMNS_H
#define BULK_UPDATE_TARGET_KEPT_COLUMNS_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * What a column of such a table has.  In the rows of a job, the values that are expected are the
 * old ones.
 */
enum class KeptAs : uint8
{
	Key,
	Old,
	New,
};

/*
 * kept_name
 *		The name of the column for a column of the target.
 *
 * A key column keeps its name, unless that could be one of the other columns: "run",
 * "source_row", "job_row", or a name that begins with "old_" or "new_" gets "key_" in front.
 * What does not fit into a name is replaced by "_" and its CRC-32C.  So the name depends on
 * nothing but the column's name, and two columns have two names.  Allocates in the current
 * memory context.
 */
const char *kept_name(KeptAs as, const char *column);

/*
 * map_kept_columns
 *		Set kept of the target: the columns for which the table in argument "old_values" has
 *		columns, with the key first.  The key has been chosen.
 *
 * Raises 42703 (the table lacks columns of the key or of the source, or has only one of the two
 * for a column), 0A000 (a virtual generated column, which has no stored value).
 */
void map_kept_columns(Target &target, const Options &options);

/* refuse_virtual: raise 0A000 for a virtual generated column. */
void refuse_virtual(const FormData_pg_attribute &attribute);

/* is_kept_in: does the table have a column for the old, and the new, values of a column? */
[[nodiscard]] bool is_kept_in(Oid table, const char *column);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEPT_COLUMNS_H */
