/*
 * index_entries.cpp
 *		index_insert() for unchanged indexes, ExecInsertIndexTuples() for the
 *		rest.
 */
#include "apply/direct/index_entries.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

bool
is_unchanged(Relation index, const IndexInfo *info, const Bitmapset *changing)
{
	const FormData_pg_index *form = index->rd_index;

	/*
	 * A deferrable index may require a check later, and an expression may depend on anything.
	 * An index that is still being built does not have all old versions.
	 */
	if (changing == nullptr || index->rd_rel->relam != BTREE_AM_OID || !form->indimmediate ||
		!form->indisvalid || !info->ii_ReadyForInserts || info->ii_Expressions != NIL ||
		info->ii_Predicate != NIL || info->ii_ExclusionOps != nullptr)
		return false;
	for (int i = 0; i < form->indnatts; i++)
		if (bms_is_member(form->indkey.values[i] - FirstLowInvalidHeapAttributeNumber, changing))
			return false;
	return true;
}

} /* namespace */

void
index_entries_begin(IndexEntries &entries, ResultRelInfo *result, const Bitmapset *changing)
{
	ExecOpenIndices(result, false);
	entries.result = result;
	entries.hidden = {palloc_array_of<UnchangedIndex>(result->ri_NumIndices), 0};
	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		Relation index = result->ri_IndexRelationDescs[i];

		if (!is_unchanged(index, result->ri_IndexRelationInfo[i], changing))
			continue;
		entries.hidden[entries.hidden.size++] = {i, index};

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
	for (const UnchangedIndex &hidden : entries.hidden)
	{
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];
		IndexInfo *info = result->ri_IndexRelationInfo[hidden.place];

		FAULT_POINT(index_entry);
		FormIndexDatum(info, slot, estate, values, nulls);
		(void) index_insert(hidden.index, values, nulls, &slot->tts_tid, result->ri_RelationDesc,
							UNIQUE_CHECK_NO, dead_versions, info);
	}
	if (entries.hidden.size == result->ri_NumIndices)
		return NIL;
	return insert_index_entries(result, slot, estate, which);
}

void
index_entries_end(IndexEntries &entries)
{
	for (const UnchangedIndex &hidden : entries.hidden)
		entries.result->ri_IndexRelationDescs[hidden.place] = hidden.index;
	entries.hidden.size = 0;
}

} /* namespace bulkupdate */
