/*
 * job_run.h
 *		Running the batches of a job, each in a transaction of its own.
 */
#ifndef BULK_UPDATE_JOB_JOB_RUN_H
#define BULK_UPDATE_JOB_JOB_RUN_H

#include "job/job_session.h"

namespace bulkupdate
{

/*
 * job_require_commit
 *		Can the caller's transaction be committed?
 *
 * Raises 2D000.
 */
void job_require_commit(FunctionCallInfo fcinfo);

/*
 * job_run
 *		Run the batches that are not done, as long as there are any that no other session runs.
 *
 * A batch that ends with a deadlock, a serialization failure or a lock timeout is tried again
 * later, from the third time on in halves.  A batch that has failed is recorded as such; then
 * its error ends the CALL, at once or, under on_error 'skip', if it can be tried again, at the
 * end.  Batches that had failed before the CALL are tried again.
 *
 * After job_require_commit().  Commits the caller's transaction.  Raises 25006 (on a standby),
 * 55000 (the job is cancelled, or a batch has failed in another session, or the rows of a batch
 * have been changed), the errors of job_find, job_require_owner, throttle and run_call.
 */
void job_run(FunctionCallInfo fcinfo, const char *name /* or NULL */, const RunLimits &limits);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_RUN_H */
