/*
 * chunk.cpp
 *		Filling a chunk from the source and putting it in key order.
 */
#include "chunk.h"

#include "key.h"
#include "mapping.h"

namespace bulkupdate
{

namespace
{

constexpr int FIRST_CAPACITY = 64;

/* The rows also travel as one array, whose size the server limits to 1 GB. */
constexpr Size MAX_BUDGET = 256 * 1024 * 1024;

Size
chunk_budget()
{
	return Min(static_cast<Size>(work_mem) * 1024, MAX_BUDGET);
}

Datum *
keys_of(const Chunk *chunk, const ChunkRow &row)
{
	return chunk->keys + static_cast<Size>(row.arrival) * chunk->target->keys.size;
}

void
chunk_reset(Chunk *chunk)
{
	MemoryContextReset(chunk->scratch);
	MemoryContextReset(chunk->context);
	chunk->rows = {nullptr, 0};
	chunk->capacity = 0;
	chunk->keys = nullptr;
	chunk->applicable = 0;
	chunk->first_key = chunk->last_key = nullptr;
	chunk->bytes = 0;
	chunk->in_order = true;
}

void
reserve_row(Chunk *chunk)
{
	Size key_bytes = sizeof(Datum) * chunk->target->keys.size;

	if (chunk->rows.size < chunk->capacity)
		return;
	if (chunk->capacity == 0)
	{
		chunk->capacity = FIRST_CAPACITY;
		chunk->rows.data = palloc_array_of<ChunkRow>(chunk->capacity);
		chunk->keys = palloc_array_of<Datum>(chunk->capacity * chunk->target->keys.size);
		return;
	}
	chunk->capacity *= 2;
	chunk->rows.data = static_cast<ChunkRow *>(
		repalloc_huge(chunk->rows.data, sizeof(ChunkRow) * static_cast<Size>(chunk->capacity)));
	chunk->keys = static_cast<Datum *>(
		repalloc_huge(chunk->keys, key_bytes * static_cast<Size>(chunk->capacity)));
}

/* Keep the key's datums beside the row: comparing needs them often. */
void
extract_key(Chunk *chunk, ChunkRow *row, HeapTuple tuple)
{
	TupleDesc tuple_desc = RelationGetDescr(chunk->target->relation);
	Datum *keys = keys_of(chunk, *row);

	for (int i = 0; i < chunk->target->keys.size; i++)
	{
		bool isnull;

		keys[i] = heap_getattr(tuple, chunk->target->keys[i].target, tuple_desc, &isnull);
		row->has_null_key = row->has_null_key || isnull;
	}
}

bool
follows(const Chunk *chunk, const ChunkRow &row)
{
	if (row.arrival == 0)
		return true;

	const ChunkRow &before = chunk->rows[row.arrival - 1];

	if (row.has_null_key || before.has_null_key)
		return row.has_null_key;
	return compare_keys(chunk->target, keys_of(chunk, before), keys_of(chunk, row)) < 0;
}

void
add_row(Chunk *chunk, TupleTableSlot *source_row, int64 position)
{
	HeapTuple tuple;

	coerce_row(chunk->target, source_row, position, chunk->values, chunk->nulls);
	reserve_row(chunk);
	tuple = heap_form_tuple(RelationGetDescr(chunk->target->relation), chunk->values, chunk->nulls);

	ChunkRow *row = &chunk->rows[chunk->rows.size];

	*row = {tuple->t_data, position, chunk->rows.size, false, Outcome::Missing};
	extract_key(chunk, row, tuple);
	chunk->in_order = chunk->in_order && follows(chunk, *row);
	chunk->applicable += row->has_null_key ? 0 : 1;
	chunk->bytes +=
		GetMemoryChunkSpace(tuple) + sizeof(ChunkRow) + sizeof(Datum) * chunk->target->keys.size;
	chunk->rows.size++;
}

int
compare_rows(const void *left, const void *right, void *arg)
{
	const ChunkRow &a = *static_cast<const ChunkRow *>(left);
	const ChunkRow &b = *static_cast<const ChunkRow *>(right);
	const Chunk *chunk = static_cast<const Chunk *>(arg);

	if (!a.has_null_key && !b.has_null_key)
	{
		int order = compare_keys(chunk->target, keys_of(chunk, a), keys_of(chunk, b));

		if (order != 0)
			return order;
	}
	else if (a.has_null_key != b.has_null_key)
		return a.has_null_key ? 1 : -1;
	return a.arrival < b.arrival ? -1 : 1;
}

void
check_no_duplicates(const Chunk *chunk)
{
	for (int i = 1; i < chunk->applicable; i++)
	{
		const ChunkRow &before = chunk->rows[i - 1];
		const ChunkRow &row = chunk->rows[i];

		CHECK_FOR_INTERRUPTS();
		if (compare_keys(chunk->target, keys_of(chunk, before), keys_of(chunk, row)) != 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("bulk_update cannot update the same row a second time"),
				 errdetail("Key %s comes in source rows %lld and %lld.",
						   key_detail(chunk->target, row.image),
						   static_cast<long long>(before.position),
						   static_cast<long long>(row.position)),
				 errhint("Let the source return each key once, for example with SELECT DISTINCT "
						 "ON.")));
	}
}

} /* namespace */

Chunk *
chunk_create(const Target *target)
{
	Chunk *chunk = palloc_one<Chunk>();
	int natts = RelationGetDescr(target->relation)->natts;

	chunk->target = target;
	chunk->context =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update chunk", ALLOCSET_DEFAULT_SIZES);
	chunk->scratch =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update scratch", ALLOCSET_DEFAULT_SIZES);
	chunk->values = palloc_array_of<Datum>(natts);
	chunk->nulls = palloc_array_of<bool>(natts);
	memset(chunk->nulls, true, static_cast<Size>(natts));
	return chunk;
}

bool
chunk_fill(Chunk *chunk, Source *source, int max_rows)
{
	Size budget = chunk_budget();

	chunk_reset(chunk);
	while (chunk->rows.size < max_rows && chunk->bytes < budget)
	{
		TupleTableSlot *row = source_peek(source);

		CHECK_FOR_INTERRUPTS();
		if (row == NULL)
			break;
		if (chunk->rows.size > 0 && chunk->bytes + source_row_size(chunk->target, row) > budget)
			break;

		int64 position = source_consume(source);

		with_memory_context(chunk->context, [&] { add_row(chunk, row, position); });
	}

	if (chunk->rows.size == 0)
		return false;
	chunk->number++;
	chunk->first_position = chunk->rows[0].position;
	return true;
}

void
chunk_order(Chunk *chunk)
{
	with_memory_context(chunk->context, [&] {
		/* Unlike std::sort, qsort_arg survives a comparison that contradicts itself. */
		if (!chunk->in_order)
			qsort_arg(chunk->rows.data, static_cast<size_t>(chunk->rows.size), sizeof(ChunkRow),
					  compare_rows, chunk);
		if (chunk->applicable > 0)
		{
			chunk->first_key = key_text(chunk->target, chunk->rows[0].image);
			chunk->last_key = key_text(chunk->target, chunk->rows[chunk->applicable - 1].image);
		}
		if (!chunk->in_order)
			check_no_duplicates(chunk);
	});
}

} /* namespace bulkupdate */
