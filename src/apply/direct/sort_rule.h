/*
 * sort_rule.h
 *		Whether index entries may be sorted and entered when the call ends: if
 *		nobody can notice.
 *
 * Until then other transactions find the old versions of the rows, and follow them to the
 * new ones or wait, as always.  But a query of this transaction would miss rows.  So no
 * user-defined code may run in the meantime.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_SORT_RULE_H
#define BULK_UPDATE_APPLY_DIRECT_SORT_RULE_H

#include "target/target.h"

namespace bulkupdate
{

/* What a call knows about its tables; the rest is initially zero. */
struct SortRule
{
	MemoryContext memory; /* of the call */
	List *tables;         /* OIDs of those whose entries may wait, */
	uint64 valid;         /* as long as nothing has changed in the relation cache */
};

/* sort_rule_init: at load time. */
void sort_rule_init();

/*
 * may_sort
 *		May index entries of a table of the target's tree wait?
 *
 * Call why_not_sorted() first.  Cheap enough for each statement.
 */
[[nodiscard]] bool may_sort(SortRule &rule, const Target &target, Relation relation);

/*
 * why_not_sorted
 *		Why a call on the target must enter index entries at once, as a sentence, or NULL.
 *
 * Looks at the casts and types of the mapped columns, and the setting; the tables
 * of the target are not examined.
 */
[[nodiscard]] const char *why_not_sorted(const Target &target);

/*
 * why_not_sorted_table
 *		The same for a table of the target's tree: its triggers, foreign keys,
 *		constraints and indexes.
 */
[[nodiscard]] const char *why_not_sorted_table(Relation relation, const Target &target);

/*
 * references_checked
 *		Is a foreign key of the table checked although its columns do not change?  It is if
 *		this transaction has written the old version.
 */
[[nodiscard]] bool references_checked(Relation relation, TupleTableSlot *old);

/*
 * changing_attributes
 *		Attributes of a table of the target's tree, minus FirstLowInvalidHeapAttributeNumber,
 *		to which an update without BEFORE row triggers may give another value.
 */
Bitmapset *changing_attributes(Relation relation, const Target &target);

/*
 * is_sortable_index
 *		May the entries of an index wait?  Of a unique index only if no update changes
 *		it (is_unchanged_index()), because otherwise entering them is the check.
 */
[[nodiscard]] bool is_sortable_index(Relation index, const IndexInfo *info,
									 const Bitmapset *changing);

/*
 * is_unchanged_index
 *		Is the index a valid B-tree index that has entries for all versions, and none of
 *		whose columns changes?  changing: as above, or NULL if all may change.
 */
[[nodiscard]] bool is_unchanged_index(Relation index, const IndexInfo *info,
									  const Bitmapset *changing /* or NULL */);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_SORT_RULE_H */
