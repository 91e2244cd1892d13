/*
 * outcome_receiver.cpp
 *		Setting the outcome of rows from the rows that the executor returns.
 */
#include "apply/sql/outcome_receiver.h"

#include "apply/late_row.h"
#include "apply/recheck.h"
#include "chunk/row_tuple.h"
#include "server/fault.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

ExecutorStart_hook_type previous_start_hook = nullptr;

OutcomeReceiver &
receiver_of(DestReceiver *self)
{
	return *reinterpret_cast<OutcomeReceiver *>(self);
}

/* Which old values belong to which new ones, if a table has several rows with the key? */
void
check_one_row_of_table(OutcomeReceiver &receiver, int i, Oid table)
{
	const Target &target = *receiver.target;

	if (list_member_oid(receiver.tables[i], table))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot keep old values of table \"%s\"",
					OidIsValid(table) ? get_rel_name(table)
									  : RelationGetRelationName(target.relation)),
			 errdetail("Several of its rows have key %s.",
					   key_detail(target, receiver.rows[i]->key)),
			 errhint("Create a unique index on the key in each table of the inheritance tree.")));
	with_memory_context(GetMemoryChunkContext(receiver.tables),
						[&] { receiver.tables[i] = lappend_oid(receiver.tables[i], table); });
}

/* Keep the values in the columns from this one on. */
void
keep(OutcomeReceiver &receiver, int i, TupleTableSlot *slot, int column)
{
	KeptStore store = receiver.returns == Returns::Probed ? KeptStore::Old : KeptStore::New;
	bool isnull;

	if (receiver.kept == nullptr)
		return;
	check_one_row_of_table(receiver, i, DatumGetObjectId(slot_getattr(slot, column, &isnull)));
	kept_versions_put_part(*receiver.kept, store, *receiver.rows[i], slot, column);
}

/* The first column of expected values: those that are compared with new ones come before. */
int
first_expected(const Target &target, Probe probe)
{
	int column = 2;

	for (const MappedColumn &mapped : target.columns)
		column += probes_values(probe) && !mapped.is_key ? 1 : 0;
	return column;
}

/* The first column after those that are probed. */
int
first_kept(const Target &target, Probe probe)
{
	return first_expected(target, probe) + (probes_expected(probe) ? target.expected.size : 0);
}

/* The outcome by the row's columns, from the second on. */
Outcome
outcome_of_columns(OutcomeReceiver &receiver, ChunkRow &row, TupleTableSlot *slot)
{
	const Target &target = *receiver.target;
	HeapTupleData tuple = row_tuple(row.tuple);
	int expected = first_expected(target, receiver.probe);

	if (probes_values(receiver.probe))
		heap_deform_tuple(&tuple, RelationGetDescr(target.relation), receiver.values,
						  receiver.nulls);
	return outcome_of_found(
		target, receiver.probe, row, receiver.values, receiver.nulls,
		[&](int i, bool *isnull) { return slot_getattr(slot, i + 2, isnull); },
		[&](int i, bool *isnull) { return slot_getattr(slot, i + expected, isnull); });
}

/* The outcome by what a statement returns for the i-th row. */
Outcome
outcome_of_returned(OutcomeReceiver &receiver, int i, TupleTableSlot *slot)
{
	Outcome outcome = receiver.outcome;
	bool isnull;

	switch (receiver.returns)
	{
		case Returns::Nothing:
			keep(receiver, i, slot, 2);
			break;
		case Returns::Updated:
			if (DatumGetBool(slot_getattr(slot, 2, &isnull)))
				keep(receiver, i, slot, 3);
			else
				outcome = Outcome::Unchanged;
			break;
		/* GCOVR_EXCL_START: needs Citus */
		case Returns::Pairs:
			if (receiver.kept != nullptr)
				kept_versions_put_part(*receiver.kept, KeptStore::Pairs, *receiver.rows[i], slot,
									   2);
			break;
		/* GCOVR_EXCL_STOP */
		case Returns::Probed:
			MemoryContextReset(receiver.memory);
			with_memory_context(receiver.memory, [&] {
				outcome = outcome_of_columns(receiver, *receiver.rows[i], slot);
			});
			if (outcome == Outcome::Pending)
				keep(receiver, i, slot, first_kept(*receiver.target, receiver.probe));
			break;
	}
	return outcome;
}

bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	OutcomeReceiver &receiver = receiver_of(self);
	bool isnull;
	int i = static_cast<int>(DatumGetInt64(slot_getattr(slot, 1, &isnull)) - 1);

	Assert(!isnull && i >= 0 && i < receiver.rows.size);

	ChunkRow &row = *receiver.rows[i];

	FAULT_POINT(receive);

	/* Several rows can have the key (inheritance). */
	row.outcome = combined(row.outcome, outcome_of_returned(receiver, i, slot));
	return true;
}

void
startup(DestReceiver *, int, TupleDesc)
{}

/* From here on the scan is finished; after-row triggers run later. */
void
shutdown(DestReceiver *self)
{
	OutcomeReceiver &receiver = receiver_of(self);

	/* Including SPI's memory for the statement, such as the copy of the plan. */
	receiver.statement_bytes = MemoryContextMemAllocated(
		MemoryContextGetParent(receiver.query->estate->es_query_cxt), true);
	rechecks_hold(receiver.rechecks, receiver.query->estate);
	late_row_begin(receiver.query->estate);
	receiver.finishing = receiver.query;
	receiver.query = nullptr;
}

/* GCOVR_EXCL_START: SPI never destroys a receiver that it was given */
void
destroy(DestReceiver *)
{}
/* GCOVR_EXCL_STOP */

void
watch_executor_start(QueryDesc *query, int eflags)
{
	bool ours = query->dest != nullptr && query->dest->receiveSlot == receive_row;

	if (previous_start_hook != nullptr)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (ours)
		receiver_of(query->dest).query = query;
}

FunctionScanState *
find_function_scan(PlanState *node)
{
	if (node == nullptr)
		return nullptr;
	if (IsA(node, FunctionScanState))
		return reinterpret_cast<FunctionScanState *>(node);

	FunctionScanState *found = find_function_scan(outerPlanState(node));

	if (found == nullptr)
		found = find_function_scan(innerPlanState(node));

	/* An extension may have added its node on top of the update. */
	if (IsA(node, CustomScanState))
	{
		ListCell *cell;

		foreach (cell, reinterpret_cast<CustomScanState *>(node)->custom_ps)
			if (found == nullptr)
				found = find_function_scan(static_cast<PlanState *>(lfirst(cell)));
	}
	return found;
}

} /* namespace */

void
outcome_receiver_init(OutcomeReceiver &receiver, const Applier &applier, Span<ChunkRow *> rows,
					  Outcome outcome, Returns returns, Probe probe, bool keeps)
{
	int natts = RelationGetDescr(applier.target->relation)->natts;

	receiver.base.receiveSlot = receive_row;
	receiver.base.rStartup = startup;
	receiver.base.rShutdown = shutdown;
	receiver.base.rDestroy = destroy;
	receiver.base.mydest = DestTuplestore; /* DestNone would mean that no rows are returned */
	receiver.target = applier.target;
	receiver.rechecks = applier.rechecks;
	receiver.rows = rows;
	receiver.outcome = outcome;
	receiver.returns = returns;
	receiver.probe = probe;
	receiver.kept = keeps ? applier.kept : nullptr;
	receiver.tables = receiver.kept == nullptr ? nullptr : palloc_array_of<List *>(rows.size);
	outcome_receiver_finished(receiver);
	if (returns != Returns::Probed)
		return;
	receiver.memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update compare", ALLOCSET_SMALL_SIZES);
	receiver.values = palloc_array_of<Datum>(natts);
	receiver.nulls = palloc_array_of<bool>(natts);
}

ChunkRow *
outcome_receiver_current_row(const OutcomeReceiver &receiver)
{
	if (receiver.query == nullptr)
		return nullptr;

	/* An UPDATE in a WITH clause is not below the plan's top node. */
	const List *with = receiver.query->estate->es_auxmodifytables;
	const FunctionScanState *scan = find_function_scan(
		with == NIL ? receiver.query->planstate : static_cast<PlanState *>(linitial(with)));

	if (scan == nullptr || scan->ordinal < 1 || scan->ordinal > receiver.rows.size)
		return nullptr;
	return receiver.rows[static_cast<int>(scan->ordinal - 1)];
}

ChunkRow *
outcome_receiver_late_row(const OutcomeReceiver &receiver)
{
	return receiver.finishing == nullptr
			   ? nullptr
			   : late_row_find(*receiver.target, receiver.finishing->estate, receiver.rows);
}

void
outcome_receiver_finished(OutcomeReceiver &receiver)
{
	receiver.query = nullptr;
	receiver.finishing = nullptr;
}

void
outcome_receiver_watch()
{
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = watch_executor_start;
}

} /* namespace bulkupdate */
