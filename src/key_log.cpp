/*
 * key_log.cpp
 *		Copies of keys.
 */
#include "key_log.h"

#include "fault.h"

namespace bulkupdate
{

/*
 * An entry is the position and the key: its Datums where they are values, else
 * the size of what follows and its columns in the form of datumSerialize().
 */
struct KeyLog
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
spill(KeyLog *log)
{
	if (log->file == NULL)
		log->file = BufFileCreateTemp(false);
	BufFileWrite(log->file, log->buffer.data, static_cast<size_t>(log->buffer.len));
	FAULT_POINT(key_log_spill);
	log->spilled_bytes += log->buffer.len;
	resetStringInfo(&log->buffer);
}

/* Make room for so many bytes in the buffer, by way of the file where it has grown enough. */
void
reserve(KeyLog *log, Size size)
{
	/* Casts can make such a key of a row of the source. */
	if (size >= MaxAllocSize - 1)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("key of a source row is too large for bulk_update"),
						errdetail("It has %zu bytes.", size),
						errhint("Order the source's query by the key, and set ordering => "
								"'stream', under which no log of the keys is kept.")));
	if (log->buffer.len > 0 &&
		static_cast<Size>(log->buffer.len) + size >= static_cast<Size>(buffer_limit()))
		spill(log);
	enlargeStringInfo(&log->buffer, static_cast<int>(size));
}

/* Add bytes for which there is room. */
void
append(KeyLog *log, const void *bytes, Size size)
{
	memcpy(log->buffer.data + log->buffer.len, bytes, size);
	log->buffer.len += static_cast<int>(size);
}

/* The next bytes of the log, valid until the next call. */
char *
read_bytes(KeyLog *log, Size size)
{
	StringInfo buffer = &log->buffer;

	if (log->file == NULL)
	{
		char *bytes = buffer->data + buffer->cursor;

		buffer->cursor += static_cast<int>(size);
		return bytes;
	}
	resetStringInfo(buffer);
	enlargeStringInfo(buffer, static_cast<int>(size));
	if (BufFileRead(log->file, buffer->data, size) != size)
		elog(ERROR, "unexpected end of the log of keys");
	return buffer->data;
}

void
next_key(KeyLog *log)
{
	int n = log->target->keys.size;
	Size size;

	log->at_end = log->unread == 0;
	if (log->at_end)
		return;

	log->unread--;
	memcpy(&log->position, read_bytes(log, sizeof(int64)), sizeof(int64));
	if (log->by_value)
	{
		size = sizeof(Datum) * static_cast<Size>(n);
		memcpy(log->key, read_bytes(log, size), size);
		return;
	}
	memcpy(&size, read_bytes(log, sizeof(Size)), sizeof(Size));
	MemoryContextReset(log->memory);
	with_memory_context(log->memory, [&] {
		char *next = read_bytes(log, size);
		bool isnull;

		for (int i = 0; i < n; i++)
			log->key[i] = datumRestore(&next, &isnull);
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

KeyLog *
key_log_create(const Target *target)
{
	KeyLog *log = palloc_one<KeyLog>();

	log->target = target;
	log->by_value = true;
	for (int i = 0; i < target->keys.size; i++)
		log->by_value = log->by_value && key_attribute(target, i)->attbyval;
	initStringInfo(&log->buffer);
	log->memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update key", ALLOCSET_SMALL_SIZES);
	log->key = palloc_array_of<Datum>(target->keys.size);
	return log;
}

void
key_log_add(KeyLog *log, const Datum *key, int64 position)
{
	StringInfo buffer = &log->buffer;
	int n = log->target->keys.size;
	Size size =
		log->by_value ? sizeof(Datum) * static_cast<Size>(n) : serialized_size(log->target, key);

	FAULT_POINT(key_log_add);
	reserve(log, sizeof(position) + sizeof(size) + size);
	append(log, &position, sizeof(position));
	log->unread++;
	if (log->by_value)
	{
		append(log, key, size);
		return;
	}
	append(log, &size, sizeof(size));

	char *end = buffer->data + buffer->len;

	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute attribute = key_attribute(log->target, i);

		datumSerialize(key[i], false, attribute->attbyval, attribute->attlen, &end);
	}
	buffer->len = static_cast<int>(end - buffer->data);
}

int64
key_log_spilled_bytes(const KeyLog *log)
{
	return log->spilled_bytes;
}

void
key_log_rewind(KeyLog *log)
{
	if (log->file != NULL)
	{
		spill(log);
		if (BufFileSeek(log->file, 0, 0, SEEK_SET) != 0)
			elog(ERROR, "could not rewind the log of keys");
	}
	next_key(log);
}

int64
key_log_find(KeyLog *log, const Datum *key)
{
	FAULT_POINT(key_log_find);
	for (; !log->at_end; next_key(log))
	{
		int order = compare_keys(log->target, log->key, key);

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
			return log->position;
		if (order > 0)
			break;
	}
	return 0;
}

void
key_log_end(KeyLog *log)
{
	if (log->file != NULL)
		BufFileClose(log->file);
}

} /* namespace bulkupdate */
