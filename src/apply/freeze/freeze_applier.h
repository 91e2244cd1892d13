/*
 * freeze_applier.h
 *		An applier that stores rows for a job instead of applying them.
 */
#ifndef BULK_UPDATE_APPLY_FREEZE_FREEZE_APPLIER_H
#define BULK_UPDATE_APPLY_FREEZE_FREEZE_APPLIER_H

#include "apply/applier.h"

namespace bulkupdate
{

/* Rows that were stored. */
struct FrozenRows
{
	Oid table;
	TransactionId xmin; /* of all of them */
	int64 rows;         /* numbered from 1, in key order */
};

/*
 * freeze_applier_create
 *		An applier that appends rows to a table, with a number and with their position in the
 *		source; both first columns are of type bigint.  After them come the columns of
 *		the target in the order of the source, and the expected values.
 *
 * A row that is stored counts as updated.  Rows are stored as by COPY
 * (CopyMultiInsertBufferFlush() in PostgreSQL 15), without anything that would run code, so the
 * table must be new: without constraints, triggers and indexes.  Allocates in the current memory
 * context, and keeps the table open.
 *
 * Its function apply raises the errors of storing a row, such as 54000 (it is too wide).
 */
Applier *freeze_applier_create(const Target &target, FrozenRows &frozen);

/* freeze_applier_close: close the table and keep its lock. */
void freeze_applier_close(Applier &base);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_FREEZE_FREEZE_APPLIER_H */
