/*
 * choose_applier.h
 *		Which applier applies the rows of a chunk.
 */
#ifndef BULK_UPDATE_APPLY_CHOOSE_APPLIER_H
#define BULK_UPDATE_APPLY_CHOOSE_APPLIER_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * applier_init
 *		At load time: define bulk_update.applier, and hook into the planner and the
 *		executor for the statements of the appliers.
 */
void applier_init();

/*
 * applier_create
 *		An applier that uses the direct applier for each chunk if it leaves
 *		the same table as UPDATE, and otherwise the SQL applier;
 *		bulk_update.applier can force one.
 *
 * Needs an SPI connection, in which it must also be used.  Allocates in the
 * current memory context.  Raises 55000 (the setting is "direct", but the
 * target cannot be updated by it), also when it is used.
 */
Applier *applier_create(const Target &target, Rechecks *rechecks /* or NULL */);

/*
 * applier_expected
 *		Which applier a chunk would get now: "direct", or "sql" and in *why the
 *		reason as a sentence.  For a partitioned target: if it had rows of every
 *		partition.
 *
 * Needs an SPI connection.
 */
const char *applier_expected(const Target &target, const char **why);

/*
 * index_entries_expected
 *		When the entries of the target's indexes would be entered, and why, as a text; NULL if
 *		no index has entries that could wait.  For a target that the direct applier supports.
 *
 * source_runs_code: user-defined code of the source would run between two chunks.  by_place: rows
 * would be applied in the order of their place.  when: those that wait are entered.
 */
const char *index_entries_expected(const Target &target, bool source_runs_code, bool by_place,
								   const char *when);

/*
 * why_not_placed
 *		Why the rows of a call cannot be applied in the order of their place, as a sentence, or
 *		NULL: they need not be looked up again by the direct applier, and their entries in the
 *		key's index must wait.
 *
 * Needs an SPI connection.
 */
[[nodiscard]] const char *why_not_placed(const Target &target);

/*
 * applier_places
 *		Finds the places of the rows that the applier will get, in their order; see
 *		place_walk.h.  NULL if they will be in key order.
 */
PlaceFinder *applier_places(Applier &base, const Options &options);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_CHOOSE_APPLIER_H */
