/*
 * target_tree.h
 *		The target and the tables below it, as the planner sees them.
 */
#ifndef BULK_UPDATE_APPLY_SQL_TARGET_TREE_H
#define BULK_UPDATE_APPLY_SQL_TARGET_TREE_H

#include "target/target.h"

namespace bulkupdate
{

/* tree_of_rel: identifies the tree of a relation: the table at its top. */
Relids tree_of_rel(const RelOptInfo *rel);

/* is_unique_on_columns: does the index contain no two rows with the same columns? */
[[nodiscard]] bool is_unique_on_columns(const IndexOptInfo *index);

/*
 * has_few_indexed_tables
 *		Are the keys to be looked up in each table of the tree that rel belongs to?
 *
 * Partitions have the index and are pruned by the key.  For inheritance children, all
 * must have it, because there is one join with all of them, and there must be few.
 */
[[nodiscard]] bool has_few_indexed_tables(const Target &target, const PlannerInfo *root,
										  const RelOptInfo *rel);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SQL_TARGET_TREE_H */
