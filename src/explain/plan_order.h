/*
 * plan_order.h
 *		Does a plan return its rows in the order of the key?
 */
#ifndef BULK_UPDATE_EXPLAIN_PLAN_ORDER_H
#define BULK_UPDATE_EXPLAIN_PLAN_ORDER_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * plan_is_in_key_order
 *		Can it be seen from the plan of a portal that its rows come in ascending
 *		order of the target's key?  false when not, also when there is no plan.
 *		The parts of a plan that are examined: sorts, merges of sorted rows, scans
 *		of B-tree indexes, and what passes rows on in their order.
 */
bool plan_is_in_key_order(const PlannedStmt *statement, const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_EXPLAIN_PLAN_ORDER_H */
