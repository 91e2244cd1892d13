/*
 * staging.h
 *		A table of source rows that is distributed like the target.
 *
 * Each of its shards is on the node with the target's rows of the same keys, so an UPDATE of
 * the target from it runs on all shards at once, and every row is sent to one shard only.
 * The table belongs to the call's transaction: it is created by the first rows and dropped when the
 * call ends, and nobody else ever sees it.  (Citus has no distributed temporary tables.)
 */
#ifndef BULK_UPDATE_APPLY_CITUS_STAGING_H
#define BULK_UPDATE_APPLY_CITUS_STAGING_H

#include "chunk/chunk.h"
#include "target/citus_table.h"

namespace bulkupdate
{

struct Staging;

/* Staged rows as parameters of a statement: see citus_deparse.h. */
struct StagedRows
{
	const char *table;       /* qualified; NULL: not all of the rows are staged */
	bool all;                /* and no others are */
	ParamListInfo params;    /* $1 to $3 */
	Span<ChunkRow *> places; /* for each number from $1 to $2 the row */
};

/* How its rows are found. */
enum class StagedFor : uint8
{
	AllAtOnce, /* a statement reads all of them */
	Chunks,    /* each reads a range of numbers: there is an index */
};

/* staging_create: for a call; no table yet.  Allocates in the current memory context. */
Staging *staging_create(const Target &target, const CitusTable &table);

/*
 * staging_fill
 *		Stage these rows, which are those to be applied of chunks, instead of earlier ones; returns
 *		whether they are.
 *
 * Not if there are few of them, or if the table cannot be created, for lack of a privilege for
 * example.  Needs an SPI connection.  Allocates in the current memory context.
 */
bool staging_fill(Staging &staging, Span<Chunk *> chunks, Span<ChunkRow *> rows, StagedFor purpose);

/* staging_find: rows, if they are staged.  Allocates in the current memory context. */
StagedRows staging_find(const Staging &staging, Span<ChunkRow *> rows);

/* staging_drop: drop the table, if there is one. */
void staging_drop(Staging &staging);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_CITUS_STAGING_H */
