/*
 * applier.h
 *		Applying rows to the target: one interface with several implementations.
 */
#ifndef BULK_UPDATE_APPLY_APPLIER_H
#define BULK_UPDATE_APPLY_APPLIER_H

#include "apply/kept_versions.h"
#include "apply/sorted_entries.h"
#include "chunk/chunk.h"
#include "chunk/expected_values.h"

namespace bulkupdate
{

/* Checks that are made when the call ends; see recheck.h. */
struct Rechecks;

/*
 * What is determined about rows besides whether they exist: whether they already have the new
 * values, and whether they have the expected ones.
 */
enum class Probe : uint8
{
	Row,
	Values,
	Expected,
	ValuesAndExpected,
};

inline bool
probes_values(Probe probe)
{
	return probe == Probe::Values || probe == Probe::ValuesAndExpected;
}

inline bool
probes_expected(Probe probe)
{
	return probe == Probe::Expected || probe == Probe::ValuesAndExpected;
}

/* probe_of: for the answers that are needed. */
inline Probe
probe_of(bool values, bool expected)
{
	if (expected)
		return values ? Probe::ValuesAndExpected : Probe::Expected;
	return values ? Probe::Values : Probe::Row;
}

/*
 * probe_for
 *		What rows are probed for before they are applied.  Whether they are stale is decided
 *		when they are locked, unless nothing is applied.
 */
inline Probe
probe_for(const Options &options)
{
	return probe_of(options.skip_unchanged, options.dry_run && options.expected_columns.size > 0);
}

/* probe_of_locked: what is determined about the versions of rows that are to be updated. */
inline Probe
probe_of_locked(const Target &target)
{
	return target.expected.size == 0 ? Probe::Row : probe_of(target.skips_unchanged, true);
}

/*
 * outcome_of_found
 *		What probe determines about a row's version: Unchanged, Stale or Pending.
 *
 * values, nulls: the row's new values by target attribute, if these are probed.
 * value_of(i, &isnull), expected_of(i, &isnull): the version's values in the i-th column that is
 * not in the key, and in the i-th expected column.
 */
template <typename ValueOf, typename ExpectedOf>
Outcome
outcome_of_found(const Target &target, Probe probe, ChunkRow &row, const Datum *values,
				 const bool *nulls, ValueOf value_of, ExpectedOf expected_of)
{
	if (probes_values(probe) && has_values(target, values, nulls, value_of))
		return Outcome::Unchanged;
	if (probes_expected(probe) && !has_expected(target, row.expected, row.current, expected_of))
		return Outcome::Stale;
	return Outcome::Pending;
}

/*
 * combined
 *		The outcome of a source row whose key several tables have (inheritance): one row that
 *		is stale decides, otherwise one that changes.
 */
inline Outcome
combined(Outcome before, Outcome now)
{
	auto rank = [](Outcome outcome) {
		switch (outcome)
		{
			case Outcome::Missing:
				return 0;
			case Outcome::Unchanged:
				return 1;
			case Outcome::Stale:
				return 3;
			default:
				return 2;
		}
	};

	return rank(now) > rank(before) ? now : before;
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
	 * Apply rows, which have different keys, in their order, as one statement: with its
	 * own command ID and, under READ COMMITTED, its own snapshot; statement
	 * triggers and the after-row triggers have run when it returns.  Sets each
	 * row's outcome to Updated, Unchanged, Missing or Stale.  Without any rows the statement
	 * runs too, by the applier of the newest rows.  The rows are in key order, or, if by_place
	 * is set, in that of their places; then they may be in key order when it returns.
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
	 * and the row already has them (as compared by IS DISTINCT FROM), to Stale if
	 * expected values are probed and the row does not have them, or to Pending.
	 * Returns the same as apply.
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
	bool by_place;         /* rows are in the order of their places, until the end of the call */
	bool source_runs_code; /* user-defined code of the source may run before the next chunk */
	KeptVersions *kept;    /* where values of updated rows are kept; NULL: nowhere */
	bool at_once =
		false; /* announced rows may be applied at once: nothing is done for each chunk */

	/*
	 * The next chunks, in order, before the first of them is probed or applied; they stay where
	 * they are.  If they may be applied at once, their rows may have an outcome when it returns.
	 * Or NULL: each chunk is as good alone.
	 */
	void (*announce)(Applier &applier, Span<Chunk *> chunks) = nullptr;

	/* All rows have been applied: remove what is only needed for that.  Or NULL. */
	void (*finish)(Applier &applier) = nullptr;
};

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_APPLIER_H */
