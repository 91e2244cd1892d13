/*
 * attempt.cpp
 *		One subtransaction, and the row at which it failed.
 */
#include "apply/attempt.h"

#include <cmath>

#include "server/subtransaction.h"
#include "target/open_target.h"

namespace bulkupdate
{

namespace
{

/*
 * The cost of an attempt, in rows.  Its subtransaction and the start of its
 * statement take as long as 3 to 4 rows (7 us); the rest is for the cost of many
 * subtransactions in other sessions.
 */
constexpr double ATTEMPT_COST = 25;

/* The applier is called while the executor is still where the error was raised. */
struct Trial
{
	const Applier &applier;
	FailingRow failing;
};

void
note_failing_row(void *arg)
{
	Trial &trial = *static_cast<Trial *>(arg);
	const Applier &applier = trial.applier;

	trial.failing = {applier.current_row(applier), false};
	if (trial.failing.row == nullptr && is_row_error_code(geterrcode()))
	{
		trial.failing.row = applier.late_row(applier);
		trial.failing.late = trial.failing.row != nullptr;
	}
}

bool
is_of_row_or_privilege(const ErrorData *error)
{
	return is_row_error(error) || error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/* Raise an error for the call; for a missing privilege, the one that names the column. */
[[noreturn]] void
raise_for_call(const Chunk &chunk, ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		target_check_privileges(*chunk.target, chunk.options->skip_unchanged);
	ReThrowError(error);
}

void
run_statement(const Attempts &attempts, Span<ChunkRow *> rows, MemoryContext scratch)
{
	Applier &applier = attempts.applier;

	if (attempts.trying == Trying::Probe)
		(void) applier.probe(applier, rows, probe_for(*attempts.chunk.options), scratch);
	else
		(void) applier.apply(applier, rows, scratch);
}

/* The error of a statement that fails without rows is no row's. */
void
run_without_rows(Attempts &attempts)
{
	Chunk &chunk = attempts.chunk;
	Applier &applier = attempts.applier;

	if (attempts.ran_without_rows)
		return;

	/* Not the chunk's scratch, which has the first error. */
	MemoryContext memory = AllocSetContextCreate(MemoryContextGetParent(chunk.scratch),
												 "bulk_update no rows", ALLOCSET_DEFAULT_SIZES);
	ErrorData *error = with_memory_context(memory, [&] {
		return try_in_subtransaction([&] { run_statement(attempts, {}, memory); },
									 is_of_row_or_privilege, AtEnd::Undo,
									 [&] { applier.abandon(applier); });
	});

	if (error != nullptr)
		raise_for_call(chunk, error);
	MemoryContextDelete(memory);
	attempts.ran_without_rows = true;
}

} /* namespace */

/*
 * With a share p of bad rows, attempts of s rows each waste about p * s rows by
 * applying them twice and ATTEMPT_COST / s by their number: the minimum is at the square root.
 */
int
best_attempt(const RejectRate &rate, int remaining)
{
	if (rate.rejected == 0)
		return remaining;

	double share = static_cast<double>(rate.rejected) / static_cast<double>(Max(rate.tried, 1));
	double best = std::sqrt(ATTEMPT_COST / share);

	return best >= remaining ? remaining : Max(static_cast<int>(best), 1);
}

int
index_in(const ChunkRow *row /* or NULL */, Span<ChunkRow *> rows)
{
	for (int i = 0; i < rows.size; i++)
		if (rows[i] == row)
			return i;
	return -1;
}

bool
checks_late(const Target &target)
{
	Relation relation = target.relation;
	const TriggerDesc *triggers = relation->trigdesc;

	return relation->rd_rel->relhassubclass ||
		   (triggers != nullptr && triggers->trig_update_after_row);
}

ErrorData *
attempt(Attempts &attempts, Span<ChunkRow *> rows, FailingRow &failing)
{
	Chunk &chunk = attempts.chunk;
	Applier &applier = attempts.applier;
	Trial trial = {applier, {}};

	CHECK_FOR_INTERRUPTS();

	/* FreeErrorData() leaves part of the newest error. */
	MemoryContextReset(chunk.scratch);

	auto try_rows = [&] {
		FAULT_POINT(attempt);
		run_statement(attempts, rows, chunk.scratch);
	};
	ErrorData *error = with_memory_context(chunk.scratch, [&] {
		return try_in_subtransaction(
			[&] { with_error_context(note_failing_row, &trial, try_rows); }, is_of_row_or_privilege,
			AtEnd::Keep, [&] { applier.abandon(applier); });
	});

	failing = trial.failing;
	if (error == nullptr)
		return nullptr;
	if (!is_row_error(error))
		raise_for_call(chunk, error);
	if (failing.row == nullptr || failing.late)
		run_without_rows(attempts);
	return error;
}

} /* namespace bulkupdate */
