/*
 * index_entries.cpp
 *		index_insert() for unchanged indexes, a sort for those whose entries can
 *		wait, ExecInsertIndexTuples() for the rest.
 */
#include "apply/direct/index_entries.h"

#include "apply/direct/sort_rule.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* Number of indexes whose entries can wait. */
int
count_sortable(const ResultRelInfo *result, const Bitmapset *changing, Oid key_index)
{
	int n = 0;

	for (int i = 0; i < result->ri_NumIndices; i++)
		if (RelationGetRelid(result->ri_IndexRelationDescs[i]) != key_index &&
			is_sortable_index(result->ri_IndexRelationDescs[i], result->ri_IndexRelationInfo[i],
							  changing))
			n++;
	return n;
}

/* As ExecInsertIndexTuples(): does a partial index have the row? */
bool
has_row(IndexInfo *info, TupleTableSlot *slot, EState *estate)
{
	ExprContext *context = GetPerTupleExprContext(estate);

	context->ecxt_scantuple = slot;
	return info->ii_Predicate == NIL || ExecQual(info->ii_PredicateState, context);
}

/* Enter the new version into an index, now or later. */
void
insert_own(const IndexEntries &entries, const OwnIndex &own, TupleTableSlot *slot, EState *estate,
		   bool dead_versions)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	IndexInfo *info = entries.result->ri_IndexRelationInfo[own.place];

	FAULT_POINT(index_entry);
	if (!has_row(info, slot, estate))
		return;
	dead_versions = dead_versions && own.unchanged;
	FormIndexDatum(info, slot, estate, values, nulls);
	if (own.sort == nullptr || !sorted_entries_put(*entries.sorted, *own.sort, own.index,
												   &slot->tts_tid, values, nulls, dead_versions))
		(void) index_insert(own.index, values, nulls, &slot->tts_tid,
							entries.result->ri_RelationDesc, UNIQUE_CHECK_NO, dead_versions, info);
}

} /* namespace */

void
index_entries_begin(IndexEntries &entries, EState *estate, ResultRelInfo *result,
					const Bitmapset *changing /* or NULL */, SortedEntries *sorted /* or NULL */,
					Oid key_index)
{
	ExecOpenIndices(result, false);

	int sortable = sorted == nullptr ? 0 : count_sortable(result, changing, key_index);

	entries.result = result;
	entries.sorted = sorted;
	entries.hidden = {palloc_array_of<OwnIndex>(result->ri_NumIndices), 0};
	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		Relation index = result->ri_IndexRelationDescs[i];
		IndexInfo *info = result->ri_IndexRelationInfo[i];
		bool unchanged = is_unchanged_index(index, info, changing);
		IndexSort *sort = nullptr;

		if (sortable > 0 && RelationGetRelid(index) != key_index &&
			is_sortable_index(index, info, changing))
			sort = sorted_entries_open(*sorted, result->ri_RelationDesc, index, sortable);
		if (!unchanged && sort == nullptr)
			continue;
		if (info->ii_Predicate != NIL)
			info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
		entries.hidden[entries.hidden.size++] = {i, index, unchanged, sort};

		/* The executor skips an entry without a relation. */
		result->ri_IndexRelationDescs[i] = nullptr;
	}
}

List *
index_entries_insert(const IndexEntries &entries, TupleTableSlot *slot, EState *estate,
					 IndexesToUpdate which, bool dead_versions)
{
	ResultRelInfo *result = entries.result;

	if (!needs_all_indexes(which))
		return insert_index_entries(result, slot, estate, which);
	for (const OwnIndex &own : entries.hidden)
		insert_own(entries, own, slot, estate, dead_versions);
	if (entries.hidden.size == result->ri_NumIndices)
		return NIL;
	return insert_index_entries(result, slot, estate, which);
}

void
index_entries_end(IndexEntries &entries)
{
	for (const OwnIndex &own : entries.hidden)
		entries.result->ri_IndexRelationDescs[own.place] = own.index;
	entries.hidden.size = 0;
}

} /* namespace bulkupdate */
