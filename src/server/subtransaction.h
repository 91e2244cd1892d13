/*
 * subtransaction.h
 *		Trying something that may fail because of the row it works on.
 */
#ifndef BULK_UPDATE_SERVER_SUBTRANSACTION_H
#define BULK_UPDATE_SERVER_SUBTRANSACTION_H

#include "server/fault.h"
#include "server/scope.h"

namespace bulkupdate
{

/*
 * is_row_error_code
 *		Can an error with this SQLSTATE be blamed on a row, so that skipping the
 *		row is an answer?
 *
 * Yes: data exceptions, constraints, policies, limits of values, what the user's
 * own functions raise, and every class that PostgreSQL does not define.  Nothing
 * else: cancellation, shutdown, out of memory or disk, deadlock, serialization
 * failure, lock timeout, a wrong state of the transaction or of an object, failed
 * assertions, internal errors, and class 42, which says that a statement cannot be run.
 */
bool is_row_error_code(int sqlstate);

/* is_row_error: the same of an error; "permission denied for" an object is no row's either. */
bool is_row_error(const ErrorData *error);

/*
 * is_value_error
 *		The same of an error in a cast.  What the input functions of reg* types
 *		say of a name is the row's; 42501 never is, as no policy is asked there.
 */
bool is_value_error(const ErrorData *error);

/* What becomes of a subtransaction whose body succeeded. */
enum class AtEnd : uint8
{
	Keep,
	Undo,
};

/*
 * run_in_subtransaction
 *		Run body in a subtransaction; returns whether it succeeded.
 *
 * When body raises an error, on_error() is called with the error still there,
 * in the caller's memory context; it has to flush or copy it.  The
 * subtransaction is rolled back then.  Method: as PL/pgSQL runs a block with an
 * EXCEPTION clause (pl_exec.c).
 */
template <typename Body, typename OnError>
pg_noinline bool
run_in_subtransaction(AtEnd at_end, Body body, OnError on_error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool failed = false;

	/* What is tried again and again may check for nothing itself. */
	CHECK_FOR_INTERRUPTS();
	BeginInternalSubTransaction(nullptr);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		FAULT_POINT(subtransaction_begin);
		body();
		FAULT_POINT(subtransaction_end);
		if (at_end == AtEnd::Keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		failed = true;
		MemoryContextSwitchTo(context);
		PG_TRY();
		{
			FAULT_POINT(subtransaction_rollback);
			on_error();
		}
		/* GCOVR_EXCL_START: an error while an error is copied, in test/faults */
		PG_CATCH();
		{
			/* Out of memory, say; nobody above would end the subtransaction. */
			RollbackAndReleaseCurrentSubTransaction();
			PG_RE_THROW();
		}
		/* GCOVR_EXCL_STOP */
		PG_END_TRY();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return !failed;
}

using ErrorJudge = bool (*)(const ErrorData *error);

/*
 * try_in_subtransaction
 *		Run body in a subtransaction; returns NULL when it succeeded.
 *
 * When body raises an error, abandon() is called, then the subtransaction is
 * rolled back.  An error that is_skippable() takes for a row's is returned,
 * allocated in the current memory context; any other is raised on.
 */
template <typename Body, typename Abandon>
ErrorData *
try_in_subtransaction(Body body, ErrorJudge is_skippable, AtEnd at_end, Abandon abandon)
{
	ErrorData *error = nullptr;

	(void) run_in_subtransaction(at_end, body, [&] {
		abandon();
		error = CopyErrorData();
		FlushErrorState();
	});

	/* Only now: until it is rolled back nobody above would end the subtransaction. */
	if (error != nullptr && !is_skippable(error))
		ReThrowError(error);
	return error;
}

/* The same of a body that leaves nothing behind. */
template <typename Body>
ErrorData *
try_in_subtransaction(Body body, ErrorJudge is_skippable = is_row_error)
{
	return try_in_subtransaction(body, is_skippable, AtEnd::Keep, [] {});
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SUBTRANSACTION_H */
