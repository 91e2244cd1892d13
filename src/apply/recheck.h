/*
 * recheck.h
 *		Checking deferrable constraints once, when all chunks have been applied.
 *
 * A unique or exclusion constraint that is deferrable is checked at the end of a
 * statement: entering a row into its index only shows that the row may break it,
 * and then the internal trigger unique_key_recheck has an event.  To the user the
 * call is the statement, and not each chunk.  So in the structures of a chunk's
 * statement the function of that trigger is replaced: the event remembers the
 * row's version, and the same event is queued again, for the function itself,
 * when all rows have been applied.
 *
 * When events are due is left to the server, both times: an event of a
 * constraint that SET CONSTRAINTS has deferred waits for the commit.
 */
#ifndef BULK_UPDATE_APPLY_RECHECK_H
#define BULK_UPDATE_APPLY_RECHECK_H

#include "target/target.h"

namespace bulkupdate
{

/* The rows of a call that have to be checked. */
struct Rechecks;

/*
 * rechecks_create
 *		Allocates in the current memory context, also later.  The tables that rows
 *		have to be checked of stay open, and those rows may go to a temporary
 *		file: both belong to the current resource owner, so the other functions
 *		must not be called in a subtransaction.
 */
Rechecks *rechecks_create(const Target &target);

/*
 * rechecks_hold
 *		Let the events that a statement has queued remember their rows.  To be
 *		called when all its rows are done and before its AFTER triggers fire.
 *
 * rechecks: NULL where each chunk's statement is to check its own rows.
 */
void rechecks_hold(Rechecks *rechecks /* or NULL */, EState *estate);

/* rechecks_due: are there rows to check? */
bool rechecks_due(const Rechecks *rechecks /* or NULL */);

/*
 * rechecks_fire
 *		Check the rows that were remembered, and forget them.
 *
 * Raises 23505 and 23P01, with an error context that has the row's key.
 */
void rechecks_fire(Rechecks &rechecks);

/*
 * rechecks_ignore
 *		The call has been undone, and with it what was remembered.  Statements that
 *		only search for the row of its error leave these constraints alone.
 */
void rechecks_ignore(Rechecks *rechecks /* or NULL */);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_RECHECK_H */
