/*
 * failing_chunk.h
 *		The chunk and the row for which an error is raised.
 */
#ifndef BULK_UPDATE_FAILING_CHUNK_H
#define BULK_UPDATE_FAILING_CHUNK_H

#include "apply/applier.h"

namespace bulkupdate
{

struct FailingChunk
{
	Chunk *chunk; /* that is being applied */
	Applier *applier;
	Span<ChunkRow *> applying; /* rows of the statement that is running, without subtransactions */
	ChunkRow *row;             /* at which the newest error was raised, or NULL */
};

/* chunk_error_context: for with_error_context(), with a FailingChunk, whose row it sets. */
void chunk_error_context(void *arg);

/*
 * name_failing_row
 *		Add to an error the row for which it was raised, if the executor does not know it (a
 *		trigger of another table, for a foreign key's action).
 *
 * All chunks have been rolled back; the failed one is applied again, in halves, to find the row.
 */
void name_failing_row(FailingChunk &failing, ErrorData *error);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_FAILING_CHUNK_H */
