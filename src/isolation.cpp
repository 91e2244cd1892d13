/*
 * isolation.cpp
 *		Finding the bad rows of a chunk.
 */
#include "isolation.h"

#include <cmath>

#include "fault.h"
#include "reject.h"
#include "subtransaction.h"

namespace bulkupdate
{

namespace
{

/*
 * What an attempt costs, in rows.  Its subtransaction and the start of its
 * statement take the time of 3 to 4 rows (7 us); the rest is for what many
 * subtransactions cost other sessions.
 */
constexpr double ATTEMPT_COST = 25;

/*
 * With a share p of bad rows, attempts of s rows each waste about p * s rows by
 * doing them twice and ATTEMPT_COST / s by being many: least at the square root.
 */
int
best_attempt(const BadRows *bad, int remaining)
{
	if (bad->rejected == 0)
		return remaining;

	double share = static_cast<double>(bad->rejected) / static_cast<double>(Max(bad->tried, 1));
	double best = std::sqrt(ATTEMPT_COST / share);

	return best >= remaining ? remaining : Max(static_cast<int>(best), 1);
}

void
reject(Chunk *chunk, ChunkRow *row, const ErrorData *error, BadRows *bad)
{
	FAULT_POINT(reject);
	row->outcome = Outcome::Rejected;
	bad->rejected++;
	if (OidIsValid(chunk->options->rejects))
		row->reject = with_memory_context(chunk->context, [&] {
			return reject_of_image(chunk->target, row->image, error, &chunk->bytes);
		});
}

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

/* Index of a row among rows, or -1. */
int
index_of(const ChunkRow *row, Span<ChunkRow *> rows)
{
	for (int i = 0; i < rows.size; i++)
		if (rows[i] == row)
			return i;
	return -1;
}

/* The applier asks while the executor still is where the error was raised. */
struct Attempt
{
	const Applier *applier;
	ChunkRow *failing;
};

void
note_failing_row(void *arg)
{
	Attempt *attempt = static_cast<Attempt *>(arg);

	attempt->failing = attempt->applier->current_row(attempt->applier);
}

/* Apply rows in a subtransaction; returns the error, and which row it was raised for. */
ErrorData *
try_rows(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows, ChunkRow **failing)
{
	Attempt attempt = {applier, nullptr};
	ErrorData *error = try_in_subtransaction([&] {
		with_error_context(note_failing_row, &attempt,
						   [&] { applier->apply(applier, rows, chunk->scratch); });
	});

	if (error != nullptr)
		applier->abandon(applier);
	*failing = attempt.failing;
	return error;
}

/*
 * Apply rows; each bad one goes to on_bad_row(row, error), which returns whether
 * to go on.
 */
template <typename OnBadRow>
void
apply_in_attempts(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows, BadRows *bad,
				  OnBadRow on_bad_row)
{
	int suspect = -1;      /* index of the row that the newest failure points at */
	int limit = rows.size; /* most rows of an attempt after a failure that points at none */
	int next = 0;

	while (next < rows.size)
	{
		int size = Min(best_attempt(bad, rows.size - next), limit);
		ChunkRow *failing;

		if (suspect >= next)
			size = suspect == next ? 1 : Min(size, suspect - next);

		Span<ChunkRow *> attempt = {rows.data + next, Min(size, rows.size - next)};

		/* FreeErrorData() leaves some of it; the next attempt resets the context. */
		ErrorData *error = with_memory_context(
			chunk->scratch, [&] { return try_rows(applier, chunk, attempt, &failing); });

		if (error != nullptr && attempt.size > 1)
		{
			int i = index_of(failing, attempt);

			suspect = i < 0 ? -1 : next + i;
			limit = i < 0 ? attempt.size / 2 : rows.size;
			continue;
		}
		if (error != nullptr && !on_bad_row(attempt[0], error))
			return;
		limit = limit > rows.size / 2 ? rows.size : limit * 2;
		bad->tried += attempt.size;
		next += attempt.size;
	}
}

} /* namespace */

void
apply_isolated(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows, BadRows *bad)
{
	apply_in_attempts(applier, chunk, rows, bad, [&](ChunkRow *row, const ErrorData *error) {
		/* A policy's or the user's own code's; what no row can be updated for ends the call. */
		if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
			target_check_privileges(chunk->target, chunk->options->skip_unchanged);
		reject(chunk, row, error, bad);
		return true;
	});
}

ChunkRow *
find_bad_row(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows, const ErrorData *like)
{
	BadRows bad = {};
	ChunkRow *found = nullptr;

	apply_in_attempts(applier, chunk, rows, &bad, [&](ChunkRow *row, const ErrorData *error) {
		bad.rejected++;
		if (is_same_error(error, like))
			found = row;
		return found == nullptr;
	});
	return found;
}

} /* namespace bulkupdate */
