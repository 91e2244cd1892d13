/*
 * throttle.cpp
 *		Signals for which a job waits.
 */
#include "job/throttle.h"

namespace bulkupdate
{

namespace
{

/*
 * The value of a query with one row and one boolean column, as the current user.  Errors can only
 * be those of the job's own query.
 */
bool
is_true(const char *sql)
{
	bool isnull = false;
	bool result = false;

	SPI_connect();

	SPIPlanPtr plan = SPI_prepare(sql, 0, nullptr);

	if (plan == nullptr || !SPI_is_cursor_plan(plan))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("throttle_query must be one query"),
						errdetail("It is a command without a result, or several commands."),
						errhint("Use one SELECT that returns a value of type boolean.")));
	(void) SPI_execute_plan(plan, nullptr, nullptr, false, 2);
	if (SPI_tuptable->tupdesc->natts != 1 || SPI_gettypeid(SPI_tuptable->tupdesc, 1) != BOOLOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("throttle_query must return one column of type boolean"),
						errdetail("The job waits as long as the value is true."),
						errhint("Change it with bulk_update_job_alter().")));
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("throttle_query must return exactly one row"),
						errdetail("It returned %s.", SPI_processed == 0 ? "none" : "more"),
						errhint("Change it with bulk_update_job_alter().")));
	result = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("throttle_query must not return null"),
						errdetail("It says neither that the job may go on nor that it must wait."),
						errhint("Change it with bulk_update_job_alter(), for example by "
								"coalesce().")));
	SPI_finish();
	return result;
}

} /* namespace */

void
throttle_check(const JobSettings &settings)
{
	if (settings.max_replica_lag <= 0 || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to see the lag of replicas"),
			 errdetail("Only roles with privileges of role \"pg_read_all_stats\" see it, and "
					   "max_replica_lag depends on it."),
			 errhint("Grant that role, or set max_replica_lag to 0.")));
}

WaitsFor
throttle_reason(const JobSettings &settings)
{
	throttle_check(settings);
	if (settings.max_replica_lag > 0 &&
		is_true(psprintf(
			"SELECT coalesce(pg_catalog.max(r.replay_lag) OPERATOR(pg_catalog.>) "
			"'%lld ms'::pg_catalog.interval, false) FROM pg_catalog.pg_stat_replication AS r",
			static_cast<long long>(settings.max_replica_lag))))
		return WaitsFor::ReplicaLag; /* GCOVR_EXCL_LINE: there are no replicas */
	if (settings.max_slot_lag_bytes > 0 &&
		is_true(psprintf("SELECT coalesce(pg_catalog.max(pg_catalog.pg_wal_lsn_diff("
						 "pg_catalog.pg_current_wal_lsn(), s.restart_lsn)) "
						 "OPERATOR(pg_catalog.>) %lld, false) "
						 "FROM pg_catalog.pg_replication_slots AS s",
						 static_cast<long long>(settings.max_slot_lag_bytes))))
		return WaitsFor::SlotLag;
	if (settings.throttle_query != nullptr && is_true(settings.throttle_query))
		return WaitsFor::ThrottleQuery;
	return WaitsFor::Nothing;
}

const char *
throttle_name(WaitsFor reason)
{
	switch (reason)
	{
		case WaitsFor::ReplicaLag:    /* GCOVR_EXCL_LINE: there are no replicas */
			return "max_replica_lag"; /* GCOVR_EXCL_LINE */
		case WaitsFor::SlotLag:
			return "max_slot_lag_bytes";
		case WaitsFor::ThrottleQuery:
			return "throttle_query";
		default:              /* GCOVR_EXCL_LINE: not a signal */
			return "nothing"; /* GCOVR_EXCL_LINE */
	}
}

} /* namespace bulkupdate */
