/*
 * chunk.cpp
 *		Filling a chunk.
 */
#include "chunk/chunk.h"

#include "chunk/cast_batch.h"
#include "chunk/expected_values.h"
#include "chunk/reject.h"
#include "source/row_size.h"
#include "target/coercion.h"
#include "target/key.h"
#include "target/key_text.h"
#include "target/mapping.h"

namespace bulkupdate
{

namespace
{

constexpr int FIRST_CAPACITY = 64;

/*
 * The rows are also passed as one array, which the server builds without checking for
 * interrupts and whose size it limits to 1 GB.  Larger chunks are not faster.
 */
constexpr Size MAX_BUDGET = Size{64} * 1024 * 1024;

constexpr Size MAX_KEPT = ALLOCSET_DEFAULT_MAXSIZE;

void
chunk_reset(Chunk &chunk)
{
	MemoryContextReset(chunk.scratch);
	MemoryContextReset(chunk.context);
	chunk.rows = {};
	chunk.capacity = 0;
	chunk.next_key = nullptr;
	chunk.applicable = 0;
	chunk.lowest = chunk.highest = nullptr;
	chunk.first_key = chunk.last_key = nullptr;
	chunk.first_position = PG_INT64_MAX;
	chunk.last_position = 0;
	chunk.impossible_key = nullptr;
	chunk.impossible_position = PG_INT64_MAX;
	chunk.bytes = 0;
	chunk.in_order = true;
}

void
reserve_row(Chunk &chunk)
{
	if (chunk.rows.size < chunk.capacity)
		return;

	int more = Max(chunk.capacity, FIRST_CAPACITY);
	Size key_bytes = sizeof(Datum) * chunk.target->keys.size;

	chunk.capacity += more;

	Size bytes = sizeof(ChunkRow) * static_cast<Size>(chunk.capacity);

	chunk.rows.data = static_cast<ChunkRow *>(
		chunk.rows.data == nullptr ? palloc(bytes) : repalloc_huge(chunk.rows.data, bytes));

	/* The keys of the earlier rows stay where they are. */
	chunk.next_key = static_cast<Datum *>(
		MemoryContextAllocHuge(CurrentMemoryContext, key_bytes * static_cast<Size>(more)));
}

/* The key of a tuple, which points into it. */
const Datum *
keep_key(Chunk &chunk, HeapTuple tuple)
{
	Datum *key = chunk.next_key;

	for (int i = 0; i < chunk.target->keys.size; i++)
	{
		bool isnull;

		key[i] = heap_getattr(tuple, chunk.target->keys[i].target,
							  RelationGetDescr(chunk.target->relation), &isnull);
	}
	chunk.next_key += chunk.target->keys.size;
	return key;
}

/* Add a row to the chunk: with its coerced tuple and its place, if it is to be applied. */
void
append_row(Chunk &chunk, int64 position, RowPlace place, HeapTuple tuple, Outcome outcome,
		   Reject *reject /* or NULL */)
{
	reserve_row(chunk);

	ChunkRow &row = chunk.rows[chunk.rows.size];

	row = {};
	row.reject = reject;
	row.position = position;
	row.place = place;
	row.arrival = chunk.rows.size;
	row.outcome = outcome;
	if (tuple != nullptr)
	{
		row.tuple = tuple->t_data;
		row.key = keep_key(chunk, tuple);
		chunk.bytes += GetMemoryChunkSpace(tuple);
		chunk.applicable++;
	}
	chunk.in_order = chunk.in_order && (row.arrival == 0 ||
										chunk_rows_ascend(chunk, chunk.rows[row.arrival - 1], row));
	chunk.first_position = Min(chunk.first_position, row.position);
	chunk.last_position = Max(chunk.last_position, row.position);
	chunk.bytes += sizeof(ChunkRow) + sizeof(Datum) * chunk.target->keys.size;
	chunk.rows.size++;
}

/* The same for a row to be applied; expected: its expected values, of so many bytes. */
void
append_applicable_row(Chunk &chunk, int64 position, RowPlace place, HeapTuple tuple,
					  NullableDatum *expected /* or NULL */, Size bytes)
{
	append_row(chunk, position, place, tuple, Outcome::Pending, nullptr);
	chunk.rows[chunk.rows.size - 1].expected = expected;
	chunk.bytes += bytes;
}

void
append_unapplicable_row(Chunk &chunk, TupleTableSlot *slot, int64 position, Outcome outcome,
						const ErrorData *error)
{
	Reject *reject = nullptr;

	/* A later row with an earlier position is rare: rows without a key stay in order. */
	if (outcome == Outcome::Missing && chunk.options->on_missing == OnMissing::Error &&
		position < chunk.impossible_position)
	{
		chunk.impossible_key = source_key_detail(*chunk.target, slot);
		chunk.impossible_position = position;
	}

	if (OidIsValid(chunk.options->rejects))
		reject = reject_of_source_row(*chunk.target, slot, error, &chunk.bytes);
	append_row(chunk, position, NO_PLACE, nullptr, outcome, reject);
}

void
add_row(Chunk &chunk, SourceRow &from)
{
	if (from.outcome != Outcome::Pending)
	{
		append_unapplicable_row(chunk, from.slot, from.position, from.outcome, from.error);
		return;
	}
	(void) coerce_values(*chunk.target, from.slot, from.position, OnError::Stop, from.values,
						 from.nulls);

	ErrorData *error;
	HeapTuple tuple =
		form_row(*chunk.target, from.slot, from.position, from.values, from.nulls, &error);

	if (error == nullptr)
	{
		Size bytes = 0;
		NullableDatum *expected = copy_expected(*chunk.target, from.values, from.nulls, &bytes);

		append_applicable_row(chunk, from.position, from.place, tuple, expected, bytes);
	}
	/* GCOVR_EXCL_START: rows of 1 GB, in test/scale */
	else if (chunk.options->on_error == OnError::Stop)
		ThrowErrorData(error);
	else
		append_unapplicable_row(chunk, from.slot, from.position, Outcome::Rejected, error);
	/* GCOVR_EXCL_STOP */
}

void
add_batch(Chunk &chunk)
{
	CastBatch &batch = *chunk.batch;

	if (batch.size == 0)
		return;
	cast_batch_coerce(batch, chunk.context);
	for (int i = 0; i < batch.size; i++)
	{
		const BatchRow &row = batch.rows[i];

		if (row.error != nullptr)
			append_unapplicable_row(chunk, cast_batch_slot(batch, row), row.position,
									Outcome::Rejected, row.error);
		else
			append_applicable_row(chunk, row.position, row.place, row.tuple, row.expected,
								  row.expected_bytes);
	}
	cast_batch_clear(batch);
}

} /* namespace */

Size
chunk_budget()
{
	return Min(static_cast<Size>(work_mem) * 1024, MAX_BUDGET);
}

Chunk *
chunk_create(const Options &options, const Target &target, ChunkMemory memory)
{
	Chunk *chunk = palloc_one<Chunk>();

	/*
	 * Memory that is kept over a reset need not be returned to the system and allocated
	 * again, which would take a tenth of the time for wide rows.
	 */
	Size budget = memory == ChunkMemory::Keep ? chunk_budget() : 0;
	Size kept = MAXALIGN(Min(budget, MAX_KEPT));
	Size kept_scratch = MAXALIGN(Max(Min(budget, MAX_KEPT) / 8, ALLOCSET_DEFAULT_INITSIZE));

	chunk->options = &options;
	chunk->target = &target;
	chunk->context = AllocSetContextCreate(CurrentMemoryContext, "bulk_update chunk", kept,
										   kept_scratch, ALLOCSET_DEFAULT_MAXSIZE);
	chunk->scratch = AllocSetContextCreate(CurrentMemoryContext, "bulk_update scratch",
										   kept_scratch, kept_scratch, ALLOCSET_DEFAULT_MAXSIZE);
	if (options.on_error == OnError::Skip && target.values_can_fail)
		chunk->batch = cast_batch_create(target);
	return chunk;
}

bool
chunk_fill(Chunk &chunk, OrderedSource &ordered)
{
	Size budget = chunk_budget();
	CastBatch *batch = chunk.batch;
	int rows = 0;

	chunk_reset(chunk);
	while (rows < chunk.options->chunk_rows)
	{
		Size bytes = chunk.bytes + (batch != nullptr ? batch->bytes : 0);

		CHECK_FOR_INTERRUPTS();
		if (bytes >= budget)
			break;

		SourceRow *row = ordered_source_peek(ordered);

		chunk.at_end = row == nullptr;
		if (row == nullptr ||
			(rows > 0 && bytes + source_row_size(*chunk.target, row->slot) > budget))
			break;
		rows++;
		if (batch != nullptr && row->outcome == Outcome::Pending)
			cast_batch_add(*batch, *row);
		else
			with_memory_context(chunk.context, [&] { add_row(chunk, *row); });
		ordered_source_consume(ordered);
		if (batch != nullptr && cast_batch_full(*batch))
			with_memory_context(chunk.context, [&] { add_batch(chunk); });
	}
	if (batch != nullptr)
		with_memory_context(chunk.context, [&] { add_batch(chunk); });

	if (chunk.rows.size == 0)
		return false;
	chunk.number++;
	return true;
}

bool
chunk_rows_ascend(const Chunk &chunk, const ChunkRow &a, const ChunkRow &b)
{
	CHECK_FOR_INTERRUPTS();
	if ((a.tuple == nullptr) != (b.tuple == nullptr))
		return b.tuple == nullptr;
	if (a.place != b.place)
		return a.place < b.place;
	if (a.tuple != nullptr)
	{
		int order = compare_keys(*chunk.target, a.key, b.key);

		if (order != 0)
			return order < 0;
	}
	return a.arrival < b.arrival;
}

Span<ChunkRow *>
chunk_rows_with(const Chunk &chunk, Outcome outcome)
{
	Span<ChunkRow *> found = {palloc_array_of<ChunkRow *>(chunk.rows.size), 0};

	for (ChunkRow &row : chunk.rows)
		if (row.outcome == outcome)
			found[found.size++] = &row;
	return found;
}

} /* namespace bulkupdate */
