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

RowSort *
row_sort_create(const Target &target, TupleDesc source, bool ascending_position)
{
	RowSort *sort = palloc_one<RowSort>();
	TupleDesc tuple_desc = keyed_row_desc(target, source);
	int nkeys = target.keys.size;
	AttrNumber *attributes = palloc_array_of<AttrNumber>(nkeys + 1);
	Oid *operators = palloc_array_of<Oid>(nkeys + 1);
	Oid *collations = palloc_array_of<Oid>(nkeys + 1);
	bool *nulls_first = palloc_array_of<bool>(nkeys + 1);
	TypeCacheEntry *int8 = lookup_type_cache(INT8OID, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	for (int i = 0; i < nkeys; i++)
	{
		attributes[i] = static_cast<AttrNumber>(keyed_row_position(source) + 1 + i);
		operators[i] = target.keys[i].less_than;
		collations[i] = target.keys[i].collation;
	}
	attributes[nkeys] = keyed_row_position(source);
	operators[nkeys] = ascending_position ? int8->lt_opr : int8->gt_opr;

	sort->target = &target;
	sort->source = source;
	sort->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update sort", ALLOCSET_SMALL_SIZES);
	sort->state = tuplesort_begin_heap(tuple_desc, nkeys + 1, attributes, operators, collations,
									   nulls_first, work_mem, nullptr, TUPLESORT_NONE);
	sort->input = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsVirtual);
	sort->output = MakeSingleTupleTableSlot(tuple_desc, &TTSOpsMinimalTuple);
	return sort;
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
