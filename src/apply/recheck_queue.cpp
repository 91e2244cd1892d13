/*
 * recheck_queue.cpp
 *		Rows to check, in memory and in a temporary file.
 */
#include "apply/recheck_queue.h"

#include "server/spool.h"

namespace bulkupdate
{

namespace
{

/* The buffer doubles as it grows, and must not come near MaxAllocSize. */
constexpr int MAX_BUFFER_KB = 64 * 1024;

void
spill(RecheckQueue *queue)
{
	if (queue->file == nullptr)
		queue->file = BufFileCreateTemp(false);
	BufFileWrite(queue->file, queue->buffer.data, static_cast<size_t>(queue->buffer.len));
	resetStringInfo(&queue->buffer);
}

} /* namespace */

void
recheck_queue_add(RecheckQueue *queue, const PendingRecheck &due)
{
	if (queue->buffer.data == nullptr)
		initStringInfo(&queue->buffer);
	if (queue->buffer.len > Min(spool_memory_kb(), MAX_BUFFER_KB) * 1024)
		spill(queue);
	appendBinaryStringInfo(&queue->buffer, reinterpret_cast<const char *>(&due), sizeof(due));
	queue->rows++;
}

void
recheck_queue_rewind(RecheckQueue *queue)
{
	if (queue->file == nullptr)
		return;
	spill(queue);
	if (BufFileSeek(queue->file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind the rows to check");
}

PendingRecheck
recheck_queue_next(RecheckQueue *queue)
{
	PendingRecheck due;

	queue->rows--;
	if (queue->file == nullptr)
	{
		memcpy(&due, queue->buffer.data + queue->buffer.cursor, sizeof(due));
		queue->buffer.cursor += static_cast<int>(sizeof(due));
	}
	else if (BufFileRead(queue->file, &due, sizeof(due)) != sizeof(due))
		elog(ERROR, "unexpected end of the rows to check");
	return due;
}

void
recheck_queue_end(RecheckQueue *queue)
{
	if (queue->file != nullptr)
		BufFileClose(queue->file);
}

} /* namespace bulkupdate */
