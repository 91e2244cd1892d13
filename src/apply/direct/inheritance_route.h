/*
 * inheritance_route.h
 *		Which tables of an inheritance tree may have the rows with certain keys.
 *
 * A key does not determine the table, and several tables can have it.  So
 * the index of each table is searched for all keys of a chunk at once, from each
 * key that is found to the next one, in the index or the chunk, whichever is ahead.  The
 * cost is the sum of tables and keys, not their product.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_INHERITANCE_ROUTE_H
#define BULK_UPDATE_APPLY_DIRECT_INHERITANCE_ROUTE_H

#include "apply/direct/partition_route.h"
#include "chunk/chunk.h"

namespace bulkupdate
{

/* A table whose index has an entry for a key, visible or not. */
struct Holder
{
	Partition *table;
	Holder *next;
};

/*
 * inheritance_route_open
 *		Open all tables below the target, with the index of each that covers the
 *		key like the target's; returns why one of them cannot be updated
 *		directly, or NULL.
 */
[[nodiscard]] const char *inheritance_route_open(PartitionRoute &route);

/*
 * inheritance_route_find
 *		For each row the tables that may have it, in the order of UPDATE; marks them
 *		as used.
 *
 * The rows must be in key order.  Only for a route that can be taken directly.
 */
Holder **inheritance_route_find(const PartitionRoute &route, Span<ChunkRow *> rows,
								Snapshot snapshot);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_INHERITANCE_ROUTE_H */
