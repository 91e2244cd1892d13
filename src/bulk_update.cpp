/*
 * bulk_update.cpp
 *		Entry points: SQL arguments in, a set of rows out.
 */
#include "options.h"
#include "run.h"

extern "C"
{
BULK_UPDATE_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bulk_update_cursor);
PG_FUNCTION_INFO_V1(bulk_update_query);
}

using bulkupdate::Options;
using bulkupdate::options_from_call;

/*
 * bulk_update_cursor
 *		SQL: bulk_update(target, source refcursor, columns, key_columns, chunk_size)
 *
 * Returns one row for each chunk.  The result is materialized, so the call
 * runs to its end whatever the query around it does with its rows.  Raises
 * what options_from_call() and run() raise.
 */
Datum
bulk_update_cursor(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);

	Options options = options_from_call(fcinfo, "source");

	SPI_connect();
	bulkupdate::run(options, options.source, reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo));
	SPI_finish();
	return static_cast<Datum>(0);
}

/*
 * bulk_update_query
 *		SQL: bulk_update_query(target, query text, columns, key_columns, chunk_size)
 *
 * The same with a cursor that is opened for the query and closed at the end.
 * Raises 42P11 for a text that is not one query that returns rows.
 */
Datum
bulk_update_query(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);

	Options options = options_from_call(fcinfo, "query");
	SPIParseOpenOptions open_options;

	memset(&open_options, 0, sizeof(open_options));
	open_options.cursorOptions = CURSOR_OPT_NO_SCROLL;

	SPI_connect();

	Portal portal = SPI_cursor_parse_open(NULL, options.source, &open_options);
	char *name = pstrdup(portal->name);

	bulkupdate::run(options, name, reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo));

	/* A trigger may have closed it after its last row. */
	portal = GetPortalByName(name);
	if (PortalIsValid(portal))
		SPI_cursor_close(portal);
	SPI_finish();
	return static_cast<Datum>(0);
}
