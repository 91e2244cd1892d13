/*
 * open_target.h
 *		Opening and checking the relation to update.
 */
#ifndef BULK_UPDATE_TARGET_OPEN_TARGET_H
#define BULK_UPDATE_TARGET_OPEN_TARGET_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * open_table
 *		Open a relation that can be updated in bulk.
 *
 * Raises 42P01 (no such relation), 42809 (a kind of relation that cannot be updated in bulk),
 * 0A000 (temporary table of another session).
 */
Relation open_table(Oid relid, LOCKMODE lock);

/*
 * target_open
 *		Lock and check the target, map the source's columns to it, and choose
 *		the unique index that covers its key.
 *
 * The relation is opened with the lock of UPDATE, for a dry run with that of
 * SELECT; the lock stays until the end of the transaction.  Allocates in the current memory
 * context.
 *
 * Raises 0A000 (INSTEAD rule), 42501 (missing privileges), 25006 (read-only transaction), and the
 * errors of open_table, map_columns, choose_key and map_kept_columns.
 */
Target *target_open(const Options &options, TupleDesc source);

/*
 * target_check_privileges
 *		May the current user use the target's schema and update the target's columns?
 *		And read the key, the expected columns and, if compares_values, the others?
 *
 * The executor checks the privileges of each chunk's statement.  They are also
 * checked here so that a call with an empty source fails too, and so that the
 * message can name the column and the privilege.  Raises 42501.
 */
void target_check_privileges(const Target &target, bool compares_values);

/* target_close: close the relation and its index, and keep their locks. */
void target_close(Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_OPEN_TARGET_H */
