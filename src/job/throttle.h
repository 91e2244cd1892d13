/*
 * throttle.h
 *		What a job waits for between two batches.
 */
#ifndef BULK_UPDATE_JOB_THROTTLE_H
#define BULK_UPDATE_JOB_THROTTLE_H

#include "call/progress.h"
#include "job/job.h"

namespace bulkupdate
{

/*
 * throttle_check
 *		Can the current user see what the settings make a job wait for?
 *
 * Raises 42501 (replication lag, without the privileges of pg_read_all_stats).
 */
void throttle_check(const JobSettings &settings);

/*
 * throttle_reason
 *		The reason why no batch may begin now, or Nothing.
 *
 * Runs the job's throttle query, so a snapshot must be active.
 *
 * Raises 42501 (as throttle_check()), 42804 (the query does not return one column of type
 * boolean), 21000 (not one row), 22004 (a null), and the errors of the query.
 */
WaitsFor throttle_reason(const JobSettings &settings);

/* throttle_name: as in messages and in the view of jobs. */
const char *throttle_name(WaitsFor reason);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_THROTTLE_H */
