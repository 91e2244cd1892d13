/*
 * direct_tree.cpp
 *		The direct applier's rule for a target with all tables below it.
 */
#include "apply/direct/direct_tree.h"

#include "apply/direct/direct_rule.h"
#include "apply/direct/inheritance_route.h"

namespace bulkupdate
{

namespace
{

const char *
why_not_direct_children(const Target &target)
{
	PartitionRoute route = {};

	if (!has_inheritance_children(target.relation))
		return nullptr;
	partition_route_begin(route, target, AccessShareLock);

	const char *why = inheritance_route_open(route);

	partition_route_end(route);
	return why;
}

/* For the partitions of a table, at any level.  index: the table's index that covers the key. */
const char *
why_not_direct_below(Relation relation, Oid index)
{
	ListCell *cell;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return nullptr;

	List *partitions = find_inheritance_children(RelationGetRelid(relation), AccessShareLock);

	foreach (cell, partitions)
	{
		Relation partition = relation_open(lfirst_oid(cell), NoLock);
		Oid partition_index = index_get_partition(partition, index);
		const char *why = partition->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
							  ? why_not_direct_below(partition, partition_index)
							  : why_not_direct_partition(partition, partition_index);

		relation_close(partition, NoLock);
		if (why != nullptr)
			return why;
	}
	return nullptr;
}

} /* namespace */

const char *
why_not_direct_tree(const Target &target)
{
	PlannedElsewhere planned_elsewhere = PlannedElsewhere::NotAsked;
	const char *why = why_not_direct(target, planned_elsewhere);

	return why != nullptr ? why : why_not_direct_children(target);
}

const char *
why_not_direct_partitions(const Target &target)
{
	return why_not_direct_below(target.relation, RelationGetRelid(target.key_index));
}

} /* namespace bulkupdate */
