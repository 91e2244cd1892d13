/*
 * batch.cpp
 *		Applying a batch of a job.
 */
#include "job/batch.h"

#include "policies.h"
#include "run.h"
#include "server/command.h"
#include "server/fault.h"
#include "server/guc.h"
#include "source/call_source.h"

namespace bulkupdate
{

namespace
{

/* The failure after which a batch is divided. */
constexpr int DIVIDE_AFTER = 2;

int64
int8_of(HeapTuple tuple, TupleDesc tuple_desc, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(tuple, tuple_desc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

void
require_tables(const Job &job)
{
	if (get_rel_relkind(job.options.target) == '\0')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the table that job \"%s\" updates does not exist", job.name),
						errdetail("It has been dropped."),
						errhint("Drop the job with bulk_update_job_drop().")));
	job_require_rows_table(job);
}

void
require_all_rows(const Job &job, const Batch &batch, const CallTotal &total)
{
	long long rows = batch_rows(batch);

	if (total.rows_fetched == rows)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("rows of job \"%s\" have been changed in table \"%s\"", job.name,
						   get_rel_name(job.rows_table)),
					errdetail("Of %lld rows of batch %lld, %lld are as the job has stored them.",
							  rows, static_cast<long long>(batch.number),
							  static_cast<long long>(total.rows_fetched)),
					errhint("Drop the job with bulk_update_job_drop(), and create it again.")));
}

/*
 * Until the end of the transaction, also on the nodes of Citus: it sends them what SET LOCAL sets,
 * and only if a setting says so.
 */
void
set_lock_timeout(int64 milliseconds)
{
	const char *sends = "citus.propagate_set_commands";
	const Setting settings[] = {{sends, "local"}};
	bool has_citus = GetConfigOption(sends, true, false) != nullptr;
	int nest_level = begin_settings(Span<const Setting>{settings, has_citus ? 1 : 0});

	SPI_connect();
	run_command(psprintf("SET LOCAL lock_timeout = %lld", static_cast<long long>(milliseconds)));
	SPI_finish();
	end_settings(nest_level);
}

/* Batches that end at the same time are counted one after the other. */
void
check_reject_limit_of_job(const JobTables &tables, const Job &job, const CallTotal &total)
{
	int64 rejected = total.counts[static_cast<int>(Outcome::Rejected)];
	const JobArgument arguments[] = {int8_argument(job.run), int8_argument(rejected)};

	if (job.options.reject_limit < 0 || rejected == 0)
		return;
	(void) job_execute(tables,
					   "UPDATE $J AS j SET rows_rejected = j.rows_rejected OPERATOR(pg_catalog.+) "
					   "$2 WHERE j.run OPERATOR(pg_catalog.=) $1 RETURNING j.rows_rejected",
					   arguments, [&](HeapTuple tuple, TupleDesc tuple_desc) {
						   rejected = int8_of(tuple, tuple_desc, 1);
					   });
	check_reject_limit(job.options, rejected);
}

/* As a call of bulk_update_query() with the rows of the batch. */
void
apply_rows(const JobTables &tables, const Job &job, const Batch &batch, CallTotal &total)
{
	MemoryContext memory = CurrentMemoryContext;
	Options options = job.options;
	TransactionId xmin = job.restored ? InvalidTransactionId : job.rows_xmin;

	options.batch = batch.number;
	options.chunk_rows =
		static_cast<int>(Min(Max(batch_rows(batch), options.chunk_rows), PG_INT32_MAX));
	options.reject_limit = -1; /* it is one of the job */
	options.source =
		frozen_table_query(job.rows_table, job.columns, {batch.first_row, batch.last_row, xmin});
	SPI_connect();

	CallSource source = query_source_open(options);

	run_call(options, source.portal, "the rows of the job",
			 {tables.function, {nullptr, &total, memory}, batch_rows(batch), job.run, nullptr});
	call_source_close(source);
	(void) SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0);
	SPI_finish();
}

void
record_outcomes(const JobTables &tables, const Job &job, const Batch &batch, const CallTotal &total,
				TimestampTz started_at)
{
	auto count = [&](Outcome outcome) {
		return int8_argument(total.counts[static_cast<int>(outcome)]);
	};
	const JobArgument arguments[] = {
		int8_argument(job.run),
		int8_argument(batch.number),
		count(Outcome::Updated),
		count(Outcome::Unchanged),
		count(Outcome::Missing),
		count(Outcome::Stale),
		count(Outcome::Duplicate),
		count(Outcome::Rejected),
		text_argument(total.first_key),
		text_argument(total.last_key),
		{TIMESTAMPTZOID, TimestampTzGetDatum(started_at)},
		int8_argument(batch.first_row),
	};

	FAULT_POINT(job_account);

	uint64 recorded =
		job_execute(tables,
					"UPDATE $B AS b SET state = 'done', rows_updated = $3, rows_unchanged = $4, "
					"rows_missing = $5, rows_stale = $6, rows_duplicate = $7, rows_rejected = $8, "
					"first_key = $9, last_key = $10, started_at = $11, "
					"finished_at = pg_catalog.clock_timestamp() "
					"WHERE b.run OPERATOR(pg_catalog.=) $1 AND b.batch OPERATOR(pg_catalog.=) $2 "
					"AND b.state OPERATOR(pg_catalog.=) 'pending' "
					"AND b.first_row OPERATOR(pg_catalog.=) $12", /* for whichever index */
					arguments);

	/* A trigger can change the job of its own transaction. */
	if (recorded != 1)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("batch %lld of job \"%s\" has been removed while it was run",
							   static_cast<long long>(batch.number), job.name),
						errdetail("Code that the batch runs has altered or dropped the job."),
						errhint("Do not change a job in triggers and functions that it runs.")));
}

} /* namespace */

bool
batch_take(const JobTables &tables, const Job &job, Batch &batch)
{
	const JobArgument arguments[] = {int8_argument(job.run)};

	FAULT_POINT(job_claim);
	return job_execute(tables,
					   "SELECT b.batch, b.first_row, b.last_row, b.failures::pg_catalog.int8 "
					   "FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1 "
					   "AND b.state OPERATOR(pg_catalog.=) 'pending' "
					   "ORDER BY b.first_row USING OPERATOR(pg_catalog.<) LIMIT 1 "
					   "FOR UPDATE SKIP LOCKED",
					   arguments, [&](HeapTuple tuple, TupleDesc tuple_desc) {
						   batch = {int8_of(tuple, tuple_desc, 1), int8_of(tuple, tuple_desc, 2),
									int8_of(tuple, tuple_desc, 3),
									static_cast<int>(int8_of(tuple, tuple_desc, 4))};
					   }) > 0;
}

void
batch_apply(const JobTables &tables, const Job &job, const Batch &batch)
{
	CallTotal total = {};
	TimestampTz started_at = GetCurrentTimestamp();

	if (job.settings.lock_timeout > 0)
		set_lock_timeout(job.settings.lock_timeout);
	require_tables(job);
	FAULT_POINT(job_batch);
	apply_rows(tables, job, batch, total);
	require_all_rows(job, batch, total);
	check_reject_limit_of_job(tables, job, total);
	record_outcomes(tables, job, batch, total, started_at);
}

bool
can_be_tried_again(const ErrorData &error)
{
	return error.sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   error.sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   error.sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

bool
batch_failed(const JobTables &tables, const Job &job, const Batch &batch, const ErrorData &error)
{
	int failures = batch.failures + 1;
	bool again = can_be_tried_again(error) && failures <= job.settings.max_retries;
	bool divides = again && failures >= DIVIDE_AFTER && batch_rows(batch) > 1;
	int64 last_row = divides ? batch.first_row + batch_rows(batch) / 2 - 1 : batch.last_row;
	const JobArgument arguments[] = {
		int8_argument(job.run),
		int8_argument(batch.number),
		int8_argument(last_row),
		int8_argument(failures),
		text_argument(again ? "pending" : "failed"),
		text_argument(unpack_sql_state(error.sqlerrcode)),
		text_argument(error.message),
		int8_argument(batch.last_row),
		int8_argument(batch.failures),
		text_argument(error.detail),
		int8_argument(batch.first_row),
	};
	const JobArgument rest[] = {
		int8_argument(job.run),
		int8_argument(last_row + 1),
		int8_argument(batch.last_row),
		int8_argument(failures),
	};

	FAULT_POINT(job_failed);

	job_lock_batches(tables, job);

	uint64 recorded = job_execute(
		tables,
		"UPDATE $B AS b SET state = $5, last_row = $3, failures = $4, "
		"failed_at = pg_catalog.clock_timestamp(), sqlstate = $6, message = $7, "
		"detail = $10 "
		"FROM (SELECT c.run, c.batch FROM $B AS c WHERE c.run OPERATOR(pg_catalog.=) $1 "
		"AND c.batch OPERATOR(pg_catalog.=) $2 AND c.state OPERATOR(pg_catalog.=) 'pending' "
		"AND c.first_row OPERATOR(pg_catalog.=) $11 "
		"AND c.last_row OPERATOR(pg_catalog.=) $8 AND c.failures OPERATOR(pg_catalog.=) $9 "
		"FOR UPDATE SKIP LOCKED) AS c "
		"WHERE b.run OPERATOR(pg_catalog.=) c.run AND b.batch OPERATOR(pg_catalog.=) c.batch",
		arguments);

	if (recorded > 0 && divides)
		(void) job_execute(tables,
						   "INSERT INTO $B (run, batch, first_row, last_row, failures) "
						   "SELECT $1, pg_catalog.max(b.batch) OPERATOR(pg_catalog.+) 1, $2, $3, "
						   "$4 FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1",
						   rest);
	return again;
}

} /* namespace bulkupdate */
