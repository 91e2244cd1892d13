/*
 * recheck_queue.h
 *		Rows to be checked later, in the order in which they were added.
 */
#ifndef BULK_UPDATE_APPLY_RECHECK_QUEUE_H
#define BULK_UPDATE_APPLY_RECHECK_QUEUE_H

#include "server/spool.h"

namespace bulkupdate
{

/* A row's version that may violate the constraint of an index. */
struct PendingRecheck
{
	Oid table;
	Oid index;
	ItemPointerData tid;
};

struct RecheckQueue
{
	int64 rows; /* number of unread rows */
	Spool spool;
};

/*
 * recheck_queue_add
 *		queue: initially all zero.  Allocates in the current memory context; the file
 *		belongs to the current resource owner.
 */
void recheck_queue_add(RecheckQueue &queue, const PendingRecheck &due);

/* recheck_queue_rewind: all rows have been added; now they can be read. */
void recheck_queue_rewind(RecheckQueue &queue);

/* recheck_queue_next: the next row, which must exist. */
PendingRecheck recheck_queue_next(RecheckQueue &queue);

void recheck_queue_end(RecheckQueue &queue);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_RECHECK_QUEUE_H */
