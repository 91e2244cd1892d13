/*
 * job_control.h
 *		Changing a job from any session of its owner's members.
 */
#ifndef BULK_UPDATE_JOB_JOB_CONTROL_H
#define BULK_UPDATE_JOB_JOB_CONTROL_H

#include "job/job.h"

namespace bulkupdate
{

/*
 * job_alter
 *		bulk_update_job_alter(): set what is not null.
 *
 * A changed batch_rows divides the batches anew that have not begun.
 *
 * Raises 22023 (a negative value, batch_rows below 1, or a duration above 2147483647 ms), and the
 * errors of job_find and job_require_member.
 */
void job_alter(FunctionCallInfo fcinfo, const JobTables &tables, const Job &job);

/* job_set_paused, job_cancel: heard by running sessions at their next batch, or within a second. */
void job_set_paused(const JobTables &tables, const Job &job, bool paused);
void job_cancel(const JobTables &tables, const Job &job);

/*
 * job_accept
 *		After a restore from a dump, take the rows as they are; and take the job from another role.
 *
 * Raises 42P01 (the table with the rows has been dropped), 55000 (rows are missing).
 */
void job_accept(const JobTables &tables, const Job &job);

/*
 * job_drop
 *		Remove a job and the table with its rows.
 *
 * Raises 55006 (a session runs the job), and the errors of DROP TABLE.
 */
void job_drop(const JobTables &tables, const Job &job);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_CONTROL_H */
