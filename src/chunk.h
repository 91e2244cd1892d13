/*
 * chunk.h
 *		A bounded set of source rows, coerced to the target's types and put in
 *		key order.
 */
#ifndef BULK_UPDATE_CHUNK_H
#define BULK_UPDATE_CHUNK_H

#include "feed.h"

namespace bulkupdate
{

struct Reject;
struct WaitingRows;

struct ChunkRow
{
	HeapTupleHeader
		image;      /* of the target's row type, unmapped columns null; NULL if not Pending */
	Reject *reject; /* why it was decided before applying, if that is to be recorded */
	int64 position; /* in the source, from 1 */
	int arrival;    /* position in the chunk, from 0 */
	Outcome outcome;
};

struct Chunk
{
	const Options *options;
	const Target *target;
	MemoryContext context; /* the rows; reset for each chunk */
	MemoryContext scratch; /* what applying them needs; reset for each attempt */
	int64 number;          /* from 1 */
	Span<ChunkRow> rows;   /* in key order, those that are not to be applied last */
	int applicable;        /* rows before those */
	int64 first_position;  /* lowest and highest position in the source */
	int64 last_position;
	bool at_end;     /* its last row is known to be the source's last one */
	char *first_key; /* lowest key as text, or NULL when no row has a key of its own */
	char *last_key;  /* highest key as text */

	/* Under on_missing 'error': of the first row in the source that has no image, being Missing. */
	const char *impossible_key; /* as the source gave it; NULL when it has a null */
	int64 impossible_position;

	/* Private to chunk.cpp. */
	int capacity;
	Datum *keys; /* a Datum for each key column of each row, by arrival */
	Size bytes;
	bool in_order;        /* rows came in the order of compare_rows */
	WaitingRows *waiting; /* rows whose casts have not run yet */
};

/* chunk_budget: most bytes of rows in a chunk. */
extern Size chunk_budget();

/* chunk_create: an empty chunk, in memory contexts of its own below the current one. */
extern Chunk *chunk_create(const Options *options, const Target *target);

/*
 * chunk_fill
 *		Replace the chunk's rows by the next rows of the feed: at most
 *		chunk_rows, and only as many as fit into work_mem; a row larger than
 *		that is a chunk of its own.  Returns false when there are no more rows.
 *
 * Raises what feed_peek and, unless errors are to be skipped, the casts raise.
 */
[[nodiscard]] extern bool chunk_fill(Chunk *chunk, Feed *feed);

/* chunk_order: put the rows that are to be applied in key order, the others after them. */
extern void chunk_order(Chunk *chunk);

/* chunk_key: a Datum for each key column of a row that is to be applied. */
inline const Datum *
chunk_key(const Chunk *chunk, const ChunkRow &row)
{
	return chunk->keys + static_cast<Size>(row.arrival) * chunk->target->keys.size;
}

/* tuple_of_image: a row's image as the functions for heap tuples take it. */
inline HeapTupleData
tuple_of_image(HeapTupleHeader image)
{
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(image);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = image;
	return tuple;
}

/* chunk_rows_with: the rows with this outcome, allocated in the current memory context. */
extern Span<ChunkRow *> chunk_rows_with(const Chunk *chunk, Outcome outcome);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_H */
