/*
 * source.h
 *		The rows of an open portal, one at a time and in order.
 *
 * Rows are fetched from the portal in batches into a tuplestore: a batch is
 * kept in memory while it is small and spills to a temporary file when its
 * rows turn out to be large, so reading ahead never costs more than a part of
 * work_mem.
 */
#ifndef BULK_UPDATE_SOURCE_SOURCE_H
#define BULK_UPDATE_SOURCE_SOURCE_H

#include "server/scope.h"

namespace bulkupdate
{

struct PortalWatch;

struct Source
{
	const char *name;  /* of the portal */
	const char *label; /* what messages call it */
	Portal portal;
	PortalWatch *watch;     /* is the portal still there? */
	uint64 portal_position; /* where we left the portal */
	TupleDesc tuple_desc;   /* our own copy */
	Tuplestorestate *batch; /* rows fetched and not yet taken */
	DestReceiver *receiver; /* puts rows into batch */
	TupleTableSlot *slot;   /* the row that was taken last */
	bool at_end;            /* the portal has no more rows */
	int64 chunk_rows;       /* most rows of a chunk */
	int64 batch_target;     /* rows that the newest batch was to have, if no chunk had ended */
	int64 batch_rows;       /* rows of the newest batch */
	int64 batch_bytes;      /* and their size */
	bool slow;              /* the newest batch took long to fetch */
	int64 rows_taken;
};

/*
 * source_open
 *		Begin to read the portal called name, from its position.
 *
 * label: what the error context calls the source.  chunk_rows: a batch ends at
 * each multiple of it, where a chunk ends unless it is cut short by its size.
 * So when a chunk fails the portal is not ahead of it.  Allocates in the current
 * memory context; name and label are not copied.
 *
 * Raises 34000 (no such portal), 55006 (it is being run right now), 24000 (it
 * is not in a state to be fetched from), 42P11 (it returns no rows).
 */
Source *source_open(const char *name, const char *label, int chunk_rows);

/*
 * source_plan
 *		The plan of the portal, or NULL when it has none (a cursor WITH HOLD from
 *		an earlier transaction) or is gone itself.
 */
const PlannedStmt *source_plan(const Source &source);

/*
 * source_estimated_rows
 *		What the planner expects the rest of the portal to return, or -1 when
 *		its plan is not known.
 */
int64 source_estimated_rows(const Source &source);

/*
 * source_next
 *		The next row, or NULL at the end.  Valid until the next call.
 *
 * Raises what the cursor's query raises, and 24000 when the portal was closed,
 * reopened or moved by somebody else since it was last fetched from.
 */
TupleTableSlot *source_next(Source &source);

/* source_close: give back what belongs to the reading; the portal stays open. */
void source_close(Source &source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_SOURCE_H */
