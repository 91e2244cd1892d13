/*
 * plan_code.cpp
 *		Examining the nodes of a plan.
 */
#include "server/plan_code.h"

#include "server/server_code.h"

namespace bulkupdate
{

namespace
{

bool
operators_run_user_code(int n, const Oid *operators)
{
	for (int i = 0; i < n; i++)
		if (!is_server_function(get_opcode(operators[i])))
			return true;
	return false;
}

/* The opclass of the other side decides which family a merge join uses. */
bool
merge_runs_user_code(const MergeJoin *join)
{
	for (int i = 0; i < list_length(join->mergeclauses); i++)
		if (!is_server_function(join->mergeFamilies[i]))
			return true;
	return false;
}

bool
list_runs_user_code(const List *expressions)
{
	return expression_runs_user_code(reinterpret_cast<const Node *>(expressions));
}

/* What a node has beside a target list, conditions, and plans below it. */
bool
details_run_user_code(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_ProjectSet:
		case T_Append:
		case T_RecursiveUnion:
		case T_BitmapAnd:
		case T_BitmapOr:
		case T_SeqScan:
		case T_SubqueryScan:
		case T_CteScan:
		case T_NamedTuplestoreScan:
		case T_WorkTableScan:
		case T_Material:
		case T_Group:
		case T_Agg:
		case T_Unique:
		case T_Hash:
		case T_SetOp:
		case T_LockRows:
			return false;
		case T_MergeAppend:
		{
			const MergeAppend *append = reinterpret_cast<const MergeAppend *>(plan);

			return operators_run_user_code(append->numCols, append->sortOperators);
		}
		case T_Sort:
		case T_IncrementalSort: /* begins with a Sort */
		{
			const Sort *sort = reinterpret_cast<const Sort *>(plan);

			return operators_run_user_code(sort->numCols, sort->sortOperators);
		}
		case T_Result:
			return expression_runs_user_code(
				reinterpret_cast<const Result *>(plan)->resconstantqual);
		case T_SampleScan:
			return expression_runs_user_code(reinterpret_cast<const Node *>(
				reinterpret_cast<const SampleScan *>(plan)->tablesample));
		case T_IndexScan:
		{
			const IndexScan *scan = reinterpret_cast<const IndexScan *>(plan);

			return index_runs_user_code(scan->indexid) ||
				   list_runs_user_code(scan->indexqualorig) ||
				   list_runs_user_code(scan->indexorderbyorig);
		}
		case T_IndexOnlyScan:
		{
			const IndexOnlyScan *scan = reinterpret_cast<const IndexOnlyScan *>(plan);

			return index_runs_user_code(scan->indexid) || list_runs_user_code(scan->indexqual) ||
				   list_runs_user_code(scan->indexorderby);
		}
		case T_BitmapIndexScan:
		{
			const BitmapIndexScan *scan = reinterpret_cast<const BitmapIndexScan *>(plan);

			return index_runs_user_code(scan->indexid) || list_runs_user_code(scan->indexqualorig);
		}
		case T_BitmapHeapScan:
			return list_runs_user_code(
				reinterpret_cast<const BitmapHeapScan *>(plan)->bitmapqualorig);
		case T_TidScan:
			return list_runs_user_code(reinterpret_cast<const TidScan *>(plan)->tidquals);
		case T_TidRangeScan:
			return list_runs_user_code(reinterpret_cast<const TidRangeScan *>(plan)->tidrangequals);
		case T_FunctionScan:
			return list_runs_user_code(reinterpret_cast<const FunctionScan *>(plan)->functions);
		case T_ValuesScan:
			return list_runs_user_code(reinterpret_cast<const ValuesScan *>(plan)->values_lists);
		case T_TableFuncScan:
			return expression_runs_user_code(reinterpret_cast<const Node *>(
				reinterpret_cast<const TableFuncScan *>(plan)->tablefunc));
		case T_NestLoop:
			return list_runs_user_code(reinterpret_cast<const Join *>(plan)->joinqual);
		case T_MergeJoin:
		{
			const MergeJoin *join = reinterpret_cast<const MergeJoin *>(plan);

			return merge_runs_user_code(join) || list_runs_user_code(join->join.joinqual) ||
				   list_runs_user_code(join->mergeclauses);
		}
		case T_HashJoin:
		{
			const HashJoin *join = reinterpret_cast<const HashJoin *>(plan);

			return list_runs_user_code(join->join.joinqual) ||
				   list_runs_user_code(join->hashclauses);
		}
		case T_Memoize:
			return list_runs_user_code(reinterpret_cast<const Memoize *>(plan)->param_exprs);
		case T_WindowAgg:
		{
			const WindowAgg *window = reinterpret_cast<const WindowAgg *>(plan);

			return expression_runs_user_code(window->startOffset) ||
				   expression_runs_user_code(window->endOffset) ||
				   list_runs_user_code(window->runCondition);
		}
		case T_Limit:
		{
			const Limit *limit = reinterpret_cast<const Limit *>(plan);

			return expression_runs_user_code(limit->limitOffset) ||
				   expression_runs_user_code(limit->limitCount);
		}
		default:
			return true;
	}
}

bool plan_node_runs_user_code(const Plan *plan);

bool
plans_run_user_code(const List *plans)
{
	ListCell *cell;

	foreach (cell, plans)
		if (plan_node_runs_user_code(static_cast<const Plan *>(lfirst(cell))))
			return true;
	return false;
}

bool
children_run_user_code(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return plans_run_user_code(reinterpret_cast<const Append *>(plan)->appendplans);
		case T_MergeAppend:
			return plans_run_user_code(reinterpret_cast<const MergeAppend *>(plan)->mergeplans);
		case T_BitmapAnd:
			return plans_run_user_code(reinterpret_cast<const BitmapAnd *>(plan)->bitmapplans);
		case T_BitmapOr:
			return plans_run_user_code(reinterpret_cast<const BitmapOr *>(plan)->bitmapplans);
		case T_SubqueryScan:
			return plan_node_runs_user_code(reinterpret_cast<const SubqueryScan *>(plan)->subplan);
		default:
			return false;
	}
}

bool
plan_node_runs_user_code(const Plan *plan)
{
	check_stack_depth();
	if (plan == nullptr)
		return false;
	return list_runs_user_code(plan->targetlist) || list_runs_user_code(plan->qual) ||
		   details_run_user_code(plan) || children_run_user_code(plan) ||
		   plan_node_runs_user_code(outerPlan(plan)) || plan_node_runs_user_code(innerPlan(plan));
}

} /* namespace */

/*
 * The planner lists the user-defined functions and domains on which a plan depends, also those
 * that it has inlined or executed; those of types, indexes and ordering are not among them.
 */
bool
plan_runs_user_code(const PlannedStmt *statement)
{
	return statement->invalItems != NIL || plan_node_runs_user_code(statement->planTree) ||
		   plans_run_user_code(statement->subplans);
}

} /* namespace bulkupdate */
