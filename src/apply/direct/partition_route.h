/*
 * partition_route.h
 *		Which partition of the target has the row with a key.
 *
 * A unique index of a partitioned table has all columns of the partition keys,
 * at every level, so the key alone determines it.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_PARTITION_ROUTE_H
#define BULK_UPDATE_APPLY_DIRECT_PARTITION_ROUTE_H

#include "target/target.h"

namespace bulkupdate
{

struct DirectTable;

/* A table of the target's tree of partitions or children; the target itself is its root. */
struct Partition
{
	Relation relation;
	Oid index;          /* the one that covers the key; InvalidOid if there is none */
	Partition *next;    /* in the list of opened tables */
	bool used;          /* rows have been routed to it */
	DirectTable *table; /* set and used by the caller */

	/* Which of the tables below it has a key. */
	PartitionKey key; /* NULL: a table that stores rows */
	PartitionDesc desc;
	int *key_columns; /* the target's key column, from 0, for each column of the partition key */
	Partition **children;
};

struct PartitionRoute
{
	const Target *target;
	LOCKMODE lock;
	MemoryContext memory;
	Partition *root;
	Partition *opened; /* all opened tables of the tree, the newest first */
};

/*
 * partition_route_begin
 *		Routes to the partitions that the active snapshot sees, or to the target
 *		itself if it is not partitioned.  lock: the lock to take on partitions,
 *		until the end of the transaction.  Allocates in the current memory context, also later.
 */
void partition_route_begin(PartitionRoute &route, const Target &target, LOCKMODE lock);

/*
 * index_of_partition
 *		The partition's index that is a partition of index, or InvalidOid.
 *
 * As index_get_partition() (15), but REINDEX CONCURRENTLY may exchange the index meanwhile:
 * it takes no lock that conflicts with an update.
 */
Oid index_of_partition(Relation partition, Oid index);

/* partition_route_add: a table that is already open, and that partition_route_end() closes. */
Partition *partition_route_add(PartitionRoute &route, Relation relation, Oid index);

/*
 * partition_of_key
 *		The table that has the row with this key (a Datum for each key column, none
 *		null), opened and marked as used; NULL when there is no such partition.
 */
Partition *partition_of_key(PartitionRoute &route, const Datum *key);

/* partition_route_end: close the partitions; their locks stay. */
void partition_route_end(PartitionRoute &route);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_PARTITION_ROUTE_H */
