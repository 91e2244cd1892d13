/*
 * recheck_queue.h
 *		Rows that have to be checked later, in the order in which they came.
 */
#ifndef BULK_UPDATE_APPLY_RECHECK_QUEUE_H
#define BULK_UPDATE_APPLY_RECHECK_QUEUE_H

#include "server/spool.h"

namespace bulkupdate
{

/* A row's version that may break the constraint of an index. */
struct PendingRecheck
{
	Oid table;
	Oid index;
	ItemPointerData tid;
};

struct RecheckQueue
{
	int64 rows; /* that are in it and have not been read */
	Spool spool;
};

/*
 * recheck_queue_add
 *		queue: all zero at first.  Allocates in the current memory context; the file
 *		belongs to the current resource owner.
 */
void recheck_queue_add(RecheckQueue &queue, const PendingRecheck &due);

/* recheck_queue_rewind: all rows are in; now they can be read. */
void recheck_queue_rewind(RecheckQueue &queue);

/* recheck_queue_next: the next row; there is one. */
PendingRecheck recheck_queue_next(RecheckQueue &queue);

void recheck_queue_end(RecheckQueue &queue);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_RECHECK_QUEUE_H */
