/*
 * held_row.h
 *		A row that is held back until the next key is known.
 */
#ifndef BULK_UPDATE_SOURCE_HELD_ROW_H
#define BULK_UPDATE_SOURCE_HELD_ROW_H

#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

struct HeldRow;

/* held_row_create: no row yet.  Allocates in the current memory context, also later. */
HeldRow *held_row_create(const Target &target, TupleDesc source);

/*
 * held_row_exchange
 *		Hold a row with a key back instead of the one before, which is then in row: as a
 *		duplicate, if both have the same key.  Returns false if there was none before.
 *
 * The row is valid until the next call.  Raises 22023 (the key is out of order).
 */
bool held_row_exchange(HeldRow &held, SourceRow &row);

/* held_row_take: the row that is held back, if there is one, and then none. */
bool held_row_take(HeldRow &held, SourceRow &row);

void held_row_end(const HeldRow &held);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_HELD_ROW_H */
