/*
 * chunk.h
 *		A bounded set of source rows, coerced to the target's types and put in
 *		key order.
 */
#ifndef BULK_UPDATE_CHUNK_H
#define BULK_UPDATE_CHUNK_H

#include "source.h"
#include "target.h"

namespace bulkupdate
{

/* What became of a source row.  Each row ends in exactly one of these. */
enum class Outcome : uint8
{
	Updated,
	Unchanged,
	Missing,
	Duplicate,
	Rejected,
};
constexpr int OUTCOMES = 5;

struct ChunkRow
{
	HeapTupleHeader image; /* of the target's row type; unmapped columns are null */
	int64 position;        /* in the source, from 1 */
	int arrival;           /* position in the chunk, from 0 */
	bool has_null_key;
	Outcome outcome;
};

struct Chunk
{
	const Target *target;
	MemoryContext context; /* the rows; reset for each chunk */
	MemoryContext scratch; /* what applying them needs; reset for each attempt */
	int64 number;          /* from 1 */
	Span<ChunkRow> rows;   /* those with a null in the key come last */
	int applicable;        /* rows before those */
	int64 first_position;
	char *first_key; /* lowest key as text, or NULL when no row has a key */
	char *last_key;  /* highest key as text */

	/* Private to chunk.cpp. */
	int capacity;
	Datum *keys; /* a Datum for each key column of each row, by arrival */
	Datum *values;
	bool *nulls;
	Size bytes;
	bool in_order; /* keys came strictly ascending, null keys last */
};

/* chunk_create: an empty chunk, in a memory context of its own below the current one. */
extern Chunk *chunk_create(const Target *target);

/*
 * chunk_fill
 *		Replace the chunk's rows by the next rows of the source: at most
 *		max_rows, and only as many as fit into work_mem; a row larger than that
 *		is a chunk of its own.  Returns false when the source has no more rows.
 *
 * Raises what the cursor's query and the casts raise.
 */
[[nodiscard]] extern bool chunk_fill(Chunk *chunk, Source *source, int max_rows);

/*
 * chunk_order
 *		Put the rows in key order, those without a key last.
 *
 * Raises 21000 when two rows have the same key.
 */
extern void chunk_order(Chunk *chunk);

/* chunk_applicable_rows: the rows that have a key, in key order. */
inline Span<ChunkRow>
chunk_applicable_rows(const Chunk *chunk)
{
	return {chunk->rows.data, chunk->applicable};
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_H */
