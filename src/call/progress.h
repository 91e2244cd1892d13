/*
 * progress.h
 *		What other sessions see of a call (view bulk_update_progress), and the
 *		NOTICE lines that its own session gets.
 *
 * The figures are in the backend's slot of PostgreSQL's shared progress
 * reporting, under a command number of our own: no preloading, and the end of
 * the transaction clears it.  There is one slot for each backend; a call that
 * runs inside of another one shows its own figures meanwhile.
 */
#ifndef BULK_UPDATE_CALL_PROGRESS_H
#define BULK_UPDATE_CALL_PROGRESS_H

#include "call/options.h"
#include "call/outcome.h"

namespace bulkupdate
{

/* Shown as text by the view, as Ordering is; keep bulk_update--*.sql in step. */
enum class Phase : int64
{
	Fetching = 1,
	Sorting,
	Applying,
	Recording
};

/* What the source knows and progress only shows. */
struct SourceFigures
{
	Ordering ordering; /* how the rows come: Stream or Sort */
	int64 spilled_bytes;
};

/* The figures of a call, kept by its owner. */
struct Progress
{
	Oid target;
	Phase phase;
	int64 chunk;
	int64 rows_fetched;
	int64 outcomes[OUTCOMES];
	int64 rows_estimated; /* -1: not known */
	TimestampTz started_at;
	TimestampTz next_notice;

	/* Private to progress.cpp. */
	TimestampTz last_check;                           /* at the clock, */
	int64 rows_at_check;                              /* when so many rows had been read; */
	int64 rows_per_check;                             /* so many rows pass until the next */
	SourceFigures (*read_source)(const void *source); /* or NULL */
	const void *source;
	SourceFigures newest; /* as they were read last */
	Progress *outer;      /* of the call in whose course this one runs, or NULL */
	MemoryContextCallback at_reset;
};

/* progress_define_settings: at load time, define bulk_update.progress_interval. */
void progress_define_settings();

/*
 * progress_begin
 *		Begin to report a call on target whose source has about rows_estimated
 *		rows (-1: not known).
 *
 * It ends when the current memory context is reset, which an error does too.
 * Then the call in whose course this one ran is shown again.
 */
void progress_begin(Progress &progress, Oid target, int64 rows_estimated);

/* progress_phase: the call enters a phase. */
void progress_phase(Progress &progress, Phase phase);

/*
 * progress_source, progress_source_ends
 *		From here on, and until here, read_source(source) gives the source's figures,
 *		whenever the functions below show figures.  After an error it is not called.
 */
void progress_source(Progress &progress, SourceFigures (*read_source)(const void *source),
					 const void *source);
void progress_source_ends(Progress &progress);

/* progress_rows_read: so many source rows were read in all; cheap enough for each row. */
void progress_rows_read(Progress &progress, int64 rows);

/* progress_chunk_done: add the outcomes of a chunk. */
void progress_chunk_done(Progress &progress, int64 chunk, const int64 (&outcomes)[OUTCOMES]);

/* progress_entries: the set-returning function under the view bulk_update_progress. */
void progress_entries(FunctionCallInfo fcinfo);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_PROGRESS_H */
