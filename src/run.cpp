/*
 * run.cpp
 *		The loop over the chunks.
 */
#include "run.h"

#include "applier.h"
#include "report.h"

namespace bulkupdate
{

namespace
{

/* Keys can be long; the error context shows this many bytes of each. */
constexpr int CONTEXT_KEY_BYTES = 100;

const char *
clipped(const char *key)
{
	int length = static_cast<int>(strlen(key));

	if (length <= CONTEXT_KEY_BYTES)
		return key;
	return psprintf("%.*s...", pg_mbcliplen(key, length, CONTEXT_KEY_BYTES), key);
}

void
apply_error_context(void *arg)
{
	const Chunk *chunk = static_cast<const Chunk *>(arg);
	long long first = chunk->first_position;
	long long last = first + chunk->rows.size - 1;

	if (chunk->first_key != NULL)
		errcontext("bulk_update of table %s, chunk %lld, source rows %lld to %lld, keys %s to %s",
				   chunk->target->display_name, static_cast<long long>(chunk->number), first, last,
				   clipped(chunk->first_key), clipped(chunk->last_key));
	else
		errcontext("bulk_update of table %s, chunk %lld, source rows %lld to %lld",
				   chunk->target->display_name, static_cast<long long>(chunk->number), first, last);
}

void
run_chunks(const Options &options, Source *source, Target *target, const ReturnSetInfo *result)
{
	MemoryContext call = CurrentMemoryContext;
	Applier *applier = sql_applier_create(target);
	Chunk *chunk = chunk_create(target);
	instr_time start;

	INSTR_TIME_SET_CURRENT(start);
	while (chunk_fill(chunk, source, options.chunk_rows))
	{
		Size memory_bytes = MemoryContextMemAllocated(call, true);
		instr_time end;
		instr_time elapsed;

		with_error_context(apply_error_context, chunk, [&] {
			chunk_order(chunk);
			applier->apply(applier, chunk_applicable_rows(chunk), chunk->scratch);
		});
		memory_bytes = Max(memory_bytes, MemoryContextMemAllocated(call, true));

		INSTR_TIME_SET_CURRENT(end);
		elapsed = end;
		INSTR_TIME_SUBTRACT(elapsed, start);
		start = end;
		with_memory_context(chunk->scratch,
							[&] { report_chunk(result, chunk, elapsed, memory_bytes); });
	}
}

} /* namespace */

void
run(const Options &options, const char *portal_name, const char *label, const ReturnSetInfo *result)
{
	MemoryContext call =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update call", ALLOCSET_DEFAULT_SIZES);

	with_memory_context(call, [&] {
		Source *source = source_open(portal_name, label);
		Target *target = target_open(options, source->tuple_desc);

		run_chunks(options, source, target, result);
		target_close(target);
		source_close(source);
	});
	MemoryContextDelete(call);
}

} /* namespace bulkupdate */
