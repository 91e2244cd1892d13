/*
 * cast_batch.h
 *		Rows whose casts run together.
 *
 * Under on_error 'skip' a cast that may fail runs in a subtransaction.  One for
 * each row would cost up to a third of updating the row; so some
 * dozens of rows share one, and each gets its own only if it fails.
 */
#ifndef BULK_UPDATE_CHUNK_CAST_BATCH_H
#define BULK_UPDATE_CHUNK_CAST_BATCH_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

struct BatchRow
{
	int64 position;
	RowPlace place;
	MinimalTuple source;
	Datum *key;              /* already coerced, a Datum for each key column */
	HeapTuple tuple;         /* of the target's row type, when it has been coerced */
	ErrorData *error;        /* or the reason why it cannot be */
	NullableDatum *expected; /* its expected values; see ChunkRow */
	Size expected_bytes;
};

/* At most this many rows share a subtransaction. */
constexpr int MAX_WAITING_ROWS = 64;

struct CastBatch
{
	const Target *target;
	MemoryContext context; /* of the rows; reset by cast_batch_clear() */
	Size bytes;
	int size;
	BatchRow rows[MAX_WAITING_ROWS];

	/* For the row whose casts run. */
	TupleTableSlot *slot;
	Datum *values; /* value_count() of them */
	bool *nulls;
};

/* cast_batch_create: no rows.  Allocates in the current memory context, also later. */
CastBatch *cast_batch_create(const Target &target);

/* cast_batch_add: copy a row that has a key which no other row has. */
void cast_batch_add(CastBatch &batch, const SourceRow &from);

/* cast_batch_full: whether it is time to coerce them. */
bool cast_batch_full(const CastBatch &batch);

/*
 * cast_batch_coerce
 *		Run the casts: each row gets its tuple, allocated in memory, or its
 *		error.
 *
 * Raises the errors of the casts that is_row_error() does not accept.
 */
void cast_batch_coerce(CastBatch &batch, MemoryContext memory);

/* cast_batch_slot: a slot with the source's columns of a row, valid until the next call. */
TupleTableSlot *cast_batch_slot(CastBatch &batch, const BatchRow &row);

/* cast_batch_clear: remove all rows. */
void cast_batch_clear(CastBatch &batch);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CAST_BATCH_H */
