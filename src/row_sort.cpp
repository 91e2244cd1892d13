/*
 * row_sort.cpp
 *		Source rows through tuplesort.
 *
 * A sorted tuple is the source's columns, the position, and the key's columns
 * as they were coerced.
 */
#include "row_sort.h"

#include "fault.h"

namespace bulkupdate
{

struct RowSort
{
	Tuplesortstate *state;
	TupleTableSlot *input;
	TupleTableSlot *output;
	int source_columns;
	int key_columns;
	bool has_key;
};

namespace
{

TupleDesc
sort_tuple_desc(const Target *target, TupleDesc source)
{
	int natts = source->natts;
	int columns = natts + 1 + target->keys.size;

	if (columns > MaxTupleAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("source of bulk_update has too many columns to be sorted"),
				 errdetail("Its %d columns, a position, and the %d key columns are %d, and a row "
						   "can have %d.",
						   natts, target->keys.size, columns, MaxTupleAttributeNumber),
				 errhint("Order the source's query by the columns of the key, and set ordering => "
						 "'stream'.")));

	TupleDesc tuple_desc = CreateTemplateTupleDesc(columns);

	AttrNumber next = 1;

	while (next <= natts)
	{
		TupleDescCopyEntry(tuple_desc, next, source, next);
		next++;
	}

	TupleDescInitEntry(tuple_desc, next++, "position", INT8OID, -1, 0);
	for (const KeyColumn &key : target->keys)
		TupleDescInitEntry(tuple_desc, next++, "key", key.type, -1, 0);
	return tuple_desc;
}

} /* namespace */

RowSort *
row_sort_create(const Target *target, TupleDesc source, bool ascending_position)
{
	RowSort *sort = palloc_one<RowSort>();
	TupleDesc tuple_desc = sort_tuple_desc(target, source);
	int nkeys = target->keys.size;
	AttrNumber *attributes = palloc_array_of<AttrNumber>(nkeys + 1);
	Oid *operators = palloc_array_of<Oid>(nkeys + 1);
	Oid *collations = palloc_array_of<Oid>(nkeys + 1);
	bool *nulls_first = palloc_array_of<bool>(nkeys + 1);
	TypeCacheEntry *int8 = lookup_type_cache(INT8OID, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	for (int i = 0; i < nkeys; i++)
	{
		attributes[i] = static_cast<AttrNumber>(source->natts + 2 + i);
		operators[i] = target->keys[i].less_than;
		collations[i] = target->keys[i].collation;
	}
	attributes[nkeys] = static_cast<AttrNumber>(source->natts + 1);
	operators[nkeys] = ascending_position ? int8->lt_opr : int8->gt_opr;

	sort->source_columns = source->natts;
	sort->key_columns = nkeys;
	sort->state = tuplesort_begin_heap(tuple_desc, nkeys + 1, attributes, operators, collations,
									   nulls_first, work_mem, NULL, TUPLESORT_NONE);
	sort->input = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsVirtual);
	sort->output = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsMinimalTuple);
	return sort;
}

void
row_sort_put(RowSort *sort, TupleTableSlot *row, int64 position, const Datum *key)
{
	TupleTableSlot *slot = sort->input;
	int n = sort->source_columns;

	FAULT_POINT(sort_put);
	slot_getallattrs(row);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * static_cast<Size>(n));
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * static_cast<Size>(n));
	slot->tts_values[n] = Int64GetDatum(position);
	slot->tts_isnull[n] = false;
	for (int i = 0; i < sort->key_columns; i++)
	{
		slot->tts_values[n + 1 + i] = key == nullptr ? static_cast<Datum>(0) : key[i];
		slot->tts_isnull[n + 1 + i] = key == nullptr;
	}
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(sort->state, slot);
}

void
row_sort_perform(RowSort *sort)
{
	FAULT_POINT(sort_perform);
	tuplesort_performsort(sort->state);
}

TupleTableSlot *
row_sort_next(RowSort *sort, int64 *position, Datum *key)
{
	TupleTableSlot *slot = sort->output;
	int n = sort->source_columns;

	FAULT_POINT(sort_next);
	if (!tuplesort_gettupleslot(sort->state, true, false, slot, NULL))
		return NULL;
	slot_getallattrs(slot);
	*position = DatumGetInt64(slot->tts_values[n]);
	sort->has_key = !slot->tts_isnull[n + 1];
	if (sort->has_key)
		memcpy(key, slot->tts_values + n + 1, sizeof(Datum) * static_cast<Size>(sort->key_columns));
	return slot;
}

bool
row_sort_has_key(const RowSort *sort)
{
	return sort->has_key;
}

int64
row_sort_spilled_bytes(const RowSort *sort)
{
	TuplesortInstrumentation stats;

	tuplesort_get_stats(sort->state, &stats);
	return stats.spaceType == SORT_SPACE_TYPE_DISK ? stats.spaceUsed * 1024 : 0;
}

void
row_sort_end(RowSort *sort)
{
	ExecDropSingleTupleTableSlot(sort->output);
	ExecDropSingleTupleTableSlot(sort->input);
	tuplesort_end(sort->state);
}

} /* namespace bulkupdate */
