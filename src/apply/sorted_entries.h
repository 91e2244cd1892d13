/*
 * sorted_entries.h
 *		Index entries that wait until the call ends, and are then entered in the order
 *		of their index.
 *
 * Entries of an index that does not follow the order of the rows go to random pages.  In
 * the index's own order each page is visited once, which takes a fraction of the time.
 * sort_rule.h says when nobody can notice.
 *
 * The entries of each index are in a tuplesort; all of them together use at most
 * maintenance_work_mem, and temporary files.  When a subtransaction has been rolled
 * back, the places of the versions that it wrote may be given to other rows, so entries
 * for them must never be entered.  Entries of a subtransaction are held until it has ended,
 * and dropped if it failed.
 */
#ifndef BULK_UPDATE_APPLY_SORTED_ENTRIES_H
#define BULK_UPDATE_APPLY_SORTED_ENTRIES_H

#include "server/scope.h"

namespace bulkupdate
{

/* The waiting entries of a call. */
struct SortedEntries;

/* Those of one index. */
struct IndexSort;

/* sorted_entries_define_settings: at load time, define bulk_update.sort_index_entries. */
void sorted_entries_define_settings();

/* sorted_entries_enabled: is bulk_update.sort_index_entries on? */
[[nodiscard]] bool sorted_entries_enabled();

/*
 * sorted_entries_create
 *		For a call: no entries yet.  Allocates in the current memory context, also later.
 *
 * Relations and temporary
 * files belong to the current resource owner; what is written in subtransactions of the
 * current (sub)transaction may be rolled back.
 */
SortedEntries *sorted_entries_create(Relation target);

/*
 * sorted_entries_open
 *		Where entries of an index wait; NULL if they cannot, because too many indexes
 *		have some.  Valid until sorted_entries_keep().
 *
 * indexes: number of indexes of the table whose entries wait.
 */
IndexSort *sorted_entries_open(SortedEntries &entries, Relation table, Relation index, int indexes);

/*
 * sorted_entries_put
 *		Let the entry for the version at tid wait; false if it must be entered at once, because
 *		it may be too large for the index, which is an error of its row, or because
 *		too many entries are held.
 *
 * values, nulls: of the index's columns.  dead_versions: entries of dead
 * versions are likely to be found beside this one.
 */
[[nodiscard]] bool sorted_entries_put(SortedEntries &entries, IndexSort &sort, Relation index,
									  ItemPointer tid, Datum *values, bool *nulls,
									  bool dead_versions);

/*
 * sorted_entries_keep
 *		After each chunk, when its subtransactions have ended: sort the entries of those
 *		that succeeded.
 *
 * If there are too many indexes, enters the entries of those that the newest
 * chunks had no rows for.  Raises the same as sorted_entries_flush().
 */
void sorted_entries_keep(SortedEntries &entries);

/*
 * sorted_entries_flush
 *		Enter all entries, also in a subtransaction of the one in which they were created.
 *
 * Raises 40001 like any entry into an index, and errors of storage.  If an attempt that
 * was rolled back took its error for a row's, all later ones fail.
 */
void sorted_entries_flush(SortedEntries *entries /* or NULL */);

/* sorted_entries_spilled_bytes: the disk space of all temporary files so far. */
int64 sorted_entries_spilled_bytes(const SortedEntries *entries /* or NULL */);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_SORTED_ENTRIES_H */
