/*
 * job_create.cpp
 *		Storing the rows of a job, and the job.
 */
#include "job/job_create.h"

#include "report/side_table.h"
#include "run.h"
#include "source/call_source.h"

namespace bulkupdate
{

namespace
{

void
refuse_taken(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("job \"%s\" already exists", name),
					errdetail("The names of jobs are unique in a database."),
					errhint("Use another name, or drop the job with bulk_update_job_drop().")));
}

void
check(const JobTables &tables, const NewJob &job)
{
	if (job.name == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("name of a job must not be null"),
				 errdetail("The argument is null."), errhint("Specify a name.")));
	if (*job.name == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("name of a job must not be empty"),
						errdetail("It is an empty string."), errhint("Specify a name.")));
	job_check_batch_rows(job.batch_rows, "Omit the argument to use its default.");

	/* Before anything is read; somebody else may still take the name. */
	const JobArgument arguments[] = {text_argument(job.name)};

	if (job_execute(tables, "SELECT FROM $J AS j WHERE j.name OPERATOR(pg_catalog.=) $1",
					arguments) > 0)
		refuse_taken(job.name);
}

text *
rows_table_name(const NewJob &job)
{
	constexpr int SUFFIX = 5;

	if (job.rows_table != nullptr)
		return cstring_to_text(job.rows_table);

	int length = static_cast<int>(strlen(job.name));

	length = pg_mbcliplen(job.name, length, NAMEDATALEN - 1 - SUFFIX);
	return cstring_to_text(quote_identifier(psprintf("%.*s_rows", length, job.name)));
}

/* An array of type name[], or a null if it is empty. */
JobArgument
names_argument(Span<const char *> names)
{
	return {NAMEARRAYOID, names_datum(names), names.size == 0};
}

JobArgument
oid_argument(Oid type, Oid oid)
{
	return {type, ObjectIdGetDatum(oid), !OidIsValid(oid)};
}

JobArgument
flag_argument(bool flag)
{
	return {BOOLOID, BoolGetDatum(flag)};
}

template <typename Choice>
JobArgument
choice_argument(Choice choice, Span<const char *const> words)
{
	return text_argument(words[static_cast<int>(choice)]);
}

void
store_job(const JobTables &tables, const NewJob &job, const Options &options, int64 run,
		  const Freeze &freeze, const CallTotal &total)
{
	const JobArgument arguments[] = {
		int8_argument(run),
		text_argument(job.name),
		oid_argument(OIDOID, GetUserId()),
		oid_argument(REGCLASSOID, options.target),
		oid_argument(REGCLASSOID, freeze.rows.table),
		{XIDOID, TransactionIdGetDatum(freeze.rows.xmin)},
		int8_argument(total.rows_fetched),
		int8_argument(freeze.rows.rows),
		{INT8OID, Int64GetDatum(options.run), options.source_kind != SourceKind::Undo},
		names_argument(freeze.columns.columns),
		names_argument(freeze.columns.keys),
		names_argument(freeze.columns.expected),
		choice_argument(options.on_missing, ON_MISSING_WORDS),
		choice_argument(options.on_duplicate, ON_DUPLICATE_WORDS),
		choice_argument(options.on_error, ON_ERROR_WORDS),
		choice_argument(options.on_stale, ON_STALE_WORDS),
		flag_argument(options.skip_unchanged),
		flag_argument(options.dry_run),
		oid_argument(REGCLASSOID, options.rejects),
		{INT8OID, Int64GetDatum(options.reject_limit), options.reject_limit < 0},
		oid_argument(REGCLASSOID, options.old_values),
		{INT4OID, Int32GetDatum(job.batch_rows)},
		int8_argument(total.counts[static_cast<int>(Outcome::Rejected)]),
	};
	uint64 stored = job_execute(
		tables,
		"INSERT INTO $J (run, name, owner, target, rows_table, rows_table_oid, rows_xmin, "
		"rows_total, rows_to_apply, undoes, columns, key_columns, expected_columns, on_missing, "
		"on_duplicate, on_error, on_stale, skip_unchanged, dry_run, rejects, reject_limit, "
		"old_values, batch_rows, rows_rejected, created_at) "
		"VALUES ($1, $2, $3, $4, $5, $5::pg_catalog.oid, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
		"$15, $16, $17, $18, $19, $20, $21, $22, $23, "
		"pg_catalog.now()) "
		"ON CONFLICT ON CONSTRAINT bulk_update_job_name_key DO NOTHING",
		arguments);

	if (stored == 0)
		refuse_taken(job.name);
}

/* Batch 0 has the rows that were not stored. */
void
store_batches(const JobTables &tables, const NewJob &job, int64 run, const Freeze &freeze,
			  const CallTotal &total)
{
	auto count = [&](Outcome outcome) {
		return int8_argument(total.counts[static_cast<int>(outcome)]);
	};
	const JobArgument decided[] = {
		int8_argument(run),
		count(Outcome::Missing),
		count(Outcome::Duplicate),
		count(Outcome::Rejected),
	};
	const JobArgument ranges[] = {
		int8_argument(run),
		int8_argument(freeze.rows.rows),
		int8_argument(job.batch_rows),
	};

	(void) job_execute(tables,
					   "INSERT INTO $B (run, batch, first_row, last_row, state, rows_missing, "
					   "rows_duplicate, rows_rejected, started_at, finished_at) VALUES ($1, 0, 0, "
					   "0, 'done', $2, $3, $4, pg_catalog.now(), pg_catalog.clock_timestamp())",
					   decided);
	(void) job_execute(tables,
					   "INSERT INTO $B (run, batch, first_row, last_row) SELECT $1, (f.first "
					   "OPERATOR(pg_catalog.-) 1) "
					   "OPERATOR(pg_catalog./) $3 OPERATOR(pg_catalog.+) 1, f.first, LEAST(f.first "
					   "OPERATOR(pg_catalog.+) $3 OPERATOR(pg_catalog.-) 1, $2) "
					   "FROM pg_catalog.generate_series(1::pg_catalog.int8, $2, $3) AS f (first)",
					   ranges);
}

} /* namespace */

int64
job_create(FunctionCallInfo fcinfo, const NewJob &job, Options &options)
{
	PreventCommandIfParallelMode("bulk_update_job_create()");
	SPI_connect();

	JobTables tables = job_tables_of(fcinfo->flinfo->fn_oid);

	check(tables, job);
	options.batch = 0;

	int64 run = run_number(tables.function);
	CallSource source = call_source_open(fcinfo, options);
	CallTotal total = {};
	Freeze freeze = {rows_table_name(job), {}, {}};

	run_call(options, source.portal, source.label,
			 {tables.function, {nullptr, &total, CurrentMemoryContext}, source.rows, run, &freeze});
	call_source_close(source);
	frozen_table_finish(freeze.rows.table);
	store_job(tables, job, options, run, freeze, total);
	store_batches(tables, job, run, freeze, total);
	SPI_finish();
	return freeze.rows.rows;
}

} /* namespace bulkupdate */
