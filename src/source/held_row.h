/*
 * held_row.h
 *		A copy of a row that is held back until the next row is known.
 */
#ifndef BULK_UPDATE_SOURCE_HELD_ROW_H
#define BULK_UPDATE_SOURCE_HELD_ROW_H

#include "source/seen_keys.h"
#include "source/source_row.h"

namespace bulkupdate
{

struct HeldRow
{
	TupleTableSlot *slot;
	KeyCopy key; /* no key: no row */
};

/* held_row_create: no row yet.  Allocates in the current memory context, also later. */
HeldRow *held_row_create(const Target &target, TupleDesc source);

/* held_row_set: copy a row that has a key. */
void held_row_set(HeldRow &held, const SourceRow &row);

/* held_row_get: the copy as a row, valid until the next held_row_set. */
void held_row_get(const HeldRow &held, SourceRow &row);

void held_row_end(HeldRow &held);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_HELD_ROW_H */
