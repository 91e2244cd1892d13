/*
 * direct_table.h
 *		One table of a statement without a plan, and finding rows in it.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_TABLE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_TABLE_H

#include "apply/direct/direct_statement.h"
#include "apply/direct/index_entries.h"
#include "chunk/chunk.h"

namespace bulkupdate
{

/* The table's attribute for each attribute of the target, both from 0. */
struct ValueColumn
{
	int from;
	int to;
};

/* A table that stores rows: the target, or a partition of it. */
struct DirectTable
{
	DirectStatement *statement;
	Relation relation;
	ResultRelInfo *result; /* NULL if rows are only probed */
	Relation index;        /* the one that covers the key */
	int number;            /* among the statement's tables, from 0 */
	BlockNumber blocks;    /* by place: of the table, when the statement begins */
	IndexWalk walk;
	IndexWalk *ahead; /* a walk for reading ahead; NULL: not begun */
	bool keeps_walk;  /* its scans stay open when the next row is in another table */
	IndexEntries entries;
	EPQState epqstate;
	Span<AttrNumber> key_attributes; /* this table's attribute for each key column */
	Span<ValueColumn> value_columns;
	Span<AttrNumber> expected_attributes; /* for each expected column */
	Span<AttrNumber> kept_attributes;     /* for each kept column */
	Span<int> dropped;                    /* columns, from 0, that have been dropped */
	TupleTableSlot *found;                /* the row's version to be updated */
	TupleTableSlot *updated;              /* its new version */
};

/* A row's key, its values by target attribute, and the row itself. */
struct DirectRow
{
	const Datum *key; /* a Datum for each key column */
	const Datum *values;
	const bool *nulls;
	ChunkRow *source;
	Probe probe; /* what is determined about its found or locked version */
};

/*
 * direct_table_open
 *		Prepare a table for a statement: the target itself, or one of its
 *		partitions.  index: the one that covers the key.
 *
 * Raises 55000 (the table publishes updates and has no replica identity).
 */
DirectTable *direct_table_open(DirectStatement &statement, Relation relation, Oid index);

/*
 * direct_table_find
 *		Put the version of the row that the snapshot sees into table->found; returns
 *		whether there is one.
 */
[[nodiscard]] bool direct_table_find(DirectTable &table, const DirectRow &row);

/* direct_table_prefetch: have the page of a row read that is found soon. */
void direct_table_prefetch(DirectTable &table, const ChunkRow &row);

/* direct_table_has_key: does the found version have the row's key, from this column on? */
[[nodiscard]] bool direct_table_has_key(const DirectTable &table, const DirectRow &row, int first);

/* direct_table_outcome: by the found version: Unchanged, Stale or Pending. */
[[nodiscard]] Outcome direct_table_outcome(const DirectTable &table, const DirectRow &row);

/*
 * direct_table_leave
 *		The next row is in another table: release the pinned buffers, so
 *		that their number does not grow with the tables of a statement.  The scans
 *		of a few tables stay open, because starting one again costs more than its memory.
 */
void direct_table_leave(DirectTable &table);

/* direct_table_close: no more rows will be looked up; releases the pinned buffers. */
void direct_table_close(DirectTable &table);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_TABLE_H */
