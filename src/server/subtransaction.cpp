/*
 * subtransaction.cpp
 *		Which errors can be a row's.
 */
#include "server/subtransaction.h"

namespace bulkupdate
{

namespace
{

/*
 * Errors of PostgreSQL's classes that are never a row's: problems of the
 * statement, the session, the transaction or the machine.
 */
bool
is_of_other_class(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_SUCCESSFUL_COMPLETION:
		case ERRCODE_WARNING:
		case ERRCODE_NO_DATA:
		case ERRCODE_SQL_STATEMENT_NOT_YET_COMPLETE:
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_INITIATION:
		case ERRCODE_LOCATOR_EXCEPTION:
		case ERRCODE_INVALID_GRANTOR:
		case ERRCODE_INVALID_ROLE_SPECIFICATION:
		case ERRCODE_DIAGNOSTICS_EXCEPTION:
		case ERRCODE_INVALID_CURSOR_STATE:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_INVALID_SQL_STATEMENT_NAME:
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
		case ERRCODE_DEPENDENT_PRIVILEGE_DESCRIPTORS_STILL_EXIST:
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
		case ERRCODE_INVALID_CURSOR_NAME:
		case ERRCODE_SAVEPOINT_EXCEPTION:
		case ERRCODE_INVALID_CATALOG_NAME:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case MAKE_SQLSTATE('7', '2', '0', '0', '0'): /* snapshot too old; gone from 17 on */
		case ERRCODE_CONFIG_FILE_ERROR:
		case ERRCODE_FDW_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return true;
		default:
			return false;
	}
}

/* "permission denied for ...", for example of a function in a constraint of the table. */
bool
is_of_missing_privilege(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->funcname != nullptr &&
		   strncmp(error->funcname, "aclcheck_error", strlen("aclcheck_error")) == 0;
}

} /* namespace */

bool
is_row_error_code(int sqlstate)
{
	switch (sqlstate)
	{
		/* Policies, and user-defined code. */
		case ERRCODE_INSUFFICIENT_PRIVILEGE:

		/* Errors of tsquery, jsonpath and others for a text that they cannot read. */
		case ERRCODE_SYNTAX_ERROR:
		case ERRCODE_INVALID_NAME:
			return true;
		case ERRCODE_ASSERT_FAILURE:
		case ERRCODE_STATEMENT_TOO_COMPLEX:
			return false;
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRIGGERED_ACTION_EXCEPTION:
		case ERRCODE_FEATURE_NOT_SUPPORTED: /* for example NaN and infinity for an integer */
		case ERRCODE_CASE_NOT_FOUND:
		case ERRCODE_CARDINALITY_VIOLATION:
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION:
		case ERRCODE_SQL_ROUTINE_EXCEPTION:
		case ERRCODE_EXTERNAL_ROUTINE_EXCEPTION:
		case ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		default:
			/* Not defined by PostgreSQL: users raise their own. */
			return !is_of_other_class(sqlstate);
	}
}

bool
is_row_error(const ErrorData *error)
{
	return is_row_error_code(error->sqlerrcode) && !is_of_missing_privilege(error);
}

bool
is_value_error(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		/* GCOVR_EXCL_START: test/faults */
		/* Values of regclass and similar types that name objects which do not exist. */
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_SCHEMA:
			return true;
		/* GCOVR_EXCL_STOP */
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return false;
		default:
			return is_row_error(error);
	}
}

} /* namespace bulkupdate */
