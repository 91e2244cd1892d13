/*
 * direct_rule.h
 *		Where the direct applier may work: where it gives the same table as
 *		UPDATE does.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H

#include "apply/direct/planned_elsewhere.h"

namespace bulkupdate
{

/*
 * why_not_direct
 *		Why the target must be updated by the executor, as a sentence for an
 *		error's detail; NULL when it need not.
 *
 * Holds for the current user and the moment: triggers, policies and indexes
 * come and go, so ask for each chunk.  Where an extension has replaced the
 * planner, plans a query to see what becomes of it, and keeps the answer in
 * planned_elsewhere for the call; needs an SPI connection.
 */
[[nodiscard]] const char *why_not_direct(const Target &target, PlannedElsewhere &planned_elsewhere);

/* why_not_direct_partition: the same of a partition, in which index covers the key. */
const char *why_not_direct_partition(Relation partition, Oid index);

/* why_not_direct_child: the same of an inheritance child; the target's own rule holds before. */
const char *why_not_direct_child(Relation child, Oid index);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H */
