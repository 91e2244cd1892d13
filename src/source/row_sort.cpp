/*
 * row_sort.cpp
 *		Source rows through tuplesort.
 */
#include "source/row_sort.h"

#include "server/fault.h"
#include "server/spool.h"
#include "source/keyed_row.h"

namespace bulkupdate
{

struct RowSort
{
	const Target *target;
	TupleDesc source;
	Tuplesortstate *state;
	MemoryContext memory; /* for adding a row */
	TupleTableSlot *input;
	TupleTableSlot *output;
};

namespace
{

/* What rows are sorted by. */
struct SortColumns
{
	int size;
	AttrNumber *attributes;
	Oid *operators;
	Oid *collations;
};

SortColumns
sort_columns(int size)
{
	return {size, palloc_array_of<AttrNumber>(size), palloc_array_of<Oid>(size),
			palloc_array_of<Oid>(size)};
}

RowSort *
begin(const Target &target, TupleDesc source, TupleDesc tuple_desc, const SortColumns &columns)
{
	RowSort *sort = palloc_one<RowSort>();

	sort->target = &target;
	sort->source = source;
	sort->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update sort", ALLOCSET_SMALL_SIZES);
	sort->state = tuplesort_begin_heap(
		tuple_desc, columns.size, columns.attributes, columns.operators, columns.collations,
		palloc_array_of<bool>(columns.size), work_mem, nullptr, TUPLESORT_NONE);
	sort->input = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsVirtual);
	sort->output = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsMinimalTuple);
	return sort;
}

} /* namespace */

RowSort *
row_sort_create(const Target &target, TupleDesc source, bool ascending_position)
{
	int nkeys = target.keys.size;
	SortColumns columns = sort_columns(nkeys + 1);
	TypeCacheEntry *int8 = lookup_type_cache(INT8OID, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	for (int i = 0; i < nkeys; i++)
	{
		columns.attributes[i] = static_cast<AttrNumber>(keyed_row_position(source) + 1 + i);
		columns.operators[i] = target.keys[i].less_than;
		columns.collations[i] = target.keys[i].collation;
	}
	columns.attributes[nkeys] = keyed_row_position(source);
	columns.operators[nkeys] = ascending_position ? int8->lt_opr : int8->gt_opr;

	return begin(target, source, keyed_row_desc(target, source, WithPlace::No), columns);
}

RowSort *
row_sort_create_by_place(const Target &target, TupleDesc source)
{
	TupleDesc tuple_desc = keyed_row_desc(target, source, WithPlace::Yes);
	SortColumns columns = sort_columns(2);

	columns.attributes[0] = static_cast<AttrNumber>(tuple_desc->natts);
	columns.attributes[1] = keyed_row_position(source);
	columns.operators[0] = columns.operators[1] =
		lookup_type_cache(INT8OID, TYPECACHE_LT_OPR)->lt_opr;
	return begin(target, source, tuple_desc, columns);
}

void
row_sort_put(RowSort &sort, const SourceRow &row)
{
	FAULT_POINT(sort_put);
	with_memory_context(sort.memory,
						[&] { keyed_row_put(sort.input, *sort.target, sort.source, row); });
	tuplesort_puttupleslot(sort.state, sort.input);
	if (row.error != nullptr)
		MemoryContextReset(sort.memory);
}

void
row_sort_perform(RowSort &sort)
{
	FAULT_POINT(sort_perform);
	tuplesort_performsort(sort.state);
}

bool
row_sort_next(RowSort &sort, SourceRow &row)
{
	FAULT_POINT(sort_next);
	if (!tuplesort_gettupleslot(sort.state, true, false, sort.output, nullptr))
		return false;
	keyed_row_get(sort.output, *sort.target, sort.source, row);
	return true;
}

int64
row_sort_spilled_bytes(const RowSort &sort)
{
	return sort_spilled_bytes(sort.state);
}

void
row_sort_end(RowSort &sort)
{
	ExecDropSingleTupleTableSlot(sort.output);
	ExecDropSingleTupleTableSlot(sort.input);
	tuplesort_end(sort.state);
}

} /* namespace bulkupdate */
