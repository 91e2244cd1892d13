/*
 * bad_rows.h
 *		Applying rows of which some may be bad: the good ones are applied, the
 *		bad ones are set aside.
 */
#ifndef BULK_UPDATE_APPLY_BAD_ROWS_H
#define BULK_UPDATE_APPLY_BAD_ROWS_H

#include "apply/attempt.h"

namespace bulkupdate
{

/*
 * apply_despite_bad_rows
 *		Apply rows in subtransactions, so that those which cannot be applied end
 *		as Rejected and all others are applied.
 *
 * One subtransaction is enough if nothing fails.  An attempt that fails is rolled
 * back; if it is known for which row the error was raised, the rows before it
 * are applied, it is tried alone, and the rest continues; otherwise the attempt is
 * halved.  After bad rows have been seen, attempts are kept so small that the cost of
 * applying rows twice and that of the subtransactions are about equal.
 *
 * Rows that failed alone, and might not have failed in one statement with others,
 * are tried together at the end (together.h).
 *
 * Raises the errors of attempt().
 */
void apply_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
							RejectRate &rate);

/*
 * probe_despite_bad_rows
 *		Probe rows in subtransactions.  A row that cannot be probed (because a
 *		policy fails, for example) stays Pending: applying it will reject it.
 *
 * Raises the errors of attempt().
 */
void probe_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
							RejectRate &rate);

/*
 * find_bad_row
 *		The first of rows that cannot be applied because of an error like this one,
 *		or NULL.  Rows that fail otherwise are left aside: the chunks that they
 *		depend on may have been undone.
 *
 * Its effects are undone.  Any other error in the meantime, also a cancel, ends
 * the search and is ignored: the caller has an error to raise.
 */
ChunkRow *find_bad_row(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
					   const ErrorData *like);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_BAD_ROWS_H */
