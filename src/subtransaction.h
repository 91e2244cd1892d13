/*
 * subtransaction.h
 *		Trying something that may fail because of the row it works on.
 */
#ifndef BULK_UPDATE_SUBTRANSACTION_H
#define BULK_UPDATE_SUBTRANSACTION_H

#include "fault.h"
#include "scope.h"

namespace bulkupdate
{

/*
 * is_row_error
 *		Can this error be blamed on a row, so that skipping the row is an answer?
 *
 * No: out of memory or disk, cancellation, shutdown, deadlock, serialization
 * failure, a snapshot too old, lock timeout, wrong transaction state, internal errors, failed
 * assertions.  Whatever else data, constraints, policies and the user's own
 * functions raise: yes.
 */
extern bool is_row_error(int sqlstate);

/*
 * try_in_subtransaction
 *		Run body in a subtransaction; returns NULL when it succeeded.
 *
 * When body raises an error that is_row_error(), the subtransaction is rolled
 * back and the error is returned, allocated in the current memory context.
 * Any other error is raised on.  Method: as PL/pgSQL runs a block with an
 * EXCEPTION clause (pl_exec.c).
 */
template <typename Body>
pg_noinline ErrorData *
try_in_subtransaction(Body body)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = nullptr;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		FAULT_POINT(subtransaction_begin);
		body();
		FAULT_POINT(subtransaction_end);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		PG_TRY();
		{
			FAULT_POINT(subtransaction_rollback);
			error = CopyErrorData();
			FlushErrorState();
		}
		PG_CATCH();
		{
			/* Out of memory, say; nobody above would end the subtransaction. */
			RollbackAndReleaseCurrentSubTransaction();
			PG_RE_THROW();
		}
		PG_END_TRY();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	/* Only now, for the same reason. */
	if (error != nullptr && !is_row_error(error->sqlerrcode))
		ReThrowError(error);
	return error;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SUBTRANSACTION_H */
