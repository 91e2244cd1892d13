/*
 * direct_tree.cpp
 *		The direct applier's rule for a target with all tables below it.
 */
#include "apply/direct/direct_tree.h"

#include "apply/direct/direct_rule.h"
#include "apply/direct/inheritance_route.h"
#include "apply/direct/sort_rule.h"

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
		Oid partition_index = index_of_partition(partition, index);
		const char *why = partition->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
							  ? why_not_direct_below(partition, partition_index)
							  : why_not_direct_partition(partition, partition_index);

		relation_close(partition, NoLock);
		if (why != nullptr)
			return why;
	}
	return nullptr;
}

/* Examine a table that has rows.  key_index: its index that covers the key. */
const char *
examine_table(Relation relation, Oid key_index, const Target &target, SortableIndexes &sortable)
{
	const char *why = why_not_sorted_table(relation, target);
	const Bitmapset *changing = changing_attributes(relation, target);
	ListCell *cell;

	if (why != nullptr)
		return why;
	sortable.tables++;
	foreach (cell, RelationGetIndexList(relation))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if ((sortable.by_place || RelationGetRelid(index) != key_index) &&
			is_sortable_index(index, BuildIndexInfo(index), changing))
			sortable.indexes = lappend_oid(sortable.indexes, RelationGetRelid(index));
		index_close(index, NoLock);
	}
	return nullptr;
}

/* The same for the partitions of a table, at any level, and for the table itself. */
const char *
examine_partitions(Relation relation, Oid key_index, const Target &target,
				   SortableIndexes &sortable)
{
	ListCell *cell;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return examine_table(relation, key_index, target, sortable);

	const char *why = why_not_sorted_table(relation, target);

	foreach (cell, find_inheritance_children(RelationGetRelid(relation), AccessShareLock))
	{
		Relation partition = relation_open(lfirst_oid(cell), NoLock);

		if (why == nullptr)
			why = examine_partitions(partition, index_of_partition(partition, key_index), target,
									 sortable);
		relation_close(partition, NoLock);
	}
	return why;
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

const char *
why_not_sorted_tree(const Target &target, SortableIndexes &sortable)
{
	const char *why = why_not_sorted(target);
	PartitionRoute route = {};

	if (why != nullptr)
		return why;
	if (!has_inheritance_children(target.relation))
		return examine_partitions(target.relation, RelationGetRelid(target.key_index), target,
								  sortable);
	partition_route_begin(route, target, AccessShareLock);
	why = inheritance_route_open(route);
	for (const Partition *table = route.opened; table != nullptr && why == nullptr;
		 table = table->next)
		why = examine_table(table->relation, table->index, target, sortable);
	partition_route_end(route);
	return why;
}

} /* namespace bulkupdate */
