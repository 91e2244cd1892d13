/*
 * chunk_queue.cpp
 *		Chunks that are filled before the first of them is applied.
 */
#include "chunk/chunk_queue.h"

#include "chunk/chunk_order.h"

namespace bulkupdate
{

namespace
{

/* What one statement on all shards of a table is worth: its fixed cost is that of some 10,000. */
constexpr int WANTED_ROWS = 1000000;
constexpr int MAX_CHUNKS = 100;

/* Their rows also become one array, which has at most 1 GB. */
constexpr Size MAX_BUDGET = static_cast<Size>(256) * 1024 * 1024;

} /* namespace */

ChunkQueue *
chunk_queue_create(const Options &options, const Target &target)
{
	ChunkQueue *queue = palloc_one<ChunkQueue>();

	queue->chunks = {palloc_array_of<Chunk *>(1), 1};
	queue->chunks[0] = chunk_create(options, target, ChunkMemory::Keep);
	return queue;
}

/* GCOVR_EXCL_START: needs Citus */
void
chunk_queue_extend(ChunkQueue &queue)
{
	const Chunk &first = *queue.chunks[0];
	int n = Max(Min(WANTED_ROWS / first.options->chunk_rows, MAX_CHUNKS), 1);

	with_memory_context(GetMemoryChunkContext(&queue), [&] {
		Chunk **chunks = palloc_array_of<Chunk *>(n);

		chunks[0] = queue.chunks[0];
		for (int i = 1; i < n; i++)
			chunks[i] = chunk_create(*first.options, *first.target, ChunkMemory::Free);
		queue.chunks = {chunks, n};
		queue.budget = Min(static_cast<Size>(maintenance_work_mem) * 1024, MAX_BUDGET);
	});
}
/* GCOVR_EXCL_STOP */

void
chunk_queue_fill(ChunkQueue &queue, OrderedSource &ordered)
{
	Size bytes = 0;

	queue.next = 0;
	queue.filled = 0;
	for (Chunk *chunk : queue.chunks)
	{
		chunk->number = queue.number;
		if (!chunk_fill(*chunk, ordered))
			break;
		chunk_order(*chunk);
		queue.number = chunk->number;
		queue.filled++;
		bytes += chunk->bytes;
		if (chunk->at_end || bytes >= queue.budget)
			break;
	}
}

} /* namespace bulkupdate */
