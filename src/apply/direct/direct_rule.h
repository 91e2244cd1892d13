/*
 * direct_rule.h
 *		Whether the direct applier may be used: if it leaves the same table as
 *		UPDATE.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H

#include "apply/direct/planned_elsewhere.h"

namespace bulkupdate
{

/*
 * why_not_direct
 *		Why the target must be updated by the executor, as a sentence for an
 *		error's detail; NULL if it need not.
 *
 * Valid for the current user and the moment: triggers, policies and indexes
 * can change, so call this for each chunk.  If an extension has replaced the
 * planner, plans queries to examine their plans, and keeps the answer in
 * planned_elsewhere for the call; needs an SPI connection.
 */
[[nodiscard]] const char *why_not_direct(const Target &target, PlannedElsewhere &planned_elsewhere);

/* why_not_direct_partition: the same for a partition, in which index covers the key. */
const char *why_not_direct_partition(Relation partition, Oid index);

/* why_not_direct_child: the same for an inheritance child; call why_not_direct() first. */
const char *why_not_direct_child(Relation child, Oid index);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_RULE_H */
