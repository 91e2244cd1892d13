/*
 * job_functions.cpp
 *		Entry points of jobs: they take SQL arguments.
 */
#include <initializer_list>

#include "job/job_control.h"
#include "job/job_create.h"
#include "job/job_run.h"

extern "C"
{
PG_FUNCTION_INFO_V1(bulk_update_job_create);
PG_FUNCTION_INFO_V1(bulk_update_job_undo);
PG_FUNCTION_INFO_V1(bulk_update_job_run);
PG_FUNCTION_INFO_V1(bulk_update_job_alter);
PG_FUNCTION_INFO_V1(bulk_update_job_pause);
PG_FUNCTION_INFO_V1(bulk_update_job_resume);
PG_FUNCTION_INFO_V1(bulk_update_job_cancel);
PG_FUNCTION_INFO_V1(bulk_update_job_drop);
}

using bulkupdate::Job;
using bulkupdate::job_create;
using bulkupdate::job_find;
using bulkupdate::job_tables_of;
using bulkupdate::JobTables;
using bulkupdate::Options;
using bulkupdate::options_from_call;
using bulkupdate::SourceKind;

namespace
{

/* Rows of a chunk while the rows of a job are stored. */
constexpr int FREEZE_CHUNK_ROWS = 10000;

const char *
string_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* The arguments of a call of bulk_update_query() or bulk_update_undo(), one after the other. */
struct CallArguments
{
	FunctionCallInfo call;
	FunctionCallInfo fcinfo;
	short n;

	void add(Datum value) { call->args[n++] = {value, false}; }
	void add_argument(int argument) { call->args[n++] = fcinfo->args[argument]; }
	void add_null() { call->args[n++] = {static_cast<Datum>(0), true}; }
	void add_word(const char *word) { add(CStringGetTextDatum(word)); }
};

template <typename Body>
Datum
with_job(FunctionCallInfo fcinfo, Body body)
{
	JobTables tables = job_tables_of(fcinfo->flinfo->fn_oid);
	const Job &job = *job_find(tables, string_argument(fcinfo, 0));

	body(tables, job);
	PG_RETURN_VOID();
}

} /* namespace */

/*
 * bulk_update_job_create
 *		SQL: bulk_update_job_create(name text, target regclass, query text, ...) returns bigint
 *
 * The number of rows to apply.  Raises 22004 (batch_rows is null), and the errors of
 * options_from_call() and job_create().
 */
Datum
bulk_update_job_create(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 17);
	CallArguments arguments = {call, fcinfo, 0};
	enum
	{
		NAME,
		TARGET,
		QUERY,
		COLUMNS,
		KEY_COLUMNS,
		BATCH_ROWS,
		ON_MISSING,
		ON_DUPLICATE,
		ON_ERROR,
		SKIP_UNCHANGED,
		REJECTS,
		REJECT_LIMIT,
		DRY_RUN,
		EXPECTED_COLUMNS,
		ON_STALE,
		OLD_VALUES,
		ROWS_TABLE
	};

	if (PG_ARGISNULL(BATCH_ROWS))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("batch_rows must not be null"), errdetail("The argument is null."),
						errhint("Omit the argument to use its default.")));
	for (int argument : {TARGET, QUERY, COLUMNS, KEY_COLUMNS})
		arguments.add_argument(argument);
	arguments.add(Int32GetDatum(FREEZE_CHUNK_ROWS));
	for (int argument :
		 {ON_MISSING, ON_DUPLICATE, ON_ERROR, SKIP_UNCHANGED, REJECTS, REJECT_LIMIT, DRY_RUN})
		arguments.add_argument(argument);
	arguments.add_word("sort");
	arguments.add_word("total");
	for (int argument : {EXPECTED_COLUMNS, ON_STALE, OLD_VALUES})
		arguments.add_argument(argument);

	Options options = options_from_call(call, SourceKind::Query);

	PG_RETURN_INT64(job_create(fcinfo,
							   {string_argument(fcinfo, NAME), string_argument(fcinfo, ROWS_TABLE),
								PG_GETARG_INT32(BATCH_ROWS)},
							   options));
}

/*
 * bulk_update_job_undo
 *		SQL: bulk_update_job_undo(name text, new_name text, ...) returns bigint
 *
 * Creates a job from the old values that another one has kept.  Raises 55000 (it keeps none),
 * 55006 (a session runs it), and the errors of job_find(), job_require_member(),
 * options_from_call() and job_create().
 */
Datum
bulk_update_job_undo(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 17);
	CallArguments arguments = {call, fcinfo, 0};
	enum
	{
		NAME,
		NEW_NAME,
		BATCH_ROWS,
		ON_STALE,
		REJECTS,
		DRY_RUN,
		REDO_VALUES,
		ROWS_TABLE
	};
	JobTables tables = job_tables_of(fcinfo->flinfo->fn_oid);
	const Job &job = *job_find(tables, string_argument(fcinfo, NAME));

	bulkupdate::job_require_member(job);
	if (!OidIsValid(job.options.old_values))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("job \"%s\" keeps no old values", job.name),
						errdetail("It was created without argument \"old_values\"."),
						errhint("Only jobs that keep the old values can be undone.")));
	bulkupdate::job_lock_alone(tables, job, "undo");

	arguments.add(ObjectIdGetDatum(job.options.target));
	arguments.add(ObjectIdGetDatum(job.options.old_values));
	arguments.add(Int64GetDatum(job.run));
	arguments.add(bulkupdate::names_datum(job.columns.keys));
	arguments.add(Int32GetDatum(FREEZE_CHUNK_ROWS));
	for (const char *word : {"ignore", "error", "stop"})
		arguments.add_word(word);
	arguments.add(BoolGetDatum(true));
	arguments.add_argument(REJECTS);
	arguments.add_null();
	arguments.add_argument(DRY_RUN);
	arguments.add_word("sort");
	arguments.add_word("total");
	arguments.add_argument(ON_STALE);
	arguments.add_argument(REDO_VALUES);

	Options options = options_from_call(call, SourceKind::Undo);

	PG_RETURN_INT64(job_create(
		fcinfo,
		{string_argument(fcinfo, NEW_NAME), string_argument(fcinfo, ROWS_TABLE),
		 PG_ARGISNULL(BATCH_ROWS) ? job.options.chunk_rows : PG_GETARG_INT32(BATCH_ROWS)},
		options));
}

/*
 * bulk_update_job_run
 *		SQL: CALL bulk_update_job_run(name text, max_batches bigint, max_time interval)
 *
 * Raises 22023 (a negative limit) and the errors of job_run().
 */
Datum
bulk_update_job_run(PG_FUNCTION_ARGS)
{
	bulkupdate::job_require_commit(fcinfo);

	bulkupdate::RunLimits limits = {-1, -1};
	double milliseconds = PG_ARGISNULL(2) ? -1 : bulkupdate::job_milliseconds(PG_GETARG_DATUM(2));

	if (!PG_ARGISNULL(1))
		limits.batches = PG_GETARG_INT64(1);
	if (!PG_ARGISNULL(2) && milliseconds <= static_cast<double>(PG_INT64_MAX / 2))
		limits.milliseconds = static_cast<int64>(milliseconds);
	if ((!PG_ARGISNULL(1) && limits.batches < 0) || (!PG_ARGISNULL(2) && milliseconds < 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_batches and max_time must not be negative"),
						errdetail("They limit what one CALL does."),
						errhint("Omit them to run the job to its end.")));
	bulkupdate::job_run(fcinfo, string_argument(fcinfo, 0), limits);
	PG_RETURN_VOID();
}

/* bulk_update_job_alter: SQL: bulk_update_job_alter(name text, ...).  Errors: job_alter(). */
Datum
bulk_update_job_alter(PG_FUNCTION_ARGS)
{
	return with_job(fcinfo, [&](const JobTables &tables, const Job &job) {
		bulkupdate::job_alter(fcinfo, tables, job);
	});
}

/* bulk_update_job_pause: SQL: bulk_update_job_pause(name text).  Errors: job_set_paused(). */
Datum
bulk_update_job_pause(PG_FUNCTION_ARGS)
{
	return with_job(fcinfo, [&](const JobTables &tables, const Job &job) {
		bulkupdate::job_set_paused(tables, job, true);
	});
}

/*
 * bulk_update_job_resume
 *		SQL: bulk_update_job_resume(name text)
 *
 * Ends a pause.  Raises the errors of job_set_paused() and job_accept().
 */
Datum
bulk_update_job_resume(PG_FUNCTION_ARGS)
{
	return with_job(fcinfo, [&](const JobTables &tables, const Job &job) {
		bulkupdate::job_set_paused(tables, job, false);
		bulkupdate::job_accept(tables, job);
	});
}

/* bulk_update_job_cancel: SQL: bulk_update_job_cancel(name text).  Errors: job_cancel(). */
Datum
bulk_update_job_cancel(PG_FUNCTION_ARGS)
{
	return with_job(fcinfo, [&](const JobTables &tables, const Job &job) {
		bulkupdate::job_cancel(tables, job);
	});
}

/* bulk_update_job_drop: SQL: bulk_update_job_drop(name text).  Errors: job_drop(). */
Datum
bulk_update_job_drop(PG_FUNCTION_ARGS)
{
	return with_job(fcinfo, [&](const JobTables &tables, const Job &job) {
		bulkupdate::job_drop(tables, job);
	});
}
