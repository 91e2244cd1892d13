/*
 * bad_rows.cpp
 *		Finding the bad rows of a chunk.
 */
#include "apply/bad_rows.h"

#include "apply/together.h"
#include "server/subtransaction.h"

namespace bulkupdate
{

namespace
{

bool
is_same_text(const char *a, const char *b)
{
	return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0;
}

bool
is_same_error(const ErrorData *a, const ErrorData *b)
{
	return a->sqlerrcode == b->sqlerrcode && is_same_text(a->message, b->message) &&
		   is_same_text(a->detail, b->detail) &&
		   is_same_text(a->constraint_name, b->constraint_name);
}

ChunkRow *
first_failing_so(Attempts &attempts, Span<ChunkRow *> rows, const ErrorData *like)
{
	RejectRate rate = {};
	ChunkRow *found = nullptr;

	attempt_all(attempts, rows, rate,
				[&](ChunkRow &row, const ErrorData *error, const FailingRow &) {
					rate.rejected++;
					if (is_same_error(error, like))
						found = &row;
					return found == nullptr;
				});
	return found;
}

} /* namespace */

void
apply_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows, RejectRate &rate)
{
	Attempts attempts = {applier, chunk, Trying::Apply};
	Candidates candidates = {{}, rows.size};
	int64 rejected_before = rate.rejected;

	attempt_all(attempts, rows, rate,
				[&](ChunkRow &row, const ErrorData *error, const FailingRow &failing) {
					reject_row(chunk, row, error);
					rate.rejected++;
					note_candidate(candidates, chunk, row, error, failing);
					return true;
				});

	/* A row that was alone in its chunk cannot be tried with others. */
	if (candidates.rows.size > 0 && rows.size > 1)
		rate.rejected -= apply_together(attempts, candidates.rows);

	/* Splitting beforehand separates good rows: only while there is a reason for it. */
	if (rate.rejected == rejected_before && checks_late(*chunk.target))
		rate = {};
}

void
probe_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows, RejectRate &rate)
{
	Attempts attempts = {applier, chunk, Trying::Probe};

	attempt_all(attempts, rows, rate, [&](ChunkRow &row, const ErrorData *, const FailingRow &) {
		row.outcome = Outcome::Pending;
		rate.rejected++;
		return true;
	});
}

ChunkRow *
find_bad_row(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows, const ErrorData *like)
{
	ChunkRow *found = nullptr;
	bool done = run_in_subtransaction(
		AtEnd::Undo,
		[&] {
			Attempts attempts = {applier, chunk, Trying::Apply};

			found = first_failing_so(attempts, rows, like);

			/*
			 * If the first row and the last row both fail, the statement fails for any row.
			 * Not tested: a statement trigger that fails besides a late error of another table.
			 */
			if (rows.size > 1 && found == rows[0] &&
				first_failing_so(attempts, {rows.data + rows.size - 1, 1}, like) != nullptr)
				found = nullptr; /* GCOVR_EXCL_LINE */
		},
		FlushErrorState);

	return done ? found : nullptr;
}

} /* namespace bulkupdate */
