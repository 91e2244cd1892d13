/*
 * prepared.h
 *		Prepared statements that live as long as a memory context.
 */
#ifndef BULK_UPDATE_PREPARED_H
#define BULK_UPDATE_PREPARED_H

#include "scope.h"

namespace bulkupdate
{

/* All zero: not prepared yet. */
struct Prepared
{
	MemoryContext memory;
	char *text;
	SPIPlanPtr plan;
	MemoryContextCallback at_reset;
};

/*
 * prepared_plan
 *		The plan of a statement; prepares it when it is not, or when its text is
 *		not the same as the last time (something in it was renamed).
 *
 * argument_types: types of $1, $2, ....  cursor_options: CURSOR_OPT_*.  Needs an
 * SPI connection.  The plan is freed with the memory context that was the
 * current one when it was first prepared, also after an error.
 *
 * It is a saved plan, because only those hear of changes that do not conflict
 * with our lock, like the partition that another session attaches.
 *
 * Raises what parsing the statement raises.
 */
extern SPIPlanPtr prepared_plan(Prepared *prepared, const char *text,
								Span<const Oid> argument_types, int cursor_options);

/*
 * prepared_is_current
 *		Is there a plan, and has nothing changed that its text depends on?
 *
 * It may be used then as it is: the server has not heard of a change of the
 * relations, schemas and types in it.
 */
[[nodiscard]] extern bool prepared_is_current(const Prepared *prepared);

/*
 * prepared_has_current_plan
 *		Has it been planned, and has nothing changed since that the plan depends on?
 *
 * Unlike its text, a plan depends on partitions and children too, and on what the
 * planner knew of them.  Never where plan_cache_mode forces custom plans.
 */
[[nodiscard]] extern bool prepared_has_current_plan(const Prepared *prepared);

/* prepared_query_string: the plan's own copy of the text, which the planner is given. */
extern const char *prepared_query_string(const Prepared *prepared);

/* prepared_forget: have it prepared and planned anew the next time. */
extern void prepared_forget(Prepared *prepared);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_PREPARED_H */
