/*
 * run.cpp
 *		The loop over the chunks, and the policies.
 */
#include "run.h"

#include "apply/bad_rows.h"
#include "apply/choose_applier.h"
#include "apply/freeze/freeze_applier.h"
#include "apply/recheck.h"
#include "apply/reference_hint.h"
#include "call/progress.h"
#include "chunk/chunk_queue.h"
#include "failing_chunk.h"
#include "policies.h"
#include "report/old_value_table.h"
#include "report/reject_table.h"
#include "report/report.h"
#include "report/side_table.h"
#include "server/fault.h"
#include "server/subtransaction.h"
#include "target/open_target.h"

namespace bulkupdate
{

namespace
{

/* The parts of a call. */
struct Call
{
	const Options *options;
	Target *target;
	Rechecks *rechecks; /* NULL: each statement checks all constraints itself */
	Source *source;
	OrderedSource *ordered;
	ChunkQueue *queue;
	Chunk *chunk; /* of the queue, the one that is applied */
	Applier *applier;
	RejectTable *rejects;      /* or NULL */
	OldValueTable *old_values; /* or NULL */
	int64 number;              /* in these tables */
	Freeze *freeze;            /* or NULL */
	Report *report;
	Progress progress;
	RejectRate apply_rate;
	RejectRate probe_rate;
	int64 rows_rejected;
	FailingChunk failing;
};

/* Probe rows before any is written. */
void
probe_chunk(Call &call, Span<ChunkRow *> rows)
{
	const Options &options = *call.options;
	Applier &applier = *call.applier;

	if (options.dry_run || options.on_error == OnError::Stop)
		(void) applier.probe(applier, rows, probe_for(options), call.chunk->scratch);
	else
		probe_despite_bad_rows(applier, *call.chunk, rows, call.probe_rate);
}

void
apply_chunk(Call &call)
{
	const Options &options = *call.options;
	Chunk &chunk = *call.chunk;
	Applier &applier = *call.applier;
	auto pending = [&] {
		return with_memory_context(chunk.context,
								   [&] { return chunk_rows_with(chunk, Outcome::Pending); });
	};
	Span<ChunkRow *> rows = pending();

	if (call.freeze != nullptr)
	{
		(void) applier.apply(applier, rows, chunk.scratch);
		return;
	}
	if (rows.size > 0 && (options.dry_run || options.skip_unchanged))
	{
		probe_chunk(call, rows);
		rows = pending();
	}
	if (rows.size == 0)
		return;
	if (options.dry_run)
		for (ChunkRow *row : rows)
			row->outcome = Outcome::Updated;
	else if (options.on_error == OnError::Skip)
		apply_despite_bad_rows(applier, chunk, rows, call.apply_rate);
	else
	{
		call.failing.applying = rows;
		(void) applier.apply(applier, rows, chunk.scratch);
		call.failing.applying = {};
	}
}

/* Not in the subtransactions of the chunk: an error is not one of its rows. */
void
record_old_values(Call &call, int64 updated)
{
	KeptVersions *kept = call.applier->kept;

	if (kept == nullptr)
		return;
	if (updated == 0) /* but attempts that were rolled back may have kept some */
		return kept_versions_clear(*kept);
	if (call.applier->sorted != nullptr && old_value_table_runs_code(*call.options, *call.target))
		sorted_entries_flush(call.applier->sorted);
	progress_phase(call.progress, Phase::Keeping);
	old_value_table_record(*call.old_values, call.number, *kept);
}

void
finish_chunk(Call &call)
{
	int64 counts[OUTCOMES];

	report_counts(*call.chunk, counts);
	if (call.options->on_missing == OnMissing::Error)
		check_missing(*call.target, *call.chunk);
	if (call.options->on_stale == OnStale::Error)
		check_stale(*call.target, *call.chunk);
	call.rows_rejected += counts[static_cast<int>(Outcome::Rejected)];
	check_reject_limit(*call.options, call.rows_rejected);
	record_old_values(call, counts[static_cast<int>(Outcome::Updated)]);
	if (call.rejects != nullptr && has_rejects(counts))
	{
		/* Triggers of the table of rejects may look at the target. */
		sorted_entries_flush(call.applier->sorted);
		progress_phase(call.progress, Phase::Recording);
		reject_table_record(*call.rejects, call.number, *call.chunk);
	}
	progress_chunk_done(call.progress, call.chunk->number, counts);
}

/* Of all temporary files. */
int64
spilled_bytes(const Call &call)
{
	return ordered_source_spilled_bytes(*call.ordered) +
		   sorted_entries_spilled_bytes(call.applier->sorted);
}

/* For progress_source(). */
SourceFigures
figures(const void *arg)
{
	const Call &call = *static_cast<const Call *>(arg);

	return {ordered_source_reading(*call.ordered), spilled_bytes(call)};
}

/* Make the next chunk, in order, the call's; returns false if there are no more rows. */
bool
next_chunk(Call &call)
{
	Applier &applier = *call.applier;
	Chunk *chunk = chunk_queue_next(*call.queue, *call.ordered, [&](Span<Chunk *> chunks) {
		if (applier.announce != nullptr)
			applier.announce(applier, chunks); /* GCOVR_EXCL_LINE: needs Citus */
	});
	if (chunk != nullptr)
		call.chunk = call.failing.chunk = chunk;
	return chunk != nullptr;
}

/* What happens once for the call, after all rows. */
void
finish_rows(Call &call)
{
	if (call.applier->finish != nullptr)
		call.applier->finish(*call.applier); /* GCOVR_EXCL_LINE: needs Citus */
	progress_phase(call.progress, Phase::Entering);
	sorted_entries_flush(call.applier->sorted);
	if (rechecks_due(call.rechecks))
	{
		progress_phase(call.progress, Phase::Applying);
		rechecks_fire(*call.rechecks);
	}
}

void
run_chunks(Call &call)
{
	MemoryContext memory = CurrentMemoryContext;
	instr_time first_start;
	instr_time start;
	instr_time elapsed;

	call.failing.chunk = call.chunk;
	call.failing.applier = call.applier;
	if (call.freeze == nullptr && !call.options->dry_run)
	{
		if (sorted_entries_enabled())
			call.applier->sorted = sorted_entries_create(call.target->relation);
		if (call.old_values != nullptr)
			call.applier->kept = kept_versions_create(*call.target);
	}
	INSTR_TIME_SET_CURRENT(first_start);
	start = first_start;
	while (next_chunk(call))
	{
		Chunk &chunk = *call.chunk;
		Size memory_bytes = MemoryContextMemAllocated(memory, true);
		instr_time end;

		progress_phase(call.progress, Phase::Applying);
		with_error_context(chunk_error_context, &call.failing, [&] {
			call.applier->statement_bytes = 0;
			if (call.applier->sorted != nullptr)
				call.applier->source_runs_code = source_runs_code(*call.source);
			apply_chunk(call);
			if (call.applier->sorted != nullptr)
				sorted_entries_keep(*call.applier->sorted);
			memory_bytes = Max(memory_bytes, MemoryContextMemAllocated(memory, true) +
												 call.applier->statement_bytes);
			with_memory_context(chunk.scratch, [&] { finish_chunk(call); });
		});

		INSTR_TIME_SET_CURRENT(end);
		elapsed = end;
		INSTR_TIME_SUBTRACT(elapsed, start);
		start = end;
		with_memory_context(chunk.scratch, [&] {
			report_chunk(*call.report, chunk,
						 {elapsed, memory_bytes, call.applier->name,
						  ordered_source_ordering(*call.ordered), spilled_bytes(call)});
		});
		progress_phase(call.progress, Phase::Fetching);
	}

	finish_rows(call);
	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, start);
	report_end(*call.report, first_start,
			   {elapsed, MemoryContextMemAllocated(memory, true), spilled_bytes(call)});

	/* Its temporary files belong to the subtransaction, if there is one. */
	progress_source_ends(call.progress);
	ordered_source_close(*call.ordered);
}

bool
may_fail_late(const Call &call)
{
	return call.freeze == nullptr && call.options->on_error == OnError::Stop &&
		   !call.options->dry_run && checks_late(*call.target);
}

/* If rows can fail late: one subtransaction for the call, so that the row can be found. */
void
run_chunks_naming_rows(Call &call)
{
	ErrorData *error = try_in_subtransaction([&] { run_chunks(call); }, is_row_error, AtEnd::Keep,
											 [&] { call.applier->abandon(*call.applier); });

	if (error == nullptr)
		return;
	rechecks_ignore(call.rechecks);
	call.applier->sorted = nullptr;
	call.applier->kept = nullptr;
	name_failing_row(call.failing, error);
	add_reference_hint(error, *call.chunk);
	ReThrowError(error);
}

/* What applies the rows, or stores them. */
void
create_applier(Call &call)
{
	const Options &options = *call.options;

	if (call.freeze != nullptr)
	{
		Freeze &freeze = *call.freeze;

		freeze.rows.table = frozen_table_create(freeze.table_name, *call.target);
		call.applier = freeze_applier_create(*call.target, freeze.rows);
		return;
	}
	if (options.on_error == OnError::Stop && !options.dry_run)
		call.rechecks = rechecks_create(*call.target);
	call.applier = applier_create(*call.target, call.rechecks);
	call.applier->at_once =
		options.on_error == OnError::Stop && !options.skip_unchanged && !options.dry_run;
	if (call.applier->announce != nullptr)
		chunk_queue_extend(*call.queue); /* GCOVR_EXCL_LINE: needs Citus */
}

} /* namespace */

void
run_call(const Options &options, const char *portal_name, const char *label, const Caller &caller)
{
	MemoryContext caller_context = CurrentMemoryContext;
	MemoryContext memory =
		AllocSetContextCreate(caller_context, "bulk_update call", ALLOCSET_DEFAULT_SIZES);

	with_memory_context(memory, [&] {
		Call &call = *palloc_one<Call>();
		Source &source = *source_open(portal_name, label, options.chunk_rows);

		call.options = &options;
		call.source = &source;
		call.freeze = caller.freeze;
		call.target = target_open(options, source.tuple_desc);
		call.report = report_create(options, *call.target, caller.result);
		if (call.freeze != nullptr)
			call.freeze->columns = with_memory_context(
				caller_context, [&] { return frozen_table_columns(*call.target); });
		call.rejects = reject_table_open(options);
		call.old_values = old_value_table_open(options, *call.target);
		call.number = caller.number;
		if (call.number == 0 &&
			(call.rejects != nullptr || (call.old_values != nullptr && !options.dry_run)))
			call.number = run_number(caller.function);
		call.ordered = ordered_source_create(options, source, *call.target, call.progress);
		call.queue = chunk_queue_create(options, *call.target);
		call.chunk = call.queue->chunks[0];
		create_applier(call);
		progress_begin(call.progress, options.target,
					   caller.rows >= 0 ? caller.rows : source_estimated_rows(source));
		progress_source(call.progress, figures, &call);
		FAULT_POINT(open);

		if (call.freeze == nullptr)
			if (PlaceFinder *places = applier_places(*call.applier, options))
				ordered_source_by_place(*call.ordered, *places);
		if (may_fail_late(call))
			run_chunks_naming_rows(call);
		else
			run_chunks(call);

		FAULT_POINT(close);
		if (call.freeze != nullptr)
			freeze_applier_close(*call.applier);
		target_close(*call.target);
		source_close(source);
	});
	MemoryContextDelete(memory);
}

} /* namespace bulkupdate */
