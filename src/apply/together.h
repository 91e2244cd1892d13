/*
 * together.h
 *		Rows that failed alone and may be good together.
 *
 * Dividing a chunk divides the statement.  What is checked at a statement's end
 * (foreign keys within the table, deferrable unique and exclusion constraints,
 * triggers) may then fail for rows that one UPDATE would have updated.
 */
#ifndef BULK_UPDATE_APPLY_TOGETHER_H
#define BULK_UPDATE_APPLY_TOGETHER_H

#include "apply/attempt.h"

namespace bulkupdate
{

/* In key order. */
struct Candidates
{
	Span<ChunkRow *> rows;
	int most; /* of them there can be */
};

/* reject_row: the row ends as Rejected, because of this error. */
void reject_row(Chunk &chunk, ChunkRow &row, const ErrorData *error);

/*
 * note_candidate
 *		Remember a row that failed alone, if it may not fail in one statement with
 *		others.  Rows come in key order.
 */
void note_candidate(Candidates &candidates, const Chunk &chunk, ChunkRow &row,
					const ErrorData *error, const FailingRow &failing);

/*
 * apply_together
 *		Apply as many of the rows as can be, on top of what was applied, in one
 *		statement or several; returns how many.  The others are Rejected, with
 *		the error that they raised when as much as can be was applied.
 *
 * A row is left out when the statement of all that are left fails for it.  What
 * a row needs, it needs just as much when fewer are there, so no row is left out in
 * vain that others do not contradict; those that are left out without having
 * failed (to save attempts, in large sets) are tried again.  Where rows may
 * contradict each other (one gives up a value that another, bad itself, refers to),
 * they are also tried apart, until that helps no more: then no row is left out that
 * could be applied by itself on top of the others.
 *
 * Raises as attempt() does.
 */
int apply_together(Attempts &attempts, Span<ChunkRow *> rows);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_TOGETHER_H */
