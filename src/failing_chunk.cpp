/*
 * failing_chunk.cpp
 *		What an error says about its chunk and its row.
 */
#include "failing_chunk.h"

#include "apply/bad_rows.h"
#include "server/subtransaction.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* Keys can be long; the error context shows at most this many bytes of each. */
constexpr int CONTEXT_KEY_BYTES = 100;

} /* namespace */

void
chunk_error_context(void *arg)
{
	FailingChunk &failing = *static_cast<FailingChunk *>(arg);
	const Chunk &chunk = *failing.chunk;
	bool of_row = is_row_error_code(geterrcode());
	ChunkRow *row = failing.applier->current_row(*failing.applier);
	StringInfoData text;

	if (row == nullptr && of_row)
		row = failing.applier->late_row(*failing.applier);
	failing.row = row;
	initStringInfo(&text);
	appendStringInfo(&text, "bulk_update of table %s, chunk %lld, source rows %lld to %lld",
					 chunk.target->display_name, static_cast<long long>(chunk.number),
					 static_cast<long long>(chunk.first_position),
					 static_cast<long long>(chunk.last_position));
	if (chunk.first_key != nullptr)
		appendStringInfo(&text, ", keys %s to %s", clipped(chunk.first_key, CONTEXT_KEY_BYTES),
						 clipped(chunk.last_key, CONTEXT_KEY_BYTES));

	/* After out of memory or a cancel, computing the key's text would be a risk. */
	if (row != nullptr && of_row)
		appendStringInfo(&text, ", at source row %lld with key %s",
						 static_cast<long long>(row->position),
						 key_detail(*chunk.target, row->key, CONTEXT_KEY_BYTES));
	errcontext("%s", text.data);
}

void
name_failing_row(FailingChunk &failing, ErrorData *error)
{
	Chunk &chunk = *failing.chunk;

	if (failing.applying.size == 0 || failing.row != nullptr)
		return;

	const ChunkRow *row = find_bad_row(*failing.applier, chunk, failing.applying, error);

	if (row == nullptr)
		return;
	error->context =
		psprintf("%s\nbulk_update found the error again at source row %lld with key %s",
				 error->context, static_cast<long long>(row->position),
				 key_detail(*chunk.target, row->key, CONTEXT_KEY_BYTES));
}

} /* namespace bulkupdate */
