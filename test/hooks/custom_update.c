/*
 * custom_update.c
 *		A module that does what extensions do which have more to do for an update: its
 *		planner puts a custom node on top of each UPDATE of the relation that setting
 *		custom_update.relation names.  The node passes on what is below it, and says so.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static char *relation_name = "";
static planner_hook_type previous_planner = NULL;

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	node->custom_ps = list_make1(ExecInitNode(linitial(plan->custom_plans), estate, eflags));
	ereport(NOTICE, errmsg("custom node of %s", relation_name));
}

static TupleTableSlot *
exec_node(CustomScanState *node)
{
	return ExecProcNode(linitial(node->custom_ps));
}

static void
end_node(CustomScanState *node)
{
	ExecEndNode(linitial(node->custom_ps));
}

static void
rescan_node(CustomScanState *node)
{
	ExecReScan(linitial(node->custom_ps));
}

static const CustomExecMethods exec_methods = {
	.CustomName = "custom_update",
	.BeginCustomScan = begin_node,
	.ExecCustomScan = exec_node,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
};

static Node *
create_state(CustomScan *plan)
{
	CustomScanState *node = makeNode(CustomScanState);

	node->methods = &exec_methods;
	return (Node *) node;
}

static const CustomScanMethods scan_methods = {"custom_update", create_state};

/* A node whose columns are those that the update returns. */
static Plan *
on_top_of(Plan *update)
{
	CustomScan *node = makeNode(CustomScan);
	ListCell   *cell;

	node->scan.plan.startup_cost = update->startup_cost;
	node->scan.plan.total_cost = update->total_cost;
	node->scan.plan.plan_rows = update->plan_rows;
	node->scan.plan.plan_width = update->plan_width;
	node->custom_plans = list_make1(update);
	node->custom_scan_tlist = update->targetlist;
	foreach(cell, update->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Var		   *column = makeVarFromTargetEntry(INDEX_VAR, entry);

		node->scan.plan.targetlist =
			lappend(node->scan.plan.targetlist,
					makeTargetEntry((Expr *) column, entry->resno, entry->resname, false));
	}
	node->methods = &scan_methods;
	return (Plan *) node;
}

/* From 19 on a planner is also given the EXPLAIN that it plans for. */
#if PG_VERSION_NUM >= 190000
#define MORE_PARAMETERS , ExplainState *explain
#define MORE_ARGUMENTS , explain
#else
#define MORE_PARAMETERS
#define MORE_ARGUMENTS
#endif

static PlannedStmt *
plan(Query *query, const char *query_string, int options, ParamListInfo params MORE_PARAMETERS)
{
	planner_hook_type next = previous_planner != NULL ? previous_planner : standard_planner;
	PlannedStmt *statement = next(query, query_string, options, params MORE_ARGUMENTS);

	if (statement->commandType == CMD_UPDATE && IsA(statement->planTree, ModifyTable) &&
		strcmp(get_rel_name(rt_fetch(query->resultRelation, query->rtable)->relid), relation_name) == 0)
		statement->planTree = on_top_of(statement->planTree);
	return statement;
}

void
_PG_init(void)
{
	DefineCustomStringVariable("custom_update.relation", "The relation whose updates get a node on top.",
							   NULL, &relation_name, "", PGC_USERSET, 0, NULL, NULL, NULL);
	previous_planner = planner_hook;
	planner_hook = plan;
}
