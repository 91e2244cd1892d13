/*
 * own_paths.cpp
 *		The paths by which the SQL applier's statements read the target.
 *
 * Unwanted paths are not removed but made so expensive that they are only taken
 * where nothing else is left: so there always is a plan.
 */
#include "own_paths.h"

#include "own_plan.h"

namespace bulkupdate
{

namespace
{

/*
 * Of an inheritance tree with more tables a key costs too many lookups; there
 * the planner chooses.
 */
constexpr int MOST_TABLES = 8;

/* More than any plan costs, and than the planner itself adds for what a setting disables. */
constexpr Cost FORBIDDING_COST = 1e15;

set_rel_pathlist_hook_type previous_paths = nullptr;
get_relation_stats_hook_type previous_statistics = nullptr;

bool
is_array(const RangeTblEntry *entry)
{
	if (entry->rtekind != RTE_FUNCTION || !entry->funcordinality ||
		list_length(entry->functions) != 1)
		return false;

	const Node *call = linitial_node(RangeTblFunction, entry->functions)->funcexpr;

	if (!IsA(call, FuncExpr) ||
		reinterpret_cast<const FuncExpr *>(call)->funcid != F_UNNEST_ANYARRAY)
		return false;

	const Node *argument =
		static_cast<const Node *>(linitial(reinterpret_cast<const FuncExpr *>(call)->args));

	return IsA(argument, Param) &&
		   reinterpret_cast<const Param *>(argument)->paramkind == PARAM_EXTERN;
}

/* The array of rows, where this level of the query reads it; only our levels read one. */
RelOptInfo *
array_of_level(const PlannerInfo *root)
{
	for (int i = 1; i < root->simple_rel_array_size; i++)
		if (root->simple_rel_array[i] != NULL && is_array(root->simple_rte_array[i]))
			return root->simple_rel_array[i];
	return NULL;
}

Relids
tree_of(const RelOptInfo *rel)
{
	return rel->top_parent_relids == NULL ? rel->relids : rel->top_parent_relids;
}

/* Is it the target, or a table below it, and to be scanned? */
bool
is_table_of_target(const PlannerInfo *root, const RelOptInfo *rel, const RangeTblEntry *entry)
{
	int top;

	return entry->rtekind == RTE_RELATION && !entry->inh &&
		   bms_get_singleton_member(tree_of(rel), &top) &&
		   root->simple_rte_array[top]->relid ==
			   RelationGetRelid(own_plan_current->target->relation);
}

/* Another extension's paths may be the only right ones, as for compressed rows. */
bool
has_only_known_paths(const RelOptInfo *rel)
{
	ListCell *cell;

	foreach (cell, rel->pathlist)
		switch (static_cast<const Path *>(lfirst(cell))->pathtype)
		{
			case T_SeqScan:
			case T_IndexScan:
			case T_IndexOnlyScan:
			case T_BitmapHeapScan:
			case T_TidScan:
			case T_TidRangeScan:
				break;
			default:
				return false;
		}
	return rel->pathlist != NIL;
}

bool
is_unique(const IndexOptInfo *index)
{
	return index->unique && index->indpred == NIL && index->indexprs == NIL;
}

/* The unique indexes; not for bitmap scans, which would drive the others out. */
List *
unique_indexes(const RelOptInfo *rel)
{
	List *indexes = NIL;
	ListCell *cell;

	foreach (cell, rel->indexlist)
	{
		const IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		if (!is_unique(index))
			continue;

		IndexOptInfo *copy = palloc_one<IndexOptInfo>();

		*copy = *index;
		copy->amhasgetbitmap = false;
		indexes = lappend(indexes, copy);
	}
	return indexes;
}

bool
has_clause_on(const IndexPath *path, int column)
{
	ListCell *cell;

	foreach (cell, path->indexclauses)
		if (lfirst_node(IndexClause, cell)->indexcol == column)
			return true;
	return false;
}

/* Does the path find a row by its key, for each element of the array? */
bool
is_lookup(const Path *path, const RelOptInfo *array)
{
	if (!IsA(path, IndexPath) || !bms_equal(PATH_REQ_OUTER(path), array->relids))
		return false;

	const IndexPath *index_path = reinterpret_cast<const IndexPath *>(path);

	for (int i = 0; i < index_path->indexinfo->nkeycolumns; i++)
		if (!has_clause_on(index_path, i))
			return false;
	return true;
}

bool
is_range_scan(const Path *path, const RelOptInfo *)
{
	return IsA(path, IndexPath) && PATH_REQ_OUTER(path) == NULL &&
		   reinterpret_cast<const IndexPath *>(path)->indexclauses != NIL;
}

void
discourage(Path *path)
{
	path->startup_cost += FORBIDDING_COST;
	path->total_cost += FORBIDDING_COST;
	add_disabled_nodes(path);
}

/*
 * Leave only the paths of unique indexes that are wanted; false when there is
 * none, and then nothing has changed.  They are made anew, as cheaper ones may
 * have driven them out, and for the array's number of rows.
 */
bool
prefer(PlannerInfo *root, RelOptInfo *rel, const RelOptInfo *array,
	   bool (*wanted)(const Path *, const RelOptInfo *))
{
	List *const paths = rel->pathlist;
	List *const indexes = rel->indexlist;
	List *preferred = NIL;
	ListCell *cell;

	rel->pathlist = NIL;
	rel->indexlist = unique_indexes(rel);
	create_index_paths(root, rel);
	rel->indexlist = indexes;
	foreach (cell, rel->pathlist)
		if (wanted(static_cast<const Path *>(lfirst(cell)), array))
			preferred = lappend(preferred, lfirst(cell));
	rel->pathlist = list_concat(preferred, paths);
	if (preferred == NIL)
		return false;
	foreach (cell, paths)
		discourage(static_cast<Path *>(lfirst(cell)));
	rel->partial_pathlist = NIL;
	return true;
}

/*
 * The planner takes unnest() for a handful of rows, whatever is in the array.  With
 * one row it thinks of nothing but a nested loop: what else it might do pays off
 * for many only.
 */
void
expect_rows(RelOptInfo *array, int rows)
{
	array->rows = array->tuples = Max(rows, 1);
}

/* Let the planner choose among its own paths, with the true number of rows. */
void
choose_freely(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	own_plan_current->planned_rows = Max(own_plan_current->rows, 1);
	expect_rows(array, own_plan_current->rows);
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	add_path(rel, create_seqscan_path(root, rel, rel->lateral_relids, 0));
	create_index_paths(root, rel);
}

/*
 * Read the range of the keys, which are dense in it, and join: never by a nested
 * loop, as both sides have as many rows.
 */
void
read_range(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	const double size = rel->rows;

	own_plan_current->planned_rows = Max(own_plan_current->rows, 1);
	expect_rows(array, own_plan_current->rows);
	rel->rows = array->rows;
	if (!prefer(root, rel, array, is_range_scan))
		rel->rows = size;

	RelOptInfo *top = root->simple_rel_array[bms_singleton_member(tree_of(rel))];

	top->rows = Max(top->rows, rel->rows);
}

const KeyColumn *
key_column_called(const char *name)
{
	const Target *target = own_plan_current->target;

	for (const KeyColumn &key : target->keys)
		if (strcmp(NameStr(attribute_of(target, key.target).attname), name) == 0)
			return &key;
	return NULL;
}

/* Does the index find rows by our key?  Children have the columns by the same names. */
bool
is_key_index(const IndexOptInfo *index, Oid relid)
{
	if (!is_unique(index))
		return false;
	for (int i = 0; i < index->nkeycolumns; i++)
	{
		const char *name = get_attname(relid, static_cast<AttrNumber>(index->indexkeys[i]), true);
		const KeyColumn *key = name == NULL ? NULL : key_column_called(name);

		if (key == NULL || !op_in_opfamily(key->equality, index->opfamily[i]) ||
			(OidIsValid(index->indexcollations[i]) && index->indexcollations[i] != key->collation))
			return false;
	}
	return true;
}

bool
has_key_index(const RelOptInfo *rel, Oid relid)
{
	ListCell *cell;

	foreach (cell, rel->indexlist)
		if (is_key_index(lfirst_node(IndexOptInfo, cell), relid))
			return true;
	return false;
}

/*
 * Are the keys to be looked up in each table of the tree that rel is in?  Partitions have the
 * index and are pruned by the key; of inheritance children all must have it, for there is one
 * join with all of them.
 */
bool
has_few_indexed_tables(const PlannerInfo *root, const RelOptInfo *rel)
{
	int tables = 0;

	if (rel->reloptkind == RELOPT_BASEREL ||
		own_plan_current->target->relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return true;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		const RelOptInfo *other = root->simple_rel_array[i];

		if (other == NULL || root->simple_rte_array[i]->inh ||
			!bms_equal(tree_of(other), tree_of(rel)))
			continue;
		if (++tables > MOST_TABLES || !has_key_index(other, root->simple_rte_array[i]->relid))
			return false;
	}
	return true;
}

/*
 * Look keys up, if there is an index for it; a table of few rows, or none, too: its
 * paths must not be driven out by one that reads all of it.
 */
bool
prefer_lookups(PlannerInfo *root, RelOptInfo *rel, const RelOptInfo *array)
{
	const double size = rel->rows;

	rel->rows = FORBIDDING_COST;

	bool preferred = prefer(root, rel, array, is_lookup);

	rel->rows = size;
	return preferred;
}

void
look_up(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	expect_rows(array, 1);

	/* A policy may have to come before the key's comparison, if that is not leakproof. */
	if (!has_few_indexed_tables(root, rel) || !prefer_lookups(root, rel, array))
		choose_freely(root, rel, array);
}

void
shape_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *entry)
{
	if (previous_paths != nullptr)
		previous_paths(root, rel, rti, entry);
	if (own_plan_current == nullptr || !is_table_of_target(root, rel, entry) ||
		!has_only_known_paths(rel))
		return;

	RelOptInfo *array = array_of_level(root);

	if (array == NULL)
		return;
	if (own_plan_current->in_range)
		read_range(root, rel, array);
	else
		look_up(root, rel, array);
}

/* The rows of an array have different keys; without this a hash join with it looks bad. */
bool
tell_statistics(PlannerInfo *root, RangeTblEntry *entry, AttrNumber attno, VariableStatData *data)
{
	if (own_plan_current != nullptr && own_plan_current->target->keys.size == 1 &&
		is_array(entry) && attno == own_plan_current->target->keys[0].target)
	{
		data->isunique = true;
		return true;
	}
	return previous_statistics != nullptr && previous_statistics(root, entry, attno, data);
}

} /* namespace */

void
own_paths_watch()
{
	previous_paths = set_rel_pathlist_hook;
	set_rel_pathlist_hook = shape_paths;
	previous_statistics = get_relation_stats_hook;
	get_relation_stats_hook = tell_statistics;
}

} /* namespace bulkupdate */
