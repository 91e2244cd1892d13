/*
 * recheck.h
 *		Checking deferrable constraints once, when all chunks have been applied.
 *
 * A unique or exclusion constraint that is deferrable is checked at the end of a
 * statement: an index entry for a row only shows that the row may violate it,
 * and then an event is queued for the internal trigger unique_key_recheck.  To the user the
 * call is the statement, not each chunk.  So in the structures of a chunk's
 * statement the function of that trigger is replaced: the event remembers the
 * row's version, and the same event is queued again, for the function itself,
 * when all rows have been applied.
 *
 * Both times the server decides which events are due: an event of a
 * constraint deferred by SET CONSTRAINTS waits for the commit.
 */
#ifndef BULK_UPDATE_APPLY_RECHECK_H
#define BULK_UPDATE_APPLY_RECHECK_H

#include "target/target.h"

namespace bulkupdate
{

/* The rows of a call that must be checked. */
struct Rechecks;

/*
 * rechecks_create
 *		Allocates in the current memory context, also later.  The tables of rows
 *		to check stay open, and those rows may be written to a temporary
 *		file: both belong to the current resource owner, so the other functions
 *		must not be called in a subtransaction.
 */
Rechecks *rechecks_create(const Target &target);

/*
 * rechecks_hold
 *		Make the queued events of a statement remember their rows.  To be
 *		called after all its rows and before its AFTER triggers fire.
 *
 * rechecks: NULL if each chunk's statement checks its own rows.
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
 *		The call has been undone, and so have the remembered rows.  Statements that
 *		only search for the row of its error do not check these constraints.
 */
void rechecks_ignore(Rechecks *rechecks /* or NULL */);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_RECHECK_H */
