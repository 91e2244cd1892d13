/*
 * due_log.cpp
 *		Rows to check, in memory and in a temporary file.
 */
#include "due_log.h"

namespace bulkupdate
{

namespace
{

/* The buffer doubles as it grows, and must not come near MaxAllocSize. */
constexpr int MAX_BUFFER_KB = 64 * 1024;

void
spill(DueLog *log)
{
	if (log->file == nullptr)
		log->file = BufFileCreateTemp(false);
	BufFileWrite(log->file, log->buffer.data, static_cast<size_t>(log->buffer.len));
	resetStringInfo(&log->buffer);
}

} /* namespace */

void
due_log_add(DueLog *log, const Due &due)
{
	if (log->buffer.data == nullptr)
		initStringInfo(&log->buffer);
	if (log->buffer.len > Min(spool_memory_kb(), MAX_BUFFER_KB) * 1024)
		spill(log);
	appendBinaryStringInfo(&log->buffer, reinterpret_cast<const char *>(&due), sizeof(due));
	log->rows++;
}

void
due_log_rewind(DueLog *log)
{
	if (log->file == nullptr)
		return;
	spill(log);
	if (BufFileSeek(log->file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind the rows to check");
}

Due
due_log_next(DueLog *log)
{
	Due due;

	log->rows--;
	if (log->file == nullptr)
	{
		memcpy(&due, log->buffer.data + log->buffer.cursor, sizeof(due));
		log->buffer.cursor += static_cast<int>(sizeof(due));
	}
	else if (BufFileRead(log->file, &due, sizeof(due)) != sizeof(due))
		elog(ERROR, "unexpected end of the rows to check");
	return due;
}

void
due_log_end(DueLog *log)
{
	if (log->file != nullptr)
		BufFileClose(log->file);
}

} /* namespace bulkupdate */
