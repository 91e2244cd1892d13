/*
 * waiting.h
 *		Rows whose casts wait to run together.
 *
 * Under on_error 'skip' a cast that may fail runs in a subtransaction.  One for
 * each row would cost up to a third of what updating the row takes; so some
 * dozens of rows share one, and only when it fails each gets its own.
 */
#ifndef BULK_UPDATE_WAITING_H
#define BULK_UPDATE_WAITING_H

#include "feed.h"

namespace bulkupdate
{

struct WaitingRow
{
	int64 position;
	MinimalTuple source;
	Datum *key;       /* coerced already, a Datum for each key column */
	HeapTuple tuple;  /* of the target's row type, once it is coerced */
	ErrorData *error; /* or why it cannot be */
};

/* So many rows at most share a subtransaction. */
constexpr int MAX_WAITING_ROWS = 64;

struct WaitingRows
{
	const Target *target;
	MemoryContext context; /* of the rows; reset when they are cleared */
	Size bytes;
	int size;
	WaitingRow rows[MAX_WAITING_ROWS];

	/* Private to waiting.cpp. */
	TupleTableSlot *slot;
	Datum *values; /* of one row, by target attribute */
	bool *nulls;
};

/* waiting_rows_create: no rows.  Allocates in the current memory context, also later. */
extern WaitingRows *waiting_rows_create(const Target *target);

/* waiting_rows_add: copy a row that has a key of its own. */
extern void waiting_rows_add(WaitingRows *waiting, const FeedRow *from);

/* waiting_rows_full: it is time to coerce them. */
extern bool waiting_rows_full(const WaitingRows *waiting);

/*
 * waiting_rows_coerce
 *		Run the casts: each row gets its tuple, allocated in memory, or its
 *		error.
 *
 * Raises what the casts raise and is_row_error() does not take for the row's.
 */
extern void waiting_rows_coerce(WaitingRows *waiting, MemoryContext memory);

/* waiting_row_slot: a slot with the source's columns of a row, valid until the next call. */
extern TupleTableSlot *waiting_row_slot(WaitingRows *waiting, const WaitingRow &row);

/* waiting_rows_clear: no rows again. */
extern void waiting_rows_clear(WaitingRows *waiting);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_WAITING_H */
