/*
 * job_create.h
 *		Creating a job: its source is run once, and its rows are stored.
 */
#ifndef BULK_UPDATE_JOB_JOB_CREATE_H
#define BULK_UPDATE_JOB_JOB_CREATE_H

#include "job/job.h"

namespace bulkupdate
{

/* The arguments of a new job. */
struct NewJob
{
	const char *name;       /* or NULL */
	const char *rows_table; /* of its table, as in SQL; NULL: the job's name and "_rows" */
	int batch_rows;
};

/*
 * job_create
 *		Create a job for the current user; returns the number of rows to apply.
 *
 * options: of a call with a query, or of an undo; the order is always 'sort'.  All is part of the
 * caller's transaction.
 *
 * Raises 22004 (no name), 22023 (an empty name, or batch_rows below 1), 42710 (the name is
 * taken), and the errors of call_source_open(), run_call() and frozen_table_create().
 */
int64 job_create(FunctionCallInfo fcinfo, const NewJob &job, Options &options);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_CREATE_H */
