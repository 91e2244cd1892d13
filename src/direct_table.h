/*
 * direct_table.h
 *		Updating rows of one table without a plan: what the executor does for a
 *		row of UPDATE, called for one row after the other.
 */
#ifndef BULK_UPDATE_DIRECT_TABLE_H
#define BULK_UPDATE_DIRECT_TABLE_H

#include "chunk.h"
#include "direct_statement.h"
#include "index_entries.h"

namespace bulkupdate
{

/* Which of the target's attributes becomes which of the table's, both from 0. */
struct ValueColumn
{
	int from;
	int to;
};

/* A table that has rows of its own: the target, or a partition of it. */
struct DirectTable
{
	DirectStatement *statement;
	Relation relation;
	ResultRelInfo *result; /* NULL when rows are only looked at */
	Relation index;        /* the one that covers the key */
	IndexWalk walk;
	bool keeps_walk; /* its scans stay open when rows of another table come next */
	IndexEntries entries;
	EPQState epqstate;
	Span<AttrNumber> key_attributes; /* this table's attribute for each key column */
	Span<ValueColumn> value_columns;
	Span<int> dropped;       /* columns, from 0, that have been dropped */
	TupleTableSlot *found;   /* the row's version to be updated */
	TupleTableSlot *updated; /* its new version */
};

/* A row's values by target attribute, and its key. */
struct DirectRow
{
	const Datum *key; /* a Datum for each key column */
	const Datum *values;
	const bool *nulls;
};

/*
 * direct_table_open
 *		Prepare a table for a statement: the target itself, or one of its
 *		partitions.  index: the one that covers the key.
 *
 * Raises 55000 (the table publishes updates and has no replica identity).
 */
extern DirectTable *direct_table_open(DirectStatement *statement, Relation relation, Oid index);

/*
 * direct_table_find
 *		Put the row's version that the snapshot sees into table->found; returns
 *		whether there is one.
 */
[[nodiscard]] extern bool direct_table_find(DirectTable *table, const DirectRow &row);

/*
 * direct_table_update
 *		Update a row: triggers, generated columns, constraints, table, indexes.
 *
 * Under READ COMMITTED follows a row that was updated concurrently to its
 * newest version, if that still has the key.  Returns Updated, Missing, or
 * Unchanged when a trigger suppressed the update.
 *
 * Raises what UPDATE raises.  Method: ExecUpdate() of nodeModifyTable.c, and
 * for the order of its parts also execReplication.c.
 */
[[nodiscard]] extern Outcome direct_table_update(DirectTable *table, const DirectRow &row);

/*
 * direct_table_leave
 *		The next row is in another table: release the buffers that are pinned, so
 *		that there are not more of them with each table of a statement.  The scans
 *		of a few tables stay open; to begin one again costs less than its memory.
 */
extern void direct_table_leave(DirectTable *table);

/* direct_table_close: no more rows will be found; releases the buffers it has pinned. */
extern void direct_table_close(DirectTable *table);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_DIRECT_TABLE_H */
