/*
 * own_plan.h
 *		How the planner plans the SQL applier's statements: by looking the keys up
 *		in the order of the array, so that a chunk's cost follows its rows.
 *
 * Nothing else that is planned meanwhile is touched, and no setting is: functions
 * that run while our statement is planned, and the actions of its rules, are
 * planned as anywhere.
 */
#ifndef BULK_UPDATE_APPLY_OWN_PLAN_H
#define BULK_UPDATE_APPLY_OWN_PLAN_H

#include "target/target.h"

namespace bulkupdate
{

/* How a statement reads the keys of its array. */
enum class KeyAccess : uint8
{
	LookUp, /* one by one */
	Range,  /* from the lowest to the highest */
};

/* A statement to be planned so. */
struct OwnPlan
{
	const char *query_string; /* of its saved plan; recognized by its address */
	const Target *target;
	int rows; /* in its array now */
	KeyAccess access;
	int planned_rows; /* set by planning: it counted on so many, or 0 when they do not matter */
};

/* own_plan_watch: at load time, hook into the planner. */
void own_plan_watch();

/* planner_is_replaced: has an extension other than this one hooked into the planner? */
[[nodiscard]] bool planner_is_replaced();

/* Private to while_planning_own() and own_plan.cpp: the statement that is run. */
OwnPlan *&own_plan_expected();

/* own_plan_current: what the planner is planning, if it is ours. */
OwnPlan *own_plan_current();

/* While body runs variable is value; then, also after an error, what it was. */
template <typename T, typename Body>
pg_noinline void
while_set(T *&variable, T *value, Body body)
{
	T *const before = variable;

	variable = value;
	PG_TRY();
	{
		body();
	}
	PG_FINALLY();
	{
		variable = before;
	}
	PG_END_TRY();
}

/* Run body, which runs a statement; when it has to be planned first, it is planned as ours. */
template <typename Body>
void
while_planning_own(OwnPlan &plan, Body body)
{
	while_set(own_plan_expected(), &plan, body);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_OWN_PLAN_H */
