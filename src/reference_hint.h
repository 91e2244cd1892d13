/*
 * reference_hint.h
 *		What to do about a foreign key between rows of different chunks.
 */
#ifndef BULK_UPDATE_REFERENCE_HINT_H
#define BULK_UPDATE_REFERENCE_HINT_H

#include "chunk.h"

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
extern void add_reference_hint(ErrorData *error, const Chunk *chunk);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REFERENCE_HINT_H */
