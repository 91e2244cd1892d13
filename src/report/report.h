/*
 * report.h
 *		The result of the SQL functions: one row for each chunk.
 */
#ifndef BULK_UPDATE_REPORT_REPORT_H
#define BULK_UPDATE_REPORT_REPORT_H
#include "chunk/chunk.h"

namespace bulkupdate
{

/* report_counts: how many rows of a chunk ended in each outcome. */
void report_counts(const Chunk *chunk, int64 *counts);

/* How a chunk was done. */
struct ChunkFacts
{
	instr_time elapsed; /* from its first fetch on */
	Size memory_bytes;  /* most memory that the call's contexts held meanwhile */
	const char *applier;
	Ordering ordering;   /* how its rows came: Stream or Sort */
	int64 spilled_bytes; /* of the call so far */
};

/*
 * report_chunk
 *		Add the row of an applied chunk to the set that the function returns.
 */
void report_chunk(const ReturnSetInfo *result, const Chunk *chunk, const ChunkFacts &facts);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_REPORT_H */
