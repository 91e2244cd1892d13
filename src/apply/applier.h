/*
 * applier.h
 *		What applies rows to the target: one interface, more than one kind.
 */
#ifndef BULK_UPDATE_APPLY_APPLIER_H
#define BULK_UPDATE_APPLY_APPLIER_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/* Checks that wait for the end of the call; see recheck.h. */
struct Rechecks;

/* What a probe asks of a row: is it there, and has it the values already? */
enum class Probe : uint8
{
	Row,
	Values,
};

/* probe_for: what rows are probed for before they are applied. */
inline Probe
probe_for(const Options &options)
{
	return options.skip_unchanged ? Probe::Values : Probe::Row;
}

/*
 * The functions of an applier, as a TableAmRoutine has those of a table access
 * method.  A kind of applier derives from Applier, and its functions cast back
 * with static_cast: functions of C++'s own, virtual ones, would need its
 * runtime library.
 */
struct Applier
{
	/*
	 * Apply rows, which have different keys in key order, as one statement: with a
	 * command id and, under READ COMMITTED, a snapshot of its own; statement
	 * triggers and the after-row triggers have run when it returns.  Sets each
	 * row's outcome to Updated, Unchanged or Missing.  Without any rows the statement
	 * runs all the same, by the applier that the newest rows had.
	 *
	 * Returns NULL, or why these rows must be given to another applier, as a
	 * sentence; then nothing was done.
	 *
	 * scratch is reset first; afterwards it still holds what was needed, so that
	 * the memory can be accounted for.  Raises whatever UPDATE of these rows raises.
	 */
	const char *(*apply)(Applier &applier, Span<ChunkRow *> rows, MemoryContext scratch);

	/*
	 * Find out what applying rows would find, without locking or writing anything:
	 * sets each row's outcome to Missing, to Unchanged when the probe is for values
	 * and the row already has them (as IS DISTINCT FROM compares them), or to
	 * Pending.  Returns as apply does.
	 */
	const char *(*probe)(Applier &applier, Span<ChunkRow *> rows, Probe probe,
						 MemoryContext scratch);

	/*
	 * While one of them is running: the row that is being worked on, or NULL when
	 * that is not known.  For error contexts.
	 */
	ChunkRow *(*current_row)(const Applier &applier);

	/*
	 * The same when the rows are done and an after-row trigger is running, a foreign
	 * key's or a deferrable constraint's too: the row that it is running for.
	 */
	ChunkRow *(*late_row)(const Applier &applier);

	/* The newest call raised an error that was caught: what it left is about to go. */
	void (*abandon)(Applier &applier);

	const char *name;     /* of what applied the newest rows: "sql" or "direct" */
	Size statement_bytes; /* memory that the newest statement held and has given back */
	const Target *target;
	Rechecks *rechecks; /* NULL: each statement checks all constraints itself */
};

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_APPLIER_H */
