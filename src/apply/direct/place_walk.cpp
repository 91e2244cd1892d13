/*
 * place_walk.cpp
 *		The key's index as a list of places.
 */
#include "apply/direct/place_walk.h"

#include "apply/direct/direct_table.h"
#include "apply/direct/partition_route.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/*
 * Of several entries with a key, which point to versions of one row, VACUUM has not removed the
 * older ones.  Which one is the newest depends on where the table had room; so for
 * one row in so many it is looked up.
 */
constexpr int ROWS_PER_SAMPLE = 64;

struct PlaceWalk : PlaceFinder
{
	const Applier *applier;
	LOCKMODE lock;
	WalkStats *stats;
	ReadStats *reads;
	MemoryContext memory;       /* of the walk */
	DirectStatement *statement; /* a probe; NULL: not begun */
	PartitionRoute route;
	DirectTable *newest; /* the table of the newest row, or NULL */
	int until_sample;    /* rows with several entries until one is looked up again */
	bool prefers_last;   /* of several entries */
};

void
begin(PlaceWalk &walk)
{
	walk.memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update places", ALLOCSET_DEFAULT_SIZES);
	with_memory_context(walk.memory, [&] {
		PushActiveSnapshot(GetTransactionSnapshot());
		walk.statement = direct_statement_begin(*walk.applier, Access::Probe, Probe::Row,
												*walk.stats, *walk.reads);
		PopActiveSnapshot();
		partition_route_begin(walk.route, *walk.applier->target, walk.lock);
	});
}

/* The table that has the row with this key, with its walk; NULL if there is none. */
DirectTable *
table_of_key(PlaceWalk &walk, const Datum *key)
{
	Partition *partition =
		walk.route.root->key == nullptr ? walk.route.root : partition_of_key(walk.route, key);

	/* The index may be missing if a table was attached a moment ago. */
	if (partition == nullptr || !OidIsValid(partition->index))
		return nullptr;
	if (partition->table == nullptr)
	{
		partition->table =
			direct_table_open(*walk.statement, partition->relation, partition->index);
		partition->table->walk.keys_memory =
			AllocSetContextCreate(walk.memory, "bulk_update place key", ALLOCSET_SMALL_SIZES);
	}
	if (walk.newest != nullptr && walk.newest != partition->table)
		direct_table_leave(*walk.newest);
	walk.newest = partition->table;
	return walk.newest;
}

/* Is the last of several entries that of the newest version? */
bool
prefers_last(PlaceWalk &walk, DirectTable &table, ItemPointerData last)
{
	if (walk.until_sample-- == 0)
	{
		walk.until_sample = ROWS_PER_SAMPLE - 1;
		walk.prefers_last = index_walk_fetch(table.walk, last, table.found);
		direct_table_leave(table);
	}
	return walk.prefers_last;
}

RowPlace
find(PlaceFinder &finder, const Datum *key)
{
	PlaceWalk &walk = static_cast<PlaceWalk &>(finder);
	ItemPointerData first;
	ItemPointerData last;

	FAULT_POINT(place_find);
	if (walk.statement == nullptr)
		begin(walk);

	DirectTable *table = table_of_key(walk, key);
	int entries = table == nullptr ? 0 : index_walk_entries(table->walk, key, &first, &last);

	if (entries == 0)
		return NO_PLACE;
	return row_place(table->number, entries > 1 && prefers_last(walk, *table, last) ? last : first);
}

void
end(PlaceFinder &finder)
{
	PlaceWalk &walk = static_cast<PlaceWalk &>(finder);

	if (walk.statement == nullptr)
		return;
	for (const Partition *partition = walk.route.opened; partition != nullptr;
		 partition = partition->next)
		if (partition->table != nullptr)
			direct_table_close(*partition->table);
	direct_statement_end(*walk.statement);
	partition_route_end(walk.route);
	MemoryContextDelete(walk.memory);
}

} /* namespace */

PlaceFinder *
place_walk_create(const Applier &applier, LOCKMODE lock, WalkStats &stats, ReadStats &reads)
{
	PlaceWalk *walk = palloc_one<PlaceWalk>();

	static_cast<PlaceFinder &>(*walk) = {find, end};
	walk->applier = &applier;
	walk->lock = lock;
	walk->stats = &stats;
	walk->reads = &reads;
	return walk;
}

} /* namespace bulkupdate */
