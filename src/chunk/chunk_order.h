/*
 * chunk_order.h
 *		The order in which the rows of a chunk are applied.
 */
#ifndef BULK_UPDATE_CHUNK_CHUNK_ORDER_H
#define BULK_UPDATE_CHUNK_CHUNK_ORDER_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/* chunk_order: sort the rows, and determine the lowest and the highest key. */
void chunk_order(Chunk &chunk);

/*
 * forget_places
 *		Put rows that are to be applied in key order, because they cannot be applied by place
 *		after all.
 */
void forget_places(const Target &target, Span<ChunkRow *> rows);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CHUNK_ORDER_H */
