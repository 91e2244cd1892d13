/*
 * partition_route.h
 *		Which partition of the target has the row with a key.
 *
 * A unique index of a partitioned table has all columns of the partition keys,
 * at every level; so the key alone decides.
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
	Oid index;          /* the one that covers the key; InvalidOid where there is none */
	Partition *next;    /* of all that have been opened */
	bool used;          /* rows have been routed to it */
	DirectTable *table; /* for the caller, who sets it */

	/* Which of the tables below it has a key. */
	PartitionKey key; /* NULL: a table with rows of its own */
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
	Partition *opened; /* all of the tree that is open, the newest first */
};

/*
 * partition_route_begin
 *		Routes to the partitions that the active snapshot sees, or to the target
 *		itself when it is an ordinary table.  lock: what partitions are locked with,
 *		until the end of the transaction.  Allocates in the current memory context, also later.
 */
void partition_route_begin(PartitionRoute &route, const Target &target, LOCKMODE lock);

/* partition_route_add: a table that is open already, and that partition_route_end() closes. */
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
