/*
 * sql_applier.cpp
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 *
 * The executor does all that UPDATE does, so this applier is right for every
 * target, and it is the reference for any other.
 */
#include "applier.h"
#include "fault.h"
#include "key.h"
#include "outcome_receiver.h"
#include "prepared.h"
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
	Prepared update;
	Prepared telling_update;
	Prepared look_for_rows;
	Prepared look_at_values;
	Prepared look_for_rows_in_range;
	Prepared look_at_values_in_range;
	OutcomeReceiver receiver;
};

/* A statement, and what the rows that it returns mean. */
struct Statement
{
	Prepared *prepared;
	char *text;
	Outcome outcome;
	Returns returns;
	bool in_range; /* reads the rows from the lowest key ($2) to the highest ($3) */
};

/*
 * Can a trigger make UPDATE pass over a row that is there?  Asked for each
 * chunk: triggers and partitions come and go.  Core does not take a table with
 * rules in a WITH clause; there such rows count as missing.
 */
bool
may_suppress(const Target *target)
{
	Relation relation = target->relation;

	return relation->rd_rules == NULL &&
		   (relation->rd_rel->relhassubclass ||
			(relation->trigdesc != NULL && relation->trigdesc->trig_update_before_row));
}

/* Does every table of the target have the index that covers the key? */
bool
every_table_has_index(const Target *target)
{
	const FormData_pg_class *form = target->relation->rd_rel;

	return !form->relhassubclass || form->relkind == RELKIND_PARTITIONED_TABLE;
}

/*
 * Settings under which a chunk's cost follows its rows and not the size of the
 * table; returns their nest level.
 *
 * A generic plan takes unnest() for a handful of rows, which makes the planner
 * look keys up in the index; for 10,000 it may think it cheaper to read the
 * whole table, and would do so for every chunk.  For a table that is small or
 * badly known the settings leave no other choice.  A table with inheritance
 * children that have no such index has to be read; there the planner chooses.
 * A custom plan would be made for each chunk, and with the true number of rows.
 *
 * A table of fewer rows than that handful would be read first, and so not in the
 * order of the keys: where tuples cost much, that is dearer than the lookups.
 *
 * Where keys are known to be dense, one scan of their range of the index and a
 * hash join take half the time of as many descents.
 */
int
begin_planning(const SqlApplier *applier, bool in_range)
{
	const Setting settings[] = {
		{"plan_cache_mode", "force_generic_plan"},
		{"jit", "off"},
		{"enable_nestloop", in_range ? "off" : "on"},
		{"enable_hashjoin", in_range ? "on" : "off"},
		{"enable_indexscan", "on"},
		{"enable_bitmapscan", in_range ? "off" : "on"},
		{"enable_mergejoin", "off"},
		{"enable_seqscan", "off"},
		{"enable_memoize", "off"},
		{"enable_material", "off"},
		{"cpu_tuple_cost", "100"},
	};
	constexpr int all = static_cast<int>(lengthof(settings));
	constexpr int always = 2;

	return begin_settings({settings, every_table_has_index(applier->target) ? all : always});
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

Datum
key_of_row(const Target *target, const ChunkRow *row)
{
	HeapTupleData tuple = tuple_of_image(row->image);
	bool isnull;

	return heap_getattr(&tuple, target->keys[0].target, RelationGetDescr(target->relation),
						&isnull);
}

ParamListInfo
parameters(const SqlApplier *applier, const Statement &statement, Span<ChunkRow *> rows)
{
	const Target *target = applier->target;
	ParamListInfo params = makeParamList(statement.in_range ? 3 : 1);

	for (int i = 0; i < params->numParams; i++)
		params->params[i] = {static_cast<Datum>(0), false, PARAM_FLAG_CONST,
							 i == 0 ? applier->array_type : target->keys[0].type};
	params->params[0].value = array_of_rows(applier, rows);
	if (statement.in_range)
	{
		params->params[1].value = key_of_row(target, rows[0]);
		params->params[2].value = key_of_row(target, rows[rows.size - 1]);
	}
	return params;
}

/* Run a statement on rows and mark those that it returns. */
void
execute(SqlApplier *applier, const Statement &statement, Span<ChunkRow *> rows)
{
	const Oid types[] = {applier->array_type, applier->target->keys[0].type,
						 applier->target->keys[0].type};
	SPIExecuteOptions options;

	/* The plan is the call's, all else the attempt's. */
	SPIPlanPtr plan = with_memory_context(GetMemoryChunkContext(applier), [&] {
		return prepared_plan(statement.prepared, statement.text,
							 {types, statement.in_range ? 3 : 1}, 0);
	});

	outcome_receiver_init(&applier->receiver, applier->target, rows, statement.outcome,
						  statement.returns);
	memset(&options, 0, sizeof(options));
	options.params = parameters(applier, statement, rows);
	options.dest = &applier->receiver.base;

	/* They end when the executor starts: no trigger sees them. */
	applier->receiver.settings_level = begin_planning(applier, statement.in_range);
	FAULT_POINT(statement_before);
	int result = keeping_memory_context([&] { return SPI_execute_plan_extended(plan, &options); });

	FAULT_POINT(statement_after);
	applier->base.statement_bytes = applier->receiver.statement_bytes;
	outcome_receiver_end_settings(&applier->receiver);
	if (result != SPI_OK_UPDATE_RETURNING && result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

void
set_outcome(Span<ChunkRow *> rows, Outcome outcome)
{
	for (ChunkRow *row : rows)
		row->outcome = outcome;
}

void
begin_statement(Span<ChunkRow *> rows, MemoryContext scratch)
{
	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);

	/* No new lock makes us hear of partitions and children that others attach meanwhile. */
	AcceptInvalidationMessages();
}

void
apply(Applier *base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);
	const Target *target = applier->target;

	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] {
		if (may_suppress(target))
			execute(applier,
					{&applier->telling_update, telling_update_statement(target), Outcome::Updated,
					 Returns::Updated, false},
					rows);
		else
			execute(applier,
					{&applier->update, update_statement(target), Outcome::Updated, Returns::Nothing,
					 false},
					rows);
	});
}

void
look(Applier *base, Span<ChunkRow *> rows, bool compare_values, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);
	const Target *target = applier->target;
	Returns returns = compare_values ? Returns::Values : Returns::Nothing;

	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] {
		bool dense = every_table_has_index(target) &&
					 key_range_is_dense(target, key_of_row(target, rows[0]),
										key_of_row(target, rows[rows.size - 1]), rows.size);

		if (dense)
			execute(applier,
					{compare_values ? &applier->look_at_values_in_range
									: &applier->look_for_rows_in_range,
					 look_in_range_statement(target, compare_values), Outcome::Pending, returns,
					 true},
					rows);
		else
			execute(applier,
					{compare_values ? &applier->look_at_values : &applier->look_for_rows,
					 look_statement(target, compare_values), Outcome::Pending, returns, false},
					rows);
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

	applier->base = {"sql", 0, apply, look, current_row, abandon};
	applier->target = target;
	applier->array_type = get_array_type(relation->rd_rel->reltype);
	if (!OidIsValid(applier->array_type))
		elog(ERROR, "relation \"%s\" has no array type", RelationGetRelationName(relation));
	return &applier->base;
}

} /* namespace bulkupdate */
