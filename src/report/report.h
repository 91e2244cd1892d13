/*
 * report.h
 *		The result of the SQL functions: a row for each chunk, or one for the call.
 */
#ifndef BULK_UPDATE_REPORT_REPORT_H
#define BULK_UPDATE_REPORT_REPORT_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/* report_counts: the number of a chunk's rows with each outcome. */
void report_counts(const Chunk &chunk, int64 (&counts)[OUTCOMES]);

/* How a chunk was applied. */
struct ChunkFacts
{
	instr_time elapsed; /* from its first fetch on */
	Size memory_bytes;  /* maximum memory of the call's contexts during that time */
	const char *applier;
	Ordering ordering;   /* how its rows arrived: Stream, Sort or Place */
	int64 spilled_bytes; /* of the call so far */
};

/* What a call did. */
struct CallTotal
{
	int64 rows_fetched;
	int64 counts[OUTCOMES];
	const char *first_key; /* lowest key as text, in the caller's memory context, or NULL */
	const char *last_key;
};

/* Where the result goes: into the set that the SQL function returns, or only into a total. */
struct ReportSink
{
	const ReturnSetInfo *set; /* or NULL */
	CallTotal *total;         /* or NULL */
	MemoryContext memory;     /* for the total */
};

struct Report;

/*
 * report_create
 *		A report of the call's result, in the current memory context.
 *
 * Raises 42804 (the SQL function is not declared to return the columns of
 * the result: its type was altered).
 */
Report *report_create(const Options &options, const Target &target, const ReportSink &sink);

/*
 * report_chunk
 *		Add an applied chunk: as a row of the result, or to the total.
 */
void report_chunk(Report &report, const Chunk &chunk, const ChunkFacts &facts);

/* What a call did after its last chunk. */
struct EndFacts
{
	instr_time elapsed;  /* since the last chunk */
	Size memory_bytes;   /* as in ChunkFacts */
	int64 spilled_bytes; /* likewise */
};

/*
 * report_end
 *		End of the call; a total is put into the result.  What was done after the last chunk
 *		counts for that chunk.
 *
 * start: the time of the call's first fetch.
 */
void report_end(Report &report, instr_time start, const EndFacts &facts);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_REPORT_H */
