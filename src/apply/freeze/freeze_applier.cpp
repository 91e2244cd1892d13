/*
 * freeze_applier.cpp
 *		Appending rows to the table of a job.
 */
#include "apply/freeze/freeze_applier.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* Rows that are stored together, as in COPY: at most so many, and with about so many bytes. */
constexpr int MAX_BUFFERED = 1000;
constexpr Size MAX_BUFFERED_BYTES = 65535;

struct FreezeApplier : Applier
{
	FrozenRows *frozen;
	Relation table;
	BulkInsertState bulk;
	Datum *values; /* of the target's attributes, in a row */
	bool *nulls;
	TupleTableSlot *slots[MAX_BUFFERED];
	int buffered;
	Size bytes;
};

void
flush(FreezeApplier &applier)
{
	if (applier.buffered == 0)
		return;
	FAULT_POINT(freeze);
	table_multi_insert(applier.table, applier.slots, applier.buffered, GetCurrentCommandId(true),
					   TABLE_INSERT_SKIP_FSM, applier.bulk);
	for (int i = 0; i < applier.buffered; i++)
		ExecClearTuple(applier.slots[i]);
	applier.frozen->rows += applier.buffered;
	applier.buffered = 0;
	applier.bytes = 0;
}

TupleTableSlot *
next_slot(FreezeApplier &applier)
{
	TupleTableSlot *&slot = applier.slots[applier.buffered];

	if (slot == nullptr)
		slot = with_memory_context(GetMemoryChunkContext(&applier),
								   [&] { return table_slot_create(applier.table, nullptr); });
	return slot;
}

void
append(FreezeApplier &applier, const ChunkRow &row)
{
	const Target &target = *applier.target;
	TupleTableSlot *slot = next_slot(applier);
	HeapTupleData tuple = {};
	int n = 0;
	auto put = [&](Datum value, bool isnull) {
		slot->tts_values[n] = value;
		slot->tts_isnull[n++] = isnull;
	};

	tuple.t_len = HeapTupleHeaderGetDatumLength(row.tuple);
	tuple.t_data = row.tuple;
	heap_deform_tuple(&tuple, RelationGetDescr(target.relation), applier.values, applier.nulls);

	put(Int64GetDatum(applier.frozen->rows + applier.buffered + 1), false);
	put(Int64GetDatum(row.position), false);
	for (const MappedColumn &column : target.columns)
		put(applier.values[column.target - 1], applier.nulls[column.target - 1]);
	for (int i = 0; i < target.expected.size; i++)
		put(row.expected[i].value, row.expected[i].isnull);
	ExecStoreVirtualTuple(slot);
	applier.buffered++;
	applier.bytes += tuple.t_len;
}

const char *
apply(Applier &base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	FreezeApplier &applier = static_cast<FreezeApplier &>(base);

	MemoryContextReset(scratch);
	with_memory_context(scratch, [&] {
		for (ChunkRow *row : rows)
		{
			CHECK_FOR_INTERRUPTS();
			append(applier, *row);
			row->outcome = Outcome::Updated;
			if (applier.buffered == MAX_BUFFERED || applier.bytes >= MAX_BUFFERED_BYTES)
				flush(applier);
		}
		flush(applier); /* the values belong to the chunk */
	});
	ReleaseBulkInsertStatePin(applier.bulk);
	return nullptr;
}

/* GCOVR_EXCL_START: nothing is asked about rows that are not applied yet, and none fails */
const char *
probe(Applier &, Span<ChunkRow *>, Probe, MemoryContext)
{
	return nullptr;
}
/* GCOVR_EXCL_STOP */

ChunkRow *
no_row(const Applier &)
{
	return nullptr;
}

/* GCOVR_EXCL_START: likewise */
void
abandon(Applier &)
{}
/* GCOVR_EXCL_STOP */

} /* namespace */

Applier *
freeze_applier_create(const Target &target, FrozenRows &frozen)
{
	FreezeApplier *applier = palloc_one<FreezeApplier>();
	int natts = RelationGetDescr(target.relation)->natts;

	applier->frozen = &frozen;
	applier->table = table_open(frozen.table, RowExclusiveLock);
	applier->bulk = GetBulkInsertState();
	applier->values = palloc_array_of<Datum>(natts);
	applier->nulls = palloc_array_of<bool>(natts);
	frozen.xmin = GetCurrentTransactionId();
	frozen.rows = 0;
	static_cast<Applier &>(*applier) = {apply,   probe,   no_row,  no_row, abandon, "freeze", 0,
										&target, nullptr, nullptr, false,  false,   nullptr};
	return applier;
}

void
freeze_applier_close(Applier &base)
{
	FreezeApplier &applier = static_cast<FreezeApplier &>(base);

	for (TupleTableSlot *slot : applier.slots)
		if (slot != nullptr)
			ExecDropSingleTupleTableSlot(slot);
	FreeBulkInsertState(applier.bulk);
	table_finish_bulk_insert(applier.table, TABLE_INSERT_SKIP_FSM);
	table_close(applier.table, NoLock);
}

} /* namespace bulkupdate */
