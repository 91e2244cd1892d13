/*
 * command.h
 *		SQL commands whose result is not needed.
 */
#ifndef BULK_UPDATE_SERVER_COMMAND_H
#define BULK_UPDATE_SERVER_COMMAND_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * run_command
 *		Execute a command.  Needs an SPI connection.
 *
 * expected: the result code of SPI_execute().  Raises the errors of the command.
 */
inline void
run_command(const char *sql, int expected = SPI_OK_UTILITY)
{
	int result = keeping_memory_context([&] { return SPI_execute(sql, false, 0); });

	if (result != expected)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_COMMAND_H */
