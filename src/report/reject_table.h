/*
 * reject_table.h
 *		The table that records the rows that were not applied.
 */
#ifndef BULK_UPDATE_REPORT_REJECT_TABLE_H
#define BULK_UPDATE_REPORT_REJECT_TABLE_H

#include "chunk/chunk.h"

namespace bulkupdate
{

struct RejectTable;

/*
 * reject_table_check
 *		Can rows of the current user be recorded in the table specified in argument "rejects"?
 *
 * Raises 42P01 (no such relation), 42809 (not a table), 42703 (columns are
 * missing), 42501 (no INSERT privilege, no USAGE of its schema).
 */
void reject_table_check(const Options &options);

/*
 * reject_table_open
 *		Check the table specified in argument "rejects".  Returns NULL if there is none.
 *
 * Needs an SPI connection.  Allocates in the current memory context.  Raises the errors of
 * reject_table_check.
 */
RejectTable *reject_table_open(const Options &options);

/*
 * reject_table_create
 *		Create a table with the required columns; returns its OID.
 *
 * name: as in SQL, optionally qualified and quoted.  Needs an SPI connection.
 *
 * Raises 42602 (not a name), 3F000 (no such schema), and the errors of CREATE TABLE.
 */
Oid reject_table_create(text *name);

/*
 * reject_table_record
 *		Insert the missing, stale, duplicate and rejected rows of an applied chunk.
 *
 * run: the number of the call.
 *
 * Raises 42P01 (the table was dropped during the call), 0A000 (it has an ON
 * INSERT DO INSTEAD rule), and the errors of INSERT.
 */
void reject_table_record(RejectTable &table, int64 run, const Chunk &chunk);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_REJECT_TABLE_H */
