/*
 * together.h
 *		Applying rows together that failed alone.
 *
 * Dividing a chunk divides the statement.  Checks at the end of a statement
 * (foreign keys within the table, deferrable unique and exclusion constraints,
 * triggers) may then fail for rows that one UPDATE would have updated.
 */
#ifndef BULK_UPDATE_APPLY_TOGETHER_H
#define BULK_UPDATE_APPLY_TOGETHER_H

#include "apply/attempt.h"

namespace bulkupdate
{

/* In the order of the chunk. */
struct Candidates
{
	Span<ChunkRow *> rows;
	int most; /* maximum number of them */
};

/* reject_row: the row ends as Rejected, because of this error. */
void reject_row(Chunk &chunk, ChunkRow &row, const ErrorData *error);

/*
 * note_candidate
 *		Remember a row that failed alone, if it may not fail in one statement with
 *		others.  Rows must be added in their order.
 */
void note_candidate(Candidates &candidates, const Chunk &chunk, ChunkRow &row,
					const ErrorData *error, const FailingRow &failing);

/*
 * apply_together
 *		Apply as many of the rows as possible, on top of those applied, in one
 *		statement or several; returns how many.  The others are Rejected, with
 *		the error that they raised when as many as possible had been applied.
 *
 * A row is left out if the statement of all remaining rows fails for it.  What
 * a row needs does not depend on the number of rows, so no row is left out
 * needlessly unless it conflicts with others; rows that are left out without having
 * failed (to save attempts, in large sets) are tried again.  Where rows may
 * conflict (one gives up a value that another, bad itself, refers to),
 * they are also tried separately, until that no longer helps: then no row is left out that
 * could be applied alone on top of the others.
 *
 * Raises the errors of attempt().
 */
int apply_together(Attempts &attempts, Span<ChunkRow *> rows);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_TOGETHER_H */
