/*
 * recheck_queue.cpp
 *		Rows to check, in memory and in a temporary file.
 */
#include "apply/recheck_queue.h"

namespace bulkupdate
{

void
recheck_queue_add(RecheckQueue &queue, const PendingRecheck &due)
{
	if (queue.spool.buffer.data == nullptr)
		spool_init(queue.spool);
	spool_reserve(queue.spool, sizeof(due));
	spool_append(queue.spool, &due, sizeof(due));
	queue.rows++;
}

void
recheck_queue_rewind(RecheckQueue &queue)
{
	spool_rewind(queue.spool);
}

PendingRecheck
recheck_queue_next(RecheckQueue &queue)
{
	PendingRecheck due;

	queue.rows--;
	memcpy(&due, spool_read(queue.spool, sizeof(due)), sizeof(due));
	return due;
}

void
recheck_queue_end(RecheckQueue &queue)
{
	spool_end(queue.spool);
}

} /* namespace bulkupdate */
