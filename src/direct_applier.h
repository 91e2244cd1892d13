/*
 * direct_applier.h
 *		Applying rows without a plan: one forward walk of the key's index.
 */
#ifndef BULK_UPDATE_DIRECT_APPLIER_H
#define BULK_UPDATE_DIRECT_APPLIER_H

#include "applier.h"

namespace bulkupdate
{

struct DirectApplier;

/* direct_applier_create: allocates in the current memory context. */
extern DirectApplier *direct_applier_create(const Target *target);

/*
 * direct_apply, direct_look
 *		Like the functions of an applier.  Return NULL, or why these rows must be
 *		given to another applier, as a sentence; then nothing was done.
 */
[[nodiscard]] extern const char *direct_apply(DirectApplier *applier, Span<ChunkRow *> rows,
											  MemoryContext scratch);
[[nodiscard]] extern const char *direct_look(DirectApplier *applier, Span<ChunkRow *> rows,
											 bool compare_values, MemoryContext scratch);

/* direct_current_row, direct_late_row, direct_abandon: like the functions of an applier. */
extern ChunkRow *direct_current_row(const DirectApplier *applier);
extern ChunkRow *direct_late_row(const DirectApplier *applier);
extern void direct_abandon(DirectApplier *applier);

/* direct_statement_bytes: memory that the newest statement held and has given back. */
extern Size direct_statement_bytes(const DirectApplier *applier);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_DIRECT_APPLIER_H */
