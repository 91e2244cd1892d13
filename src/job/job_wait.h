/*
 * job_wait.h
 *		The waits of a session between two batches.
 */
#ifndef BULK_UPDATE_JOB_JOB_WAIT_H
#define BULK_UPDATE_JOB_JOB_WAIT_H

#include "job/job_session.h"

namespace bulkupdate
{

/* The batch that a session has done before; all 0: none in this CALL. */
struct BatchDone
{
	int64 rows;
	TimestampTz started_at;
	TimestampTz finished_at;
};

/*
 * wait_for_retry
 *		Wait until a time, without a snapshot; returns whether the job may go on.
 *
 * After a commit.  At least every second it looks whether the job may go on, as it is stored then.
 */
[[nodiscard]] bool wait_for_retry(JobSession &run, TimestampTz end);

/*
 * wait_for_batches
 *		After a commit: no batch could be taken.  Returns false if none is left but those that
 *		other sessions run, and a NOTICE says so if there are such; otherwise waits until those
 *		that other transactions have locked can be tried again, and returns whether the job may go
 *		on.
 *
 * since: the time of the first of these calls in a row, or 0; set by it.
 *
 * Raises 55000 (it has waited for longer than max_throttle), and the errors of may_go_on().
 */
[[nodiscard]] bool wait_for_batches(JobSession &run, TimestampTz &since);

/*
 * throttle
 *		Wait before the next batch as the job's settings say, without a snapshot; returns whether
 *		the job may go on.
 *
 * After a commit.  At least every second it looks at the job and its settings, as they are stored
 * then.  Raises 55000 (a signal has lasted longer than max_throttle), and the errors of
 * throttle_reason() and may_go_on().
 */
[[nodiscard]] bool throttle(JobSession &run, const BatchDone &done);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_WAIT_H */
