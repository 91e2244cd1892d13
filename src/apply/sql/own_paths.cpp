/*
 * own_paths.cpp
 *		The paths by which the SQL applier's statements read the target.
 *
 * Unwanted paths are not removed but made so expensive that they are only used
 * if there is no other: so there always is a plan.
 */
#include "apply/sql/own_paths.h"

#include "apply/own_plan.h"
#include "apply/sql/target_tree.h"

namespace bulkupdate
{

namespace
{

/* More than the cost of any plan, and than the planner adds for disabled plan types. */
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
		return false; /* GCOVR_EXCL_LINE: needs an extension that changes the query */

	const Node *argument =
		static_cast<const Node *>(linitial(reinterpret_cast<const FuncExpr *>(call)->args));

	return IsA(argument, Param) &&
		   reinterpret_cast<const Param *>(argument)->paramkind == PARAM_EXTERN;
}

/* The array of rows, if this level of the query reads it; only the module's levels do. */
RelOptInfo *
array_of_level(const PlannerInfo *root)
{
	for (int i = 1; i < root->simple_rel_array_size; i++)
		if (root->simple_rel_array[i] != nullptr && is_array(root->simple_rte_array[i]))
			return root->simple_rel_array[i];
	return nullptr; /* GCOVR_EXCL_LINE: the same */
}

/* Is it the target, or a table below it, and is it scanned? */
bool
is_table_of_target(const PlannerInfo *root, const RelOptInfo *rel, const RangeTblEntry *entry)
{
	int top;

	return entry->rtekind == RTE_RELATION && !entry->inh &&
		   bms_get_singleton_member(tree_of_rel(rel), &top) &&
		   root->simple_rte_array[top]->relid ==
			   RelationGetRelid(own_plan_current()->target->relation);
}

/* Another extension's paths may be the only correct ones, as for compressed rows. */
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

/* The unique indexes; not for bitmap scans, which would displace the others. */
List *
unique_indexes(const RelOptInfo *rel)
{
	List *indexes = NIL;
	ListCell *cell;

	foreach (cell, rel->indexlist)
	{
		const IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		if (!is_unique_on_columns(index))
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

/* Does the path look up a row by its key, for each element of the array? */
bool
is_lookup(const Path *path, const RelOptInfo *array)
{
	if (!IsA(path, IndexPath) || !bms_equal(PATH_REQ_OUTER(path), array->relids))
		return false;

	const IndexPath *index_path = reinterpret_cast<const IndexPath *>(path);

	if (!is_unique_on_columns(index_path->indexinfo))
		return false; /* GCOVR_EXCL_LINE: needs an extension that makes other paths */
	for (int i = 0; i < index_path->indexinfo->nkeycolumns; i++)
		if (!has_clause_on(index_path, i))
			return false;
	return true;
}

bool
is_range_scan(const Path *path, const RelOptInfo *)
{
	return IsA(path, IndexPath) && PATH_REQ_OUTER(path) == nullptr &&
		   reinterpret_cast<const IndexPath *>(path)->indexclauses != NIL;
}

void
discourage(Path *path)
{
	path->startup_cost += FORBIDDING_COST;
	path->total_cost += FORBIDDING_COST;
	add_disabled_nodes(path);
}

using WantedPath = bool (*)(const Path *, const RelOptInfo *);

List *
wanted_among(List *paths, const RelOptInfo *array, WantedPath wanted)
{
	List *found = NIL;
	ListCell *cell;

	foreach (cell, paths)
		if (wanted(static_cast<const Path *>(lfirst(cell)), array))
			found = lappend(found, lfirst(cell));
	return found;
}

/* Create all paths of unique indexes again: cheaper ones may have displaced them. */
List *
paths_of_unique_indexes(PlannerInfo *root, RelOptInfo *rel)
{
	List *const paths = rel->pathlist;
	List *const indexes = rel->indexlist;

	rel->pathlist = NIL;
	rel->indexlist = unique_indexes(rel);
	create_index_paths(root, rel);

	List *found = rel->pathlist;

	rel->indexlist = indexes;
	rel->pathlist = paths;
	return found;
}

/* Let the planner use only these paths; false if there is none. */
bool
prefer(RelOptInfo *rel, List *preferred)
{
	List *others = list_difference_ptr(rel->pathlist, preferred);
	ListCell *cell;

	if (preferred == NIL)
		return false;
	foreach (cell, others)
		discourage(static_cast<Path *>(lfirst(cell)));
	rel->pathlist = list_concat(preferred, others);
	rel->partial_pathlist = NIL;
	return true;
}

/*
 * The planner's estimate for unnest() is a few rows, whatever is in the array.  For
 * one row it considers only a nested loop, because other joins are cheaper only
 * for many rows.
 */
void
expect_rows(RelOptInfo *array, int rows)
{
	array->rows = array->tuples = Max(rows, 1);
}

/*
 * Let the planner choose among its own paths, with the actual number of rows.  Of the
 * tables of a tree, only the first has already got paths without it.
 */
void
choose_freely(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	own_plan_current()->planned_rows = Max(own_plan_current()->rows, 1);
	if (array->rows == own_plan_current()->planned_rows)
		return;
	expect_rows(array, own_plan_current()->rows);
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	add_path(rel, create_seqscan_path(root, rel, rel->lateral_relids, 0));
	create_index_paths(root, rel);
}

/*
 * Read the range of the keys, which are dense in it, and join; never by a nested
 * loop, because both sides have as many rows.
 */
void
read_range(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	const double size = rel->rows;

	own_plan_current()->planned_rows = Max(own_plan_current()->rows, 1);
	expect_rows(array, own_plan_current()->rows);
	rel->rows = array->rows;
	if (!prefer(rel, wanted_among(paths_of_unique_indexes(root, rel), array, is_range_scan)))
		rel->rows = size;

	RelOptInfo *top = root->simple_rel_array[bms_singleton_member(tree_of_rel(rel))];

	top->rows = Max(top->rows, rel->rows);
}

/*
 * Look up keys, if there is an index for it, also in a table of few rows, or none.  There
 * a sequential scan would displace the other paths, but not if the table has more rows.
 */
bool
prefer_lookups(PlannerInfo *root, RelOptInfo *rel, const RelOptInfo *array)
{
	List *lookups = wanted_among(rel->pathlist, array, is_lookup);

	if (lookups == NIL)
	{
		const double size = rel->rows;

		rel->rows = FORBIDDING_COST;
		lookups = wanted_among(paths_of_unique_indexes(root, rel), array, is_lookup);
		rel->rows = size;
	}
	return prefer(rel, lookups);
}

void
look_up(PlannerInfo *root, RelOptInfo *rel, RelOptInfo *array)
{
	/* A policy may have to be checked before the key's comparison, if that is not leakproof. */
	if (has_few_indexed_tables(*own_plan_current()->target, root, rel) &&
		prefer_lookups(root, rel, array))
		expect_rows(array, 1);
	else
		choose_freely(root, rel, array);
}

void
shape_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *entry)
{
	if (previous_paths != nullptr)
		previous_paths(root, rel, rti, entry); /* GCOVR_EXCL_LINE: test/hooks */
	if (own_plan_current() == nullptr || !is_table_of_target(root, rel, entry) ||
		!has_only_known_paths(rel))
		return;

	RelOptInfo *array = array_of_level(root);

	if (array == nullptr)
		return; /* GCOVR_EXCL_LINE: see array_of_level() */
	if (own_plan_current()->access == KeyAccess::Range)
		read_range(root, rel, array);
	else
		look_up(root, rel, array);
}

/* The rows of an array have different keys; otherwise a hash join would look expensive. */
bool
tell_statistics(PlannerInfo *root, RangeTblEntry *entry, AttrNumber attno, VariableStatData *data)
{
	if (own_plan_current() != nullptr && own_plan_current()->target->keys.size == 1 &&
		is_array(entry) && attno == own_plan_current()->target->keys[0].target)
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
