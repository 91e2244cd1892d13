/*
 * job_session.cpp
 *		The transactions of a session that runs a job.
 */
#include "job/job_session.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* A batch of this job that failed in another session since the CALL began, or nothing. */
void
require_no_failure(JobSession &run)
{
	const JobArgument arguments[] = {
		int8_argument(run.run),
		{TIMESTAMPTZOID, TimestampTzGetDatum(run.started_at)},
	};

	if (run.job->options.on_error != OnError::Stop)
		return;
	(void) job_execute(
		run.tables,
		"SELECT b.batch, b.message FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1 "
		"AND b.state OPERATOR(pg_catalog.=) 'failed' "
		"AND b.failed_at OPERATOR(pg_catalog.>) $2 LIMIT 1",
		arguments, [&](HeapTuple tuple, TupleDesc tuple_desc) {
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("a batch of job \"%s\" has failed in another session", run.name),
							errdetail("Batch %s: %s", SPI_getvalue(tuple, tuple_desc, 1),
									  SPI_getvalue(tuple, tuple_desc, 2)),
							errhint("Remove the cause, and run the job again.")));
		});
}

/*
 * Between two statements the server reports how many rows a session has written, and autovacuum
 * depends on it.  A CALL is one statement, and SPI_commit() begins the next transaction at once;
 * so end this one, which is empty, and report it here.  SPI would close the connections of a
 * caller such as DO; there it is reported when the CALL has ended.
 */
void
report_statistics(JobSession &run)
{
	SPI_finish();
	if (!SPI_inside_nonatomic_context())
	{
		CommitTransactionCommand();
		(void) pgstat_report_stat(false);
		StartTransactionCommand();
	}
	MemoryContextSwitchTo(PortalContext);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(run.memory);
}

} /* namespace */

int64
milliseconds_since(TimestampTz start)
{
	return (GetCurrentTimestamp() - start) / 1000;
}

void
begin_transaction(JobSession &run)
{
	MemoryContextReset(run.scratch);
	run.job = nullptr;
	EnsurePortalSnapshotExists();
}

void
begin_bookkeeping(JobSession &run)
{
	XactIsoLevel = XACT_READ_COMMITTED;
	begin_transaction(run);
}

void
begin_batch(JobSession &)
{
	EnsurePortalSnapshotExists();
}

ErrorData *
commit(JobSession &run)
{
	ErrorData *volatile error = nullptr;

	FAULT_POINT(job_commit);
	PG_TRY();
	{
		SPI_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run.memory);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(run.memory);
	if (error == nullptr)
		report_statistics(run);
	return error;
}

void
commit_or_fail(JobSession &run)
{
	ErrorData *error = commit(run);

	if (error != nullptr)
		ReThrowError(error);
}

void
read_job(JobSession &run)
{
	run.job = with_memory_context(run.scratch, [&] { return job_find(run.tables, run.name); });
	job_require_owner(*run.job);
	if (run.run != 0 && run.job->run != run.run)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" has been dropped", run.name),
				 errdetail("Another job has its name now."),
				 errhint("CALL bulk_update_job_run() again to run that one.")));
}

bool
has_pending_batches(const JobSession &run)
{
	const JobArgument arguments[] = {int8_argument(run.run)};

	return job_execute(run.tables,
					   "SELECT FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1 "
					   "AND b.state OPERATOR(pg_catalog.=) 'pending' LIMIT 1",
					   arguments) > 0;
}

/*
 * The condition that a row of pg_locks is the lock of a session that runs the job; $2 and $3 are
 * the table and the number in the lock.
 */
#define IS_LOCK_OF_JOB(l)                                                                 \
	l ".locktype OPERATOR(pg_catalog.=) 'object' AND " l ".granted AND " l ".mode "       \
	  "OPERATOR(pg_catalog.=) 'ShareLock' AND " l                                         \
	  ".database OPERATOR(pg_catalog.=) (SELECT d.oid "                                   \
	  "FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) "          \
	  "pg_catalog.current_database()) AND " l ".classid OPERATOR(pg_catalog.=) $2 AND " l \
	  ".objid "                                                                           \
	  "OPERATOR(pg_catalog.=) $3"

bool
has_free_batches(const JobSession &run)
{
	const JobArgument arguments[] = {
		int8_argument(run.run),
		{OIDOID, ObjectIdGetDatum(run.tables.jobs)},
		{OIDOID, ObjectIdGetDatum(static_cast<uint32>(run.run))},
	};

	return job_execute(run.tables,
					   "SELECT FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1 "
					   "AND b.state OPERATOR(pg_catalog.=) 'pending' AND NOT EXISTS ("
					   "SELECT FROM pg_catalog.pg_locks AS t JOIN pg_catalog.pg_locks AS s "
					   "ON s.pid OPERATOR(pg_catalog.=) t.pid "
					   "WHERE t.locktype OPERATOR(pg_catalog.=) 'transactionid' AND t.granted "
					   "AND t.mode OPERATOR(pg_catalog.=) 'ExclusiveLock' "
					   "AND t.transactionid OPERATOR(pg_catalog.=) b.xmax "
					   "AND " IS_LOCK_OF_JOB("s") ") LIMIT 1",
					   arguments) > 0;
}

int64
count_sessions(const JobSession &run)
{
	const JobArgument arguments[] = {
		int8_argument(run.run),
		{OIDOID, ObjectIdGetDatum(run.tables.jobs)},
		{OIDOID, ObjectIdGetDatum(static_cast<uint32>(run.run))},
	};
	uint64 sessions = job_execute(
		run.tables, "SELECT FROM pg_catalog.pg_locks AS l WHERE " IS_LOCK_OF_JOB("l"), arguments);

	return Max(static_cast<int64>(sessions), 1);
}
#undef IS_LOCK_OF_JOB

bool
may_go_on(JobSession &run)
{
	read_job(run);
	if (run.job->cancelled)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("job \"%s\" is cancelled", run.name),
						errdetail("The batches that are done stay done."),
						errhint("Create another job for the remaining rows.")));
	if (run.job->restored)
	{
		ereport(NOTICE, (errmsg("job \"%s\" is paused because it has been restored", run.name),
						 errhint("Use bulk_update_job_resume().")));
		return false;
	}
	if (run.job->has_new_owner)
	{
		ereport(NOTICE,
				(errmsg("job \"%s\" is paused because its rows have been given to another role",
						run.name),
				 errhint("Look at its settings in the view bulk_update_jobs, and use "
						 "bulk_update_job_resume().")));
		return false;
	}
	if (run.job->paused)
	{
		ereport(NOTICE, (errmsg("job \"%s\" is paused", run.name)));
		return false;
	}
	require_no_failure(run);
	if (run.limits.batches >= 0 && run.batches_done >= run.limits.batches)
		return false;
	return run.limits.milliseconds < 0 ||
		   milliseconds_since(run.started_at) < run.limits.milliseconds;
}

} /* namespace bulkupdate */
