/*
 * chunk.cpp
 *		Filling a chunk and putting it in key order.
 */
#include "chunk.h"

#include "coercion.h"
#include "key.h"
#include "key_text.h"
#include "mapping.h"
#include "reject.h"
#include "row_size.h"
#include "waiting.h"

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

constexpr Size MAX_KEPT = ALLOCSET_DEFAULT_MAXSIZE;

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
	chunk->impossible_key = NULL;
	chunk->impossible_position = PG_INT64_MAX;
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

/* A row's key in the datums beside the chunk's rows; they point into its image. */
void
keep_key(const Chunk *chunk, const ChunkRow *row, HeapTuple tuple)
{
	Datum *key = const_cast<Datum *>(chunk_key(chunk, *row));

	for (int i = 0; i < chunk->target->keys.size; i++)
	{
		bool isnull;

		key[i] = heap_getattr(tuple, chunk->target->keys[i].target,
							  RelationGetDescr(chunk->target->relation), &isnull);
	}
}

/* A row at the end of the chunk: with its coerced tuple, if it is to be applied. */
void
append_row(Chunk *chunk, int64 position, HeapTuple tuple, Outcome outcome, Reject *reject)
{
	reserve_row(chunk);

	ChunkRow *row = &chunk->rows[chunk->rows.size];

	*row = {nullptr, reject, position, chunk->rows.size, outcome};
	if (tuple != NULL)
	{
		row->image = tuple->t_data;
		keep_key(chunk, row, tuple);
		chunk->bytes += GetMemoryChunkSpace(tuple);
		chunk->applicable++;
	}
	chunk->in_order =
		chunk->in_order && (row->arrival == 0 || compare_rows(row - 1, row, chunk) < 0);
	chunk->first_position = Min(chunk->first_position, row->position);
	chunk->last_position = Max(chunk->last_position, row->position);
	chunk->bytes += sizeof(ChunkRow) + sizeof(Datum) * chunk->target->keys.size;
	chunk->rows.size++;
}

void
append_unapplicable_row(Chunk *chunk, TupleTableSlot *slot, int64 position, Outcome outcome,
						const ErrorData *error)
{
	Reject *reject = NULL;

	/* A later one with an earlier position is rare: rows without a key stay in order. */
	if (outcome == Outcome::Missing && chunk->options->on_missing == OnMissing::Error &&
		position < chunk->impossible_position)
	{
		chunk->impossible_key = source_key_detail(chunk->target, slot);
		chunk->impossible_position = position;
	}

	if (OidIsValid(chunk->options->rejects))
		reject = reject_of_source_row(chunk->target, slot, error, &chunk->bytes);
	append_row(chunk, position, NULL, outcome, reject);
}

void
add_row(Chunk *chunk, FeedRow *from)
{
	if (from->outcome != Outcome::Pending)
	{
		append_unapplicable_row(chunk, from->slot, from->position, from->outcome, from->error);
		return;
	}
	(void) coerce_values(chunk->target, from->slot, from->position, false, from->values,
						 from->nulls);

	ErrorData *error;
	HeapTuple tuple =
		form_row(chunk->target, from->slot, from->position, from->values, from->nulls, &error);

	if (error == NULL)
		append_row(chunk, from->position, tuple, Outcome::Pending, NULL);
	else if (chunk->options->on_error == OnError::Stop)
		ThrowErrorData(error);
	else
		append_unapplicable_row(chunk, from->slot, from->position, Outcome::Rejected, error);
}

void
add_waiting_rows(Chunk *chunk)
{
	WaitingRows *waiting = chunk->waiting;

	if (waiting->size == 0)
		return;
	waiting_rows_coerce(waiting, chunk->context);
	for (int i = 0; i < waiting->size; i++)
	{
		const WaitingRow &row = waiting->rows[i];

		if (row.error != NULL)
			append_unapplicable_row(chunk, waiting_row_slot(waiting, row), row.position,
									Outcome::Rejected, row.error);
		else
			append_row(chunk, row.position, row.tuple, Outcome::Pending, NULL);
	}
	waiting_rows_clear(waiting);
}

} /* namespace */

Size
chunk_budget()
{
	return Min(static_cast<Size>(work_mem) * 1024, MAX_BUDGET);
}

Chunk *
chunk_create(const Options *options, const Target *target)
{
	Chunk *chunk = palloc_one<Chunk>();

	/*
	 * What is kept over a reset need not be given back to the system and fetched
	 * again, which would take a tenth of the time of wide rows.
	 */
	Size kept = MAXALIGN(Min(chunk_budget(), MAX_KEPT));
	Size kept_scratch = MAXALIGN(Min(chunk_budget() / 8, MAX_KEPT / 8));

	chunk->options = options;
	chunk->target = target;
	chunk->context = AllocSetContextCreate(CurrentMemoryContext, "bulk_update chunk", kept,
										   kept_scratch, ALLOCSET_DEFAULT_MAXSIZE);
	chunk->scratch = AllocSetContextCreate(CurrentMemoryContext, "bulk_update scratch",
										   kept_scratch, kept_scratch, ALLOCSET_DEFAULT_MAXSIZE);
	if (options->on_error == OnError::Skip && target->values_can_fail)
		chunk->waiting = waiting_rows_create(target);
	return chunk;
}

bool
chunk_fill(Chunk *chunk, Feed *feed)
{
	Size budget = chunk_budget();
	WaitingRows *waiting = chunk->waiting;
	int rows = 0;

	chunk_reset(chunk);
	while (rows < chunk->options->chunk_rows)
	{
		Size bytes = chunk->bytes + (waiting != NULL ? waiting->bytes : 0);

		CHECK_FOR_INTERRUPTS();
		if (bytes >= budget)
			break;

		FeedRow *row = feed_peek(feed);

		chunk->at_end = row == NULL;
		if (row == NULL || (rows > 0 && bytes + source_row_size(chunk->target, row->slot) > budget))
			break;
		rows++;
		if (waiting != NULL && row->outcome == Outcome::Pending)
			waiting_rows_add(waiting, row);
		else
			with_memory_context(chunk->context, [&] { add_row(chunk, row); });
		feed_consume(feed);
		if (waiting != NULL && waiting_rows_full(waiting))
			with_memory_context(chunk->context, [&] { add_waiting_rows(chunk); });
	}
	if (waiting != NULL)
		with_memory_context(chunk->context, [&] { add_waiting_rows(chunk); });

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
