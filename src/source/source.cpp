/*
 * source.cpp
 *		Reading a portal in batches of bounded size.
 */
#include "source/source.h"

#include "server/fault.h"
#include "server/plan_code.h"
#include "server/spool.h"

namespace bulkupdate
{

namespace
{

/* Maximum and first number of rows to fetch at once. */
constexpr int64 MAX_BATCH_ROWS = 1000;
constexpr int64 FIRST_BATCH_ROWS = 16;

/* A batch that takes longer than this is followed by a smaller one, so that progress is shown. */
constexpr double SLOW_BATCH_MS = 50;

void
check_portal(const Source &source, Portal portal)
{
	if (portal->status == PORTAL_ACTIVE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cursor \"%s\" is already being fetched from", source.name),
				 errdetail("bulk_update was called, directly or not, by this cursor's own query."),
				 errhint("Pass a cursor that is open and not in use.")));
	if (portal->tupDesc == nullptr || portal->strategy == PORTAL_MULTI_QUERY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_DEFINITION),
				 errmsg("cursor \"%s\" does not return rows", source.name),
				 errhint("Pass a cursor for a SELECT, VALUES or a command with RETURNING.")));
	if (portal->status != PORTAL_READY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" cannot be fetched from", source.name),
				 errdetail("The cursor failed earlier in this transaction, or its command has "
						   "been completed."),
				 errhint("Open the cursor again.")));
}

/*
 * The code that runs between two fetches (triggers, casts, defaults) is
 * user-defined and may do anything to the portal.  If it is not as we left
 * it, rows could be lost silently.
 */
void
check_portal_untouched(const Source &source)
{
	if (!portal_exists(*source.watch) || source.portal->portalPos != source.portal_position)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cursor \"%s\" was closed or moved while bulk_update was reading it",
						source.name),
				 errhint("Do not use the cursor in triggers and functions that run during the "
						 "call.")));
	check_portal(source, source.portal);
}

/* Number of rows to fetch next: few at first, more while they arrive fast and fit in memory. */
int64
next_batch_target(const Source &source)
{
	if (source.batch_rows == 0)
		return FIRST_BATCH_ROWS;

	int64 row_bytes = Max(source.batch_bytes / source.batch_rows, 1);
	int64 fitting = static_cast<int64>(spool_memory_kb()) * 1024 / 2 / row_bytes;
	int64 growing =
		source.slow ? source.batch_rows / 2 : Min(source.batch_target * 4, MAX_BATCH_ROWS);

	return Max(Min(growing, fitting), 1);
}

/* Number of rows that may be fetched before a chunk ends. */
int64
rows_to_chunk_end(const Source &source)
{
	return source.chunk_rows - source.rows_taken % source.chunk_rows;
}

void
fetch_batch(Source &source)
{
	source.batch_target = next_batch_target(source);

	int64 wanted = Min(source.batch_target, rows_to_chunk_end(source));
	instr_time start;
	instr_time elapsed;

	tuplestore_clear(source.batch);
	check_portal_untouched(source);
	SetTuplestoreDestReceiverParams(source.receiver, source.batch, CurrentMemoryContext, false,
									source.tuple_desc,
									gettext_noop("columns of the cursor changed during the call"));
	INSTR_TIME_SET_CURRENT(start);
	FAULT_POINT(fetch);
	source.batch_rows = static_cast<int64>(
		PortalRunFetch(source.portal, FETCH_FORWARD, static_cast<long>(wanted), source.receiver));
	FAULT_POINT(fetched);
	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, start);
	source.slow = INSTR_TIME_GET_MILLISEC(elapsed) > SLOW_BATCH_MS;
	source.batch_bytes = 0;
	source.portal_position = source.portal->portalPos;
	source.at_end = source.batch_rows < wanted;
}

/* Passes on the rows of a portal that is run to its end. */
struct RowReceiver
{
	DestReceiver base;
	Source *source;
	void (*take)(TupleTableSlot *row, void *arg);
	void *arg;
	MemoryContext memory; /* this and the next two are the caller's */
	ResourceOwner owner;
	ErrorContextCallback *error_context;
};

/* What the caller does with a row is not part of the portal's run. */
bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver &receiver = *reinterpret_cast<RowReceiver *>(self);
	ResourceOwner owner = CurrentResourceOwner;
	ErrorContextCallback *error_context = error_context_stack;

	with_memory_context(receiver.memory, [&] {
		bool is_copy;
		MinimalTuple tuple = ExecFetchSlotMinimalTuple(slot, &is_copy);

		CurrentResourceOwner = receiver.owner;
		error_context_stack = receiver.error_context;
		ExecStoreMinimalTuple(tuple, receiver.source->slot, is_copy);
		receiver.source->rows_taken++;
		receiver.take(receiver.source->slot, receiver.arg);
		ExecClearTuple(receiver.source->slot);
		error_context_stack = error_context;
		CurrentResourceOwner = owner;
	});
	return true;
}

void
ignore_startup(DestReceiver *, int, TupleDesc)
{}

void
ignore_end(DestReceiver *)
{}

void
run_portal(Source &source, RowReceiver &receiver)
{
	check_portal_untouched(source);
	FAULT_POINT(fetch);
	run_whole_portal(source.portal, &receiver.base);
	FAULT_POINT(fetched);
	source.portal_position = source.portal->portalPos;
	source.at_end = true;
}

void
fetch_error_context(void *arg)
{
	const Source &source = *static_cast<const Source *>(arg);

	/* The batch was empty before; now it has the rows fetched before the error. */
	int64 rows = source.rows_taken + tuplestore_tuple_count(source.batch);

	errcontext("bulk_update fetching from %s after source row %lld", source.label,
			   static_cast<long long>(rows));
}

} /* namespace */

Source *
source_open(const char *name, const char *label, int chunk_rows)
{
	Source *source = palloc_one<Source>();
	Portal portal = GetPortalByName(name);

	if (!PortalIsValid(portal))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_CURSOR), errmsg("cursor \"%s\" does not exist", name),
				 errhint("Open it in this transaction before the call, for example with DECLARE "
						 "%s CURSOR FOR SELECT ...",
						 quote_identifier(*name ? name : "c"))));

	source->name = name;
	source->label = label;
	source->chunk_rows = chunk_rows;
	source->portal = portal;
	check_portal(*source, portal);
	source->watch = portal_watch_create(portal);
	source->portal_position = portal->portalPos;
	source->tuple_desc = CreateTupleDescCopy(portal->tupDesc);
	source->batch = tuplestore_begin_heap(false, false, spool_memory_kb());
	source->receiver = CreateTuplestoreDestReceiver();
	source->slot = MakeSingleTupleTableSlot(source->tuple_desc, &TTSOpsMinimalTuple);
	return source;
}

const PlannedStmt *
source_plan(const Source &source)
{
	/* It may be gone: the constants of an inlined cast are evaluated before the first row. */
	if (!portal_exists(*source.watch) || source.portal->stmts == NIL)
		return nullptr;

	const PlannedStmt *statement = linitial_node(PlannedStmt, source.portal->stmts);

	return statement->planTree == nullptr ? nullptr : statement;
}

int64
source_estimated_rows(const Source &source)
{
	const PlannedStmt *statement = source_plan(source);

	if (statement == nullptr)
		return -1;

	double rows = statement->planTree->plan_rows - static_cast<double>(source.portal->portalPos);

	return rows < 1 ? 1 : static_cast<int64>(Min(rows, 1e18));
}

bool
source_runs_code(Source &source)
{
	/* The rows of all other strategies are stored by the first fetch. */
	if (source.at_end || !portal_exists(*source.watch) || source.portal->holdStore != nullptr ||
		source.portal->strategy != PORTAL_ONE_SELECT)
		return false;

	if (source.plan_code == PlanCode::NotExamined)
	{
		const PlannedStmt *statement = source_plan(source);

		source.plan_code = statement == nullptr || plan_runs_user_code(statement)
							   ? PlanCode::User
							   : PlanCode::Server;
	}
	return source.plan_code == PlanCode::User;
}

TupleTableSlot *
source_next(Source &source)
{
	while (!tuplestore_gettupleslot(source.batch, true, false, source.slot))
	{
		if (source.at_end)
			return nullptr;
		with_error_context(fetch_error_context, &source, [&] { fetch_batch(source); });
	}

	/* The memory that the batch uses for the row: up to twice its length and a header. */
	source.batch_bytes += static_cast<int64>(
		GetMemoryChunkSpace(reinterpret_cast<MinimalTupleTableSlot *>(source.slot)->mintuple));
	source.rows_taken++;
	return source.slot;
}

void
source_run(Source &source, void (*take)(TupleTableSlot *row, void *arg), void *arg)
{
	RowReceiver receiver = {};

	Assert(source.rows_taken == 0 && source.batch_rows == 0);
	receiver.base.receiveSlot = receive_row;
	receiver.base.rStartup = ignore_startup;
	receiver.base.rShutdown = ignore_end;
	receiver.base.rDestroy = ignore_end;
	receiver.base.mydest = DestTuplestore; /* DestNone would mean that no rows are returned */
	receiver.source = &source;
	receiver.take = take;
	receiver.arg = arg;
	receiver.memory = CurrentMemoryContext;
	receiver.owner = CurrentResourceOwner;
	receiver.error_context = error_context_stack;
	with_error_context(fetch_error_context, &source, [&] { run_portal(source, receiver); });
}

void
source_close(Source &source)
{
	ExecDropSingleTupleTableSlot(source.slot);
	source.receiver->rDestroy(source.receiver);
	tuplestore_end(source.batch);
}

} /* namespace bulkupdate */
