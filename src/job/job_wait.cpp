/*
 * job_wait.cpp
 *		Waiting between batches.
 */
#include "job/job_wait.h"

#include "job/throttle.h"

namespace bulkupdate
{

namespace
{

/* Milliseconds between two looks at what has been changed from other sessions. */
constexpr int64 POLL_INTERVAL = 1000;

/* Milliseconds until a batch that another transaction has locked is tried again. */
constexpr int64 LOCKED_INTERVAL = 200;

/*
 * Sleep until a time, but not longer than until the next look.  The wait is part of a transaction
 * that has done nothing yet, and that must not be the one that transaction_timeout ends.
 */
void
sleep_until(TimestampTz end)
{
	int64 rest = (end - GetCurrentTimestamp() + 999) / 1000;
	int64 longest = POLL_INTERVAL;

	if (transaction_timeout() > 0)
		longest = Min(longest, Max(transaction_timeout() / 2, 1)); /* GCOVR_EXCL_LINE: from 17 on */
	if (rest > 0)
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 static_cast<long>(Min(rest, longest)), WAIT_EVENT_PG_SLEEP);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

struct Wait
{
	WaitsFor reason; /* Nothing: the next batch may begin */
	TimestampTz end;
};

/* As the job is stored now. */
Wait
next_wait(const JobSession &run, const BatchDone &done)
{
	const JobSettings &settings = run.job->settings;
	TimestampTz now = GetCurrentTimestamp();

	if (done.rows > 0)
	{
		TimestampTz end = TimestampTzPlusMilliseconds(done.finished_at, settings.pause);

		if (end > now)
			return {WaitsFor::Pause, end};
	}
	if (done.rows > 0 && settings.rows_per_second > 0)
	{
		double seconds = static_cast<double>(done.rows) * static_cast<double>(count_sessions(run)) /
						 static_cast<double>(settings.rows_per_second);
		TimestampTz end = done.started_at + static_cast<int64>(1e6 * seconds);

		if (end > now)
			return {WaitsFor::Rate, end};
	}
	return {with_memory_context(run.scratch, [&] { return throttle_reason(settings); }),
			TimestampTzPlusMilliseconds(now, POLL_INTERVAL)};
}

bool
is_signal(WaitsFor reason)
{
	return reason == WaitsFor::ReplicaLag || reason == WaitsFor::SlotLag ||
		   reason == WaitsFor::ThrottleQuery;
}

/* since: when the wait began, or 0 if it begins now; set by it. */
void
check_limit(const JobSession &run, const char *what, TimestampTz &since, int64 limit)
{
	if (since == 0)
		since = GetCurrentTimestamp();
	if (milliseconds_since(since) < limit)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("job \"%s\" has waited too long for %s", run.name, what),
					errdetail("It waited longer than max_throttle, which is %lld ms.",
							  static_cast<long long>(limit)),
					errhint("Run the job again later, or change its settings with "
							"bulk_update_job_alter().")));
}

} /* namespace */

bool
wait_for_retry(JobSession &run, TimestampTz end)
{
	bool goes_on = true;

	progress_wait(run.progress, WaitsFor::Retry);
	while (goes_on && end > GetCurrentTimestamp())
	{
		sleep_until(end);
		begin_bookkeeping(run);
		goes_on = may_go_on(run);
		commit_or_fail(run);
	}
	progress_wait(run.progress, WaitsFor::Nothing);
	return goes_on;
}

bool
wait_for_batches(JobSession &run, TimestampTz &since)
{
	begin_bookkeeping(run);
	read_job(run);

	bool has_free = has_free_batches(run);
	int64 limit = run.job->settings.max_throttle;

	if (!has_free && has_pending_batches(run))
		ereport(NOTICE,
				(errmsg("the last batches of job \"%s\" are run by other sessions", run.name)));
	commit_or_fail(run);
	if (!has_free)
		return false;
	check_limit(run, "batches that other transactions have locked", since, limit);
	return wait_for_retry(run, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOCKED_INTERVAL));
}

bool
throttle(JobSession &run, const BatchDone &done)
{
	TimestampTz signal_since = 0;

	for (;;)
	{
		Wait wait = {WaitsFor::Nothing, 0};

		begin_bookkeeping(run);

		bool goes_on = may_go_on(run);
		int64 limit = run.job->settings.max_throttle;

		if (goes_on && has_pending_batches(run))
			wait = next_wait(run, done);
		commit_or_fail(run);
		progress_wait(run.progress, wait.reason);
		if (wait.reason == WaitsFor::Nothing)
			return goes_on;
		if (is_signal(wait.reason))
			check_limit(run, throttle_name(wait.reason), signal_since, limit);
		sleep_until(wait.end);
	}
}

} /* namespace bulkupdate */
