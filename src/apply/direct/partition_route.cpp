/*
 * partition_route.cpp
 *		Descending the tree of partitions by the bounds that PostgreSQL keeps for tuple
 *		routing.
 */
#include "apply/direct/partition_route.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* The key column that is the target's column of this name. */
int
key_column_of_name(const Target &target, const char *name)
{
	AttrNumber attno = get_attnum(RelationGetRelid(target.relation), name);

	for (int i = 0; i < target.keys.size; i++)
		if (target.keys[i].target == attno)
			return i;
	elog(ERROR, "column \"%s\" of the partition key is not in the key", name);
}

/* The child for rows with these values of the partition key, none null; -1: none. */
int
child_of_values(const Partition &partition, Datum *values)
{
	PartitionKey key = partition.key;
	PartitionBoundInfo bounds = partition.desc->boundinfo;
	bool equal = false;
	int child = -1;

	if (partition.desc->nparts == 0)
		return -1;
	switch (key->strategy)
	{
		case PARTITION_STRATEGY_HASH:
		{
			bool no_nulls[PARTITION_MAX_KEYS] = {};
			uint64 hash = compute_partition_hash_value(key->partnatts, key->partsupfunc,
													   key->partcollation, values, no_nulls);

			child = bounds->indexes[hash % static_cast<uint64>(bounds->nindexes)];
			break;
		}
		case PARTITION_STRATEGY_LIST:
		{
			int bound = partition_list_bsearch(key->partsupfunc, key->partcollation, bounds,
											   values[0], &equal);

			if (bound >= 0 && equal)
				child = bounds->indexes[bound];
			break;
		}
		case PARTITION_STRATEGY_RANGE:
		{
			int bound = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds,
													  key->partnatts, values, &equal);

			/* This is the lower bound; each bound belongs to the partition that ends there. */
			child = bounds->indexes[bound + 1];
			break;
		}
		default: /* GCOVR_EXCL_LINE: as the error */
			elog(ERROR, "unexpected partition strategy: %d", static_cast<int>(key->strategy));
	}
	return child >= 0 ? child : bounds->default_index;
}

Partition &
open_child(PartitionRoute &route, Partition &parent, int child)
{
	if (parent.children[child] == nullptr)
		parent.children[child] = with_memory_context(route.memory, [&] {
			Relation relation = table_open(parent.desc->oids[child], route.lock);

			FAULT_POINT(partition_open);
			return partition_route_add(route, relation, index_of_partition(relation, parent.index));
		});
	return *parent.children[child];
}

} /* namespace */

Oid
index_of_partition(Relation partition, Oid index)
{
	/* The list of indexes may be older than what is in the catalog: then once more. */
	for (int tries = 0; tries < 2; tries++)
	{
		ListCell *cell;

		foreach (cell, RelationGetIndexList(partition))
		{
			List *ancestors = get_partition_ancestors(lfirst_oid(cell));

			if (ancestors != NIL && linitial_oid(ancestors) == index)
				return lfirst_oid(cell);
		}
		/* GCOVR_EXCL_START: the index was exchanged at this moment, in test/load */
		AcceptInvalidationMessages();
	}
	return InvalidOid;
	/* GCOVR_EXCL_STOP */
}

Partition *
partition_route_add(PartitionRoute &route, Relation relation, Oid index)
{
	Partition *partition = palloc_one<Partition>();

	partition->relation = relation;
	partition->index = index;
	partition->next = route.opened;
	route.opened = partition;
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return partition;

	PartitionKey key = RelationGetPartitionKey(relation);
	int n = key->partnatts;

	partition->key = key;
	partition->desc = RelationGetPartitionDesc(relation, true);
	partition->children = palloc_array_of<Partition *>(partition->desc->nparts);
	partition->key_columns = palloc_array_of<int>(n);

	/* With an expression in the partition key there would be no unique index. */
	for (int i = 0; i < n; i++)
		partition->key_columns[i] = key_column_of_name(
			*route.target, get_attname(RelationGetRelid(relation), key->partattrs[i], false));
	return partition;
}

void
partition_route_begin(PartitionRoute &route, const Target &target, LOCKMODE lock)
{
	route = {};
	route.target = &target;
	route.lock = lock;
	route.memory = CurrentMemoryContext;
	route.root = partition_route_add(route, target.relation, RelationGetRelid(target.key_index));
}

Partition *
partition_of_key(PartitionRoute &route, const Datum *key)
{
	Partition *partition = route.root;

	while (partition->key != nullptr)
	{
		Datum values[PARTITION_MAX_KEYS] = {};

		for (int i = 0; i < partition->key->partnatts; i++)
			values[i] = key[partition->key_columns[i]];

		int child = child_of_values(*partition, values);

		if (child < 0)
			return nullptr;
		partition = &open_child(route, *partition, child);
	}
	partition->used = true;
	return partition;
}

void
partition_route_end(PartitionRoute &route)
{
	for (Partition *partition = route.opened; partition != nullptr; partition = partition->next)
		if (partition != route.root)
			table_close(partition->relation, NoLock);
	route.opened = nullptr;
}

} /* namespace bulkupdate */
