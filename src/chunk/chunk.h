/*
 * chunk.h
 *		A bounded set of source rows, coerced to the target's types and put in
 *		the order in which they are applied.
 */
#ifndef BULK_UPDATE_CHUNK_CHUNK_H
#define BULK_UPDATE_CHUNK_CHUNK_H

#include "source/ordered_source.h"

namespace bulkupdate
{

struct Reject;
struct CastBatch;

struct ChunkRow
{
	HeapTupleHeader
		tuple;        /* of the target's row type, unmapped columns null; NULL if not Pending */
	const Datum *key; /* a Datum for each key column; NULL if there is no tuple */
	NullableDatum *expected; /* for each expected column, in the chunk's context; NULL if none */
	NullableDatum *current;  /* of a stale row, the values found instead; see keep_current() */
	Reject *reject;          /* of a row not to be applied, if that is to be recorded */
	int64 position;          /* in the source, from 1 */
	RowPlace place;          /* where the row probably is, or NO_PLACE */
	int arrival;             /* position in the chunk, from 0 */
	Outcome outcome;
};

/* The size of an element of Span<ChunkRow *>. */
/* NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant */
constexpr Size ROW_POINTER_SIZE = sizeof(ChunkRow *);

struct Chunk
{
	const Options *options;
	const Target *target;
	MemoryContext context; /* the rows; reset for each chunk */
	MemoryContext scratch; /* memory for applying them; reset for each attempt */
	int64 number;          /* from 1 */
	Span<ChunkRow> rows;   /* by place, then by key; those that are not to be applied at the end */
	int applicable;        /* number of rows to apply */
	int64 first_position;  /* lowest and highest position in the source */
	int64 last_position;
	bool at_end;         /* its last row is known to be the source's last one */
	const Datum *lowest; /* the lowest key, or NULL if no row has a key */
	const Datum *highest;
	char *first_key; /* lowest key as text, or NULL */
	char *last_key;  /* highest key as text */

	/* Under on_missing 'error': of the first Missing row in the source that has no tuple. */
	const char *impossible_key; /* as in the source; NULL if it contains a null */
	int64 impossible_position;

	/* While it is filled. */
	int capacity;
	Datum *next_key; /* memory for the keys of the rows that still fit */
	Size bytes;
	bool in_order;    /* rows arrived in ascending order */
	CastBatch *batch; /* rows whose casts have not run yet */
};

/* chunk_budget: maximum size of the rows in a chunk. */
Size chunk_budget();

/* Whether a chunk's memory is kept over a reset: not if there are many of them. */
enum class ChunkMemory : uint8
{
	Keep,
	Free,
};

/* chunk_create: an empty chunk, in new memory contexts below the current one. */
Chunk *chunk_create(const Options &options, const Target &target, ChunkMemory memory);

/*
 * chunk_fill
 *		Replace the chunk's rows by the next rows of the source: at most
 *		chunk_rows, and only as many as fit into work_mem; a row larger than
 *		that is alone in its chunk.  Returns false if there are no more rows.
 *
 * Raises the errors of ordered_source_peek, ordered_source_consume and, unless errors are skipped,
 * of the casts.
 */
[[nodiscard]] bool chunk_fill(Chunk &chunk, OrderedSource &ordered);

/*
 * chunk_rows_ascend
 *		Is row a of the chunk before row b?  Rows that are to be applied come first, by their
 *		place if that is known, and by their key otherwise.
 */
[[nodiscard]] bool chunk_rows_ascend(const Chunk &chunk, const ChunkRow &a, const ChunkRow &b);

/* chunk_rows_with: the rows with this outcome, allocated in the current memory context. */
Span<ChunkRow *> chunk_rows_with(const Chunk &chunk, Outcome outcome);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CHUNK_H */
