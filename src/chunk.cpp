/*
 * chunk.cpp
 *		Filling a chunk and putting it in key order.
 */
#include "chunk.h"

#include "key.h"
#include "key_text.h"
#include "mapping.h"
#include "reject.h"

namespace bulkupdate
{

namespace
{

constexpr int FIRST_CAPACITY = 64;

/*
 * The rows also travel as one array, which the server makes without looking for
 * interrupts and whose size it limits to 1 GB.  Larger chunks are not faster.
 */
constexpr Size MAX_BUDGET = Size{64} * 1024 * 1024;

Size
chunk_budget()
{
	return Min(static_cast<Size>(work_mem) * 1024, MAX_BUDGET);
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
	chunk->first_position = PG_INT64_MAX;
	chunk->last_position = 0;
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

int
compare_rows(const void *left, const void *right, void *arg)
{
	const ChunkRow &a = *static_cast<const ChunkRow *>(left);
	const ChunkRow &b = *static_cast<const ChunkRow *>(right);
	const Chunk *chunk = static_cast<const Chunk *>(arg);

	CHECK_FOR_INTERRUPTS();
	if ((a.image == NULL) != (b.image == NULL))
		return a.image == NULL ? 1 : -1;
	if (a.image != NULL)
	{
		int order = compare_keys(chunk->target, chunk_key(chunk, a), chunk_key(chunk, b));

		if (order != 0)
			return order;
	}
	return a.arrival < b.arrival ? -1 : 1;
}

/* The row as the target will have it; its key's datums are kept beside it for comparing. */
void
form_image(Chunk *chunk, ChunkRow *row, const FeedRow *from)
{
	TupleDesc tuple_desc = RelationGetDescr(chunk->target->relation);
	Datum *key = const_cast<Datum *>(chunk_key(chunk, *row));
	HeapTuple tuple = heap_form_tuple(tuple_desc, from->values, from->nulls);

	row->image = tuple->t_data;
	for (int i = 0; i < chunk->target->keys.size; i++)
	{
		bool isnull;

		key[i] = heap_getattr(tuple, chunk->target->keys[i].target, tuple_desc, &isnull);
	}
	chunk->bytes += GetMemoryChunkSpace(tuple);
	chunk->applicable++;
}

void
add_row(Chunk *chunk, FeedRow *from)
{
	bool skip = chunk->options->on_error == OnError::Skip;
	ErrorData *error = from->error;
	Outcome outcome = from->outcome;

	if (outcome == Outcome::Pending)
		error = with_memory_context(chunk->scratch, [&] {
			return coerce_columns(chunk->target, from->slot, from->position, false, skip,
								  from->values, from->nulls);
		});
	if (error != NULL)
		outcome = Outcome::Rejected;

	reserve_row(chunk);

	ChunkRow *row = &chunk->rows[chunk->rows.size];

	*row = {nullptr, nullptr, from->position, chunk->rows.size, outcome};
	if (outcome == Outcome::Pending)
		form_image(chunk, row, from);
	else if (OidIsValid(chunk->options->rejects))
		row->reject = reject_of_source_row(chunk->target, from->slot, error, &chunk->bytes);
	if (error != NULL)
		MemoryContextReset(chunk->scratch);

	chunk->in_order =
		chunk->in_order && (row->arrival == 0 || compare_rows(row - 1, row, chunk) < 0);
	chunk->first_position = Min(chunk->first_position, row->position);
	chunk->last_position = Max(chunk->last_position, row->position);
	chunk->bytes += sizeof(ChunkRow) + sizeof(Datum) * chunk->target->keys.size;
	chunk->rows.size++;
}

} /* namespace */

Chunk *
chunk_create(const Options *options, const Target *target)
{
	Chunk *chunk = palloc_one<Chunk>();

	/* What is kept over a reset need not be given back to the system and fetched again. */
	Size kept = MAXALIGN(Min(chunk_budget() / 8, Size{1} * 1024 * 1024));

	chunk->options = options;
	chunk->target = target;
	chunk->context = AllocSetContextCreate(CurrentMemoryContext, "bulk_update chunk", kept, kept,
										   ALLOCSET_DEFAULT_MAXSIZE);
	chunk->scratch = AllocSetContextCreate(CurrentMemoryContext, "bulk_update scratch", kept, kept,
										   ALLOCSET_DEFAULT_MAXSIZE);
	return chunk;
}

bool
chunk_fill(Chunk *chunk, Feed *feed)
{
	Size budget = chunk_budget();

	chunk_reset(chunk);
	while (chunk->rows.size < chunk->options->chunk_rows && chunk->bytes < budget)
	{
		FeedRow *row = feed_peek(feed);

		CHECK_FOR_INTERRUPTS();
		if (row == NULL)
			break;
		if (chunk->rows.size > 0 &&
			chunk->bytes + source_row_size(chunk->target, row->slot) > budget)
			break;
		with_memory_context(chunk->context, [&] { add_row(chunk, row); });
		feed_consume(feed);
	}

	if (chunk->rows.size == 0)
		return false;
	chunk->number++;
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
		if (chunk->applicable == 0)
			return;
		chunk->first_key = key_text(chunk->target, chunk_key(chunk, chunk->rows[0]));
		chunk->last_key =
			key_text(chunk->target, chunk_key(chunk, chunk->rows[chunk->applicable - 1]));
	});
}

Span<ChunkRow *>
chunk_rows_with(const Chunk *chunk, Outcome outcome)
{
	Span<ChunkRow *> found = {palloc_array_of<ChunkRow *>(chunk->rows.size), 0};

	for (ChunkRow &row : chunk->rows)
		if (row.outcome == outcome)
			found[found.size++] = &row;
	return found;
}

} /* namespace bulkupdate */
