/*
 * job_run.cpp
 *		The loop over the batches of a job.
 */
#include "job/job_run.h"

#include "call/progress_text.h"
#include "job/job_wait.h"
#include "job/throttle.h"
#include "server/subtransaction.h"

namespace bulkupdate
{

namespace
{

/* Milliseconds before a batch is tried again: the first time, and at most. */
constexpr int64 FIRST_BACKOFF = 100;
constexpr int64 MAX_BACKOFF = 10000;

void
batch_error_context(void *arg)
{
	const JobSession &run = *static_cast<const JobSession *>(arg);

	if (run.has_batch)
		errcontext("batch %lld of job \"%s\", rows %lld to %lld",
				   static_cast<long long>(run.batch.number), run.name,
				   static_cast<long long>(run.batch.first_row),
				   static_cast<long long>(run.batch.last_row));
}

/* Take a batch and apply it; returns its error, in the memory of the CALL. */
ErrorData *
try_batch(JobSession &run)
{
	ErrorData *error = nullptr;

	run.has_batch = false;
	(void) run_in_subtransaction(
		AtEnd::Keep,
		[&] {
			with_memory_context(run.scratch, [&] {
				run.has_batch = batch_take(run.tables, *run.job, run.batch);
				if (!run.has_batch)
					return;
				run.progress.batch = run.batch.number;
				with_error_context(batch_error_context, &run,
								   [&] { batch_apply(run.tables, *run.job, run.batch); });
			});
		},
		[&] {
			error = CopyErrorData();
			FlushErrorState();
		});
	return error;
}

/* Errors after which the batch is as if it had never begun, and has not failed. */
bool
ends_session_or_call(const ErrorData &error)
{
	return ERRCODE_TO_CATEGORY(error.sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

/* Roll back, and record the failure; returns whether the job may go on. */
bool
after_failure(JobSession &run, ErrorData *error)
{
	int64 backoff = Min(FIRST_BACKOFF << Min(run.batch.failures, 10), MAX_BACKOFF);

	SPI_rollback();
	job_lock_shared(run.tables, run.run);
	if (ends_session_or_call(*error))
		ReThrowError(error);
	if (!run.has_batch)
	{
		/* From REPEATABLE READ on, a batch cannot be taken that another session has just done. */
		if (error->sqlerrcode != ERRCODE_T_R_SERIALIZATION_FAILURE)
			ReThrowError(error);
		FreeErrorData(error);
		return true;
	}

	begin_bookkeeping(run);
	read_job(run);

	bool again = with_memory_context(
		run.scratch, [&] { return batch_failed(run.tables, *run.job, run.batch, *error); });
	bool stops =
		!again && (run.job->options.on_error == OnError::Stop || !can_be_tried_again(*error));

	commit_or_fail(run);
	if (stops)
		ReThrowError(error);
	if (!again)
	{
		if (run.failure == nullptr)
			run.failure = error;
		return true;
	}
	ereport(NOTICE, (errmsg("batch %lld of job \"%s\" will be tried again: %s",
							static_cast<long long>(run.batch.number), run.name, error->message)));
	FreeErrorData(error);
	backoff = (backoff * 16 + backoff * (MyProcPid % 16)) / 32;
	return wait_for_retry(run, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), backoff));
}

void
notice_when_due(JobSession &run)
{
	const JobArgument arguments[] = {int8_argument(run.run)};
	double rows = 0;
	double all_rows = 0;
	double seconds = static_cast<double>(milliseconds_since(run.started_at)) / 1000;

	if (!progress_notice_is_due(run.progress))
		return;
	begin_bookkeeping(run);
	with_memory_context(run.scratch, [&] {
		(void) job_execute(
			run.tables,
			"SELECT pg_catalog.sum(b.last_row OPERATOR(pg_catalog.-) b.first_row "
			"OPERATOR(pg_catalog.+) 1) FILTER (WHERE b.state OPERATOR(pg_catalog.=) 'done')"
			"::pg_catalog.float8, pg_catalog.max(b.last_row)::pg_catalog.float8 FROM $B AS b "
			"WHERE b.run OPERATOR(pg_catalog.=) $1 AND b.batch OPERATOR(pg_catalog.>) 0",
			arguments, [&](HeapTuple tuple, TupleDesc tuple_desc) {
				bool isnull;

				rows = DatumGetFloat8(SPI_getbinval(tuple, tuple_desc, 1, &isnull));
				all_rows = DatumGetFloat8(SPI_getbinval(tuple, tuple_desc, 2, &isnull));
			});
		if (run.rows_done > 0)
			ereport(NOTICE, (errmsg("job \"%s\": %s of %s rows (%d %%), %s", run.name,
									grouped_number(static_cast<int64>(rows)),
									grouped_number(static_cast<int64>(all_rows)),
									static_cast<int>(100 * rows / all_rows),
									time_left((all_rows - rows) * seconds /
											  static_cast<double>(run.rows_done)))));
	});
	commit_or_fail(run);
}

/* Batches that failed before this CALL are tried again. */
void
retry_failed_batches(JobSession &run)
{
	const JobArgument arguments[] = {int8_argument(run.run)};

	(void) job_execute(run.tables,
					   "UPDATE $B AS b SET state = 'pending', failures = 0 "
					   "WHERE b.run OPERATOR(pg_catalog.=) $1 "
					   "AND b.state OPERATOR(pg_catalog.=) 'failed'",
					   arguments);
}

void
run_batches(JobSession &run)
{
	BatchDone done = {};
	TimestampTz locked_since = 0;

	while (throttle(run, done))
	{
		TimestampTz start = GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		begin_batch(run);

		ErrorData *error = try_batch(run);

		if (error == nullptr && !run.has_batch)
		{
			commit_or_fail(run);
			if (!wait_for_batches(run, locked_since))
				break;
			continue;
		}
		locked_since = 0;
		if (error == nullptr)
			error = commit(run);
		if (error != nullptr)
		{
			if (!after_failure(run, error))
				break;
			continue;
		}
		FAULT_POINT(job_committed);
		run.batches_done++;
		run.rows_done += batch_rows(run.batch);
		done = {batch_rows(run.batch), start, GetCurrentTimestamp()};
		notice_when_due(run);
	}
	commit_or_fail(run);
	if (run.failure != nullptr)
		ReThrowError(run.failure);
}

} /* namespace */

void
job_require_commit(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != nullptr && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
			 errmsg("bulk_update_job_run cannot commit its batches here"),
			 errdetail("The CALL is inside a transaction block, a function, or a procedure with a "
					   "SET clause or SECURITY DEFINER."),
			 errhint("CALL it outside of a transaction block, for example in autocommit mode.")));
}

void
job_run(FunctionCallInfo fcinfo, const char *name /* or NULL */, const RunLimits &limits)
{
	PreventCommandDuringRecovery("bulk_update_job_run()");

	MemoryContext memory =
		AllocSetContextCreate(PortalContext, "bulk_update job", ALLOCSET_DEFAULT_SIZES);

	with_memory_context(memory, [&] {
		keeping_memory_context([] { SPI_connect_ext(SPI_OPT_NONATOMIC); });

		JobSession &run = *palloc_one<JobSession>();

		run.memory = memory;
		run.scratch = AllocSetContextCreate(memory, "bulk_update batch", ALLOCSET_DEFAULT_SIZES);
		run.tables = job_tables_of(fcinfo->flinfo->fn_oid);
		run.name = name == nullptr ? nullptr : pstrdup(name);
		run.limits = limits;
		EnsurePortalSnapshotExists();
		read_job(run);
		throttle_check(run.job->settings);
		run.run = run.job->run;
		job_lock_shared(run.tables, run.run);
		run.started_at = GetCurrentTimestamp();
		progress_begin_job(run.progress, run.job->options.target, run.run);
		commit_or_fail(run);
		begin_bookkeeping(run);

		bool goes_on = may_go_on(run);

		if (goes_on)
			retry_failed_batches(run);
		commit_or_fail(run);
		if (goes_on)
			run_batches(run);
		job_unlock_shared(run.tables, run.run);
		keeping_memory_context([] { SPI_finish(); });
	});
	MemoryContextDelete(memory);
}

} /* namespace bulkupdate */
