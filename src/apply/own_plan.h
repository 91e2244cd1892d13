/*
 * own_plan.h
 *		How the planner plans the SQL applier's statements: by looking up the keys
 *		in the order of the array, so that a chunk's cost depends on its rows.
 *
 * Nothing else is affected, and no setting is changed: functions
 * that run while the module's statement is planned, and the actions of its rules, are
 * planned as usual.
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

/* A statement to be planned in this way. */
struct OwnPlan
{
	const char *query_string; /* of its saved plan; identified by its address */
	const Target *target;
	int rows; /* in its current array */
	KeyAccess access;
	int planned_rows; /* set by planning: the assumed number of rows, or 0 if it does not matter */
};

/* own_plan_watch: at load time, hook into the planner. */
void own_plan_watch();

/* planner_is_replaced: has another extension hooked into the planner? */
[[nodiscard]] bool planner_is_replaced();

/* Private to while_planning_own() and own_plan.cpp: the statement that is being executed. */
OwnPlan *&own_plan_expected();

/* own_plan_current: the statement that the planner is planning, if it is the module's. */
OwnPlan *own_plan_current();

/* Set variable to value while body runs; restore it afterwards, also after an error. */
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

/* Run body, which executes a statement; if this must be planned first, plan it in this way. */
template <typename Body>
void
while_planning_own(OwnPlan &plan, Body body)
{
	while_set(own_plan_expected(), &plan, body);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_OWN_PLAN_H */
