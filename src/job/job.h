/*
 * job.h
 *		A job as it is stored, and who may do what with it.
 *
 * A job's source has been run when it was created: its rows are in a table of the job's owner,
 * numbered in key order (report/frozen_table.h).  A batch is a range of these numbers, and is
 * applied by a call in its own transaction, with its account.
 */
#ifndef BULK_UPDATE_JOB_JOB_H
#define BULK_UPDATE_JOB_JOB_H

#include "job/job_tables.h"
#include "report/frozen_table.h"

namespace bulkupdate
{

/* What may be changed while the job exists.  Durations are in milliseconds; 0: no limit or wait. */
struct JobSettings
{
	int64 pause;
	int64 rows_per_second;
	int64 lock_timeout;
	int max_retries;
	int64 max_replica_lag;
	int64 max_slot_lag_bytes;
	const char *throttle_query; /* or NULL */
	int64 max_throttle;
};

struct Job
{
	const char *name;
	int64 run; /* its number, also in the table of rejects and in that of old values */
	Oid owner; /* of the table with the rows; if it has been dropped, the last one that is known */
	bool has_new_owner; /* who has not accepted the job yet */
	Oid rows_table;
	bool restored;           /* the table has been restored from a dump */
	TransactionId rows_xmin; /* InvalidTransactionId: not known */
	int64 rows_to_apply;
	FrozenColumns columns;
	Options options; /* of the call for each batch, but for its source and what depends on it */
	JobSettings settings;
	bool paused;
	bool cancelled;
};

/*
 * job_find
 *		The job with a name, as it is stored now.
 *
 * Allocates in the current memory context.  Raises 22004 (name is NULL), 42704 (there is no such
 * job).
 */
Job *job_find(const JobTables &tables, const char *name /* or NULL */);

/*
 * job_require_member, job_require_owner
 *		Has the current user the privileges of its owner? Is it the owner?
 *
 * Raise 42501 (no), 42704 (the owner does not exist any more).
 */
void job_require_member(const Job &job);

void job_require_owner(const Job &job);

/*
 * job_milliseconds
 *		An interval in milliseconds, as the records have it: a year has 365.25 days.  From 17 on
 *		also an infinity.
 */
double job_milliseconds(Datum interval);

/* job_require_rows_table: raises 42P01 (the table with the rows has been dropped). */
void job_require_rows_table(const Job &job);

/* job_check_batch_rows: raises 22023 (less than 1). */
void job_check_batch_rows(int batch_rows, const char *hint);

/*
 * job_lock_shared, job_lock_alone
 *		A lock of the session, by which others see that it runs the job; and a lock of the
 *		transaction that nobody has while a session runs the job.
 *
 * The rollback of a transaction releases the lock of the session as well.  job_lock_alone() does
 * not wait, but raises 55006.
 */
void job_lock_shared(const JobTables &tables, int64 run);
void job_lock_alone(const JobTables &tables, const Job &job, const char *action);
void job_unlock_shared(const JobTables &tables, int64 run);

/* job_lock_batches: until the end of the transaction, nobody else adds batches and numbers them. */
void job_lock_batches(const JobTables &tables, const Job &job);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_H */
