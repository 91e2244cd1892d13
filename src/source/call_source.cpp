/*
 * call_source.cpp
 *		Opening the portal of a call.
 */
#include "source/call_source.h"

#include "source/arrays.h"
#include "source/undo.h"

namespace bulkupdate
{

namespace
{

/* Open a cursor for the query of a call; returns its name. */
const char *
open_query(const Options &options)
{
	const char *query = options.source;
	int cursor_options = CURSOR_OPT_NO_SCROLL;

	/* A plan for parallel workers is slow without them, as when it is fetched from. */
	if (runs_source_at_once(options))
		cursor_options |= CURSOR_OPT_PARALLEL_OK;

	if (strspn(query, " \t\n\r\f") == strlen(query))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"query\" of bulk_update must not be empty"),
						errhint("Use a SELECT, VALUES or a command with RETURNING.")));

	SPIPlanPtr plan = SPI_prepare_cursor(query, 0, nullptr, cursor_options);

	if (plan == nullptr)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (!SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_DEFINITION),
				 errmsg("argument \"query\" of bulk_update must be one query that returns rows"),
				 errhint("Use a SELECT, VALUES or a command with RETURNING.")));
	return pstrdup(SPI_cursor_open(nullptr, plan, nullptr, nullptr, false)->name);
}

} /* namespace */

CallSource
query_source_open(const Options &options)
{
	return {open_query(options), "the query", -1};
}

CallSource
call_source_open(FunctionCallInfo fcinfo, Options &options)
{
	switch (options.source_kind)
	{
		case SourceKind::Cursor:
			return {options.source, psprintf("cursor \"%s\"", options.source), -1};
		case SourceKind::Query:
			return query_source_open(options);
		case SourceKind::Undo:
		{
			const char *label = undo_prepare(options);

			return {open_query(options), label, -1};
		}
		case SourceKind::Arrays:
			break;
	}

	ArraysCursor cursor = arrays_open(options, arrays_of_call(fcinfo));

	return {cursor.name, "the arrays", cursor.rows};
}

void
call_source_close(const CallSource &source)
{
	Portal portal = GetPortalByName(source.portal);

	/* A trigger may have closed it after its last row. */
	if (PortalIsValid(portal))
		SPI_cursor_close(portal);
}

} /* namespace bulkupdate */
