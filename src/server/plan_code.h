/*
 * plan_code.h
 *		Does running a plan run code that is not the server's own?
 */
#ifndef BULK_UPDATE_SERVER_PLAN_CODE_H
#define BULK_UPDATE_SERVER_PLAN_CODE_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * plan_runs_user_code
 *		May running the plan of a query run user-defined code?
 *
 * Foreign and custom scans count, and so do nodes that are not known, and writing to a
 * table, because of its triggers.  The indexes that the plan uses must be locked.
 */
[[nodiscard]] bool plan_runs_user_code(const PlannedStmt *statement);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_PLAN_CODE_H */
