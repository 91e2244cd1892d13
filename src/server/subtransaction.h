/*
 * subtransaction.h
 *		Running code that may fail because of a row.
 */
#ifndef BULK_UPDATE_SERVER_SUBTRANSACTION_H
#define BULK_UPDATE_SERVER_SUBTRANSACTION_H

#include "server/fault.h"
#include "server/scope.h"

namespace bulkupdate
{

/*
 * is_row_error_code
 *		Can an error with this SQLSTATE be an error of a row, so that the row
 *		may be skipped?
 *
 * Yes: data exceptions, constraints, policies, limits of values, errors of
 * user-defined functions, and every class that PostgreSQL does not define.  No
 * others: not cancellation, shutdown, out of memory or disk, deadlock, serialization
 * failure, lock timeout, a wrong state of the transaction or of an object, failed
 * assertions, internal errors, and class 42, for statements that cannot be executed.
 */
bool is_row_error_code(int sqlstate);

/* is_row_error: the same for an error; "permission denied for" an object is not a row's either. */
bool is_row_error(const ErrorData *error);

/*
 * is_value_error
 *		The same for an error in a cast.  Errors of the input functions of reg* types
 *		about a name are a row's; 42501 is not, because casts check no policies.
 */
bool is_value_error(const ErrorData *error);

/* What happens to a subtransaction whose body succeeded. */
enum class AtEnd : uint8
{
	Keep,
	Undo,
};

/*
 * run_in_subtransaction
 *		Run body in a subtransaction; returns whether it succeeded.
 *
 * If body raises an error, on_error() is called with the error still in place,
 * in the caller's memory context; it must flush or copy it.  Then the
 * subtransaction is rolled back.  Method: as PL/pgSQL runs a block with an
 * EXCEPTION clause (pl_exec.c).
 */
template <typename Body, typename OnError>
pg_noinline bool
run_in_subtransaction(AtEnd at_end, Body body, OnError on_error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool failed = false;

	/* Code in a loop of attempts may not check for interrupts itself. */
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
			/* For example out of memory; no caller would end the subtransaction. */
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
 *		Run body in a subtransaction; returns NULL if it succeeded.
 *
 * If body raises an error, abandon() is called, then the subtransaction is
 * rolled back.  An error that is_skippable() accepts is returned,
 * allocated in the current memory context; others are re-thrown.
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

	/* Not before: until it is rolled back, no caller would end the subtransaction. */
	if (error != nullptr && !is_skippable(error))
		ReThrowError(error);
	return error;
}

/* The same for a body that needs no cleanup. */
template <typename Body>
ErrorData *
try_in_subtransaction(Body body, ErrorJudge is_skippable = is_row_error)
{
	return try_in_subtransaction(body, is_skippable, AtEnd::Keep, [] {});
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SUBTRANSACTION_H */
