/*
 * waiting.cpp
 *		Running the casts of some dozens of rows in one subtransaction.
 */
#include "waiting.h"

#include "coercion.h"
#include "mapping.h"
#include "row_size.h"
#include "subtransaction.h"

namespace bulkupdate
{

namespace
{

/* Large rows need not wait: their casts cost more than the subtransaction. */
constexpr Size MAX_WAITING_BYTES = Size{64} * 1024;

/* Coerce a row; errors are raised, or, when guarded, kept with the row. */
void
coerce_row(WaitingRows *waiting, WaitingRow *row, bool guarded, MemoryContext memory)
{
	const Target *target = waiting->target;
	TupleTableSlot *slot = waiting_row_slot(waiting, *row);

	for (int i = 0; i < target->keys.size; i++)
	{
		int attribute = target->keys[i].target - 1;

		waiting->values[attribute] = row->key[i];
		waiting->nulls[attribute] = false;
	}
	row->error = with_memory_context(waiting->context, [&] {
		return coerce_values(target, slot, row->position, guarded, waiting->values, waiting->nulls);
	});
	if (row->error == NULL)
		row->tuple = with_memory_context(memory, [&] {
			return form_row(target, slot, row->position, waiting->values, waiting->nulls,
							&row->error);
		});
}

} /* namespace */

WaitingRows *
waiting_rows_create(const Target *target)
{
	WaitingRows *waiting = palloc_one<WaitingRows>();
	int natts = RelationGetDescr(target->relation)->natts;

	waiting->target = target;
	waiting->context =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update casts", ALLOCSET_DEFAULT_SIZES);
	waiting->values = palloc_array_of<Datum>(natts);
	waiting->nulls = palloc_array_of<bool>(natts);
	memset(waiting->nulls, true, static_cast<Size>(natts));
	return waiting;
}

void
waiting_rows_add(WaitingRows *waiting, const FeedRow *from)
{
	const Target *target = waiting->target;
	TupleDesc source = from->slot->tts_tupleDescriptor;
	WaitingRow *row = &waiting->rows[waiting->size];

	/* Sorted rows have more columns than streamed ones. */
	if (waiting->slot == NULL || waiting->slot->tts_tupleDescriptor != source)
		waiting->slot = with_memory_context(GetMemoryChunkContext(waiting), [&] {
			return MakeSingleTupleTableSlot(source, &TTSOpsMinimalTuple);
		});

	with_memory_context(waiting->context, [&] {
		*row = {from->position, ExecCopySlotMinimalTuple(from->slot),
				palloc_array_of<Datum>(target->keys.size), NULL, NULL};
		for (int i = 0; i < target->keys.size; i++)
		{
			Form_pg_attribute attribute =
				TupleDescAttr(RelationGetDescr(target->relation), target->keys[i].target - 1);

			row->key[i] = datumCopy(from->key[i], attribute->attbyval, attribute->attlen);
		}
	});
	waiting->size++;
	waiting->bytes += source_row_size(target, from->slot);
}

bool
waiting_rows_full(const WaitingRows *waiting)
{
	return waiting->size == MAX_WAITING_ROWS || waiting->bytes >= MAX_WAITING_BYTES;
}

void
waiting_rows_coerce(WaitingRows *waiting, MemoryContext memory)
{
	Span<WaitingRow> rows = {waiting->rows, waiting->size};
	const ErrorData *error = with_memory_context(waiting->context, [&] {
		return try_in_subtransaction(
			[&] {
				for (WaitingRow &row : rows)
				{
					CHECK_FOR_INTERRUPTS();
					coerce_row(waiting, &row, false, memory);
				}
			},
			is_value_error);
	});

	if (error == NULL)
		return;

	/* What the casts of the good rows did has been rolled back as well. */
	for (WaitingRow &row : rows)
	{
		if (row.tuple != NULL)
			heap_freetuple(row.tuple);
		row.tuple = NULL;
		CHECK_FOR_INTERRUPTS();
		coerce_row(waiting, &row, true, memory);
	}
}

TupleTableSlot *
waiting_row_slot(WaitingRows *waiting, const WaitingRow &row)
{
	return ExecStoreMinimalTuple(row.source, waiting->slot, false);
}

void
waiting_rows_clear(WaitingRows *waiting)
{
	if (waiting->slot != NULL)
		ExecClearTuple(waiting->slot);
	waiting->size = 0;
	waiting->bytes = 0;
	MemoryContextReset(waiting->context);
}

} /* namespace bulkupdate */
