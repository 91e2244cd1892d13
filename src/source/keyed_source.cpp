/*
 * keyed_source.cpp
 *		Loading the key of each source row.
 */
#include "source/keyed_source.h"

#include "call/progress.h"
#include "source/keyed_row.h"
#include "source/row_size.h"
#include "target/coercion.h"
#include "target/mapping.h"

namespace bulkupdate
{

struct KeyedSource
{
	const Options *options;
	Source *source;
	const Target *target;
	Progress *progress;
	Tuplestorestate *ahead;   /* rows read ahead and not yet taken, or NULL */
	MemoryContext memory;     /* of these rows; freed with them */
	TupleTableSlot *slot;     /* for them */
	TupleTableSlot *with_key; /* if their keys are cast: to store them with their keys */
	int64 stored_bytes;       /* of all of them, as a temporary file has them */
	int64 spilled_bytes;
	int64 position;             /* of the newest row taken */
	MemoryContext error_memory; /* of the error of the newest row */
};

namespace
{

/* The bytes that a tuplestore writes for the row. */
int64
stored_size(TupleTableSlot *row)
{
	return static_cast<int64>(reinterpret_cast<MinimalTupleTableSlot *>(row)->mintuple->t_len -
							  MINIMAL_TUPLE_DATA_OFFSET + sizeof(int));
}

void
forget_read_ahead(KeyedSource &keyed)
{
	tuplestore_end(keyed.ahead);
	keyed.ahead = nullptr;
	MemoryContextDelete(keyed.memory);
}

/* The next row of the source itself, or NULL. */
TupleTableSlot *
next_of_source(KeyedSource &keyed)
{
	TupleTableSlot *slot = source_next(*keyed.source);

	if (slot != nullptr)
		progress_rows_read(*keyed.progress, keyed.source->rows_taken);
	return slot;
}

/* In the source of the job whose rows these are. */
int64
position_of(TupleTableSlot *slot)
{
	bool isnull;
	Datum position = slot_getattr(slot, slot->tts_tupleDescriptor->natts, &isnull);

	return isnull ? 0 : DatumGetInt64(position);
}

/* The row in slot, at position: its key decides Pending, Missing or Rejected. */
void
load(KeyedSource &keyed, SourceRow &row, TupleTableSlot *slot, int64 position)
{
	const Target &target = *keyed.target;
	OnError on_error = keyed.options->on_error;
	bool is_possible = false;

	ResetExprContext(target.cast_context);
	MemoryContextReset(keyed.error_memory);
	row.slot = slot;
	row.position = keyed.options->has_positions ? position_of(slot) : position;
	row.error = with_memory_context(keyed.error_memory, [&] {
		ErrorData *error = row_size_error(target, row);

		if (error != nullptr && on_error == OnError::Stop)
			ThrowErrorData(error); /* GCOVR_EXCL_LINE: rows of 1 GB, in test/scale */
		return error != nullptr ? error
								: coerce_key(target, slot, row.position, on_error, row.values,
											 row.nulls, &is_possible);
	});
	row.outcome = row.error != nullptr ? Outcome::Rejected
				  : is_possible        ? Outcome::Pending
									   : Outcome::Missing;
	if (row.outcome != Outcome::Pending)
		return;
	for (int i = 0; i < target.keys.size; i++)
		row.key[i] = row.values[target.keys[i].target - 1];
}

/* Keep a row that is read ahead, with its key if that was cast. */
void
keep_read_ahead(KeyedSource &keyed, const SourceRow &row)
{
	TupleTableSlot *slot = row.slot;

	if (keyed.with_key != nullptr)
	{
		slot = keyed.slot;
		with_memory_context(keyed.target->cast_context->ecxt_per_tuple_memory, [&] {
			keyed_row_put(keyed.with_key, *keyed.target, keyed.source->tuple_desc, row);
			ExecStoreMinimalTuple(ExecCopySlotMinimalTuple(keyed.with_key), slot, false);
		});
	}
	tuplestore_puttupleslot(keyed.ahead, slot);
	keyed.stored_bytes += stored_size(slot);
	if (keyed.with_key != nullptr)
		ExecClearTuple(slot);
}

/* Read a row ahead: it has been loaded, unless its key will be cast later. */
void
read_ahead(KeyedSource &keyed, const SourceRow &row)
{
	if (keyed.ahead == nullptr)
	{
		keyed.memory =
			AllocSetContextCreate(CurrentMemoryContext, "bulk_update head", ALLOCSET_DEFAULT_SIZES);
		keyed.ahead = with_memory_context(keyed.memory, [] {
			return tuplestore_begin_heap(false, false, 2 * spool_memory_kb());
		});
	}
	keep_read_ahead(keyed, row);
	if (!tuplestore_in_memory(keyed.ahead))
		keyed.spilled_bytes = keyed.stored_bytes;
}

/* Take the next of the rows that were read ahead; false if there is none. */
bool
next_read_ahead(KeyedSource &keyed, SourceRow &row)
{
	if (keyed.ahead == nullptr)
		return false;
	if (!tuplestore_gettupleslot(keyed.ahead, true, false, keyed.slot))
	{
		forget_read_ahead(keyed);
		return false;
	}
	keyed.position++;
	if (keyed.with_key == nullptr)
	{
		load(keyed, row, keyed.slot, keyed.position);
		return true;
	}
	MemoryContextReset(keyed.error_memory);
	with_memory_context(keyed.error_memory, [&] {
		keyed_row_get(keyed.slot, *keyed.target, keyed.source->tuple_desc, row);
	});
	Assert(row.position == keyed.position);
	return true;
}

/*
 * Can rows get their keys and be sorted in parallel mode?  Not if a cast needs a
 * subtransaction, nor if a type compares its keys by functions that may do anything.
 */
bool
runs_in_parallel_mode(const Target &target)
{
	if (target.keys_can_fail || target.keys_can_overflow)
		return false;
	for (const KeyColumn &key : target.keys)
		if (func_parallel(get_opcode(key.less_than)) == PROPARALLEL_UNSAFE)
			return false;
	return true;
}

/* The arguments of keyed_source_run(). */
struct Run
{
	KeyedSource &keyed;
	SourceRow &row;
	void (*take)(void *arg); /* NULL: keep the rows */
	void *arg;
};

void
take_of_run(TupleTableSlot *slot, void *arg)
{
	const Run &run = *static_cast<const Run *>(arg);
	KeyedSource &keyed = run.keyed;

	CHECK_FOR_INTERRUPTS();
	progress_rows_read(*keyed.progress, keyed.source->rows_taken);
	if (run.take == nullptr)
	{
		run.row.slot = slot;
		read_ahead(keyed, run.row);
		return;
	}
	load(keyed, run.row, slot, ++keyed.position);
	run.take(run.arg);
}

} /* namespace */

KeyedSource *
keyed_source_create(const Options &options, Source &source, const Target &target,
					Progress &progress)
{
	KeyedSource *keyed = palloc_one<KeyedSource>();

	keyed->options = &options;
	keyed->source = &source;
	keyed->target = &target;
	keyed->progress = &progress;
	if (target.keys_are_cast && options.ordering == Ordering::Auto && !sorts_whole_source(options))
		keyed->with_key = MakeSingleTupleTableSlot(
			keyed_row_desc(target, source.tuple_desc, WithPlace::No), &TTSOpsVirtual);
	keyed->slot = MakeSingleTupleTableSlot(
		keyed->with_key != nullptr ? keyed->with_key->tts_tupleDescriptor : source.tuple_desc,
		&TTSOpsMinimalTuple);
	keyed->error_memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update error", ALLOCSET_SMALL_SIZES);
	return keyed;
}

bool
keyed_source_peek(KeyedSource &keyed, SourceRow &row)
{
	TupleTableSlot *slot = next_of_source(keyed);

	CHECK_FOR_INTERRUPTS();
	if (slot == nullptr)
		return false;
	load(keyed, row, slot, keyed.source->rows_taken);
	read_ahead(keyed, row);
	return true;
}

bool
keyed_source_peek_head(KeyedSource &keyed, SourceRow &row, KeyCopy &newest)
{
	Size bytes = 0;
	bool in_order = true;

	for (int rows = 0; rows < keyed.options->chunk_rows && bytes < read_ahead_bytes() &&
					   keyed_source_peek(keyed, row);
		 rows++)
	{
		if (row.outcome == Outcome::Pending)
		{
			in_order = key_copy_compare(newest, row.key) <= 0;
			key_copy_set(newest, row.key, row.position);
		}
		if (!in_order)
			break;
		bytes += source_row_size(*keyed.target, row.slot);
	}
	key_copy_clear(newest);
	return in_order;
}

bool
keyed_source_next(KeyedSource &keyed, SourceRow &row)
{
	CHECK_FOR_INTERRUPTS();
	if (next_read_ahead(keyed, row))
		return true;

	TupleTableSlot *slot = next_of_source(keyed);

	if (slot == nullptr)
		return false;
	load(keyed, row, slot, ++keyed.position);
	return true;
}

void
keyed_source_run(KeyedSource &keyed, SourceRow &row, void (*take)(void *arg), void *arg)
{
	Run run = {keyed, row, runs_in_parallel_mode(*keyed.target) ? take : nullptr, arg};

	source_run(*keyed.source, take_of_run, &run);
}

int64
keyed_source_spilled_bytes(const KeyedSource &keyed)
{
	return keyed.spilled_bytes;
}

void
keyed_source_close(KeyedSource &keyed)
{
	/* The call has read its source to the end. */
	Assert(keyed.ahead == nullptr);
	ExecDropSingleTupleTableSlot(keyed.slot);
	if (keyed.with_key != nullptr)
		ExecDropSingleTupleTableSlot(keyed.with_key);
}

} /* namespace bulkupdate */
