/*
 * isolation.h
 *		Applying rows of which some may be bad: the good ones are applied, the
 *		bad ones are set aside.
 */
#ifndef BULK_UPDATE_ISOLATION_H
#define BULK_UPDATE_ISOLATION_H

#include "applier.h"

namespace bulkupdate
{

/* What a call has learned of its rows; all zero at its beginning. */
struct BadRows
{
	int64 tried;
	int64 rejected;
};

/*
 * apply_isolated
 *		Apply rows in subtransactions, so that those which cannot be applied end
 *		as Rejected and all others are applied.
 *
 * One subtransaction as long as nothing fails.  An attempt that fails is rolled
 * back; where the executor can tell which row it was working on, the rows
 * before it are applied, it is tried alone, and the rest goes on; otherwise the
 * attempt is halved.  After bad rows have been seen attempts are kept so small
 * that what is done twice and what the subtransactions cost are about equal.
 *
 * Raises every error that is_row_error() does not take for the row's.
 */
extern void apply_isolated(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows, BadRows *bad);

/*
 * find_bad_row
 *		The first of rows that cannot be applied because of an error like this one,
 *		or NULL.  The rows before it are applied then, but for those that fail
 *		otherwise: the chunks that they depend on may have been undone.
 *
 * Raises as apply_isolated does.
 */
extern ChunkRow *find_bad_row(Applier *applier, Chunk *chunk, Span<ChunkRow *> rows,
							  const ErrorData *like);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_ISOLATION_H */
