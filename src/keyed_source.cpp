/*
 * keyed_source.cpp
 *		Loading the key of each source row.
 */
#include "keyed_source.h"

#include "mapping.h"
#include "progress.h"
#include "row_size.h"

namespace bulkupdate
{

struct KeyedSource
{
	const Options *options;
	Source *source;
	const Target *target;
	Progress *progress;
	Tuplestorestate *looked_at; /* rows that have not been taken, or NULL */
	MemoryContext memory;       /* of them; goes with them */
	TupleTableSlot *slot;       /* for them */
	int64 stored_bytes;         /* of all of them, as a temporary file has them */
	int64 spilled_bytes;
	int64 position;             /* of the newest row taken */
	MemoryContext error_memory; /* of the error of the newest row */
};

namespace
{

/* What a tuplestore writes for the row. */
int64
stored_size(TupleTableSlot *row)
{
	return static_cast<int64>(reinterpret_cast<MinimalTupleTableSlot *>(row)->mintuple->t_len -
							  MINIMAL_TUPLE_DATA_OFFSET + sizeof(int));
}

void
forget_looked_at(KeyedSource *keyed)
{
	tuplestore_end(keyed->looked_at);
	keyed->looked_at = NULL;
	MemoryContextDelete(keyed->memory);
}

/* The next of the rows that were looked at, or NULL. */
TupleTableSlot *
next_looked_at(KeyedSource *keyed)
{
	if (keyed->looked_at == NULL)
		return NULL;
	if (tuplestore_gettupleslot(keyed->looked_at, true, false, keyed->slot))
		return keyed->slot;
	forget_looked_at(keyed);
	return NULL;
}

/* The next row of the source itself, or NULL. */
TupleTableSlot *
next_of_source(KeyedSource *keyed)
{
	TupleTableSlot *slot = source_next(keyed->source);

	if (slot != NULL)
		progress_rows_read(keyed->progress, keyed->source->rows_taken);
	return slot;
}

void
load(KeyedSource *keyed, FeedRow *row, TupleTableSlot *slot, int64 position)
{
	ResetExprContext(keyed->target->cast_context);
	row->slot = slot;
	row->position = position;
	keyed_source_load(keyed, row);
}

} /* namespace */

KeyedSource *
keyed_source_create(const Options *options, Source *source, const Target *target,
					Progress *progress)
{
	KeyedSource *keyed = palloc_one<KeyedSource>();

	keyed->options = options;
	keyed->source = source;
	keyed->target = target;
	keyed->progress = progress;
	keyed->slot = MakeSingleTupleTableSlot(source->tuple_desc, &TTSOpsMinimalTuple);
	keyed->error_memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update error", ALLOCSET_SMALL_SIZES);
	return keyed;
}

bool
keyed_source_look(KeyedSource *keyed, FeedRow *row)
{
	TupleTableSlot *slot = next_of_source(keyed);

	CHECK_FOR_INTERRUPTS();
	if (slot == NULL)
		return false;
	if (keyed->looked_at == NULL)
	{
		keyed->memory =
			AllocSetContextCreate(CurrentMemoryContext, "bulk_update head", ALLOCSET_DEFAULT_SIZES);
		keyed->looked_at = with_memory_context(keyed->memory, [] {
			return tuplestore_begin_heap(false, false, 2 * spool_memory_kb());
		});
	}
	load(keyed, row, slot, keyed->source->rows_taken);
	tuplestore_puttupleslot(keyed->looked_at, slot);
	keyed->stored_bytes += stored_size(slot);
	if (!tuplestore_in_memory(keyed->looked_at))
		keyed->spilled_bytes = keyed->stored_bytes;
	return true;
}

bool
keyed_source_next(KeyedSource *keyed, FeedRow *row)
{
	TupleTableSlot *slot = next_looked_at(keyed);

	CHECK_FOR_INTERRUPTS();
	if (slot == NULL)
		slot = next_of_source(keyed);
	if (slot == NULL)
		return false;
	load(keyed, row, slot, ++keyed->position);
	return true;
}

void
keyed_source_load(KeyedSource *keyed, FeedRow *row)
{
	const Target *target = keyed->target;
	bool skip = keyed->options->on_error == OnError::Skip;

	MemoryContextReset(keyed->error_memory);
	row->outcome = Outcome::Pending;
	row->error = with_memory_context(keyed->error_memory, [&] {
		ErrorData *error = row_size_error(target, row);

		if (error != NULL && !skip)
			ThrowErrorData(error);
		return error != NULL ? error
							 : coerce_columns(target, row->slot, row->position, true, skip,
											  row->values, row->nulls);
	});
	if (row->error != NULL)
	{
		row->outcome = Outcome::Rejected;
		return;
	}
	for (int i = 0; i < target->keys.size; i++)
	{
		int attribute = target->keys[i].target - 1;

		row->key[i] = row->values[attribute];
		if (row->nulls[attribute])
			row->outcome = Outcome::Missing;
	}
}

void
set_key(const Target *target, FeedRow *row, const Datum *key)
{
	row->outcome = Outcome::Pending;
	row->error = NULL;
	for (int i = 0; i < target->keys.size; i++)
	{
		int attribute = target->keys[i].target - 1;

		row->key[i] = row->values[attribute] = key[i];
		row->nulls[attribute] = false;
	}
}

int64
keyed_source_spilled_bytes(const KeyedSource *keyed)
{
	return keyed->spilled_bytes;
}

void
keyed_source_close(KeyedSource *keyed)
{
	/* A call reads its source to the end. */
	Assert(keyed->looked_at == NULL);
	ExecDropSingleTupleTableSlot(keyed->slot);
}

} /* namespace bulkupdate */
