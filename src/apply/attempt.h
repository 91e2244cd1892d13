/*
 * attempt.h
 *		Trying rows, some of which may be bad, in subtransactions.
 */
#ifndef BULK_UPDATE_APPLY_ATTEMPT_H
#define BULK_UPDATE_APPLY_ATTEMPT_H

#include "apply/applier.h"

namespace bulkupdate
{

/* What a call has learned about its rows; initially all zero. */
struct RejectRate
{
	int64 tried;
	int64 rejected;
};

/* What is done with rows. */
enum class Trying : uint8
{
	Apply,
	Probe,
};

/* The attempts for the rows of a chunk. */
struct Attempts
{
	Applier &applier;
	Chunk &chunk;
	Trying trying;
	bool ran_without_rows = false; /* the statement is known to run without rows */
};

/* The row for which an error was raised. */
struct FailingRow
{
	ChunkRow *row = nullptr; /* or NULL: unknown */
	bool late = false;       /* the executor had processed it, and checked it after all others */
};

/*
 * attempt
 *		Apply rows, or probe them, in a subtransaction; returns the error, in
 *		the chunk's scratch, or NULL.
 *
 * If an error names no row that the executor was processing, the statement
 * is run once without rows, and undone.  If that fails, the error is
 * no row's.
 *
 * Raises the error of a statement that fails without rows, and every error that
 * is_row_error() does not accept.
 */
ErrorData *attempt(Attempts &attempts, Span<ChunkRow *> rows, FailingRow &failing);

/* best_attempt: how many of the remaining rows to try next, after the experience so far. */
int best_attempt(const RejectRate &rate, int remaining);

/* index_in: index of a row among rows, or -1. */
int index_in(const ChunkRow *row /* or NULL */, Span<ChunkRow *> rows);

/*
 * checks_late
 *		Can an error be raised for a row after the executor has processed it?  After-row
 *		triggers, also those of foreign keys and deferrable constraints, run after all
 *		rows of the statement.
 */
bool checks_late(const Target &target);

/*
 * attempt_all
 *		Try rows until each is applied or found to be bad; each bad one is passed to
 *		on_bad_row(row, error, failing), which returns whether to continue.
 */
template <typename OnBadRow>
void
attempt_all(Attempts &attempts, Span<ChunkRow *> rows, RejectRate &rate, OnBadRow on_bad_row)
{
	int suspect = -1;      /* index of the row that the newest error names */
	int limit = rows.size; /* maximum rows of an attempt, after one that failed late */
	int next = 0;

	while (next < rows.size)
	{
		int size = Min(best_attempt(rate, rows.size - next), limit);
		FailingRow failing;

		if (suspect >= next)
			size = suspect == next ? 1 : Min(size, suspect - next);

		Span<ChunkRow *> tried = {rows.data + next, Min(size, rows.size - next)};
		ErrorData *error = attempt(attempts, tried, failing);

		bool was_passed = failing.row == nullptr || failing.late;

		if (error != nullptr && tried.size > 1)
		{
			int i = index_in(failing.row, tried);

			suspect = i < 0 ? -1 : next + i;
			limit = was_passed ? tried.size / 2 : rows.size;
			continue;
		}
		if (error != nullptr && !on_bad_row(*tried[0], error, failing))
			return;
		if (error == nullptr ? suspect < next : !was_passed)
			limit = limit > rows.size / 2 ? rows.size : limit * 2;
		rate.tried += tried.size;
		next += tried.size;
	}
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_ATTEMPT_H */
