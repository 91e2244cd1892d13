/*
 * bulk_update.cpp
 *		Entry points: they take SQL arguments and return a set of rows.
 */
#include "apply/choose_applier.h"
#include "call/options.h"
#include "call/progress.h"
#include "explain/explain.h"
#include "report/old_value_table.h"
#include "report/reject_table.h"
#include "run.h"
#include "server/fault.h"
#include "source/call_source.h"

extern "C"
{
BULK_UPDATE_MODULE_MAGIC;

/* From 16 on the server declares it too. NOLINTNEXTLINE(readability-redundant-declaration) */
PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(bulk_update_cursor);
PG_FUNCTION_INFO_V1(bulk_update_query);
PG_FUNCTION_INFO_V1(bulk_update_arrays);
PG_FUNCTION_INFO_V1(bulk_update_explain_cursor);
PG_FUNCTION_INFO_V1(bulk_update_explain_query);
PG_FUNCTION_INFO_V1(bulk_update_create_rejects);
PG_FUNCTION_INFO_V1(bulk_update_create_old_values);
PG_FUNCTION_INFO_V1(bulk_update_undo);
PG_FUNCTION_INFO_V1(bulk_update_progress_entries);
}

using bulkupdate::CallSource;
using bulkupdate::Options;
using bulkupdate::options_from_call;
using bulkupdate::SourceKind;

namespace
{

/*
 * with_source
 *		Run body(options, source) for a call with a source of this kind.
 *
 * The result of the call is materialized, so the call runs to its end even if
 * the query around it does not read all rows.  Raises 25000 (during a parallel operation).
 */
template <typename Body>
Datum
with_source(FunctionCallInfo fcinfo, SourceKind kind, Body body)
{
	/* Not even a dry run is possible in a parallel worker, because it uses subtransactions. */
	PreventCommandIfParallelMode("bulk_update()");
	InitMaterializedSRF(fcinfo, 0);

	Options options = options_from_call(fcinfo, kind);

	SPI_connect();

	CallSource source = call_source_open(fcinfo, options);

	body(options, source);
	if (kind != SourceKind::Cursor)
		call_source_close(source);
	SPI_finish();
	return static_cast<Datum>(0);
}

const ReturnSetInfo *
result_of(FunctionCallInfo fcinfo)
{
	return reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
}

Datum
update(FunctionCallInfo fcinfo, SourceKind kind)
{
	return with_source(fcinfo, kind, [&](const Options &options, const CallSource &source) {
		bulkupdate::run_call(options, source.portal, source.label,
							 {fcinfo->flinfo->fn_oid,
							  {result_of(fcinfo), nullptr, nullptr},
							  source.rows,
							  0,
							  nullptr});
	});
}

Datum
explain_update(FunctionCallInfo fcinfo, SourceKind kind)
{
	return with_source(fcinfo, kind, [&](const Options &options, const CallSource &source) {
		bulkupdate::explain(options, source.portal, source.label, result_of(fcinfo));
	});
}

} /* namespace */

/*
 * _PG_init
 *		Called when the server loads the module.
 */
void
_PG_init(void)
{
	bulkupdate::progress_define_settings();
	bulkupdate::applier_init();
#ifdef BULK_UPDATE_FAULTS
	bulkupdate::fault_define_settings();
#endif
	MarkGUCPrefixReserved("bulk_update");
}

/*
 * bulk_update_cursor
 *		SQL: bulk_update(target, source refcursor or text, columns, key_columns, ...)
 *
 * Returns one row for each chunk, or one for the call.  Raises the errors of
 * options_from_call() and run_call().
 */
Datum
bulk_update_cursor(PG_FUNCTION_ARGS)
{
	return update(fcinfo, SourceKind::Cursor);
}

/*
 * bulk_update_query
 *		SQL: bulk_update_query(target, query text, columns, key_columns, ...)
 *
 * The same with a cursor that is opened for the query and closed at the end.
 * Raises the errors of call_source_open(), options_from_call() and run_call().
 */
Datum
bulk_update_query(PG_FUNCTION_ARGS)
{
	return update(fcinfo, SourceKind::Query);
}

/*
 * bulk_update_arrays
 *		SQL: bulk_update_arrays(target, columns, arrays record, key_columns, ...)
 *
 * The same with a cursor over the elements of arrays, for drivers that bind one
 * array for each column.  Raises the errors of call_source_open(), options_from_call()
 * and run_call().
 */
Datum
bulk_update_arrays(PG_FUNCTION_ARGS)
{
	return update(fcinfo, SourceKind::Arrays);
}

/*
 * bulk_update_explain_cursor
 *		SQL: bulk_update_explain(target, source refcursor or text, columns, key_columns, ...)
 *
 * Reports what bulk_update() with these arguments would do, as rows (topic,
 * detail).  Raises the errors of options_from_call() and explain().
 */
Datum
bulk_update_explain_cursor(PG_FUNCTION_ARGS)
{
	return explain_update(fcinfo, SourceKind::Cursor);
}

/*
 * bulk_update_explain_query
 *		SQL: bulk_update_explain_query(target, query text, columns, key_columns, ...)
 *
 * The same for bulk_update_query().  The query is planned but not executed.
 * Raises the errors of call_source_open(), options_from_call() and explain().
 */
Datum
bulk_update_explain_query(PG_FUNCTION_ARGS)
{
	return explain_update(fcinfo, SourceKind::Query);
}

/*
 * bulk_update_create_rejects
 *		SQL: bulk_update_create_rejects(name text) returns regclass
 *
 * Creates a table for argument "rejects".  name: of the table, optionally with
 * its schema, quoted like an identifier if necessary.
 *
 * Raises 22004 (name is null), 42602 (it is not a name), and the errors of
 * CREATE TABLE.
 */
Datum
bulk_update_create_rejects(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"name\" of bulk_update_create_rejects must not be null"),
				 errdetail("The argument is null."), errhint("Specify a name for the table.")));

	SPI_connect();

	Oid relid = bulkupdate::reject_table_create(PG_GETARG_TEXT_PP(0));

	SPI_finish();
	PG_RETURN_OID(relid);
}

/*
 * bulk_update_create_old_values
 *		SQL: bulk_update_create_old_values(name text, target regclass, columns name[],
 *		key_columns name[]) returns regclass
 *
 * Creates a table for argument "old_values".  columns: those that calls update; null for all.
 *
 * Raises 22004 (name or target is null), and the errors of column_names_of_call() and
 * old_value_table_create().
 */
Datum
bulk_update_create_old_values(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"name", "target"};

	for (int i = 0; i < 2; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" of bulk_update_create_old_values must not be null",
							arguments[i]),
					 errdetail("The argument is null."),
					 errhint("Specify a name for the table, and the table to update.")));

	SPI_connect();

	Oid relid = bulkupdate::old_value_table_create(
		PG_GETARG_TEXT_PP(0), PG_GETARG_OID(1),
		bulkupdate::column_names_of_call(fcinfo, 2, "columns"),
		bulkupdate::column_names_of_call(fcinfo, 3, "key_columns"));

	SPI_finish();
	PG_RETURN_OID(relid);
}

/*
 * bulk_update_undo
 *		SQL: bulk_update_undo(target, old_values regclass, run bigint, key_columns, ...)
 *
 * Like bulk_update() with the old values that a call kept, for rows that still have its new
 * values.  Raises the errors of call_source_open(), options_from_call() and run_call().
 */
Datum
bulk_update_undo(PG_FUNCTION_ARGS)
{
	return update(fcinfo, SourceKind::Undo);
}

/*
 * bulk_update_progress_entries
 *		SQL: the set-returning function of the view bulk_update_progress.
 */
Datum
bulk_update_progress_entries(PG_FUNCTION_ARGS)
{
	bulkupdate::progress_entries(fcinfo);
	return static_cast<Datum>(0);
}
