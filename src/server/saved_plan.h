/*
 * saved_plan.h
 *		Prepared statements that live as long as a memory context.
 */
#ifndef BULK_UPDATE_SERVER_SAVED_PLAN_H
#define BULK_UPDATE_SERVER_SAVED_PLAN_H

#include "server/scope.h"

namespace bulkupdate
{

/* All zero: not prepared yet. */
struct SavedPlan
{
	MemoryContext memory;
	char *text;
	SPIPlanPtr plan;
	MemoryContextCallback at_reset;
};

/*
 * saved_plan_get
 *		The plan of a statement; prepares it if necessary, or if its text has
 *		changed (an object in it was renamed).
 *
 * argument_types: types of $1, $2, ....  cursor_options: CURSOR_OPT_*.  Needs an
 * SPI connection.  The plan is freed with the memory context that was current
 * when it was first prepared, also after an error.
 *
 * It is a saved plan, because unsaved plans receive no invalidations for changes that do not
 * conflict with our lock, such as a partition that another session attaches.
 *
 * Raises the errors of parsing the statement.
 */
SPIPlanPtr saved_plan_get(SavedPlan &saved, const char *text, Span<const Oid> argument_types,
						  int cursor_options);

/*
 * saved_plan_is_current
 *		Is there a plan, and has nothing changed on which its text depends?
 *
 * Then it can be used as it is: there was no invalidation for the
 * relations, schemas and types in it.
 */
[[nodiscard]] bool saved_plan_is_current(const SavedPlan &saved);

/*
 * saved_plan_has_current_plan
 *		Has it been planned, and has nothing changed on which the plan depends?
 *
 * Unlike its text, a plan depends on partitions and children too, and on what the
 * planner knew about them.  False if plan_cache_mode forces custom plans.
 */
[[nodiscard]] bool saved_plan_has_current_plan(const SavedPlan &saved);

/* saved_plan_query_string: the plan's copy of the text, which is passed to the planner. */
const char *saved_plan_query_string(const SavedPlan &saved);

/* saved_plan_forget: have it prepared and planned again the next time. */
void saved_plan_forget(SavedPlan &saved);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SAVED_PLAN_H */
