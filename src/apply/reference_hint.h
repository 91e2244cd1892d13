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
void add_reference_hint(ErrorData *error, const Chunk *chunk);

/*
 * is_reference_outside
 *		Is the error that of a foreign key to or from another table?  No other row
 *		of the target can help there.
 *
 * Looks into the catalogs, like add_reference_hint(), and leaves no memory behind.
 */
bool is_reference_outside(const Target *target, const ErrorData *error);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_REFERENCE_HINT_H */
