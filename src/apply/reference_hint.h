/*
 * reference_hint.h
 *		Errors of foreign keys: whether they are from the target to itself, and what
 *		to do when its rows are in different chunks.
 */
#ifndef BULK_UPDATE_APPLY_REFERENCE_HINT_H
#define BULK_UPDATE_APPLY_REFERENCE_HINT_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/*
 * add_reference_hint
 *		Add a hint to the error that ended a call, if it has none, when it is that
 *		of a foreign key from the target to itself and the call has other chunks:
 *		foreign keys are checked after each chunk.
 *
 * chunk: the one that was applied.  Looks into the catalogs, so the error must
 * have been caught and what was done rolled back.
 */
void add_reference_hint(ErrorData *error, const Chunk &chunk);

enum class ReferenceError : uint8
{
	Unknown,   /* another error, or no foreign key is known by that name */
	Outside,   /* to or from another table: no other row of the target can help */
	ToKept,    /* within the target, to columns that get no values */
	ToUpdated, /* to ones that do: a row may give up what another refers to */
};

/*
 * reference_error
 *		Which kind of foreign key was violated.
 *
 * Looks into the catalogs, like add_reference_hint(), and leaves no memory behind.
 */
ReferenceError reference_error(const Target &target, const ErrorData *error);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_REFERENCE_HINT_H */
