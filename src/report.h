/*
 * report.h
 *		The result of the SQL functions: one row for each chunk.
 */
#ifndef BULK_UPDATE_REPORT_H
#define BULK_UPDATE_REPORT_H

#include "chunk.h"

namespace bulkupdate
{

/* report_counts: how many rows of a chunk ended in each outcome. */
extern void report_counts(const Chunk *chunk, int64 *counts);

/*
 * report_chunk
 *		Add the row of an applied chunk to the set that the function returns.
 *
 * elapsed: time of the chunk from its first fetch on.  memory_bytes: most
 * memory that the call's contexts held meanwhile.
 */
extern void report_chunk(const ReturnSetInfo *result, const Chunk *chunk, instr_time elapsed,
						 Size memory_bytes);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_H */
