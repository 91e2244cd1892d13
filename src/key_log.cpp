/*
 * key_log.cpp
 *		Copies of keys.
 */
#include "key_log.h"

namespace bulkupdate
{

struct KeyLog
{
	const Target *target;
	Tuplestorestate *store;
	TupleDesc tuple_desc; /* the key's columns, then the position */
	TupleTableSlot *slot; /* the next key, unless at_end */
	Datum *values;
	bool *nulls;
	bool at_end;
};

namespace
{

void
next_key(KeyLog *log)
{
	log->at_end = !tuplestore_gettupleslot(log->store, true, false, log->slot);
	if (!log->at_end)
		slot_getallattrs(log->slot);
}

} /* namespace */

void
key_copy_init(KeyCopy *copy, const Target *target)
{
	copy->target = target;
	copy->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	copy->spare =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	copy->key = palloc_array_of<Datum>(target->keys.size);
	copy->position = 0;
}

void
key_copy_set(KeyCopy *copy, const Datum *key, int64 position)
{
	MemoryContext old = copy->memory;
	TupleDesc tuple_desc = RelationGetDescr(copy->target->relation);

	with_memory_context(copy->spare, [&] {
		for (int i = 0; i < copy->target->keys.size; i++)
		{
			Form_pg_attribute attribute =
				TupleDescAttr(tuple_desc, copy->target->keys[i].target - 1);

			copy->key[i] = datumCopy(key[i], attribute->attbyval, attribute->attlen);
		}
	});
	copy->position = position;
	copy->memory = copy->spare;
	copy->spare = old;
	MemoryContextReset(old);
}

void
key_copy_clear(KeyCopy *copy)
{
	copy->position = 0;
}

KeyLog *
key_log_create(const Target *target)
{
	KeyLog *log = palloc_one<KeyLog>();
	int n = target->keys.size;

	log->target = target;
	log->tuple_desc = CreateTemplateTupleDesc(n + 1);
	for (int i = 0; i < n; i++)
		TupleDescInitEntry(log->tuple_desc, static_cast<AttrNumber>(i + 1), "key",
						   target->keys[i].type, -1, 0);
	TupleDescInitEntry(log->tuple_desc, static_cast<AttrNumber>(n + 1), "position", INT8OID, -1, 0);
	log->store = tuplestore_begin_heap(false, false, spool_memory_kb());
	log->slot = MakeSingleTupleTableSlot(log->tuple_desc, &TTSOpsMinimalTuple);
	log->values = palloc_array_of<Datum>(n + 1);
	log->nulls = palloc_array_of<bool>(n + 1);
	return log;
}

void
key_log_add(KeyLog *log, const Datum *key, int64 position)
{
	int n = log->target->keys.size;

	memcpy(log->values, key, sizeof(Datum) * static_cast<Size>(n));
	log->values[n] = Int64GetDatum(position);
	tuplestore_putvalues(log->store, log->tuple_desc, log->values, log->nulls);
}

void
key_log_rewind(KeyLog *log)
{
	next_key(log);
}

int64
key_log_find(KeyLog *log, const Datum *key)
{
	for (; !log->at_end; next_key(log))
	{
		int order = compare_keys(log->target, log->slot->tts_values, key);

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
			return DatumGetInt64(log->slot->tts_values[log->target->keys.size]);
		if (order > 0)
			break;
	}
	return 0;
}

void
key_log_end(KeyLog *log)
{
	ExecDropSingleTupleTableSlot(log->slot);
	tuplestore_end(log->store);
}

} /* namespace bulkupdate */
