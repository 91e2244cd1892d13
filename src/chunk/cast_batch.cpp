/*
 * cast_batch.cpp
 *		Running the casts of some dozens of rows in one subtransaction.
 */
#include "chunk/cast_batch.h"

#include "chunk/expected_values.h"
#include "server/subtransaction.h"
#include "source/row_size.h"
#include "target/coercion.h"
#include "target/mapping.h"

namespace bulkupdate
{

namespace
{

/* Large rows need not wait: their casts cost more than the subtransaction. */
constexpr Size MAX_WAITING_BYTES = Size{64} * 1024;

/* Coerce a row; errors are raised, or, under Skip, kept with the row. */
void
coerce_row(CastBatch &batch, BatchRow &row, OnError on_error, MemoryContext memory)
{
	const Target &target = *batch.target;
	TupleTableSlot *slot = cast_batch_slot(batch, row);

	for (int i = 0; i < target.keys.size; i++)
	{
		int attribute = target.keys[i].target - 1;

		batch.values[attribute] = row.key[i];
		batch.nulls[attribute] = false;
	}
	row.error = with_memory_context(batch.context, [&] {
		return coerce_values(target, slot, row.position, on_error, batch.values, batch.nulls);
	});
	if (row.error == nullptr)
		row.tuple = with_memory_context(memory, [&] {
			return form_row(target, slot, row.position, batch.values, batch.nulls, &row.error);
		});
	if (row.tuple != nullptr)
		row.expected = with_memory_context(memory, [&] {
			return copy_expected(target, batch.values, batch.nulls, &row.expected_bytes);
		});
}

} /* namespace */

CastBatch *
cast_batch_create(const Target &target)
{
	CastBatch *batch = palloc_one<CastBatch>();
	int values = value_count(target);

	batch->target = &target;
	batch->context =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update casts", ALLOCSET_DEFAULT_SIZES);
	batch->values = palloc_array_of<Datum>(values);
	batch->nulls = palloc_array_of<bool>(values);
	memset(batch->nulls, 1, static_cast<Size>(values));
	return batch;
}

void
cast_batch_add(CastBatch &batch, const SourceRow &from)
{
	const Target &target = *batch.target;
	TupleDesc source = from.slot->tts_tupleDescriptor;
	BatchRow &row = batch.rows[batch.size];

	/* Sorted rows have more columns than streamed ones. */
	if (batch.slot == nullptr || batch.slot->tts_tupleDescriptor != source)
		batch.slot = with_memory_context(GetMemoryChunkContext(&batch), [&] {
			return MakeSingleTupleTableSlot(source, &TTSOpsMinimalTuple);
		});

	with_memory_context(batch.context, [&] {
		row = {};
		row.position = from.position;
		row.place = from.place;
		row.source = ExecCopySlotMinimalTuple(from.slot);
		row.key = palloc_array_of<Datum>(target.keys.size);
		for (int i = 0; i < target.keys.size; i++)
		{
			Form_pg_attribute attribute =
				TupleDescAttr(RelationGetDescr(target.relation), target.keys[i].target - 1);

			row.key[i] = datumCopy(from.key[i], attribute->attbyval, attribute->attlen);
		}
	});
	batch.size++;
	batch.bytes += source_row_size(target, from.slot);
}

bool
cast_batch_full(const CastBatch &batch)
{
	return batch.size == MAX_WAITING_ROWS || batch.bytes >= MAX_WAITING_BYTES;
}

void
cast_batch_coerce(CastBatch &batch, MemoryContext memory)
{
	Span<BatchRow> rows = {batch.rows, batch.size};
	const ErrorData *error = with_memory_context(batch.context, [&] {
		return try_in_subtransaction(
			[&] {
				for (BatchRow &row : rows)
				{
					CHECK_FOR_INTERRUPTS();
					coerce_row(batch, row, OnError::Stop, memory);
				}
			},
			is_value_error);
	});

	if (error == nullptr)
		return;

	/* The effects of the good rows' casts have been rolled back as well. */
	for (BatchRow &row : rows)
	{
		if (row.tuple != nullptr)
			heap_freetuple(row.tuple);
		row.tuple = nullptr;
		CHECK_FOR_INTERRUPTS();
		coerce_row(batch, row, OnError::Skip, memory);
	}
}

TupleTableSlot *
cast_batch_slot(CastBatch &batch, const BatchRow &row)
{
	return ExecStoreMinimalTuple(row.source, batch.slot, false);
}

void
cast_batch_clear(CastBatch &batch)
{
	if (batch.slot != nullptr)
		ExecClearTuple(batch.slot);
	batch.size = 0;
	batch.bytes = 0;
	MemoryContextReset(batch.context);
}

} /* namespace bulkupdate */
