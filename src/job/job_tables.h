/*
 * job_tables.h
 *		The extension's tables of jobs and batches, which only this room writes.
 *
 * They belong to the owner of the extension, and other roles have no privileges on them: what they
 * may do with a job is decided here.  So statements on them run as their owner.  They are
 * constant, qualify every name, and run no code but the server's own.
 */
#ifndef BULK_UPDATE_JOB_JOB_TABLES_H
#define BULK_UPDATE_JOB_JOB_TABLES_H

#include "server/scope.h"

namespace bulkupdate
{

struct JobTables
{
	Oid function; /* the SQL function that was called */
	Oid jobs;     /* the table of jobs */
	Oid batches;  /* and that of batches */
	Oid owner;    /* of both */
};

/*
 * job_tables_of
 *		The tables in the schema of the SQL function that was called.
 *
 * Allocates in the current memory context.  Raises 42P01 (there are none).
 */
JobTables job_tables_of(Oid function);

/* An argument of a statement; or a null. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of a call */
struct JobArgument
{
	Oid type;
	Datum value;
	bool isnull = false;
};

inline JobArgument
int8_argument(int64 value)
{
	return {INT8OID, Int64GetDatum(value)};
}

/* text_argument: of a string, or a null. */
JobArgument text_argument(const char *string /* or NULL */);

/* names_datum: an array of type name[]. */
Datum names_datum(Span<const char *> names);

/*
 * job_execute
 *		Execute a statement as the owner of the tables, in an SPI connection of its own; returns
 *		the number of rows.
 *
 * row(tuple, tuple_desc, arg) is called for each row of the result, in the memory context of
 * the caller, if it is not NULL.  In sql, $J stands for the table of jobs and $B for that of
 * batches.  A snapshot must be active, or the portal of the caller can get one.
 *
 * Raises 55000 (their names belong to other tables now: a role may rename a schema of its own).
 */
uint64 job_execute(const JobTables &tables, const char *sql, Span<const JobArgument> arguments,
				   void (*row)(HeapTuple tuple, TupleDesc tuple_desc, void *arg), void *arg);

/* The same for statements whose result is not needed. */
inline uint64
job_execute(const JobTables &tables, const char *sql, Span<const JobArgument> arguments)
{
	return job_execute(tables, sql, arguments, nullptr, nullptr);
}

/* The same with a lambda for the rows. */
template <typename Row>
uint64
job_execute(const JobTables &tables, const char *sql, Span<const JobArgument> arguments, Row row)
{
	return job_execute(
		tables, sql, arguments,
		[](HeapTuple tuple, TupleDesc tuple_desc, void *arg) {
			(*static_cast<Row *>(arg))(tuple, tuple_desc);
		},
		&row);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_JOB_JOB_TABLES_H */
