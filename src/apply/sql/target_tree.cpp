/*
 * target_tree.cpp
 *		The target and the tables below it, as the planner sees them.
 */
#include "apply/sql/target_tree.h"

namespace bulkupdate
{

namespace
{

/*
 * In an inheritance tree with more tables, a key would need too many lookups; then
 * the planner chooses.
 */
constexpr int MOST_TABLES = 8;

const KeyColumn *
key_column_called(const Target &target, const char *name)
{
	for (const KeyColumn &key : target.keys)
		if (strcmp(NameStr(attribute_of(target, key.target).attname), name) == 0)
			return &key;
	return nullptr;
}

/* Does the index find rows by the key?  Children have the same column names. */
bool
is_key_index(const Target &target, const IndexOptInfo *index, Oid relid)
{
	if (!is_unique_on_columns(index))
		return false;
	for (int i = 0; i < index->nkeycolumns; i++)
	{
		const char *name = get_attname(relid, static_cast<AttrNumber>(index->indexkeys[i]), true);
		const KeyColumn *key = name == nullptr ? nullptr : key_column_called(target, name);

		if (key == nullptr || !op_in_opfamily(key->equality, index->opfamily[i]) ||
			(OidIsValid(index->indexcollations[i]) && index->indexcollations[i] != key->collation))
			return false;
	}
	return true;
}

bool
has_key_index(const Target &target, const RelOptInfo *rel, Oid relid)
{
	ListCell *cell;

	foreach (cell, rel->indexlist)
		if (is_key_index(target, lfirst_node(IndexOptInfo, cell), relid))
			return true;
	return false;
}

} /* namespace */

Relids
tree_of_rel(const RelOptInfo *rel)
{
	return rel->top_parent_relids == nullptr ? rel->relids : rel->top_parent_relids;
}

bool
is_unique_on_columns(const IndexOptInfo *index)
{
	return index->unique && index->indpred == NIL && index->indexprs == NIL;
}

bool
has_few_indexed_tables(const Target &target, const PlannerInfo *root, const RelOptInfo *rel)
{
	int tables = 0;

	if (rel->reloptkind == RELOPT_BASEREL ||
		target.relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return true;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		const RelOptInfo *other = root->simple_rel_array[i];

		if (other == nullptr || root->simple_rte_array[i]->inh ||
			!bms_equal(tree_of_rel(other), tree_of_rel(rel)))
			continue;
		if (++tables > MOST_TABLES ||
			!has_key_index(target, other, root->simple_rte_array[i]->relid))
			return false;
	}
	return true;
}

} /* namespace bulkupdate */
