/*
 * undo.h
 *		A call whose source is what an earlier call kept: it takes that call back.
 */
#ifndef BULK_UPDATE_SOURCE_UNDO_H
#define BULK_UPDATE_SOURCE_UNDO_H

#include "call/options.h"

namespace bulkupdate
{

/*
 * undo_prepare
 *		Set the query, the columns and the expected columns of a call that undoes a run: the old
 *		values are the new ones, and the new values are expected.
 *
 * Returns the source's name in messages.  Generated columns, and identity columns that are
 * always generated, cannot be given back.  Without key columns, the key is all columns of the
 * table that are named as for key columns.  Needs an SPI connection.  Allocates in the current
 * memory context.
 *
 * Raises 42P01 (no such table), 42501, 42703 (columns of the table that do not go with the
 * target's), 42P16 (it keeps no column that can be updated), P0002 (it has no such run), and the
 * errors of open_table and of reading the table.
 */
const char *undo_prepare(Options &options);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_UNDO_H */
