/*
 * spool.cpp
 *		Bytes in a buffer and a temporary file.
 */
#include "server/spool.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* The buffer doubles as it grows, and must not come near MaxAllocSize. */
constexpr int MAX_BUFFER_KB = 64 * 1024;

void
spill(Spool &spool)
{
	if (spool.file == nullptr)
		spool.file = BufFileCreateTemp(false);
	BufFileWrite(spool.file, spool.buffer.data, static_cast<size_t>(spool.buffer.len));
	FAULT_POINT(spill);
	spool.spilled_bytes += spool.buffer.len;
	resetStringInfo(&spool.buffer);
}

} /* namespace */

int64
sort_spilled_bytes(Tuplesortstate *state)
{
	TuplesortInstrumentation stats;

	tuplesort_get_stats(state, &stats);
	return stats.spaceType == SORT_SPACE_TYPE_DISK ? stats.spaceUsed * 1024 : 0;
}

void
spool_init(Spool &spool)
{
	initStringInfo(&spool.buffer);
	spool.file = nullptr;
	spool.spilled_bytes = 0;
}

void
spool_reserve(Spool &spool, Size size)
{
	const Size limit = static_cast<Size>(Min(spool_memory_kb(), MAX_BUFFER_KB)) * 1024;

	if (spool.buffer.len > 0 && static_cast<Size>(spool.buffer.len) + size >= limit)
		spill(spool);
	enlargeStringInfo(&spool.buffer, static_cast<int>(size));
}

void
spool_rewind(Spool &spool)
{
	if (spool.file == nullptr)
		return;
	spill(spool);
	if (BufFileSeek(spool.file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind a temporary file");
}

char *
spool_read(Spool &spool, Size size)
{
	StringInfo buffer = &spool.buffer;

	if (spool.file == nullptr)
	{
		char *bytes = buffer->data + buffer->cursor;

		buffer->cursor += static_cast<int>(size);
		return bytes;
	}
	resetStringInfo(buffer);
	enlargeStringInfo(buffer, static_cast<int>(size));
	if (BufFileRead(spool.file, buffer->data, size) != size)
		elog(ERROR, "unexpected end of a temporary file");
	return buffer->data;
}

void
spool_end(Spool &spool)
{
	if (spool.file != nullptr)
		BufFileClose(spool.file);
}

} /* namespace bulkupdate */
