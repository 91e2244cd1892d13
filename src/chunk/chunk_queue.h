/*
 * chunk_queue.h
 *		Chunks that are filled before the first of them is applied.
 */
#ifndef BULK_UPDATE_CHUNK_CHUNK_QUEUE_H
#define BULK_UPDATE_CHUNK_CHUNK_QUEUE_H

#include "chunk/chunk.h"

namespace bulkupdate
{

struct ChunkQueue
{
	Span<Chunk *> chunks; /* the first ones are filled */
	int filled;
	int next; /* of these, the next one to apply */
	int64 number;
	Size budget; /* for their rows, with up to one chunk more */
};

/*
 * chunk_queue_create
 *		A queue of one chunk.  Allocates in the current memory context.
 */
ChunkQueue *chunk_queue_create(const Options &options, const Target &target);

/*
 * chunk_queue_extend
 *		Fill more chunks at once, for an applier to which they are announced: as many as fit
 *		into maintenance_work_mem, and have at most a million rows.
 */
void chunk_queue_extend(ChunkQueue &queue);

/* chunk_queue_fill: replace the chunks, which have been applied, by the next ones. */
void chunk_queue_fill(ChunkQueue &queue, OrderedSource &ordered);

/*
 * chunk_queue_next
 *		The next chunk, in order, or NULL if there are no more rows.  If others have been
 *		filled with it, announce(chunks) is called before.
 *
 * Raises the errors of chunk_fill and of announce.
 */
template <typename Announce>
Chunk *
chunk_queue_next(ChunkQueue &queue, OrderedSource &ordered, Announce announce)
{
	if (queue.next == queue.filled)
	{
		chunk_queue_fill(queue, ordered);
		if (queue.filled > 0)
			announce(Span<Chunk *>(queue.chunks.data, queue.filled));
	}
	return queue.filled == 0 ? nullptr : queue.chunks[queue.next++];
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CHUNK_QUEUE_H */
