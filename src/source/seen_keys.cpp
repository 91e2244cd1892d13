/*
 * seen_keys.cpp
 *		Copies of keys.
 */
#include "source/seen_keys.h"

#include "server/fault.h"
#include "server/spool.h"

namespace bulkupdate
{

/*
 * An entry is the position and the key: its Datums if they are passed by value, otherwise
 * the size of the rest and its columns in the form of datumSerialize().
 */
struct SeenKeys
{
	const Target *target;
	bool by_value; /* all key columns are passed by value */
	Spool spool;
	int64 unread;         /* entries that have not been read */
	MemoryContext memory; /* of the next key */
	Datum *key;           /* the next key, unless at_end */
	int64 position;
	bool at_end;
};

namespace
{

Form_pg_attribute
key_attribute(const Target &target, int i)
{
	return TupleDescAttr(RelationGetDescr(target.relation), target.keys[i].target - 1);
}

Size
serialized_size(const Target &target, const Datum *key)
{
	Size size = 0;

	for (int i = 0; i < target.keys.size; i++)
	{
		Form_pg_attribute attribute = key_attribute(target, i);

		size += datumEstimateSpace(key[i], false, attribute->attbyval, attribute->attlen);
	}
	return size;
}

/* Casts can produce such a key from a row of the source. */
void
check_size(Size size)
{
	/* Only test/scale has keys of 1 GB. */
	if (size >= MaxAllocSize - 1)
		ereport(ERROR, /* GCOVR_EXCL_LINE */
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("key of a source row is too large for bulk_update"),
				 errdetail("It has %zu bytes.", size),
				 errhint("Order the source's query by the key, and set ordering => "
						 "'stream', which does not keep the keys.")));
}

void
next_key(SeenKeys &seen)
{
	int n = seen.target->keys.size;
	Size size;

	seen.at_end = seen.unread == 0;
	if (seen.at_end)
		return;

	seen.unread--;
	memcpy(&seen.position, spool_read(seen.spool, sizeof(int64)), sizeof(int64));
	if (seen.by_value)
	{
		size = sizeof(Datum) * static_cast<Size>(n);
		memcpy(seen.key, spool_read(seen.spool, size), size);
		return;
	}
	memcpy(&size, spool_read(seen.spool, sizeof(Size)), sizeof(Size));
	MemoryContextReset(seen.memory);
	with_memory_context(seen.memory, [&] {
		char *next = spool_read(seen.spool, size);
		bool isnull;

		for (int i = 0; i < n; i++)
			seen.key[i] = datumRestore(&next, &isnull);
	});
}

} /* namespace */

void
key_copy_init(KeyCopy &copy, const Target &target)
{
	copy.target = &target;
	copy.memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	copy.spare =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	copy.key = palloc_array_of<Datum>(target.keys.size);
	copy.position = 0;
}

void
key_copy_set(KeyCopy &copy, const Datum *key, int64 position)
{
	MemoryContext old = copy.memory;

	with_memory_context(copy.spare, [&] {
		for (int i = 0; i < copy.target->keys.size; i++)
		{
			Form_pg_attribute attribute = key_attribute(*copy.target, i);

			copy.key[i] = datumCopy(key[i], attribute->attbyval, attribute->attlen);
		}
	});
	copy.position = position;
	copy.memory = copy.spare;
	copy.spare = old;
	MemoryContextReset(old);
}

void
key_copy_clear(KeyCopy &copy)
{
	copy.position = 0;
}

SeenKeys *
seen_keys_create(const Target &target)
{
	SeenKeys *seen = palloc_one<SeenKeys>();

	seen->target = &target;
	seen->by_value = true;
	for (int i = 0; i < target.keys.size; i++)
		seen->by_value = seen->by_value && key_attribute(target, i)->attbyval;
	spool_init(seen->spool);
	seen->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	seen->key = palloc_array_of<Datum>(target.keys.size);
	return seen;
}

void
seen_keys_add(SeenKeys &seen, const Datum *key, int64 position)
{
	StringInfo buffer = &seen.spool.buffer;
	int n = seen.target->keys.size;
	Size size =
		seen.by_value ? sizeof(Datum) * static_cast<Size>(n) : serialized_size(*seen.target, key);

	FAULT_POINT(seen_keys_add);
	check_size(sizeof(position) + sizeof(size) + size);
	spool_reserve(seen.spool, sizeof(position) + sizeof(size) + size);
	spool_append(seen.spool, &position, sizeof(position));
	seen.unread++;
	if (seen.by_value)
	{
		spool_append(seen.spool, key, size);
		return;
	}
	spool_append(seen.spool, &size, sizeof(size));

	char *end = buffer->data + buffer->len;

	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute attribute = key_attribute(*seen.target, i);

		datumSerialize(key[i], false, attribute->attbyval, attribute->attlen, &end);
	}
	buffer->len = static_cast<int>(end - buffer->data);
}

int64
seen_keys_spilled_bytes(const SeenKeys &seen)
{
	return seen.spool.spilled_bytes;
}

void
seen_keys_rewind(SeenKeys &seen)
{
	spool_rewind(seen.spool);
	next_key(seen);
}

int64
seen_keys_find(SeenKeys &seen, const Datum *key)
{
	FAULT_POINT(seen_keys_find);
	for (; !seen.at_end; next_key(seen))
	{
		int order = compare_keys(*seen.target, seen.key, key);

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
			return seen.position;
		if (order > 0)
			break;
	}
	return 0;
}

void
seen_keys_end(SeenKeys &seen)
{
	spool_end(seen.spool);
}

} /* namespace bulkupdate */
