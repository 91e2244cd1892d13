/*
 * job.cpp
 *		Reading a job, its locks, and its privileges.
 */
#include "job/job.h"

namespace bulkupdate
{

namespace
{

/* Columns of the statement below, from 1. */
enum JobColumn : int
{
	JOB_RUN = 1,
	JOB_OWNER,
	JOB_HAS_NEW_OWNER,
	JOB_TARGET,
	JOB_ROWS_TABLE,
	JOB_RESTORED,
	JOB_ROWS_XMIN,
	JOB_ROWS_TO_APPLY,
	JOB_UNDOES,
	JOB_COLUMNS,
	JOB_KEY_COLUMNS,
	JOB_EXPECTED_COLUMNS,
	JOB_ON_MISSING,
	JOB_ON_DUPLICATE,
	JOB_ON_ERROR,
	JOB_ON_STALE,
	JOB_SKIP_UNCHANGED,
	JOB_DRY_RUN,
	JOB_REJECTS,
	JOB_REJECT_LIMIT,
	JOB_OLD_VALUES,
	JOB_BATCH_ROWS,
	JOB_PAUSE,
	JOB_RATE,
	JOB_LOCK_TIMEOUT,
	JOB_MAX_RETRIES,
	JOB_REPLICA_LAG,
	JOB_SLOT_LAG,
	JOB_THROTTLE_QUERY,
	JOB_MAX_THROTTLE,
	JOB_PAUSED,
	JOB_CANCELLED
};

/* Milliseconds of an interval. */
#define MS(column) \
	"(pg_catalog.date_part('epoch', j." column ") OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8, "

/* clang-format off */
constexpr const char *SELECT_JOB =
	"SELECT j.run, COALESCE(c.relowner, j.owner), COALESCE(c.relowner "
	"OPERATOR(pg_catalog.<>) j.owner, false), j.target, j.rows_table, "
	"j.rows_table::pg_catalog.oid OPERATOR(pg_catalog.<>) j.rows_table_oid, j.rows_xmin, "
	"j.rows_to_apply, j.undoes, j.columns, j.key_columns, j.expected_columns, j.on_missing, "
	"j.on_duplicate, j.on_error, j.on_stale, j.skip_unchanged, j.dry_run, j.rejects, "
	"j.reject_limit, j.old_values, j.batch_rows, " MS("pause")
	"j.rows_per_second, " MS("lock_timeout")
	"j.max_retries, " MS("max_replica_lag")
	"j.max_slot_lag_bytes, j.throttle_query, " MS("max_throttle")
	"j.paused, j.cancelled FROM $J AS j LEFT JOIN pg_catalog.pg_class AS c "
	"ON c.oid OPERATOR(pg_catalog.=) j.rows_table::pg_catalog.oid "
	"WHERE j.name OPERATOR(pg_catalog.=) $1";
/* clang-format on */
#undef MS

/* The values of a row. */
struct JobTuple
{
	HeapTuple tuple;
	TupleDesc tuple_desc;

	Datum get(JobColumn column, Datum null = static_cast<Datum>(0)) const
	{
		bool isnull;
		Datum value = SPI_getbinval(tuple, tuple_desc, column, &isnull);

		return isnull ? null : value;
	}
	bool has(JobColumn column) const
	{
		bool isnull;

		(void) SPI_getbinval(tuple, tuple_desc, column, &isnull);
		return !isnull;
	}
	int64 int8(JobColumn column) const { return DatumGetInt64(get(column, Int64GetDatum(0))); }
	bool flag(JobColumn column) const { return DatumGetBool(get(column)); }
	Oid oid(JobColumn column) const { return DatumGetObjectId(get(column)); }
	const char *string(JobColumn column) const
	{
		return has(column) ? TextDatumGetCString(get(column)) : nullptr;
	}

	Span<const char *> names(JobColumn column) const
	{
		Datum *elements;
		int n;

		if (!has(column))
			return {};
		deconstruct_array(DatumGetArrayTypeP(get(column)), NAMEOID, NAMEDATALEN, false,
						  TYPALIGN_CHAR, &elements, nullptr, &n);

		const char **names = palloc_array_of<const char *>(n);

		for (int i = 0; i < n; i++)
			names[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
		return {names, n};
	}

	template <typename Choice>
	Choice choice(JobColumn column, Span<const char *const> words) const
	{
		const char *word = TextDatumGetCString(get(column)); /* never null */

		for (int i = 0; i < words.size; i++)
			if (strcmp(words[i], word) == 0)
				return static_cast<Choice>(i);
		elog(ERROR, "unexpected word \"%s\" in a job", word);
	}
};

Options
options_of(const JobTuple &row, const FrozenColumns &columns)
{
	Options options = {};

	options.target = row.oid(JOB_TARGET);
	options.source_kind = row.has(JOB_UNDOES) ? SourceKind::Undo : SourceKind::Query;
	options.columns = columns.columns;
	options.key_columns = columns.keys;
	options.expected_columns = columns.expected;
	options.chunk_rows = DatumGetInt32(row.get(JOB_BATCH_ROWS));
	options.on_missing = row.choice<OnMissing>(JOB_ON_MISSING, ON_MISSING_WORDS);
	options.on_duplicate = row.choice<OnDuplicate>(JOB_ON_DUPLICATE, ON_DUPLICATE_WORDS);
	options.on_error = row.choice<OnError>(JOB_ON_ERROR, ON_ERROR_WORDS);
	options.on_stale = row.choice<OnStale>(JOB_ON_STALE, ON_STALE_WORDS);
	options.skip_unchanged = row.flag(JOB_SKIP_UNCHANGED);
	options.dry_run = row.flag(JOB_DRY_RUN);
	options.rejects = row.oid(JOB_REJECTS);
	options.reject_limit = row.has(JOB_REJECT_LIMIT) ? row.int8(JOB_REJECT_LIMIT) : -1;
	options.old_values = row.oid(JOB_OLD_VALUES);
	options.ordering = Ordering::Stream;
	options.report = ReportRows::Total;
	options.has_positions = true;
	return options;
}

const char *
owner_name(const Job &job)
{
	const char *owner = GetUserNameFromId(job.owner, true);

	if (owner == nullptr)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("the role of job \"%s\" does not exist", job.name),
						errdetail("It has been dropped since the job was created."),
						errhint("A superuser can drop the job.")));
	return owner;
}

LOCKTAG
lock_of(const JobTables &tables, int64 run)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, tables.jobs, static_cast<uint32>(run), 0);
	return tag;
}

} /* namespace */

Job *
job_find(const JobTables &tables, const char *name /* or NULL */)
{
	Job *job = palloc_one<Job>();

	if (name == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("name of a job must not be null"),
				 errdetail("The argument is null."),
				 errhint("The jobs are in the view bulk_update_jobs.")));

	const JobArgument arguments[] = {text_argument(name)};
	uint64 found =
		job_execute(tables, SELECT_JOB, arguments, [&](HeapTuple tuple, TupleDesc tuple_desc) {
			JobTuple row = {tuple, tuple_desc};

			job->name = pstrdup(name);
			job->run = row.int8(JOB_RUN);
			job->owner = row.oid(JOB_OWNER);
			job->has_new_owner = row.flag(JOB_HAS_NEW_OWNER);
			job->rows_table = row.oid(JOB_ROWS_TABLE);
			job->restored = row.flag(JOB_RESTORED);
			job->rows_xmin = DatumGetTransactionId(row.get(JOB_ROWS_XMIN));
			job->rows_to_apply = row.int8(JOB_ROWS_TO_APPLY);
			job->columns = {row.names(JOB_KEY_COLUMNS), row.names(JOB_COLUMNS),
							row.names(JOB_EXPECTED_COLUMNS)};
			job->options = options_of(row, job->columns);
			job->settings = {row.int8(JOB_PAUSE),
							 row.int8(JOB_RATE),
							 row.int8(JOB_LOCK_TIMEOUT),
							 DatumGetInt32(row.get(JOB_MAX_RETRIES)),
							 row.int8(JOB_REPLICA_LAG),
							 row.int8(JOB_SLOT_LAG),
							 row.string(JOB_THROTTLE_QUERY),
							 row.int8(JOB_MAX_THROTTLE)};
			job->paused = row.flag(JOB_PAUSED);
			job->cancelled = row.flag(JOB_CANCELLED);
		});

	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" does not exist", name),
				 errdetail("It was not created, or has been dropped."),
				 errhint("The jobs are in the view bulk_update_jobs.")));
	return job;
}

void
job_require_member(const Job &job)
{
	if (has_privs_of_role(GetUserId(), job.owner))
		return;

	const char *owner = owner_name(job);

	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for job \"%s\"", job.name),
					errdetail("It belongs to role \"%s\".", owner),
					errhint("Members of that role can change the job.")));
}

void
job_require_owner(const Job &job)
{
	if (GetUserId() == job.owner)
		return;

	const char *owner = owner_name(job);

	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("only role \"%s\" can run job \"%s\"", owner, job.name),
					errdetail("The current user is \"%s\".", GetUserNameFromId(GetUserId(), true)),
					errhint("Use SET ROLE %s.", quote_identifier(owner))));
}

double
job_milliseconds(Datum interval)
{
	Datum epoch = DirectFunctionCall2(interval_part, CStringGetTextDatum("epoch"), interval);

	return DatumGetFloat8(epoch) * 1000;
}

void
job_require_rows_table(const Job &job)
{
	if (get_rel_relkind(job.rows_table) != '\0')
		return;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
					errmsg("the table with the rows of job \"%s\" does not exist", job.name),
					job.restored ? errdetail("It has not been restored, or has been dropped.")
								 : errdetail("It has been dropped."),
					errhint("Drop the job with bulk_update_job_drop(), and create it again.")));
}

void
job_check_batch_rows(int batch_rows, const char *hint)
{
	if (batch_rows >= 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("batch_rows must be at least 1"),
			 errdetail("The value is %d.", batch_rows), errhint("%s", hint)));
}

void
job_lock_shared(const JobTables &tables, int64 run)
{
	LOCKTAG tag = lock_of(tables, run);

	(void) LockAcquire(&tag, ShareLock, true, false);
}

void
job_unlock_shared(const JobTables &tables, int64 run)
{
	LOCKTAG tag = lock_of(tables, run);

	(void) LockRelease(&tag, ShareLock, true);
}

void
job_lock_alone(const JobTables &tables, const Job &job, const char *action)
{
	LOCKTAG tag = lock_of(tables, job.run);

	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
					errmsg("cannot %s job \"%s\" because a session runs it", action, job.name),
					errdetail("The sessions are in column \"processes\" of the view "
							  "bulk_update_jobs."),
					errhint("Use bulk_update_job_pause() or bulk_update_job_cancel(), and wait "
							"until they have ended their batches.")));
}

void
job_lock_batches(const JobTables &tables, const Job &job)
{
	const JobArgument arguments[] = {int8_argument(job.run)};

	(void) job_execute(
		tables, "SELECT FROM $J AS j WHERE j.run OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
		arguments);
}

} /* namespace bulkupdate */
