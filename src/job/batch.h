/*
 * batch.h
 *		One batch of a job: taking it, applying its rows, its account; and its failures.
 */
#ifndef BULK_UPDATE_JOB_BATCH_H
#define BULK_UPDATE_JOB_BATCH_H

#include "job/job.h"

namespace bulkupdate
{

struct Batch
{
	int64 number;
	int64 first_row; /* its rows are numbered from this one */
	int64 last_row;  /* to this one */
	int failures;    /* so far */
};

inline int64
batch_rows(const Batch &batch)
{
	return batch.last_row - batch.first_row + 1;
}

/*
 * batch_take
 *		Take the next batch that is not done and that no other session has; false if there is
 *		none.
 *
 * Nobody else takes it until the end of the (sub)transaction.
 */
[[nodiscard]] bool batch_take(const JobTables &tables, const Job &job, Batch &batch);

/*
 * batch_apply
 *		Apply the rows of a batch that has been taken, check deferred constraints, and record
 *		the outcomes.
 *
 * Everything is part of the current (sub)transaction.
 *
 * Raises 42P01 (the target, or the table with the rows, has been dropped), 55000 (rows have been
 * changed or deleted in it), 54000 (more rejected rows than reject_limit, in the whole job), and
 * the errors of run_call() and of deferred constraints.
 */
void batch_apply(const JobTables &tables, const Job &job, const Batch &batch);

/* can_be_tried_again: deadlock, serialization failure, or lock timeout. */
[[nodiscard]] bool can_be_tried_again(const ErrorData &error);

/*
 * batch_failed
 *		Record the failure of a batch, in a new transaction; returns whether it will be tried
 *		again.  After the second failure it is divided into two.
 *
 * If another session has taken the batch meanwhile, or recorded a failure of it, nothing is
 * recorded.
 */
bool batch_failed(const JobTables &tables, const Job &job, const Batch &batch,
				  const ErrorData &error);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_BATCH_H */
