/*
 * progress.cpp
 *		Reporting the progress of a call.
 */
#include "call/progress.h"

#include "call/progress_text.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/*
 * "bulk": a command that no version of PostgreSQL will use, because it numbers its own
 * from 1.  So its progress views skip it; they only compare the number.  If another
 * extension uses it too, the signature distinguishes the entries.
 *
 * The enumeration's type cannot represent it.  So in this file it is never a value of
 * that type: it is copied to and from the slot as an int.
 */
constexpr int COMMAND = 0x62756c6b;
constexpr int64 SIGNATURE = 0x62756c6b;

static_assert(sizeof(ProgressCommandType) == sizeof(COMMAND));

/* Slots of the backend's progress parameters; progress_entries() returns them in this order. */
enum Parameter : int
{
	PARAMETER_PHASE,
	PARAMETER_CHUNK,
	PARAMETER_FETCHED,
	PARAMETER_FIRST_OUTCOME,
	PARAMETER_ESTIMATED = PARAMETER_FIRST_OUTCOME + OUTCOMES,
	PARAMETER_STARTED_AT,
	PARAMETER_ORDERING,
	PARAMETER_SPILLED,
	PARAMETER_JOB,
	PARAMETER_BATCH,
	PARAMETER_WAITS_FOR,
	PARAMETERS,
	PARAMETER_SIGNATURE = PARAMETERS
};

/* The clock is read about this often, in microseconds, however long a row takes. */
constexpr int64 CHECK_INTERVAL = 20000;
constexpr int64 MAX_ROWS_PER_CHECK = 1024;

/* The innermost call of this backend. Its memory context removes it again. */
Progress *current = nullptr;

int progress_interval = 10000;

int
command_of(const PgBackendStatus *entry)
{
	int command;

	memcpy(&command, &entry->st_progress_command, sizeof(command));
	return command;
}

/* The backend's own slot, to which no other process writes. */
PgBackendStatus *
own_entry()
{
	return MyBEEntry;
}

/* Another command (COPY with a trigger that calls us) keeps the slot. */
bool
slot_is_ours()
{
	return MyBEEntry != nullptr && (command_of(own_entry()) == PROGRESS_COMMAND_INVALID ||
									command_of(own_entry()) == COMMAND);
}

/* As pgstat_progress_start_command(), which takes a value of the enumeration. */
void
start_command(Oid target)
{
	pgstat_progress_start_command(PROGRESS_COMMAND_INVALID, target);
	if (!pgstat_track_activities)
		return;
	PGSTAT_BEGIN_WRITE_ACTIVITY(MyBEEntry);
	memcpy(&own_entry()->st_progress_command, &COMMAND, sizeof(COMMAND));
	PGSTAT_END_WRITE_ACTIVITY(MyBEEntry);
}

bool
notice_is_due(Progress &progress, TimestampTz now)
{
	if (progress_interval == 0 || now < progress.next_notice)
		return false;
	progress.next_notice = TimestampTzPlusMilliseconds(now, progress_interval);
	return true;
}

void
notice_when_due(Progress &progress, TimestampTz now)
{
	if (!notice_is_due(progress, now))
		return;

	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update notice", ALLOCSET_SMALL_SIZES);

	with_memory_context(memory, [&] {
		progress_notice(progress.rows_fetched, progress.rows_estimated,
						progress.phase == Phase::Sorting,
						static_cast<double>(now - progress.started_at) / USECS_PER_SEC);
	});
	MemoryContextDelete(memory);
}

void
show(const Progress &progress)
{
	int indexes[PARAMETERS + 1];
	int64 values[PARAMETERS + 1];

	if (!slot_is_ours())
		return;

	/* A nested call or a failed subtransaction has changed or cleared the slot. */
	if (command_of(own_entry()) != COMMAND ||
		MyBEEntry->st_progress_command_target != progress.target)
		start_command(progress.target);

	for (int i = 0; i <= PARAMETERS; i++)
		indexes[i] = i;
	values[PARAMETER_PHASE] = static_cast<int64>(progress.phase);
	values[PARAMETER_CHUNK] = progress.chunk;
	values[PARAMETER_FETCHED] = progress.rows_fetched;
	for (int i = 0; i < OUTCOMES; i++)
		values[PARAMETER_FIRST_OUTCOME + i] = progress.outcomes[i];
	values[PARAMETER_ESTIMATED] = progress.rows_estimated;
	values[PARAMETER_STARTED_AT] = progress.started_at;
	values[PARAMETER_ORDERING] = static_cast<int64>(progress.newest.ordering);
	values[PARAMETER_SPILLED] = progress.newest.spilled_bytes;
	values[PARAMETER_JOB] = progress.job;
	values[PARAMETER_BATCH] = progress.batch;
	values[PARAMETER_WAITS_FOR] = static_cast<int64>(progress.waits_for);
	values[PARAMETER_SIGNATURE] = SIGNATURE;
	pgstat_progress_update_multi_param(PARAMETERS + 1, indexes, values);
}

void
read_source(Progress &progress)
{
	if (progress.read_source != nullptr)
		progress.newest = progress.read_source(progress.source);
}

void
publish(Progress &progress)
{
	read_source(progress);
	show(progress);
}

/* The end of a failed subtransaction clears the slot, even if a trigger caught the error. */
void
subtransaction_ended(SubXactEvent event, SubTransactionId, SubTransactionId, void *)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && current != nullptr)
		show(*current);
}

/*
 * After an error contexts are reset in any order: parts of a source may have been freed, and a call
 * may end before one inside of it.
 */
void
call_ended(void *arg)
{
	const Progress *innermost = current;

	for (Progress **link = &current; *link != nullptr; link = &(*link)->outer)
		if (*link == arg)
		{
			*link = (*link)->outer;
			break;
		}
	if (innermost != arg)
		return; /* GCOVR_EXCL_LINE: an order that the server does not choose today */
	if (current != nullptr)
		show(*current);
	else if (slot_is_ours())
		pgstat_progress_end_command();
}

} /* namespace */

void
progress_define_settings()
{
	DefineCustomIntVariable("bulk_update.progress_interval",
							"Sets the time between progress notices of a bulk update.",
							"Zero turns them off.", &progress_interval, progress_interval, 0,
							INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
	RegisterSubXactCallback(subtransaction_ended, nullptr);
}

void
progress_begin(Progress &progress, Oid target, int64 rows_estimated)
{
	progress = {};
	progress.target = target;
	progress.phase = Phase::Fetching;
	progress.newest.ordering = Ordering::Stream;
	progress.rows_estimated = rows_estimated;
	progress.started_at = GetCurrentTimestamp();
	progress.next_notice = TimestampTzPlusMilliseconds(progress.started_at, progress_interval);
	progress.last_check = progress.started_at;
	progress.rows_per_check = 1;

	progress.outer = current;
	if (current != nullptr)
	{
		progress.job = current->job;
		progress.batch = current->batch;
	}
	progress.at_reset.func = call_ended;
	progress.at_reset.arg = &progress;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &progress.at_reset);
	current = &progress;
	if (slot_is_ours())
		start_command(target);
	publish(progress);
}

void
progress_begin_job(Progress &progress, Oid target, int64 job)
{
	progress_begin(progress, target, -1);
	progress.job = job;
	progress.batch = 0;
}

void
progress_wait(Progress &progress, WaitsFor waits_for)
{
	progress.waits_for = waits_for;
	progress_phase(progress, waits_for == WaitsFor::Nothing ? Phase::Fetching : Phase::Waiting);
}

bool
progress_notice_is_due(Progress &progress)
{
	return notice_is_due(progress, GetCurrentTimestamp());
}

void
progress_source(Progress &progress, SourceFigures (*read_source)(const void *source),
				const void *source)
{
	progress.read_source = read_source;
	progress.source = source;
}

void
progress_source_ends(Progress &progress)
{
	read_source(progress);
	progress.read_source = nullptr;
}

void
progress_phase(Progress &progress, Phase phase)
{
	progress.phase = phase;
	publish(progress);
}

void
progress_rows_read(Progress &progress, int64 rows)
{
	progress.rows_fetched = rows;
	if (rows - progress.rows_at_check < progress.rows_per_check)
		return;

	TimestampTz now = GetCurrentTimestamp();

	/* The clock is read for each row of a slow source, and for few rows of a fast one. */
	progress.rows_per_check = now - progress.last_check > CHECK_INTERVAL
								  ? Max(progress.rows_per_check / 2, 1)
								  : Min(progress.rows_per_check * 2, MAX_ROWS_PER_CHECK);
	progress.last_check = now;
	progress.rows_at_check = rows;
	publish(progress);
	notice_when_due(progress, now);
}

void
progress_chunk_done(Progress &progress, int64 chunk, const int64 (&outcomes)[OUTCOMES])
{
	FAULT_POINT(progress);
	progress.chunk = chunk;
	for (int i = 0; i < OUTCOMES; i++)
		progress.outcomes[i] += outcomes[i];
	publish(progress);
	notice_when_due(progress, GetCurrentTimestamp());
}

/*
 * progress_entries
 *		One row for each backend that runs a bulk update: its process ID,
 *		database, user, target, and the parameters in their order.
 *
 * All but the first three are NULL for users who may not see the statistics of the
 * backend's user: the rule of pg_stat_get_progress_info().
 */
void
progress_entries(FunctionCallInfo fcinfo)
{
	constexpr int FIXED = 4;
	ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		const PgBackendStatus *entry = &local_backend_entry(i)->backendStatus;
		Datum values[FIXED + PARAMETERS] = {};
		bool nulls[FIXED + PARAMETERS];

		if (command_of(entry) != COMMAND ||
			entry->st_progress_param[PARAMETER_SIGNATURE] != SIGNATURE)
			continue;

		bool visible = has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
					   has_privs_of_role(GetUserId(), entry->st_userid);

		values[0] = Int32GetDatum(entry->st_procpid);
		values[1] = ObjectIdGetDatum(entry->st_databaseid);
		values[2] = ObjectIdGetDatum(entry->st_userid);
		values[3] = ObjectIdGetDatum(entry->st_progress_command_target);
		for (int p = 0; p < PARAMETERS; p++)
			values[FIXED + p] = Int64GetDatum(entry->st_progress_param[p]); /* timestamptz too */
		for (int column = 0; column < FIXED + PARAMETERS; column++)
			nulls[column] = column > 2 && !visible;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

} /* namespace bulkupdate */
