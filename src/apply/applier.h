/*
 * applier.h
 *		Applying rows to the target: one interface with several implementations.
 */
#ifndef BULK_UPDATE_APPLY_APPLIER_H
#define BULK_UPDATE_APPLY_APPLIER_H

#include "apply/sorted_entries.h"
#include "chunk/chunk.h"

namespace bulkupdate
{

/* Checks that are made when the call ends; see recheck.h. */
struct Rechecks;

/* What a probe determines: whether a row exists, and whether it already has the values. */
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
 * The functions of an applier, like those of a table access method in
 * TableAmRoutine.  A kind of applier derives from Applier, and its functions cast back
 * with static_cast: virtual functions of C++ would need its
 * runtime library.
 */
struct Applier
{
	/*
	 * Apply rows, which have different keys in key order, as one statement: with its
	 * own command ID and, under READ COMMITTED, its own snapshot; statement
	 * triggers and the after-row triggers have run when it returns.  Sets each
	 * row's outcome to Updated, Unchanged or Missing.  Without any rows the statement
	 * runs too, by the applier of the newest rows.
	 *
	 * Returns NULL, or the reason why another applier must apply these rows, as a
	 * sentence; then nothing was done.
	 *
	 * scratch is reset first; afterwards it still contains what was allocated, so that
	 * the memory can be reported.  Raises the errors of UPDATE of these rows.
	 */
	const char *(*apply)(Applier &applier, Span<ChunkRow *> rows, MemoryContext scratch);

	/*
	 * Determine what applying rows would find, without locking or writing anything:
	 * sets each row's outcome to Missing, to Unchanged if values are probed
	 * and the row already has them (as compared by IS DISTINCT FROM), or to
	 * Pending.  Returns the same as apply.
	 */
	const char *(*probe)(Applier &applier, Span<ChunkRow *> rows, Probe probe,
						 MemoryContext scratch);

	/*
	 * During one of these: the row that is being processed, or NULL if
	 * unknown.  For error contexts.
	 */
	ChunkRow *(*current_row)(const Applier &applier);

	/*
	 * The same after all rows, while an after-row trigger is running, also a foreign
	 * key's or a deferrable constraint's: the row for which it is running.
	 */
	ChunkRow *(*late_row)(const Applier &applier);

	/* The newest call raised an error that was caught: its remains will be freed. */
	void (*abandon)(Applier &applier);

	const char *name;     /* of the applier of the newest rows: "sql" or "direct" */
	Size statement_bytes; /* memory that the newest statement used and has freed */
	const Target *target;
	Rechecks *rechecks; /* NULL: each statement checks all constraints itself */

	/* Set by the caller of the functions. */
	SortedEntries *sorted; /* where index entries may wait; NULL: nowhere */
	bool source_runs_code; /* user-defined code of the source may run before the next chunk */
};

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_APPLIER_H */
