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
 *		Does the plan of a portal show that its rows arrive in ascending
 *		order of the target's key?  false if not, or if there is no plan.
 *		These parts of a plan are examined: sorts, merges of sorted rows, scans
 *		of B-tree indexes, and nodes that preserve the order of rows.
 */
bool plan_is_in_key_order(const PlannedStmt *statement, const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_EXPLAIN_PLAN_ORDER_H */
