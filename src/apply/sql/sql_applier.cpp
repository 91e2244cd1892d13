/*
 * sql_applier.cpp
 *		Applying rows with a prepared UPDATE ... FROM unnest(...).
 *
 * The executor does everything, so this applier is correct for every
 * target, and is the reference for the other one.
 */
#include "apply/sql/sql_applier.h"

#include "apply/own_plan.h"
#include "apply/sql/deparse.h"
#include "apply/sql/outcome_receiver.h"
#include "apply/sql/own_paths.h"
#include "apply/sql/suppression.h"
#include "server/fault.h"
#include "server/saved_plan.h"
#include "target/key.h"

namespace bulkupdate
{

namespace
{

/* A prepared statement, and how it was planned. */
struct Planned
{
	SavedPlan saved;
	OwnPlan plan;
};

struct SqlApplier : Applier
{
	Oid array_type; /* array of the target's row type */
	Planned update;
	Planned reporting_update;
	Planned lock;
	Planned probe_rows;
	Planned probe_values;
	Planned probe_rows_in_range;
	Planned probe_values_in_range;
	Planned *applied; /* the newest one of the two that update */
	OutcomeReceiver receiver;
};

/* A statement, and the meaning of the rows that it returns. */
struct Statement
{
	Planned &planned;
	char *text;
	Outcome outcome;
	Returns returns;
	KeyAccess access; /* Range: from the lowest key ($2) to the highest ($3) */
	Probe probe = Probe::Row;
	bool keeps = false; /* it returns values to be kept */
};

Datum
array_of_rows(const SqlApplier &applier, Span<ChunkRow *> rows)
{
	Datum *elements = palloc_array_of<Datum>(rows.size);

	for (int i = 0; i < rows.size; i++)
		elements[i] = PointerGetDatum(rows[i]->tuple);

	ArrayType *array = construct_array(
		elements, rows.size, applier.target->relation->rd_rel->reltype, -1, false, TYPALIGN_DOUBLE);

	pfree(elements);
	return PointerGetDatum(array);
}

ParamListInfo
parameters(const SqlApplier &applier, const Statement &statement, Span<ChunkRow *> rows)
{
	const Target &target = *applier.target;
	ParamListInfo params = makeParamList(statement.access == KeyAccess::Range ? 3 : 1);

	/* Not constants: no plan is made for this array, whatever plan_cache_mode is. */
	for (int i = 0; i < params->numParams; i++)
		params->params[i] = {static_cast<Datum>(0), false, 0,
							 i == 0 ? applier.array_type : target.keys[0].type};
	params->params[0].value = array_of_rows(applier, rows);
	if (statement.access == KeyAccess::Range)
	{
		params->params[1].value = rows[0]->key[0];
		params->params[2].value = rows[rows.size - 1]->key[0];
	}
	return params;
}

/* Was the plan made for a very different number of rows? */
bool
is_planned_for_others(const OwnPlan &plan, int rows)
{
	constexpr int far = 4;

	return plan.planned_rows > 0 &&
		   (rows / far > plan.planned_rows || plan.planned_rows / far > rows);
}

SPIPlanPtr
plan_of(SqlApplier &applier, const Statement &statement, Span<ChunkRow *> rows)
{
	const Oid types[] = {applier.array_type, applier.target->keys[0].type,
						 applier.target->keys[0].type};
	Planned &planned = statement.planned;

	if (is_planned_for_others(planned.plan, rows.size))
		saved_plan_forget(planned.saved);

	/* The plan belongs to the call, everything else to the attempt. */
	SPIPlanPtr plan = with_memory_context(GetMemoryChunkContext(&applier), [&] {
		return saved_plan_get(planned.saved, statement.text,
							  {types, statement.access == KeyAccess::Range ? 3 : 1},
							  CURSOR_OPT_GENERIC_PLAN);
	});

	planned.plan = {saved_plan_query_string(planned.saved), applier.target, rows.size,
					statement.access, planned.plan.planned_rows};
	return plan;
}

/* Execute a statement for rows and set the outcomes of those that it returns. */
void
execute(SqlApplier &applier, const Statement &statement, Span<ChunkRow *> rows)
{
	SPIPlanPtr plan = plan_of(applier, statement, rows);
	SPIExecuteOptions options;
	int result = 0;

	outcome_receiver_init(applier.receiver, applier, rows, statement.outcome, statement.returns,
						  statement.probe, statement.keeps);
	memset(&options, 0, sizeof(options));
	options.params = parameters(applier, statement, rows);
	options.dest = &applier.receiver.base;

	FAULT_POINT(statement_before);
	while_planning_own(statement.planned.plan, [&] {
		result = keeping_memory_context([&] { return SPI_execute_plan_extended(plan, &options); });
	});
	outcome_receiver_finished(applier.receiver);
	FAULT_POINT(statement_after);
	applier.statement_bytes = applier.receiver.statement_bytes;
	if (result != SPI_OK_UPDATE_RETURNING && result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
}

void
set_outcome(Span<ChunkRow *> rows, Outcome outcome)
{
	for (ChunkRow *row : rows)
		row->outcome = outcome;
}

/*
 * Lock rows, and set the outcome of those that are missing, unchanged or stale; returns the others,
 * whose old values are kept.
 *
 * If UPDATE itself compared the expected values, it would not follow a row whose version in the
 * snapshot differs, although a concurrent update may have given it these values.  Nobody else can
 * change the rows until the UPDATE, whose snapshot is a newer one and sees what was locked.
 */
Span<ChunkRow *>
lock_rows(SqlApplier &applier, Span<ChunkRow *> rows)
{
	const Target &target = *applier.target;
	Span<ChunkRow *> found = {palloc_array_of<ChunkRow *>(rows.size), 0};
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update lock", ALLOCSET_DEFAULT_SIZES);

	with_memory_context(memory, [&] {
		execute(applier,
				{applier.lock, deparse_lock(target), Outcome::Pending, Returns::Probed,
				 KeyAccess::LookUp, probe_of_locked(target), true},
				rows);
	});
	MemoryContextDelete(memory);
	FAULT_POINT(locked);
	for (ChunkRow *row : rows)
		if (row->outcome == Outcome::Pending)
			found[found.size++] = row;
	set_outcome(found, Outcome::Missing);
	return found;
}

/*
 * The statement that updates.  Determined again if something has changed on which the plan
 * of the newest one depends, such as triggers and partitions.
 */
Planned &
updating(SqlApplier &applier)
{
	if (applier.applied == nullptr || !saved_plan_has_current_plan(applier.applied->saved))
		applier.applied =
			may_suppress_update(*applier.target) ? &applier.reporting_update : &applier.update;
	return *applier.applied;
}

void
begin_statement(Span<ChunkRow *> rows, MemoryContext scratch)
{
	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);

	/* Otherwise no new lock would process invalidations for partitions attached in the meantime. */
	AcceptInvalidationMessages();
}

const char *
apply(Applier &base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	SqlApplier &applier = static_cast<SqlApplier &>(base);
	const Target &target = *applier.target;

	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] {
		if (target.expected.size > 0 || target.kept.size > 0)
			rows = lock_rows(applier, rows);

		Planned &planned = updating(applier);

		if (&planned == &applier.reporting_update)
			execute(applier,
					{planned, deparse_update_reporting_suppressed(target), Outcome::Updated,
					 Returns::Updated, KeyAccess::LookUp, Probe::Row, true},
					rows);
		else
			execute(applier,
					{planned, deparse_update(target), Outcome::Updated, Returns::Nothing,
					 KeyAccess::LookUp, Probe::Row, true},
					rows);
	});
	return nullptr;
}

const char *
probe(Applier &base, Span<ChunkRow *> rows, Probe probe, MemoryContext scratch)
{
	SqlApplier &applier = static_cast<SqlApplier &>(base);
	const Target &target = *applier.target;
	bool values = probes_values(probe);
	Returns returns = probe == Probe::Row ? Returns::Nothing : Returns::Probed;

	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] {
		/* If keys are dense, one scan of their range and a hash join take half the time. */
		bool dense =
			rows.size > 0 && enable_hashjoin && !has_inheritance_children(target.relation) &&
			key_range_is_dense(target, rows[0]->key[0], rows[rows.size - 1]->key[0], rows.size);

		if (dense)
			execute(applier,
					{values ? applier.probe_values_in_range : applier.probe_rows_in_range,
					 deparse_probe_in_range(target, probe), Outcome::Pending, returns,
					 KeyAccess::Range, probe},
					rows);
		else
			execute(applier,
					{values ? applier.probe_values : applier.probe_rows,
					 deparse_probe(target, probe), Outcome::Pending, returns, KeyAccess::LookUp,
					 probe},
					rows);
	});
	return nullptr;
}

ChunkRow *
current_row(const Applier &base)
{
	return outcome_receiver_current_row(static_cast<const SqlApplier &>(base).receiver);
}

ChunkRow *
late_row(const Applier &base)
{
	return outcome_receiver_late_row(static_cast<const SqlApplier &>(base).receiver);
}

void
abandon(Applier &base)
{
	outcome_receiver_finished(static_cast<SqlApplier &>(base).receiver);
}

} /* namespace */

Applier *
sql_applier_create(const Target &target, Rechecks *rechecks /* or NULL */)
{
	SqlApplier *applier = palloc_one<SqlApplier>();
	Relation relation = target.relation;

	static_cast<Applier &>(*applier) = {apply, probe, current_row, late_row, abandon,
										"sql", 0,     &target,     rechecks, nullptr,
										false, false, nullptr};
	applier->array_type = get_array_type(relation->rd_rel->reltype);
	if (!OidIsValid(applier->array_type))
		elog(ERROR, "relation \"%s\" has no array type", RelationGetRelationName(relation));
	return applier;
}

void
sql_applier_init()
{
	outcome_receiver_watch();
	own_plan_watch();
	own_paths_watch();
}

} /* namespace bulkupdate */
