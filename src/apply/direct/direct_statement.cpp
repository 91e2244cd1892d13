/*
 * direct_statement.cpp
 *		Beginning and ending an UPDATE without a plan.
 */
#include "apply/direct/direct_statement.h"

#include "apply/recheck.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

template <typename Column>
Bitmapset *
add_column(Bitmapset *columns, const Column &column)
{
	return bms_add_member(columns, column.target - FirstLowInvalidHeapAttributeNumber);
}

Bitmapset *
mapped_columns(const Target &target, ColumnKind kind)
{
	Bitmapset *columns = nullptr;

	for (const MappedColumn &column : target.columns)
		if (is_of_kind(column, kind))
			columns = add_column(columns, column);
	return columns;
}

} /* namespace */

ResultRelInfo *
add_result_relation(EState *estate, Relation relation, ResultRelInfo *root)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, relation, root == nullptr ? 1 : 0, root, 0);
	if (root != nullptr)
		map_root_to_child(result, root);
	estate->es_opened_result_relations = lappend(estate->es_opened_result_relations, result);
	return result;
}

DirectStatement *
direct_statement_begin(const Applier &applier, Access access, Probe probe, WalkStats &stats,
					   ReadStats &reads)
{
	const Target &target = *applier.target;
	bool probing = access == Access::Probe;
	DirectStatement *statement = palloc_one<DirectStatement>();
	EState *estate = CreateExecutorState();
	Bitmapset *values = mapped_columns(target, ColumnKind::Value);
	Bitmapset *read = mapped_columns(target, ColumnKind::Key);

	if (!probing && target.relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP)
		PreventCommandIfReadOnly("UPDATE");
	if (probes_values(probe))
		read = bms_add_members(read, values);
	for (const MappedColumn &column : target.expected)
		if (probes_expected(probe))
			read = add_column(read, column);
	for (const KeptColumn &column : target.kept)
		if (!probing)
			read = add_column(read, column);

	statement->target = &target;
	statement->rechecks = applier.rechecks;
	statement->kept = applier.kept;
	statement->by_place = applier.by_place;
	statement->stats = &stats;
	statement->reads = &reads;
	statement->estate = estate;
	estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
	estate->es_output_cid = GetCurrentCommandId(!probing);
	with_memory_context(estate->es_query_cxt, [&] {
		init_range_table(estate, target.relation, probing ? ACL_SELECT : ACL_SELECT | ACL_UPDATE,
						 read, probing ? nullptr : values);
		if (probing)
			return;
		statement->root = add_result_relation(estate, target.relation, nullptr);
		AfterTriggerBeginQuery();
	});
	return statement;
}

void
direct_statement_fire_before(DirectStatement &statement)
{
	EState *estate = statement.estate;

	if (statement.root == nullptr)
		return;
	with_memory_context(estate->es_query_cxt,
						[&] { ExecBSUpdateTriggers(estate, statement.root); });
	FAULT_POINT(statement_begin);
}

void
direct_statement_end(DirectStatement &statement)
{
	EState *estate = statement.estate;

	if (statement.root != nullptr)
	{
		with_memory_context(estate->es_query_cxt, [&] {
			ExecASUpdateTriggers(estate, statement.root, nullptr);
			rechecks_hold(statement.rechecks, estate);
			FAULT_POINT(after_triggers);
			AfterTriggerEndQuery(estate);
		});
	}
	FAULT_POINT(statement_end);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	UnregisterSnapshot(estate->es_snapshot);
	FreeExecutorState(estate);
}

} /* namespace bulkupdate */
