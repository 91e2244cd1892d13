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
 * An entry is the position and the key: its Datums where they are values, else
 * the size of what follows and its columns in the form of datumSerialize().
 */
struct SeenKeys
{
	const Target *target;
	bool by_value;         /* all key columns are passed by value */
	StringInfoData buffer; /* entries before they are in the file; then what is read of it */
	BufFile *file;         /* NULL while all entries are in the buffer */
	int64 spilled_bytes;
	int64 unread;         /* entries that have not been read */
	MemoryContext memory; /* of the next key */
	Datum *key;           /* the next key, unless at_end */
	int64 position;
	bool at_end;
};

namespace
{

/* The buffer doubles as it grows, and must not come near MaxAllocSize. */
constexpr int MAX_BUFFER_KB = 64 * 1024;

int
buffer_limit()
{
	return Min(spool_memory_kb(), MAX_BUFFER_KB) * 1024;
}

Form_pg_attribute
key_attribute(const Target *target, int i)
{
	return TupleDescAttr(RelationGetDescr(target->relation), target->keys[i].target - 1);
}

Size
serialized_size(const Target *target, const Datum *key)
{
	Size size = 0;

	for (int i = 0; i < target->keys.size; i++)
	{
		Form_pg_attribute attribute = key_attribute(target, i);

		size += datumEstimateSpace(key[i], false, attribute->attbyval, attribute->attlen);
	}
	return size;
}

void
spill(SeenKeys *seen)
{
	if (seen->file == nullptr)
		seen->file = BufFileCreateTemp(false);
	BufFileWrite(seen->file, seen->buffer.data, static_cast<size_t>(seen->buffer.len));
	FAULT_POINT(seen_keys_spill);
	seen->spilled_bytes += seen->buffer.len;
	resetStringInfo(&seen->buffer);
}

/* Make room for so many bytes in the buffer, which goes to the file when it has grown enough. */
void
reserve(SeenKeys *seen, Size size)
{
	/* Casts can make such a key of a row of the source. */
	if (size >= MaxAllocSize - 1)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("key of a source row is too large for bulk_update"),
						errdetail("It has %zu bytes.", size),
						errhint("Order the source's query by the key, and set ordering => "
								"'stream', under which no log of the keys is kept.")));
	if (seen->buffer.len > 0 &&
		static_cast<Size>(seen->buffer.len) + size >= static_cast<Size>(buffer_limit()))
		spill(seen);
	enlargeStringInfo(&seen->buffer, static_cast<int>(size));
}

/* Add bytes for which there is room. */
void
append(SeenKeys *seen, const void *bytes, Size size)
{
	memcpy(seen->buffer.data + seen->buffer.len, bytes, size);
	seen->buffer.len += static_cast<int>(size);
}

/* The next bytes that were kept, valid until the next call. */
char *
read_bytes(SeenKeys *seen, Size size)
{
	StringInfo buffer = &seen->buffer;

	if (seen->file == nullptr)
	{
		char *bytes = buffer->data + buffer->cursor;

		buffer->cursor += static_cast<int>(size);
		return bytes;
	}
	resetStringInfo(buffer);
	enlargeStringInfo(buffer, static_cast<int>(size));
	if (BufFileRead(seen->file, buffer->data, size) != size)
		elog(ERROR, "unexpected end of the log of keys");
	return buffer->data;
}

void
next_key(SeenKeys *seen)
{
	int n = seen->target->keys.size;
	Size size;

	seen->at_end = seen->unread == 0;
	if (seen->at_end)
		return;

	seen->unread--;
	memcpy(&seen->position, read_bytes(seen, sizeof(int64)), sizeof(int64));
	if (seen->by_value)
	{
		size = sizeof(Datum) * static_cast<Size>(n);
		memcpy(seen->key, read_bytes(seen, size), size);
		return;
	}
	memcpy(&size, read_bytes(seen, sizeof(Size)), sizeof(Size));
	MemoryContextReset(seen->memory);
	with_memory_context(seen->memory, [&] {
		char *next = read_bytes(seen, size);
		bool isnull;

		for (int i = 0; i < n; i++)
			seen->key[i] = datumRestore(&next, &isnull);
	});
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

	with_memory_context(copy->spare, [&] {
		for (int i = 0; i < copy->target->keys.size; i++)
		{
			Form_pg_attribute attribute = key_attribute(copy->target, i);

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

SeenKeys *
seen_keys_create(const Target *target)
{
	SeenKeys *seen = palloc_one<SeenKeys>();

	seen->target = target;
	seen->by_value = true;
	for (int i = 0; i < target->keys.size; i++)
		seen->by_value = seen->by_value && key_attribute(target, i)->attbyval;
	initStringInfo(&seen->buffer);
	seen->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	seen->key = palloc_array_of<Datum>(target->keys.size);
	return seen;
}

void
seen_keys_add(SeenKeys *seen, const Datum *key, int64 position)
{
	StringInfo buffer = &seen->buffer;
	int n = seen->target->keys.size;
	Size size =
		seen->by_value ? sizeof(Datum) * static_cast<Size>(n) : serialized_size(seen->target, key);

	FAULT_POINT(seen_keys_add);
	reserve(seen, sizeof(position) + sizeof(size) + size);
	append(seen, &position, sizeof(position));
	seen->unread++;
	if (seen->by_value)
	{
		append(seen, key, size);
		return;
	}
	append(seen, &size, sizeof(size));

	char *end = buffer->data + buffer->len;

	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute attribute = key_attribute(seen->target, i);

		datumSerialize(key[i], false, attribute->attbyval, attribute->attlen, &end);
	}
	buffer->len = static_cast<int>(end - buffer->data);
}

int64
seen_keys_spilled_bytes(const SeenKeys *seen)
{
	return seen->spilled_bytes;
}

void
seen_keys_rewind(SeenKeys *seen)
{
	if (seen->file != nullptr)
	{
		spill(seen);
		if (BufFileSeek(seen->file, 0, 0, SEEK_SET) != 0)
			elog(ERROR, "could not rewind the log of keys");
	}
	next_key(seen);
}

int64
seen_keys_find(SeenKeys *seen, const Datum *key)
{
	FAULT_POINT(seen_keys_find);
	for (; !seen->at_end; next_key(seen))
	{
		int order = compare_keys(seen->target, seen->key, key);

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
			return seen->position;
		if (order > 0)
			break;
	}
	return 0;
}

void
seen_keys_end(SeenKeys *seen)
{
	if (seen->file != nullptr)
		BufFileClose(seen->file);
}

} /* namespace bulkupdate */
