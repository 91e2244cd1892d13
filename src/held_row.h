/*
 * held_row.h
 *		A copy of a row, held back until it is known what comes after it.
 */
#ifndef BULK_UPDATE_HELD_ROW_H
#define BULK_UPDATE_HELD_ROW_H

#include "feed.h"
#include "key_log.h"

namespace bulkupdate
{

struct HeldRow
{
	TupleTableSlot *slot;
	KeyCopy key; /* no key: no row */
};

/* held_row_create: no row yet.  Allocates in the current memory context, also later. */
extern HeldRow *held_row_create(const Target *target, TupleDesc source);

/* held_row_set: copy a row that has a key. */
extern void held_row_set(HeldRow *held, const FeedRow *row);

/* held_row_get: the copy as a row, valid until the next held_row_set. */
extern void held_row_get(const HeldRow *held, FeedRow *row);

extern void held_row_end(HeldRow *held);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_HELD_ROW_H */
