/*
 * job_wait.h
 *		The waits of a session between two batches.
 */
#ifndef BULK_UPDATE_JOB_JOB_WAIT_H
#define BULK_UPDATE_JOB_JOB_WAIT_H

#include "job/job_session.h"

namespace bulkupdate
{

/*
 * wait_until
 *		Wait until a time, without a snapshot; returns whether the job may go on.
 *
 * After a commit.  Every second it looks whether the job may go on, as it is stored then.
 */
[[nodiscard]] bool wait_until(JobSession &run, TimestampTz end, WaitsFor reason);

/*
 * throttle
 *		Wait after a batch of so many rows, which began at start, as the job's settings say;
 *		returns whether the job may go on.
 *
 * After a commit.  Raises 55000 (a signal has lasted longer than max_throttle), and the errors of
 * throttle_reason() and may_go_on().
 */
[[nodiscard]] bool throttle(JobSession &run, int64 rows, TimestampTz start);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_WAIT_H */
