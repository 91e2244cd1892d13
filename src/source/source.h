/*
 * source.h
 *		The rows of an open portal, one at a time and in order.
 *
 * Rows are fetched from the portal in batches into a tuplestore: a small batch is
 * kept in memory, and a batch with large rows spills to a temporary file,
 * so reading ahead never needs more than part of
 * work_mem.
 */
#ifndef BULK_UPDATE_SOURCE_SOURCE_H
#define BULK_UPDATE_SOURCE_SOURCE_H

#include "source/portal_watch.h"

namespace bulkupdate
{

/* May running a plan run user-defined code?  Determined once. */
enum class PlanCode : uint8
{
	NotExamined,
	Server,
	User,
};

struct Source
{
	const char *name;  /* of the portal */
	const char *label; /* its name in messages */
	Portal portal;
	PortalWatch *watch;     /* whether the portal still exists */
	uint64 portal_position; /* where we left the portal */
	TupleDesc tuple_desc;   /* our copy */
	Tuplestorestate *batch; /* rows fetched and not yet taken */
	DestReceiver *receiver; /* puts rows into batch */
	TupleTableSlot *slot;   /* the row that was taken last */
	bool at_end;            /* the portal has no more rows */
	int chunk_rows;         /* maximum number of rows in a chunk */
	int64 batch_target;     /* intended rows of the newest batch, if no chunk had ended */
	int64 batch_rows;       /* rows of the newest batch */
	int64 batch_bytes;      /* and their size */
	bool slow;              /* the newest batch took long to fetch */
	int64 rows_taken;
	PlanCode plan_code;
};

/*
 * source_open
 *		Begin to read the portal with this name, from its position.
 *
 * label: the source's name in error contexts.  chunk_rows: a batch ends at
 * each multiple of it, where a chunk ends unless its size ends it earlier.
 * So if a chunk fails the portal is not ahead of it.  Allocates in the current
 * memory context; name and label are not copied.
 *
 * Raises 34000 (no such portal), 55006 (it is in use), 24000 (it
 * is not in a state to be fetched from), 42P11 (it returns no rows).
 */
Source *source_open(const char *name, const char *label, int chunk_rows);

/*
 * source_plan
 *		The plan of the portal, or NULL if it has none (a cursor WITH HOLD from
 *		an earlier transaction) or has been dropped.
 */
const PlannedStmt *source_plan(const Source &source);

/*
 * source_estimated_rows
 *		The number of rows that the planner expects from the rest of the portal, or -1 if
 *		its plan is not known.
 */
int64 source_estimated_rows(const Source &source);

/*
 * source_runs_code
 *		May fetching the next rows run user-defined code?  Not if the portal has all of
 *		its rows already.
 */
[[nodiscard]] bool source_runs_code(Source &source);

/*
 * source_next
 *		The next row, or NULL at the end.  Valid until the next call.
 *
 * Raises the errors of the cursor's query, and 24000 if other code has closed,
 * reopened or moved the portal since the last fetch.
 */
TupleTableSlot *source_next(Source &source);

/*
 * source_run
 *		Run the portal to its end and call take(row, arg) for each row.
 *
 * The query runs without a limit, so its plan may use parallel workers.  Then
 * take() is called in parallel mode, where nothing can be written and no
 * subtransaction can begin.  It is called in the caller's memory context, resource owner
 * and error context, and the row is valid until it returns.  No row may have
 * been taken before.
 *
 * Raises the same as source_next.
 */
void source_run(Source &source, void (*take)(TupleTableSlot *row, void *arg), void *arg);

/* source_close: end reading; the portal stays open. */
void source_close(Source &source);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_SOURCE_H */
