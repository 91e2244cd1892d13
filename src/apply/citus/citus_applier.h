/*
 * citus_applier.h
 *		Applying rows to a table whose rows are on the nodes of Citus.
 */
#ifndef BULK_UPDATE_APPLY_CITUS_CITUS_APPLIER_H
#define BULK_UPDATE_APPLY_CITUS_CITUS_APPLIER_H

#include "apply/applier.h"
#include "target/citus_table.h"

namespace bulkupdate
{

/*
 * citus_applier_create
 *		An applier for a table that Citus knows.
 *
 * Needs an SPI connection, in which it must also be used.  Allocates in the current memory context.
 */
Applier *citus_applier_create(const Target &target, const CitusTable &table);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_CITUS_CITUS_APPLIER_H */
