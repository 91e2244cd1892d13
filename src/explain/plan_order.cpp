/*
 * plan_order.cpp
 *		Tracing the key's columns down a plan to the node that orders them.
 */
#include "explain/plan_order.h"

namespace bulkupdate
{

namespace
{

/* The key's columns in the output of a plan node, from 1, in the order of the key. */
using Columns = Span<AttrNumber>;

/* Do the first n of a node's sort columns sort the key's columns in key order? */
bool
sorts_key(const Target &target, Columns columns, int n, const AttrNumber *sorted,
		  const Oid *operators, const Oid *collations)
{
	if (n < columns.size)
		return false;
	for (int i = 0; i < columns.size; i++)
	{
		const KeyColumn &key = target.keys[i];
		Oid family;
		Oid type;

		/* One family has the same order for all its types: for example an int for a bigint key. */
		if (sorted[i] != columns[i] || collations[i] != key.collation ||
			!sorts_upwards(operators[i], &family, &type) || !op_in_opfamily(key.less_than, family))
			return false;
	}
	return true;
}

/* The same for a node that has these members: a sort, or a merge of sorted rows. */
template <typename Node>
bool
node_sorts_key(const Target &target, const Plan *plan, Columns columns)
{
	const Node *node = reinterpret_cast<const Node *>(plan);

	return sorts_key(target, columns, node->numCols, node->sortColIdx, node->sortOperators,
					 node->collations);
}

/* The attribute of this range table entry that a node's column is, if it is one. */
AttrNumber
passed_on(const Plan *plan, AttrNumber column, int from)
{
	if (column > list_length(plan->targetlist))
		return InvalidAttrNumber; /* GCOVR_EXCL_LINE: a plan has the columns of what it gives */

	const TargetEntry *entry = list_nth_node(TargetEntry, plan->targetlist, column - 1);

	if (!IsA(entry->expr, Var))
		return InvalidAttrNumber;

	const Var *var = reinterpret_cast<const Var *>(entry->expr);

	if (var->varno != from)
		return InvalidAttrNumber; /* GCOVR_EXCL_LINE: a scan's columns are its own table's */
	return var->varattno;
}

/* Does a scan of this index return the key's columns in key order? */
bool
index_sorts_key(const Target &target, const Plan *plan, Columns columns, Oid relid,
				ScanDirection direction, int from)
{
	Relation index = relation_open(relid, AccessShareLock);
	bool sorted = direction == ForwardScanDirection && index->rd_rel->relam == BTREE_AM_OID &&
				  IndexRelationGetNumberOfKeyAttributes(index) >= columns.size;

	for (int i = 0; sorted && i < columns.size; i++)
	{
		const KeyColumn &key = target.keys[i];
		AttrNumber wanted =
			static_cast<AttrNumber>(from == INDEX_VAR ? i + 1 : index->rd_index->indkey.values[i]);

		sorted = wanted > 0 && passed_on(plan, columns[i], from) == wanted &&
				 op_in_opfamily(key.less_than, index->rd_opfamily[i]) &&
				 index->rd_indcollation[i] == key.collation && index->rd_indoption[i] == 0;
	}
	relation_close(index, AccessShareLock);
	return sorted;
}

bool is_in_order(const Target &target, const Plan *plan, Columns columns);

/* Are the rows of the child node in order, by the columns that this node passes on? */
bool
input_is_in_order(const Target &target, const Plan *plan, const Plan *input, Columns columns,
				  int from)
{
	Columns below = {palloc_array_of<AttrNumber>(columns.size), columns.size};

	for (int i = 0; i < columns.size; i++)
	{
		below[i] = passed_on(plan, columns[i], from);
		if (below[i] <= 0)
			return false;
	}
	return input != nullptr && is_in_order(target, input, below);
}

bool
is_in_order(const Target &target, const Plan *plan, Columns columns)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_IncrementalSort: /* has the struct of a sort first */
			return node_sorts_key<Sort>(target, plan, columns);
		/* GCOVR_EXCL_START: cursors are not parallel, but for some portals of the protocol */
		case T_GatherMerge:
			return node_sorts_key<GatherMerge>(target, plan, columns);
		/* GCOVR_EXCL_STOP */
		case T_MergeAppend:
			return node_sorts_key<MergeAppend>(target, plan, columns);
		case T_IndexScan:
		{
			const IndexScan *scan = reinterpret_cast<const IndexScan *>(plan);

			return scan->indexorderby == NIL &&
				   index_sorts_key(target, plan, columns, scan->indexid, scan->indexorderdir,
								   static_cast<int>(scan->scan.scanrelid));
		}
		case T_IndexOnlyScan:
		{
			const IndexOnlyScan *scan = reinterpret_cast<const IndexOnlyScan *>(plan);

			return scan->indexorderby == NIL &&
				   index_sorts_key(target, plan, columns, scan->indexid, scan->indexorderdir,
								   INDEX_VAR);
		}
		case T_SubqueryScan:
		{
			const SubqueryScan *scan = reinterpret_cast<const SubqueryScan *>(plan);

			return input_is_in_order(target, plan, scan->subplan, columns,
									 static_cast<int>(scan->scan.scanrelid));
		}
		case T_Limit:
		case T_LockRows:
		case T_Material:
		case T_ProjectSet:
		case T_Result:
		case T_Unique:
		case T_WindowAgg:
			return input_is_in_order(target, plan, plan->lefttree, columns, OUTER_VAR);
		default:
			return false;
	}
}

} /* namespace */

bool
plan_is_in_key_order(const PlannedStmt *statement, const Target &target)
{
	Columns columns = {palloc_array_of<AttrNumber>(target.keys.size), target.keys.size};

	if (statement == nullptr || statement->commandType != CMD_SELECT)
		return false;
	for (int i = 0; i < target.keys.size; i++)
		for (const MappedColumn &column : target.columns)
			if (column.target == target.keys[i].target)
				columns[i] = column.source;
	return is_in_order(target, statement->planTree, columns);
}

} /* namespace bulkupdate */
