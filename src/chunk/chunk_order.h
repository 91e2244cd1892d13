/*
 * chunk_order.h
 *		The order in which the rows of a chunk are applied.
 */
#ifndef BULK_UPDATE_CHUNK_CHUNK_ORDER_H
#define BULK_UPDATE_CHUNK_CHUNK_ORDER_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/* chunk_rows_ascend: is row a before row b in the order of chunk_order()? */
[[nodiscard]] bool chunk_rows_ascend(const Chunk &chunk, const ChunkRow &a, const ChunkRow &b);

/*
 * chunk_order
 *		Put the rows in order: those that are to be applied first, by their place if that is
 *		known, and by their key otherwise.  Determines the lowest and the highest key.
 */
void chunk_order(Chunk &chunk);

/*
 * forget_places
 *		Put rows that are to be applied in key order, because they cannot be applied by place
 *		after all.
 */
void forget_places(const Target &target, Span<ChunkRow *> rows);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CHUNK_ORDER_H */
