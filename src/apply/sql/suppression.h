/*
 * suppression.h
 *		Can UPDATE skip a row of the target that is there?
 */
#ifndef BULK_UPDATE_APPLY_SQL_SUPPRESSION_H
#define BULK_UPDATE_APPLY_SQL_SUPPRESSION_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * may_suppress_update
 *		Has the target, or a partition or child of it, a BEFORE row trigger that an
 *		UPDATE of the mapped columns fires in this session?
 *
 * Locks the tables below the target as the UPDATE will.  A foreign table may have such
 * a trigger at its own server.  False for a target with rules, as core does not
 * take an UPDATE of it in a WITH clause; there such rows count as missing.
 */
[[nodiscard]] bool may_suppress_update(const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_SUPPRESSION_H */
