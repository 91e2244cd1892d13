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
 * One subtransaction as long as nothing fails.  An attempt that fails is rolled
 * back; where it is known which row the error was raised for, the rows before it
 * are applied, it is tried alone, and the rest goes on; otherwise the attempt is
 * halved.  After bad rows have been seen attempts are kept so small that what is
 * done twice and what the subtransactions cost are about equal.
 *
 * Rows that failed alone, and might not have failed in one statement with others,
 * are tried together at the end (together.h).
 *
 * Raises as attempt() does.
 */
void apply_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
							RejectRate &rate);

/*
 * probe_despite_bad_rows
 *		Probe rows in subtransactions.  A row that cannot even be probed (a
 *		policy fails, say) stays Pending: applying it will reject it.
 *
 * Raises as attempt() does.
 */
void probe_despite_bad_rows(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
							RejectRate &rate);

/*
 * find_bad_row
 *		The first of rows that cannot be applied because of an error like this one,
 *		or NULL.  Rows that fail otherwise are left aside: the chunks that they
 *		depend on may have been undone.
 *
 * What it does is undone.  Whatever else goes wrong meanwhile, a cancel too, ends
 * the search and is forgotten: the caller has an error to raise.
 */
ChunkRow *find_bad_row(Applier &applier, Chunk &chunk, Span<ChunkRow *> rows,
					   const ErrorData *like);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_BAD_ROWS_H */
