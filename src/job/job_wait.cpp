/*
 * job_wait.cpp
 *		Waiting between batches.
 */
#include "job/job_wait.h"

#include "job/throttle.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* Milliseconds between two looks at what has been changed from other sessions. */
constexpr int64 POLL_INTERVAL = 1000;

void
sleep_for(int64 milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 static_cast<long>(milliseconds), WAIT_EVENT_PG_SLEEP);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* The sessions that run the job, this one among them. */
int64
count_sessions(const JobSession &run)
{
	const JobArgument arguments[] = {
		{OIDOID, ObjectIdGetDatum(run.tables.jobs)},
		{OIDOID, ObjectIdGetDatum(static_cast<uint32>(run.run))},
	};
	uint64 sessions = job_execute(
		run.tables,
		"SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype OPERATOR(pg_catalog.=) 'object' "
		"AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d "
		"WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) "
		"AND l.classid OPERATOR(pg_catalog.=) $1 AND l.objid OPERATOR(pg_catalog.=) $2 "
		"AND l.granted AND l.mode OPERATOR(pg_catalog.=) 'ShareLock'",
		arguments);

	return Max(static_cast<int64>(sessions), 1);
}

} /* namespace */

bool
wait_until(JobSession &run, TimestampTz end, WaitsFor reason)
{
	bool goes_on = true;

	progress_wait(run.progress, reason);
	for (;;)
	{
		int64 rest = (end - GetCurrentTimestamp() + 999) / 1000;

		if (rest <= 0)
			break;
		sleep_for(Min(rest, POLL_INTERVAL));
		if (rest <= POLL_INTERVAL)
			continue;
		begin_transaction(run);
		goes_on = may_go_on(run);
		commit_or_fail(run);
		if (!goes_on)
			break;
	}
	progress_wait(run.progress, WaitsFor::Nothing);
	return goes_on;
}

namespace
{

/* Wait as long as a signal says so. */
bool
wait_for_signals(JobSession &run)
{
	TimestampTz start = GetCurrentTimestamp();

	for (;;)
	{
		begin_transaction(run);
		if (!may_go_on(run))
		{
			commit_or_fail(run);
			return false;
		}

		WaitsFor reason =
			with_memory_context(run.scratch, [&] { return throttle_reason(run.job->settings); });
		int64 limit = run.job->settings.max_throttle;

		commit_or_fail(run);
		if (reason == WaitsFor::Nothing)
			return true;
		if (milliseconds_since(start) >= limit)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("job \"%s\" has waited too long for %s", run.name,
								   throttle_name(reason)),
							errdetail("It waited longer than max_throttle, which is %lld ms.",
									  static_cast<long long>(limit)),
							errhint("Run the job again later, or change its settings with "
									"bulk_update_job_alter().")));
		if (!wait_until(run, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), POLL_INTERVAL),
						reason))
			return false;
	}
}

} /* namespace */

bool
throttle(JobSession &run, int64 rows, TimestampTz start)
{
	begin_transaction(run);
	if (!may_go_on(run) || !has_pending_batches(run))
	{
		commit_or_fail(run);
		return true; /* that will be seen again */
	}

	TimestampTz after_pause =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), run.job->settings.pause);
	int64 rate = run.job->settings.rows_per_second;
	TimestampTz at_rate = start;

	if (rate > 0)
		at_rate += static_cast<int64>(1e6 * static_cast<double>(rows) *
									  static_cast<double>(count_sessions(run)) /
									  static_cast<double>(rate));

	commit_or_fail(run);
	FAULT_POINT(job_committed);
	return wait_until(run, after_pause, WaitsFor::Pause) &&
		   wait_until(run, at_rate, WaitsFor::Rate) && wait_for_signals(run);
}

} /* namespace bulkupdate */
