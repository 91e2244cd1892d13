/*
 * direct_statement.cpp
 *		Beginning and ending an UPDATE without a plan.
 */
#include "direct_statement.h"

#include "fault.h"
#include "recheck.h"

namespace bulkupdate
{

namespace
{

Bitmapset *
mapped_columns(const Target *target, bool keys)
{
	Bitmapset *columns = NULL;

	for (const MappedColumn &column : target->columns)
		if (column.is_key == keys)
			columns = bms_add_member(columns, column.target - FirstLowInvalidHeapAttributeNumber);
	return columns;
}

} /* namespace */

ResultRelInfo *
add_result_relation(EState *estate, Relation relation, ResultRelInfo *root)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, relation, root == NULL ? 1 : 0, root, 0);
	if (root != NULL)
		map_root_to_child(result, root);
	estate->es_opened_result_relations = lappend(estate->es_opened_result_relations, result);
	return result;
}

DirectStatement *
direct_statement_begin(const Target *target, bool looking, bool compares_values, WalkHabit *habit)
{
	DirectStatement *statement = palloc_one<DirectStatement>();
	EState *estate = CreateExecutorState();
	Bitmapset *values = mapped_columns(target, false);
	Bitmapset *read = mapped_columns(target, true);

	if (!looking && target->relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP)
		PreventCommandIfReadOnly("UPDATE");
	if (compares_values)
		read = bms_add_members(read, values);

	statement->target = target;
	statement->habit = habit;
	statement->estate = estate;
	estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
	estate->es_output_cid = GetCurrentCommandId(!looking);
	with_memory_context(estate->es_query_cxt, [&] {
		init_range_table(estate, target->relation, looking ? ACL_SELECT : ACL_SELECT | ACL_UPDATE,
						 read, looking ? NULL : values);
		if (looking)
			return;
		statement->root = add_result_relation(estate, target->relation, NULL);
		AfterTriggerBeginQuery();
	});
	return statement;
}

void
direct_statement_fire_before(DirectStatement *statement)
{
	EState *estate = statement->estate;

	if (statement->root == NULL)
		return;
	with_memory_context(estate->es_query_cxt,
						[&] { ExecBSUpdateTriggers(estate, statement->root); });
	FAULT_POINT(statement_begin);
}

void
direct_statement_end(DirectStatement *statement)
{
	EState *estate = statement->estate;

	if (statement->root != NULL)
	{
		with_memory_context(estate->es_query_cxt, [&] {
			ExecASUpdateTriggers(estate, statement->root, NULL);
			rechecks_hold(statement->target->rechecks, estate);
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
