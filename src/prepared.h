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

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_PREPARED_H */
