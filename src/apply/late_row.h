/*
 * late_row.h
 *		The row for which an after-row trigger is running.
 *
 * Foreign keys, deferrable unique constraints and user-defined after-row triggers
 * are checked after the executor has processed all rows of a statement.  While one of
 * their triggers runs, the old version of its row is in a slot of the executor.
 */
#ifndef BULK_UPDATE_APPLY_LATE_ROW_H
#define BULK_UPDATE_APPLY_LATE_ROW_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/*
 * late_row_begin
 *		To be called between the last row of a statement and its after-row
 *		triggers: forgets the earlier contents of the slots.
 */
void late_row_begin(const EState *estate);

/*
 * late_row_find
 *		Among rows, which are in key order, the one whose after-row trigger is
 *		running; NULL if there is none, or if its row is not among them.
 *
 * For error contexts.  Method: AfterTriggerExecute() of trigger.c fetches the old
 * version into ri_TrigOldSlot and clears it afterwards.
 */
ChunkRow *late_row_find(const Target &target, const EState *estate, Span<ChunkRow *> rows);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_LATE_ROW_H */
