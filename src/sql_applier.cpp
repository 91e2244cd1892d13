/*
 * sql_applier.cpp
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 *
 * The executor does all that UPDATE does, so this applier is right for every
 * target, and it is the reference for any other.
 */
#include "applier.h"
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
	OutcomeReceiver receiver;
};

/* A statement, and what the rows that it returns mean. */
struct Statement
{
	Prepared *prepared;
	char *(*text)(const Target *target);
	Outcome outcome;
	Returns returns;
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
 */
int
begin_planning(const SqlApplier *applier)
{
	static const Setting settings[] = {
		{"plan_cache_mode", "force_generic_plan"},
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

/* Run a statement on rows and mark those that it returns. */
void
execute(SqlApplier *applier, const Statement &statement, Span<ChunkRow *> rows)
{
	/* No new lock makes us hear of partitions and children that others attach meanwhile. */
	AcceptInvalidationMessages();

	/* The plan is the call's, all else the attempt's. */
	const char *text = statement.text(applier->target);
	SPIPlanPtr plan = with_memory_context(GetMemoryChunkContext(applier), [&] {
		return prepared_plan(statement.prepared, text, {&applier->array_type, 1}, 0);
	});
	ParamListInfo params = makeParamList(1);
	SPIExecuteOptions options;

	outcome_receiver_init(&applier->receiver, applier->target, rows, statement.outcome,
						  statement.returns);
	params->params[0].value = array_of_rows(applier, rows);
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = applier->array_type;

	memset(&options, 0, sizeof(options));
	options.params = params;
	options.dest = &applier->receiver.base;

	/* They end when the executor starts: no trigger sees them. */
	applier->receiver.settings_level = begin_planning(applier);
	int result = keeping_memory_context([&] { return SPI_execute_plan_extended(plan, &options); });

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
run_statement(SqlApplier *applier, const Statement &statement, Span<ChunkRow *> rows,
			  MemoryContext scratch)
{
	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);
	with_memory_context(scratch, [&] { execute(applier, statement, rows); });
}

void
apply(Applier *base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);
	const Statement update = {&applier->update, update_statement, Outcome::Updated,
							  Returns::Nothing};
	const Statement telling = {&applier->telling_update, telling_update_statement, Outcome::Updated,
							   Returns::Updated};

	run_statement(applier, may_suppress(applier->target) ? telling : update, rows, scratch);
}

char *
look_for_rows_statement(const Target *target)
{
	return look_statement(target, false);
}

char *
look_at_values_statement(const Target *target)
{
	return look_statement(target, true);
}

void
look(Applier *base, Span<ChunkRow *> rows, bool compare_values, MemoryContext scratch)
{
	SqlApplier *applier = reinterpret_cast<SqlApplier *>(base);
	const Statement for_rows = {&applier->look_for_rows, look_for_rows_statement, Outcome::Pending,
								Returns::Nothing};
	const Statement at_values = {&applier->look_at_values, look_at_values_statement,
								 Outcome::Pending, Returns::Values};

	run_statement(applier, compare_values ? at_values : for_rows, rows, scratch);
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

	applier->base = {"sql", apply, look, current_row, abandon};
	applier->target = target;
	applier->array_type = get_array_type(relation->rd_rel->reltype);
	if (!OidIsValid(applier->array_type))
		elog(ERROR, "relation \"%s\" has no array type", RelationGetRelationName(relation));
	return &applier->base;
}

} /* namespace bulkupdate */
