/*
 * reference_hint.h
 *		Errors of foreign keys: whether they are from the target to itself, and what
 *		to do if its rows are in different chunks.
 */
#ifndef BULK_UPDATE_APPLY_REFERENCE_HINT_H
#define BULK_UPDATE_APPLY_REFERENCE_HINT_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/*
 * add_reference_hint
 *		Add a hint to the error that ended a call, if it has none, if it is that
 *		of a foreign key from the target to itself and the call has other chunks:
 *		foreign keys are checked after each chunk.
 *
 * chunk: the one that was applied.  Reads the catalogs, so the error must
 * have been caught and its effects rolled back.
 */
void add_reference_hint(ErrorData *error, const Chunk &chunk);

enum class ReferenceError : uint8
{
	Unknown,   /* another error, or no foreign key has that name */
	Outside,   /* to another table, or RESTRICT from one: no other row of the target can help */
	ToKept,    /* within the target, to columns that do not change */
	ToUpdated, /* to ones that may: a row may give up, or take over, what is referenced */
};

/*
 * reference_error
 *		Which kind of foreign key was violated.
 *
 * Reads the catalogs, like add_reference_hint(), and frees its memory.
 */
ReferenceError reference_error(const Target &target, const ErrorData *error);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_REFERENCE_HINT_H */
