/*
 * planned_elsewhere.cpp
 *		Does an extension plan statements on the target differently?
 */
#include "apply/direct/planned_elsewhere.h"

#include "apply/own_plan.h"

namespace bulkupdate
{

namespace
{

const char *
select_statement(const Target &target)
{
	return psprintf("SELECT FROM %s", qualified_name(RelationGetRelid(target.relation)));
}

const char *
update_statement(const Target &target)
{
	StringInfoData sql;
	const char *separator = "";

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s SET ", qualified_name(RelationGetRelid(target.relation)));
	for (const MappedColumn &column : target.columns)
	{
		if (column.is_key)
			continue;

		const char *name = quote_identifier(attribute_name(target, column.target));

		appendStringInfo(&sql, "%s%s = %s", separator, name, name);
		separator = ", ";
	}
	return sql.data;
}

/* Is some scan in a plan for all rows of a table not core's? */
bool
has_other_scan(const Plan *plan)
{
	check_stack_depth();
	if (plan == nullptr)
		return false;
	if (IsA(plan, CustomScan) || IsA(plan, ForeignScan))
		return true; /* GCOVR_EXCL_LINE: needs an extension that plans the table's scan */
	if (IsA(plan, Append))
	{
		ListCell *cell;

		foreach (cell, reinterpret_cast<const Append *>(plan)->appendplans)
			if (has_other_scan(static_cast<const Plan *>(lfirst(cell))))
				return true; /* GCOVR_EXCL_LINE: the same */
	}
	return has_other_scan(outerPlan(plan)) || has_other_scan(innerPlan(plan));
}

bool
is_other_plan(const PlannedStmt *statement, CmdType command)
{
	return (command == CMD_UPDATE && !IsA(statement->planTree, ModifyTable)) ||
		   has_other_scan(statement->planTree);
}

/* Not one of the module's own plans, which are for statements that are executed. */
bool
is_planned_otherwise(const char *query, CmdType command)
{
	return keeping_memory_context([&] {
		SPIPlanPtr plan = SPI_prepare(query, 0, nullptr);

		if (plan == nullptr)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));

		CachedPlan *cached = SPI_plan_get_cached_plan(plan);
		bool otherwise = cached == nullptr ||
						 is_other_plan(linitial_node(PlannedStmt, cached->stmt_list), command);

		if (cached != nullptr)
			ReleaseCachedPlan(cached, nullptr);
		(void) SPI_freeplan(plan);
		return otherwise;
	});
}

} /* namespace */

bool
is_planned_elsewhere(const Target &target)
{
	if (!planner_is_replaced())
		return false;
	return is_planned_otherwise(select_statement(target), CMD_SELECT) ||
		   (CheckRelationLockedByMe(target.relation, RowExclusiveLock, true) &&
			is_planned_otherwise(update_statement(target), CMD_UPDATE));
}

} /* namespace bulkupdate */
