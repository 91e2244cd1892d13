/*
 * side_table.h
 *		Tables of the caller into which a call writes, besides the target.
 */
#ifndef BULK_UPDATE_REPORT_SIDE_TABLE_H
#define BULK_UPDATE_REPORT_SIDE_TABLE_H

#include "server/scope.h"

namespace bulkupdate
{

/* A table, and how messages speak of it. */
struct SideTable
{
	Oid relid;
	const char *argument; /* of the call, which specifies it */
	const char *action;   /* "record rejected rows" */
	const char *creator;  /* the function that creates such tables */
};

/*
 * side_table_check
 *		May the relation be a side table, and may its schema be used?
 *
 * Raises 42P01 (no such relation), 42809 (not a table), 42501.
 */
void side_table_check(const SideTable &table);

/* side_table_check_insert: may the current user insert into this column?  Raises 42501. */
void side_table_check_insert(const SideTable &table, const char *column);

/*
 * side_table_name
 *		Its current name, quoted: a trigger may have renamed it, and created another one.
 *
 * Raises 42P01 (it was dropped during the call).
 */
const char *side_table_name(const SideTable &table);

/*
 * side_table_check_inserted
 *		The result of SPI for an INSERT.  Raises 0A000 (the table has an ON INSERT DO INSTEAD
 *		rule).
 */
void side_table_check_inserted(const SideTable &table, int result);

/*
 * side_table_create
 *		Create a table; returns its OID.
 *
 * name: as in SQL, optionally qualified and quoted.  columns: as in CREATE TABLE.  Needs an SPI
 * connection.
 *
 * Raises 42602 (not a name), 3F000 (no such schema), and the errors of CREATE TABLE.
 */
Oid side_table_create(text *name, const char *columns);

/*
 * run_number
 *		A new number for a call that writes to side tables.
 *
 * function: OID of the SQL function that was called; the sequence of the numbers is in its
 * schema.  Raises 42P01 (there is no such sequence).
 */
int64 run_number(Oid function);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_REPORT_SIDE_TABLE_H */
