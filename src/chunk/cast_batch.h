/*
 * cast_batch.h
 *		Rows whose casts wait to run together.
 *
 * Under on_error 'skip' a cast that may fail runs in a subtransaction.  One for
 * each row would cost up to a third of what updating the row takes; so some
 * dozens of rows share one, and only when it fails each gets its own.
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
	MinimalTuple source;
	Datum *key;       /* coerced already, a Datum for each key column */
	HeapTuple tuple;  /* of the target's row type, once it is coerced */
	ErrorData *error; /* or why it cannot be */
};

/* So many rows at most share a subtransaction. */
constexpr int MAX_WAITING_ROWS = 64;

struct CastBatch
{
	const Target *target;
	MemoryContext context; /* of the rows; reset when they are cleared */
	Size bytes;
	int size;
	BatchRow rows[MAX_WAITING_ROWS];

	/* For the row whose casts run. */
	TupleTableSlot *slot;
	Datum *values; /* by target attribute */
	bool *nulls;
};

/* cast_batch_create: no rows.  Allocates in the current memory context, also later. */
CastBatch *cast_batch_create(const Target &target);

/* cast_batch_add: copy a row that has a key of its own. */
void cast_batch_add(CastBatch &batch, const SourceRow &from);

/* cast_batch_full: it is time to coerce them. */
bool cast_batch_full(const CastBatch &batch);

/*
 * cast_batch_coerce
 *		Run the casts: each row gets its tuple, allocated in memory, or its
 *		error.
 *
 * Raises what the casts raise and is_row_error() does not take for the row's.
 */
void cast_batch_coerce(CastBatch &batch, MemoryContext memory);

/* cast_batch_slot: a slot with the source's columns of a row, valid until the next call. */
TupleTableSlot *cast_batch_slot(CastBatch &batch, const BatchRow &row);

/* cast_batch_clear: no rows again. */
void cast_batch_clear(CastBatch &batch);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_CAST_BATCH_H */
