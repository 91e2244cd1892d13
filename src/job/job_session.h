/*
 * job_session.h
 *		A session that runs a job: its transactions, and whether it may go on.
 */
#ifndef BULK_UPDATE_JOB_JOB_SESSION_H
#define BULK_UPDATE_JOB_JOB_SESSION_H

#include "call/progress.h"
#include "job/batch.h"

namespace bulkupdate
{

/* Limits of a CALL. */
struct RunLimits
{
	int64 batches;      /* or -1 */
	int64 milliseconds; /* or -1: no batch begins later */
};

struct JobSession
{
	JobTables tables;
	const char *name;
	RunLimits limits;
	MemoryContext memory;  /* of the CALL */
	MemoryContext scratch; /* of what is read for a batch or a wait; reset for each */
	Job *job;              /* in scratch: as it was stored when it was read last */
	int64 run;
	TimestampTz started_at;
	int64 batches_done;
	int64 rows_done; /* in this CALL */
	Batch batch;     /* that is being run */
	bool has_batch;
	ErrorData *failure; /* of the first batch that failed while others were run; or NULL */
	Progress progress;
};

/* milliseconds_since: the time that has passed since start. */
int64 milliseconds_since(TimestampTz start);

/*
 * begin_transaction
 *		Get a snapshot for the statements of a new transaction, and forget the job that was read.
 *
 * There is none after a commit, so that nothing is held back during a wait.
 */
void begin_transaction(JobSession &run);

/*
 * begin_bookkeeping
 *		The same for a transaction that runs no batch: whatever the session's isolation level, it
 *		has no serialization failures.
 */
void begin_bookkeeping(JobSession &run);

/*
 * begin_batch
 *		After a transaction that has read the job: get a snapshot for that of a batch, whose level
 *		is the session's.
 */
void begin_batch(JobSession &run);

/*
 * commit
 *		Commit, report the statistics, and begin a new transaction; returns the error of the
 *		commit, or NULL.
 *
 * The error is allocated in the memory of the CALL.
 */
[[nodiscard]] ErrorData *commit(JobSession &run);

/* commit_or_fail: the same, raising the error. */
void commit_or_fail(JobSession &run);

/*
 * read_job
 *		Set job to the job as it is stored now.
 *
 * Raises 42704 (another job has the name now), and the errors of job_find() and
 * job_require_owner(): code that a batch runs may have changed the role.
 */
void read_job(JobSession &run);

/*
 * may_go_on
 *		May another batch begin?  If the job is paused, a NOTICE says so.
 *
 * Raises 55000 (the job is cancelled, or a batch has failed in another session).
 */
[[nodiscard]] bool may_go_on(JobSession &run);

/* has_pending_batches: is there a batch that is not done and has not failed? */
[[nodiscard]] bool has_pending_batches(const JobSession &run);

/* has_free_batches: is there one of these that no other session of the job has taken? */
[[nodiscard]] bool has_free_batches(const JobSession &run);

/* count_sessions: the sessions that run the job, this one among them. */
[[nodiscard]] int64 count_sessions(const JobSession &run);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_SESSION_H */
