/*
 * frozen_table.h
 *		The table with the rows of a job.
 */
#ifndef BULK_UPDATE_REPORT_FROZEN_TABLE_H
#define BULK_UPDATE_REPORT_FROZEN_TABLE_H

#include "apply/freeze/freeze_applier.h"

namespace bulkupdate
{

/* The columns of the target whose values are in the table, by name. */
struct FrozenColumns
{
	Span<const char *> keys;
	Span<const char *> columns;  /* the key's too, in the order of the source */
	Span<const char *> expected; /* or size 0 */
};

/*
 * frozen_table_create
 *		Create a table for rows of the target with the mapped columns; returns its OID.
 *
 * name: as in SQL, optionally qualified and quoted.  Its columns are a number, the position in
 * the source, and those of a table of old values, where an expected value is the old one; as
 * freeze_applier_create() expects them.  They have the target's types but not its constraints.
 * Needs an SPI connection.
 *
 * Raises 42P16 (the table would be temporary) and the errors of side_table_create().
 */
Oid frozen_table_create(text *name, const Target &target);

/* frozen_table_columns: the columns of the target, allocated in the current memory context. */
FrozenColumns frozen_table_columns(const Target &target);

/*
 * frozen_table_finish
 *		After the last row: add the primary key, the number.
 *
 * Needs an SPI connection.
 */
void frozen_table_finish(Oid table);

/* Rows of a job. */
struct FrozenRange
{
	int64 first;
	int64 last;
	TransactionId xmin; /* rows that have another one have been changed; or InvalidTransactionId */
};

/*
 * frozen_table_query
 *		A query for a range of the rows in their order: the columns as they were given to
 *		frozen_table_columns(), then the expected ones, then the position in the source.
 *
 * Rows that have been changed are not returned.
 *
 * Raises 42P01 (no such table), 42703 (it lacks a column).
 */
const char *frozen_table_query(Oid table, const FrozenColumns &columns, const FrozenRange &range);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_FROZEN_TABLE_H */
