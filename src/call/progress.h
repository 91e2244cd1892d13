/*
 * progress.h
 *		The progress of a call as other sessions see it (view bulk_update_progress), and the
 *		NOTICE lines for its own session.
 *
 * The figures are in the backend's slot of PostgreSQL's shared progress
 * reporting, under our own command number: no preloading is needed, and the end of
 * the transaction clears it.  There is one slot for each backend; while a nested
 * call runs, its figures are shown.
 */
#ifndef BULK_UPDATE_CALL_PROGRESS_H
#define BULK_UPDATE_CALL_PROGRESS_H

#include "call/options.h"
#include "call/outcome.h"

namespace bulkupdate
{

/* Shown as text by the view, as Ordering is; must match bulk_update--*.sql. */
enum class Phase : int64
{
	Fetching = 1,
	Sorting,
	Applying,
	Recording,
	Entering,
	Keeping,
	Waiting
};

/* What a job waits for between two batches; shown as text by a view, too. */
enum class WaitsFor : int64
{
	Nothing,
	Pause,
	Rate,
	ReplicaLag,
	SlotLag,
	ThrottleQuery,
	Retry
};

/* Figures that progress only shows. */
struct SourceFigures
{
	Ordering ordering;   /* how the rows arrive: Stream, Sort or Place */
	int64 spilled_bytes; /* of all temporary files */
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
	int64 job;   /* number of the job to which the call belongs, or 0 */
	int64 batch; /* of the job */
	WaitsFor waits_for;

	/* Private to progress.cpp. */
	TimestampTz last_check;                           /* of the clock, */
	int64 rows_at_check;                              /* when this many rows had been read; */
	int64 rows_per_check;                             /* rows until the next check */
	SourceFigures (*read_source)(const void *source); /* or NULL */
	const void *source;
	SourceFigures newest; /* the figures that were read last */
	Progress *outer;      /* of the call in which this one is nested, or NULL */
	MemoryContextCallback at_reset;
};

/* progress_define_settings: at load time, define bulk_update.progress_interval. */
void progress_define_settings();

/*
 * progress_begin
 *		Begin to report a call on target whose source has about rows_estimated
 *		rows (-1: unknown).
 *
 * The report ends when the current memory context is reset, also by an error.
 * Then the call in which this one was nested is shown again.
 */
void progress_begin(Progress &progress, Oid target, int64 rows_estimated);

/*
 * progress_begin_job
 *		Begin to report a job; the calls for its batches, nested in it, are shown as its own.
 */
void progress_begin_job(Progress &progress, Oid target, int64 job);

/* progress_wait: the job waits, or no longer. */
void progress_wait(Progress &progress, WaitsFor waits_for);

/* progress_notice_is_due: is it time for a NOTICE?  Asked once for each. */
[[nodiscard]] bool progress_notice_is_due(Progress &progress);

/* progress_phase: the call begins a phase. */
void progress_phase(Progress &progress, Phase phase);

/*
 * progress_source, progress_source_ends
 *		Between these two calls, read_source(source) returns the source's figures
 *		whenever the functions below show figures.  After an error it is not called.
 */
void progress_source(Progress &progress, SourceFigures (*read_source)(const void *source),
					 const void *source);
void progress_source_ends(Progress &progress);

/* progress_rows_read: the number of source rows read so far; cheap enough for each row. */
void progress_rows_read(Progress &progress, int64 rows);

/* progress_chunk_done: add the outcomes of a chunk. */
void progress_chunk_done(Progress &progress, int64 chunk, const int64 (&outcomes)[OUTCOMES]);

/* progress_entries: the set-returning function of the view bulk_update_progress. */
void progress_entries(FunctionCallInfo fcinfo);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_PROGRESS_H */
