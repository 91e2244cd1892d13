/*
 * index_walk.h
 *		Finding rows by ascending keys in one forward walk of a unique B-tree
 *		index.
 *
 * From one key to a near one the walk steps through the leaf pages; to a distant one
 * it descends from the root.  Rows are fetched as by an index scan of the
 * executor, so visibility and predicate locks are the same, and so
 * is the killing of dead index entries, except those of a page of a relation
 * without WAL that is stepped through.
 *
 * Between two calls no page of the index is pinned (leaf_scan.h).
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_INDEX_WALK_H
#define BULK_UPDATE_APPLY_DIRECT_INDEX_WALK_H

#include "target/target.h"

namespace bulkupdate
{

/* Statistics of walks; initially all zero. */
struct WalkStats
{
	int64 rows;      /* number of rows found */
	int64 dead;      /* index entries with a wanted key whose version is not visible */
	int far_keys;    /* consecutive keys that were not near the one before */
	int lookups_due; /* keys to look up before stepping is tried again */
};

struct IndexWalk
{
	Span<const KeyColumn> keys; /* of the index, in its order */

	MemoryContext keys_memory; /* for keys that do not stay where they are, or NULL */

	/* Private to index_walk.cpp. */
	IndexScanDesc steps;         /* from the wanted key on; NULL: not started */
	IndexScanDesc lookups;       /* of the wanted key only; NULL: not started */
	Span<ScanKeyData> step_keys; /* prefix equal, last column greater or equal */
	Span<ScanKeyData> lookup_keys;
	bool can_step;         /* the index ascends in its last column */
	bool on_entry;         /* the current entry of steps may have the next key */
	ItemPointerData entry; /* what that entry points to */
	int entries; /* of the key, if no row is fetched, and what the first and the last of */
	ItemPointerData first; /* them point to */
	ItemPointerData last;
	WalkStats *stats;
	Relation heap;
	Relation index;
	Snapshot snapshot;
};

/* walk_meets_dead_versions: e.g. the index has older versions of one row in eight. */
inline bool
walk_meets_dead_versions(const WalkStats &stats)
{
	return stats.dead * 8 > stats.rows;
}

/*
 * index_walk_begin
 *		A walk of index, whose columns keys describe, over the versions of
 *		heap's rows that snapshot sees.  stats is kept between walks.
 *
 * Allocates in the current memory context.
 */
void index_walk_begin(IndexWalk &walk, Relation heap, Relation index, Span<const KeyColumn> keys,
					  Snapshot snapshot, WalkStats &stats);

/*
 * index_walk_find
 *		Put the visible row with this key (a Datum for each column of the index,
 *		none null) into slot; returns whether there is one.
 *
 * The keys must be looked up in ascending order, or with index_walk_restart() before each.
 * Raises 40001 like an index scan.
 */
[[nodiscard]] bool index_walk_find(IndexWalk &walk, const Datum *key, TupleTableSlot *slot);

/* index_walk_restart: the next key may be lower than the ones before. */
void index_walk_restart(IndexWalk &walk);

/*
 * index_walk_entries
 *		Find the entries with this key, without their rows: their number, and what the
 *		first and the last one point to.
 */
int index_walk_entries(IndexWalk &walk, const Datum *key, ItemPointer first, ItemPointer last);

/*
 * index_walk_fetch
 *		Put the visible version of the row to which an entry pointed into slot; returns
 *		whether there is one.
 */
[[nodiscard]] bool index_walk_fetch(IndexWalk &walk, ItemPointerData entry, TupleTableSlot *slot);

/*
 * index_walk_prefetch
 *		Have the heap pages of this key's entries read, by a walk that is for nothing else.
 *
 * Keys must be passed in ascending order, and stay where they are.
 */
void index_walk_prefetch(IndexWalk &walk, const Datum *key);

/*
 * index_walk_leave
 *		Release the pin on the heap page of the newest row, because the next key is not
 *		looked up soon.
 */
void index_walk_leave(const IndexWalk &walk);

/* index_walk_end: end its scans; the next key starts new ones. */
void index_walk_end(IndexWalk &walk);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_INDEX_WALK_H */
