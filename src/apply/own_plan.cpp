/*
 * own_plan.cpp
 *		Recognizing the SQL applier's statements when they are planned.
 */
#include "apply/own_plan.h"

namespace bulkupdate
{

namespace
{

OwnPlan *expected = nullptr;
OwnPlan *current = nullptr;
planner_hook_type previous_planner = nullptr;

/*
 * Is it the module's statement that is being executed?  The text of a saved plan has a
 * unique address.  The actions of rules have the same text, but not the tag.
 */
bool
is_expected(const Query *query, const char *query_string)
{
	return expected != nullptr && query->canSetTag && query_string == expected->query_string;
}

template <typename... More>
PlannedStmt *
plan_with_previous(Query *query, const char *query_string, int options, ParamListInfo params,
				   More... more)
{
	return previous_planner != nullptr
			   ? previous_planner(query, query_string, options, params, more...)
			   : standard_planner(query, query_string, options, params, more...);
}

/*
 * From 16 on, a join of partitions stops at a key's first match, and then keeps the page of the
 * index with the match: each partition of a chunk would hold two buffers.  An inner side
 * that is read to its end holds one, as in the plans of UPDATE.
 */
void
read_partitions_to_end(Plan *plan)
{
	for (; plan != nullptr; plan = plan->lefttree)
		if (IsA(plan, NestLoop) && IsA(plan->righttree, Append))
			reinterpret_cast<NestLoop *>(plan)->join.inner_unique = false;
}

/* From 19 on a planner is also given the EXPLAIN that it plans for. */
template <typename... More>
PlannedStmt *
plan(Query *query, const char *query_string, int options, ParamListInfo params, More... more)
{
	OwnPlan *own = is_expected(query, query_string) ? expected : nullptr;
	PlannedStmt *statement = nullptr;

	if (own == current)
		return plan_with_previous(query, query_string, options, params, more...);
	if (own != nullptr)
		own->planned_rows = 0;
	while_set(current, own, [&] {
		statement = plan_with_previous(query, query_string, options, params, more...);
	});

	if (own != nullptr)
	{
		const ListCell *cell;

		/* It is executed for few rows at a time, and its costs are not realistic. */
		statement->jitFlags = PGJIT_NONE;
		read_partitions_to_end(statement->planTree);
		foreach (cell, statement->subplans)
			read_partitions_to_end(static_cast<Plan *>(lfirst(cell)));
	}
	return statement;
}

constexpr planner_hook_type own_planner = plan;

} /* namespace */

OwnPlan *&
own_plan_expected()
{
	return expected;
}

OwnPlan *
own_plan_current()
{
	return current;
}

void
own_plan_watch()
{
	previous_planner = planner_hook;
	planner_hook = own_planner;
}

bool
planner_is_replaced()
{
	return planner_hook != own_planner || previous_planner != nullptr;
}

} /* namespace bulkupdate */
