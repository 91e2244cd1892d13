/*
 * subtransaction.cpp
 *		Which errors a row can be blamed for.
 */
#include "subtransaction.h"

namespace bulkupdate
{

bool
is_row_error(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_OBJECT_IN_USE:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_ASSERT_FAILURE:
		case ERRCODE_STATEMENT_TOO_COMPLEX:
			return false;
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_SUCCESSFUL_COMPLETION:
		case ERRCODE_WARNING:
		case ERRCODE_NO_DATA:
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case MAKE_SQLSTATE('7', '2', '0', '0', '0'): /* snapshot too old; gone from 17 on */
		case ERRCODE_CONFIG_FILE_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

} /* namespace bulkupdate */
