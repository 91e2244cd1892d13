/*
 * old_value_table.h
 *		The table that keeps the old and the new values of updated rows.
 */
#ifndef BULK_UPDATE_REPORT_OLD_VALUE_TABLE_H
#define BULK_UPDATE_REPORT_OLD_VALUE_TABLE_H

#include "apply/kept_versions.h"

namespace bulkupdate
{

struct OldValueTable;

/*
 * old_value_table_check
 *		Can rows of the current user be kept in the table specified in argument "old_values"?
 *
 * The target has been opened, and has the columns to be kept.  Raises 42P01 (no such
 * relation), 42809 (not a table), 42501 (no INSERT privilege, no USAGE of its schema), 42804 (a
 * column has another type).
 */
void old_value_table_check(const Options &options, const Target &target);

/*
 * old_value_table_open
 *		Check the table specified in argument "old_values".  Returns NULL if there is none.
 *
 * Needs an SPI connection.  Allocates in the current memory context.  Raises the errors of
 * old_value_table_check.
 */
OldValueTable *old_value_table_open(const Options &options, const Target &target);

/*
 * old_value_table_runs_code
 *		May recording rows run user-defined code, or look at other tables?
 *
 * Takes the lock of INSERT.
 */
[[nodiscard]] bool old_value_table_runs_code(const Options &options, const Target &target);

/*
 * old_value_table_record
 *		Insert the rows of all attempts that succeeded, and forget all rows.
 *
 * run: the number of the call.  The stores are registered with the current SPI connection.
 *
 * Raises 42P01 (the table was dropped during the call), 0A000 (it has an ON
 * INSERT DO INSTEAD rule), and the errors of INSERT.
 */
void old_value_table_record(OldValueTable &table, int64 run, KeptVersions &kept);

/*
 * old_value_table_create
 *		Create a table for values of these columns of a table; returns its OID.
 *
 * name: as in SQL, optionally qualified and quoted.  columns: size 0 for all outside of the key.
 * key_columns: size 0 for the primary key.  Needs an SPI connection.
 *
 * Raises 42501 (no USAGE of the schema), 42704 (it has no primary key), 42703 (no such column),
 * 42701 (a column is named twice), 22023 (a key column among the others), 0A000 (a system column,
 * or a virtual generated one), and the errors of open_table() and side_table_create().
 */
Oid old_value_table_create(text *name, Oid target, Span<const char *> columns,
						   Span<const char *> key_columns);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_OLD_VALUE_TABLE_H */
