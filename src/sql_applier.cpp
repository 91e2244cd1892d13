/*
 * sql_applier.cpp
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 *
 * The executor does all that UPDATE does, so this applier is right for every
 * target, and it is the reference for any other.
 */
#include "applier.h"
#include "outcome_receiver.h"
#include "statement.h"

namespace bulkupdate
{

namespace
{

struct SqlApplier
{
	Applier base;
	const Target *target;
	Oid array_type;    /* array of the target's row type */
	SPIPlanPtr update; /* the plans are NULL until needed */
	SPIPlanPtr look_for_rows;
	SPIPlanPtr look_at_values;
	SPIPlanPtr lock;
	bool may_suppress;          /* a trigger can let UPDATE pass over a row that is there */
	bool every_child_has_index; /* a look-up by key never needs to scan a table */
	OutcomeReceiver receiver;
};

/* Whose rows a statement marks, and how. */
struct Marking
{
	Span<ChunkRow *> rows;
	Outcome outcome;
	bool compare_values;
};

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
array_of_rows(const SqlApplier *applier, Span<ChunkRow *> rows)
{
	Datum *elements = palloc_array_of<Datum>(rows.size);

	for (int i = 0; i < rows.size; i++)
		elements[i] = PointerGetDatum(rows[i]->image);

	ArrayType *array =
		construct_array(elements, rows.size, applier->target->relation->rd_rel->reltype, -1, false,
						TYPALIGN_DOUBLE);

	pfree(elements);
	return PointerGetDatum(array);
}

/*
 * Run a statement on rows and mark those that it returns.  A statement that
 * only reads can be given the snapshot to read with.
 */
void
execute(SqlApplier *applier, SPIPlanPtr plan, const Marking &marking, Snapshot snapshot = nullptr)
{
	ParamListInfo params = makeParamList(1);
	SPIExecuteOptions options;
	int result = 0;

	outcome_receiver_init(&applier->receiver, applier->target, marking.rows, marking.outcome,
						  marking.compare_values);
	params->params[0].value = array_of_rows(applier, marking.rows);
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = applier->array_type;

	memset(&options, 0, sizeof(options));
	options.params = params;
	options.read_only = snapshot != nullptr;
	options.dest = &applier->receiver.base;

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

SPIPlanPtr
prepared(const SqlApplier *applier, SPIPlanPtr *plan, const char *sql)
{
	if (*plan == NULL)
		*plan = prepare(applier, sql);
	return *plan;
}

Span<ChunkRow *>
rows_with(Outcome outcome, Span<ChunkRow *> rows)
{
	Span<ChunkRow *> found = {palloc_array_of<ChunkRow *>(rows.size), 0};

	for (ChunkRow *row : rows)
		if (row->outcome == outcome)
			found[found.size++] = row;
	return found;
}

void
set_outcome(Span<ChunkRow *> rows, Outcome outcome)
{
	for (ChunkRow *row : rows)
		row->outcome = outcome;
}

/*
 * Tell the rows that a trigger made UPDATE pass over from those that are not
 * there: by the snapshot from before the update, for afterwards there can be
 * rows with these keys that the chunk itself has made.
 */
void
find_suppressed(SqlApplier *applier, Span<ChunkRow *> rows, Snapshot before)
{
	const Target *target = applier->target;
	Span<ChunkRow *> missing = rows_with(Outcome::Missing, rows);

	if (missing.size == 0)
		return;
	execute(applier, prepared(applier, &applier->look_for_rows, look_statement(target, false)),
			{missing, Outcome::Unchanged, false}, before);

	/* What a policy for UPDATE hides counts as missing, as it does without triggers. */
	if (check_enable_rls(RelationGetRelid(target->relation), InvalidOid, true) != RLS_ENABLED)
		return;

	Span<ChunkRow *> seen = rows_with(Outcome::Unchanged, rows);

	if (seen.size == 0)
		return;
	set_outcome(seen, Outcome::Missing);
	execute(applier, prepared(applier, &applier->lock, lock_statement(target)),
			{seen, Outcome::Unchanged, false});
}

void
apply(Applier *base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);

	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);
	with_memory_context(scratch, [&] {
		Snapshot before = nullptr;

		if (applier->may_suppress)
		{
			CommandCounterIncrement();
			before = RegisterSnapshot(GetTransactionSnapshot());
		}
		execute(applier, prepared(applier, &applier->update, update_statement(applier->target)),
				{rows, Outcome::Updated, false});
		if (applier->may_suppress)
		{
			find_suppressed(applier, rows, before);
			UnregisterSnapshot(before);
		}
	});
}

void
look(Applier *base, Span<ChunkRow *> rows, bool compare_values, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);
	SPIPlanPtr *plan = compare_values ? &applier->look_at_values : &applier->look_for_rows;

	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);
	with_memory_context(scratch, [&] {
		execute(applier, prepared(applier, plan, look_statement(applier->target, compare_values)),
				{rows, Outcome::Pending, compare_values});
	});
}

ChunkRow *
current_row(const Applier *base)
{
	return outcome_receiver_current_row(&reinterpret_cast<const SqlApplier *>(base)->receiver);
}

void
abandon(Applier *base)
{
	reinterpret_cast<SqlApplier *>(base)->receiver.query = nullptr;
}

} /* namespace */

Applier *
sql_applier_create(const Target *target)
{
	SqlApplier *applier = palloc_one<SqlApplier>();
	Relation relation = target->relation;
	bool has_children = relation->rd_rel->relhassubclass;

	applier->base = {"sql", apply, look, current_row, abandon};
	applier->target = target;
	applier->array_type = get_array_type(relation->rd_rel->reltype);
	if (!OidIsValid(applier->array_type))
		elog(ERROR, "relation \"%s\" has no array type", RelationGetRelationName(relation));
	applier->may_suppress =
		has_children || (relation->trigdesc != NULL && relation->trigdesc->trig_update_before_row);
	applier->every_child_has_index =
		!has_children || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	return &applier->base;
}

} /* namespace bulkupdate */
