/*
 * sql_applier.cpp
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 *
 * The executor does all that UPDATE does, so this applier is right for every
 * target, and it is the reference for any other.
 */
#include "applier.h"
#include "statement.h"

namespace bulkupdate
{

namespace
{

struct SqlApplier
{
	Applier base;
	const Target *target;
	Oid array_type; /* array of the target's row type */
	SPIPlanPtr update;
	SPIPlanPtr presence;         /* NULL until needed */
	SPIPlanPtr locking_presence; /* likewise */
	bool may_suppress;           /* a trigger can let UPDATE pass over a row that is there */
	bool every_child_has_index;  /* a look-up by key never needs to scan a table */
};

/* Rows that a statement works on: element n of its array is rows[n - 1]. */
struct Batch
{
	Span<ChunkRow *> rows;
};

/* Receives the positions that a statement returns, and marks the rows. */
struct OutcomeReceiver
{
	DestReceiver base;
	const Batch *batch;
	Outcome outcome;
};

bool
receive_position(TupleTableSlot *slot, DestReceiver *self)
{
	OutcomeReceiver *receiver = reinterpret_cast<OutcomeReceiver *>(self);
	bool isnull;
	int64 n = DatumGetInt64(slot_getattr(slot, 1, &isnull));

	Assert(!isnull && n >= 1 && n <= receiver->batch->rows.size);
	receiver->batch->rows[static_cast<int>(n - 1)]->outcome = receiver->outcome;
	return true;
}

void
receiver_startup(DestReceiver *, int, TupleDesc)
{}

void
receiver_nothing(DestReceiver *)
{}

OutcomeReceiver
outcome_receiver(const Batch *batch, Outcome outcome)
{
	OutcomeReceiver receiver;

	receiver.base.receiveSlot = receive_position;
	receiver.base.rStartup = receiver_startup;
	receiver.base.rShutdown = receiver_nothing;
	receiver.base.rDestroy = receiver_nothing;
	receiver.base.mydest = DestTuplestore; /* DestNone would mean that no rows are wanted */
	receiver.batch = batch;
	receiver.outcome = outcome;
	return receiver;
}

SPIPlanPtr
prepare(const SqlApplier *applier, const char *sql)
{
	Oid argument = applier->array_type;
	SPIPlanPtr plan = keeping_memory_context(
		[&] { return SPI_prepare_cursor(sql, 1, &argument, CURSOR_OPT_GENERIC_PLAN); });

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/*
 * Make the generic plan, so that the cost of a chunk follows its rows and not
 * the size of the table.
 *
 * A generic plan takes unnest() for a handful of rows, which makes the planner
 * look keys up in the index; for 10,000 it may think it cheaper to read the
 * whole table, and would do so for every chunk.  For a table that is small or
 * badly known the settings leave no other choice.  A table with inheritance
 * children that have no such index has to be read; there the planner chooses.
 *
 * The settings hold while planning only: no trigger sees them.
 */
void
plan_for_lookup(const SqlApplier *applier, SPIPlanPtr plan)
{
	static const Setting settings[] = {
		{"jit", "off"},
		{"enable_nestloop", "on"},
		{"enable_indexscan", "on"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
		{"enable_seqscan", "off"},
		{"enable_memoize", "off"},
		{"enable_material", "off"},
	};
	constexpr int all = static_cast<int>(lengthof(settings));

	with_settings({settings, applier->every_child_has_index ? all : 1},
				  [&] { ReleaseCachedPlan(SPI_plan_get_cached_plan(plan), NULL); });
}

Datum
array_of_rows(const SqlApplier *applier, const Batch *batch)
{
	Datum *elements = palloc_array_of<Datum>(batch->rows.size);

	for (int i = 0; i < batch->rows.size; i++)
		elements[i] = PointerGetDatum(batch->rows[i]->image);

	ArrayType *array =
		construct_array(elements, batch->rows.size, applier->target->relation->rd_rel->reltype, -1,
						false, TYPALIGN_DOUBLE);

	pfree(elements);
	return PointerGetDatum(array);
}

/*
 * Run a statement on a batch; the rows it returns get outcome.  A statement
 * that only reads can be given the snapshot to read with.
 */
void
execute(const SqlApplier *applier, SPIPlanPtr plan, const Batch *batch, Outcome outcome,
		Snapshot snapshot = nullptr)
{
	OutcomeReceiver receiver = outcome_receiver(batch, outcome);
	ParamListInfo params = makeParamList(1);
	SPIExecuteOptions options;
	int result = 0;

	params->params[0].value = array_of_rows(applier, batch);
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = applier->array_type;

	memset(&options, 0, sizeof(options));
	options.params = params;
	options.read_only = snapshot != nullptr;
	options.dest = &receiver.base;

	plan_for_lookup(applier, plan);

	/* A custom plan would be made for each chunk, and may read the whole table. */
	static const Setting settings[] = {{"plan_cache_mode", "auto"}};
	bool override_mode = plan_cache_mode == PLAN_CACHE_MODE_FORCE_CUSTOM_PLAN;

	if (snapshot != nullptr)
		PushActiveSnapshot(snapshot);
	with_settings({settings, override_mode ? 1 : 0}, [&] {
		result = keeping_memory_context([&] { return SPI_execute_plan_extended(plan, &options); });
	});
	if (snapshot != nullptr)
		PopActiveSnapshot();
	if (result != SPI_OK_UPDATE_RETURNING && result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

Batch
rows_with(Outcome outcome, Span<ChunkRow> rows)
{
	Batch batch = {{palloc_array_of<ChunkRow *>(rows.size), 0}};

	for (ChunkRow &row : rows)
		if (row.outcome == outcome)
			batch.rows[batch.rows.size++] = &row;
	return batch;
}

/*
 * Tell the rows that a trigger made UPDATE pass over from those that are not
 * there: by the snapshot from before the update, for afterwards there can be
 * rows with these keys that the chunk itself has made.
 */
void
find_suppressed(SqlApplier *applier, Span<ChunkRow> rows, Snapshot before)
{
	Batch missing = rows_with(Outcome::Missing, rows);

	if (missing.rows.size == 0)
		return;
	if (applier->presence == NULL)
		applier->presence = prepare(applier, presence_statement(applier->target, false));
	execute(applier, applier->presence, &missing, Outcome::Unchanged, before);

	/* What a policy for UPDATE hides counts as missing, as it does without triggers. */
	if (check_enable_rls(RelationGetRelid(applier->target->relation), InvalidOid, true) !=
		RLS_ENABLED)
		return;

	Batch seen = rows_with(Outcome::Unchanged, rows);

	if (seen.rows.size == 0)
		return;
	if (applier->locking_presence == NULL)
		applier->locking_presence = prepare(applier, presence_statement(applier->target, true));
	for (ChunkRow *row : seen.rows)
		row->outcome = Outcome::Missing;
	execute(applier, applier->locking_presence, &seen, Outcome::Unchanged);
}

void
apply(Applier *base, Span<ChunkRow> rows, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);

	if (rows.size == 0)
		return;
	for (ChunkRow &row : rows)
		row.outcome = Outcome::Missing;
	MemoryContextReset(scratch);

	with_memory_context(scratch, [&] {
		Batch all = rows_with(Outcome::Missing, rows);
		Snapshot before = nullptr;

		if (applier->may_suppress)
		{
			CommandCounterIncrement();
			before = RegisterSnapshot(GetTransactionSnapshot());
		}
		execute(applier, applier->update, &all, Outcome::Updated);
		if (applier->may_suppress)
		{
			find_suppressed(applier, rows, before);
			UnregisterSnapshot(before);
		}
	});
}

} /* namespace */

Applier *
sql_applier_create(const Target *target)
{
	SqlApplier *applier = palloc_one<SqlApplier>();
	Relation relation = target->relation;
	bool has_children = relation->rd_rel->relhassubclass;

	applier->base = {"sql", apply};
	applier->target = target;
	applier->array_type = get_array_type(relation->rd_rel->reltype);
	if (!OidIsValid(applier->array_type))
		elog(ERROR, "relation \"%s\" has no array type", RelationGetRelationName(relation));
	applier->may_suppress =
		has_children || (relation->trigdesc != NULL && relation->trigdesc->trig_update_before_row);
	applier->every_child_has_index =
		!has_children || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	applier->update = prepare(applier, update_statement(target));
	return &applier->base;
}

} /* namespace bulkupdate */
