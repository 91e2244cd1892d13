/*
 * sql_applier.h
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 */
#ifndef BULK_UPDATE_APPLY_SQL_SQL_APPLIER_H
#define BULK_UPDATE_APPLY_SQL_SQL_APPLIER_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * sql_applier_create
 *		An applier for every target.
 *
 * Needs an SPI connection, in which it must also be used.  Allocates in the
 * current memory context.
 */
Applier *sql_applier_create(const Target &target, Rechecks *rechecks /* or NULL */);

/* sql_applier_init: at load time, hook into the planner and the executor. */
void sql_applier_init();

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_SQL_APPLIER_H */
