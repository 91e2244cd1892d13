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

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_PREPARED_H */
