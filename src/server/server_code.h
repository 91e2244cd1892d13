/*
 * server_code.h
 *		Is code the server's own, or may it be anybody's?
 *
 * User-defined code can run any command.  The server's own functions do what they are
 * documented to do, except those that are given a query to run, and so do the input,
 * output and comparison functions of types that are written in C.
 */
#ifndef BULK_UPDATE_SERVER_SERVER_CODE_H
#define BULK_UPDATE_SERVER_SERVER_CODE_H

#include "server/scope.h"

namespace bulkupdate
{

/* is_server_function: a function that initdb created; InvalidOid counts as one. */
[[nodiscard]] bool is_server_function(Oid function);

/* is_c_function: a function in C, the server's or an extension's; InvalidOid counts as one. */
[[nodiscard]] bool is_c_function(Oid function);

/*
 * type_runs_user_code
 *		May reading, writing or comparing a value of the type run user-defined code?
 *
 * It may if a function of the type is not written in C, or if a domain's constraint has a
 * function that is not the server's; also of the types of which it consists.
 */
[[nodiscard]] bool type_runs_user_code(Oid type);

/* expression_runs_user_code: of an expression, or a list; NULL does not. */
[[nodiscard]] bool expression_runs_user_code(const Node *expression /* or NULL */);

/* index_runs_user_code: may an entry in the index, or a scan of it? */
[[nodiscard]] bool index_runs_user_code(Oid index);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SERVER_CODE_H */
