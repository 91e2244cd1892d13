/*
 * direct_update.h
 *		Updating rows of one table without a plan: the work of the executor for one
 *		row of UPDATE.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_UPDATE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_UPDATE_H

#include "apply/direct/direct_table.h"

namespace bulkupdate
{

/*
 * direct_table_update
 *		Update a row: triggers, generated columns, constraints, table, indexes.
 *
 * Under READ COMMITTED, follows a row that was updated concurrently to its
 * newest version, if that still has the key.  Returns Updated, Missing, Unchanged if a trigger
 * suppressed the update, or what row.probe determines about the newest version: Unchanged or
 * Stale; such a row is locked.
 *
 * Raises the errors of UPDATE.  Method: ExecUpdate() of nodeModifyTable.c, and
 * for the order of its parts also execReplication.c.
 */
[[nodiscard]] Outcome direct_table_update(DirectTable &table, const DirectRow &row);

/* direct_table_lock: the same without updating; returns Pending for a row to be updated. */
[[nodiscard]] Outcome direct_table_lock(DirectTable &table, const DirectRow &row);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_UPDATE_H */
