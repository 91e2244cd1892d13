/*
 * direct_tree.h
 *		The direct applier's rule for a target with all tables below it.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * why_not_direct_tree
 *		Why the target or one of its inheritance children cannot be updated directly
 *		now, as a sentence, or NULL.  Locks the children like SELECT.
 *
 * Needs an SPI connection.
 */
[[nodiscard]] const char *why_not_direct_tree(const Target &target);

/* why_not_direct_partitions: the same for its partitions, at any level. */
[[nodiscard]] const char *why_not_direct_partitions(const Target &target);

/* The indexes of a tree whose entries can wait until a call ends. */
struct SortableIndexes
{
	bool by_place; /* those of the key's indexes too; set by the caller */
	int tables;    /* number of tables that may have rows */
	List *indexes; /* OIDs */
};

/*
 * why_not_sorted_tree
 *		The rule of sort_rule.h for the target and all tables below it: a sentence, or
 *		NULL.  Counts the tables and lists their indexes in sortable, initially all zero
 *		except for by_place.
 */
[[nodiscard]] const char *why_not_sorted_tree(const Target &target, SortableIndexes &sortable);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H */
