/*
 * job_control.cpp
 *		Settings of a job, pausing, cancelling and dropping it.
 */
#include "job/job_control.h"

#include "job/throttle.h"

namespace bulkupdate
{

namespace
{

/* Positions of the arguments of bulk_update_job_alter(). */
enum AlterArgument : int
{
	ALTER_BATCH_ROWS = 1,
	ALTER_PAUSE,
	ALTER_RATE,
	ALTER_LOCK_TIMEOUT,
	ALTER_MAX_RETRIES,
	ALTER_REPLICA_LAG,
	ALTER_SLOT_LAG,
	ALTER_THROTTLE_QUERY,
	ALTER_MAX_THROTTLE,
	ALTER_ARGUMENTS
};

constexpr const char *ALTER_NAMES[] = {
	"name",           "batch_rows",  "pause",           "rows_per_second",
	"lock_timeout",   "max_retries", "max_replica_lag", "max_slot_lag_bytes",
	"throttle_query", "max_throttle"};
constexpr Oid ALTER_TYPES[] = {TEXTOID, INT4OID,     INTERVALOID, INT8OID, INTERVALOID,
							   INT4OID, INTERVALOID, INT8OID,     TEXTOID, INTERVALOID};

bool
is_negative(AlterArgument argument, Datum value)
{
	switch (ALTER_TYPES[argument])
	{
		case INT4OID:
			return DatumGetInt32(value) < 0;
		case INT8OID:
			return DatumGetInt64(value) < 0;
		case INTERVALOID:
			return job_milliseconds(value) < 0;
		default:
			return false;
	}
}

/*
 * Durations are counted in milliseconds, and zero turns them off; they are added to times in
 * microseconds, and lock_timeout has the type of the setting.
 */
void
check_duration(AlterArgument argument, Datum value)
{
	if (ALTER_TYPES[argument] != INTERVALOID)
		return;

	double milliseconds = job_milliseconds(value);

	if (milliseconds > 0 && milliseconds < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be shorter than 1 ms", ALTER_NAMES[argument]),
						errdetail("Durations are counted in milliseconds."),
						errhint("Use zero to turn it off.")));
	if (milliseconds > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be longer than %d ms", ALTER_NAMES[argument], PG_INT32_MAX),
				 errdetail("These are almost 25 days."),
				 errhint("Omit the argument to leave it as it is.")));
}

void
check_values(FunctionCallInfo fcinfo)
{
	for (int i = ALTER_BATCH_ROWS; i < ALTER_ARGUMENTS; i++)
		if (!PG_ARGISNULL(i) && is_negative(static_cast<AlterArgument>(i), PG_GETARG_DATUM(i)))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s must not be negative", ALTER_NAMES[i]),
							errdetail("Zero turns it off."),
							errhint("Omit the argument to leave it as it is.")));
	for (int i = ALTER_BATCH_ROWS; i < ALTER_ARGUMENTS; i++)
		if (!PG_ARGISNULL(i))
			check_duration(static_cast<AlterArgument>(i), PG_GETARG_DATUM(i));
	if (!PG_ARGISNULL(ALTER_BATCH_ROWS))
		job_check_batch_rows(PG_GETARG_INT32(ALTER_BATCH_ROWS),
							 "Omit the argument to leave it as it is.");
}

/*
 * Divide the batches anew that have not begun: of each range of adjacent ones, the rows are
 * those of new batches.
 */
void
divide_batches(const JobTables &tables, const Job &job, int batch_rows)
{
	const JobArgument arguments[] = {int8_argument(job.run), int8_argument(batch_rows)};

	job_lock_batches(tables, job);
	(void) job_execute(
		tables,
		"WITH free AS (SELECT b.batch FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1 "
		"AND b.state OPERATOR(pg_catalog.=) 'pending' AND b.failures OPERATOR(pg_catalog.=) 0 "
		"FOR UPDATE SKIP LOCKED), "
		"last AS (SELECT pg_catalog.max(b.batch) AS batch FROM $B AS b "
		"WHERE b.run OPERATOR(pg_catalog.=) $1), "
		"gone AS (DELETE FROM $B AS b USING free AS f WHERE b.run OPERATOR(pg_catalog.=) $1 "
		"AND b.batch OPERATOR(pg_catalog.=) f.batch RETURNING b.first_row, b.last_row), "
		"marked AS (SELECT g.first_row, g.last_row, COALESCE(pg_catalog.lag(g.last_row) OVER "
		"(ORDER BY g.first_row USING OPERATOR(pg_catalog.<)) OPERATOR(pg_catalog.<>) "
		"(g.first_row OPERATOR(pg_catalog.-) 1), true) AS begins FROM gone AS g), "
		"numbered AS (SELECT m.first_row, m.last_row, "
		"pg_catalog.count(*) FILTER (WHERE m.begins) OVER (ORDER BY m.first_row USING "
		"OPERATOR(pg_catalog.<)) AS range FROM marked AS m), "
		"ranges AS (SELECT pg_catalog.min(n.first_row) AS first_row, "
		"pg_catalog.max(n.last_row) AS last_row FROM numbered AS n GROUP BY n.range) "
		"INSERT INTO $B (run, batch, first_row, last_row) SELECT $1, l.batch "
		"OPERATOR(pg_catalog.+) pg_catalog.row_number() OVER (ORDER BY s.first USING "
		"OPERATOR(pg_catalog.<)), s.first, LEAST(s.first OPERATOR(pg_catalog.+) $2 "
		"OPERATOR(pg_catalog.-) 1, r.last_row) FROM last AS l CROSS JOIN ranges AS r CROSS JOIN "
		"LATERAL pg_catalog.generate_series(r.first_row, r.last_row, $2) AS s (first)",
		arguments);
}

/* All rows are there; whether they have been changed cannot be seen. */
void
check_restored_rows(const Job &job)
{
	int64 rows = 0;

	job_require_rows_table(job);
	SPI_connect();
	if (SPI_execute(psprintf("SELECT pg_catalog.count(*) FROM ONLY %s AS f WHERE f.job_row "
							 "OPERATOR(pg_catalog.>=) 1 AND f.job_row OPERATOR(pg_catalog.<=) %lld",
							 qualified_name(job.rows_table),
							 static_cast<long long>(job.rows_to_apply)),
					true, 0) == SPI_OK_SELECT)
	{
		bool isnull;

		rows =
			DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	if (rows != job.rows_to_apply)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("rows of job \"%s\" are missing in table \"%s\"", job.name,
							   get_rel_name(job.rows_table)),
						errdetail("It has %lld of %lld rows.", static_cast<long long>(rows),
								  static_cast<long long>(job.rows_to_apply)),
						errhint("Restore the table, or drop the job with "
								"bulk_update_job_drop().")));
}

} /* namespace */

void
job_alter(FunctionCallInfo fcinfo, const JobTables &tables, const Job &job)
{
	JobArgument arguments[ALTER_ARGUMENTS] = {int8_argument(job.run)};

	job_require_member(job);
	check_values(fcinfo);
	for (int i = ALTER_BATCH_ROWS; i < ALTER_ARGUMENTS; i++)
		arguments[i] = {ALTER_TYPES[i], PG_GETARG_DATUM(i), PG_ARGISNULL(i)};
	(void) job_execute(
		tables,
		"UPDATE $J AS j SET batch_rows = COALESCE($2, j.batch_rows), "
		"pause = COALESCE($3, j.pause), rows_per_second = COALESCE($4, j.rows_per_second), "
		"lock_timeout = COALESCE($5, j.lock_timeout), "
		"max_retries = COALESCE($6, j.max_retries), "
		"max_replica_lag = COALESCE($7, j.max_replica_lag), "
		"max_slot_lag_bytes = COALESCE($8, j.max_slot_lag_bytes), "
		"throttle_query = CASE WHEN $9 IS NULL THEN j.throttle_query "
		"WHEN $9 OPERATOR(pg_catalog.=) '' THEN NULL ELSE $9 END, "
		"max_throttle = COALESCE($10, j.max_throttle) "
		"WHERE j.run OPERATOR(pg_catalog.=) $1",
		arguments);
	if (!PG_ARGISNULL(ALTER_BATCH_ROWS))
		divide_batches(tables, job, PG_GETARG_INT32(ALTER_BATCH_ROWS));
}

void
job_set_paused(const JobTables &tables, const Job &job, bool paused)
{
	const JobArgument arguments[] = {int8_argument(job.run), {BOOLOID, BoolGetDatum(paused)}};

	job_require_member(job);
	(void) job_execute(
		tables, "UPDATE $J AS j SET paused = $2 WHERE j.run OPERATOR(pg_catalog.=) $1", arguments);
}

void
job_cancel(const JobTables &tables, const Job &job)
{
	const JobArgument arguments[] = {int8_argument(job.run)};

	job_require_member(job);
	(void) job_execute(tables,
					   "UPDATE $J AS j SET cancelled = true WHERE j.run OPERATOR(pg_catalog.=) $1",
					   arguments);
}

void
job_accept(const JobTables &tables, const Job &job)
{
	const JobArgument arguments[] = {int8_argument(job.run), {OIDOID, ObjectIdGetDatum(job.owner)}};

	if (job.restored)
		check_restored_rows(job);
	if (job.restored || job.has_new_owner)
		(void) job_execute(tables,
						   "UPDATE $J AS j SET owner = $2, "
						   "rows_table_oid = j.rows_table::pg_catalog.oid, "
						   "rows_xmin = CASE WHEN j.rows_table_oid OPERATOR(pg_catalog.=) "
						   "j.rows_table::pg_catalog.oid THEN j.rows_xmin END "
						   "WHERE j.run OPERATOR(pg_catalog.=) $1",
						   arguments);
}

void
job_drop(const JobTables &tables, const Job &job)
{
	const JobArgument arguments[] = {int8_argument(job.run)};

	job_require_member(job);
	job_lock_alone(tables, job, "drop");
	if (get_rel_relkind(job.rows_table) != '\0')
	{
		SPI_connect();
		(void) SPI_execute(psprintf("DROP TABLE %s", qualified_name(job.rows_table)), false, 0);
		SPI_finish();
	}
	(void) job_execute(tables, "DELETE FROM $B AS b WHERE b.run OPERATOR(pg_catalog.=) $1",
					   arguments);
	(void) job_execute(tables, "DELETE FROM $J AS j WHERE j.run OPERATOR(pg_catalog.=) $1",
					   arguments);
}

} /* namespace bulkupdate */
