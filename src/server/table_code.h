/*
 * table_code.h
 *		Does writing to a table run code that is not the server's own?
 */
#ifndef BULK_UPDATE_SERVER_TABLE_CODE_H
#define BULK_UPDATE_SERVER_TABLE_CODE_H

#include "server/scope.h"

namespace bulkupdate
{

/* constraints_run_user_code: may check constraints and generated columns of the table? */
[[nodiscard]] bool constraints_run_user_code(Relation relation);

/* indexes_run_user_code: may an entry in an index of the table? */
[[nodiscard]] bool indexes_run_user_code(Relation relation);

/*
 * insert_runs_user_code
 *		May inserting rows into the table run user-defined code, if their values have the types
 *		of its columns?
 *
 * Triggers count, also those of foreign keys, which look at other tables; so do rules, policies
 * and whatever is not an ordinary table outside of a partitioned one.
 */
[[nodiscard]] bool insert_runs_user_code(Relation relation);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_TABLE_CODE_H */
