/*
 * suppression.h
 *		Can UPDATE skip an existing row of the target?
 */
#ifndef BULK_UPDATE_APPLY_SQL_SUPPRESSION_H
#define BULK_UPDATE_APPLY_SQL_SUPPRESSION_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * may_suppress_update
 *		Does the target, or a partition or child of it, have a BEFORE row trigger that an
 *		UPDATE of the mapped columns fires in this session?
 *
 * Locks the tables below the target like the UPDATE.  A foreign table may have such
 * a trigger on its own server.  False for a target with rules, because core does not
 * support an UPDATE of it in a WITH clause; there such rows count as missing.
 */
[[nodiscard]] bool may_suppress_update(const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_SUPPRESSION_H */
