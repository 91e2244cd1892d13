/*
 * key.h
 *		The key: which unique index covers it, and how its columns compare.
 */
#ifndef BULK_UPDATE_TARGET_KEY_H
#define BULK_UPDATE_TARGET_KEY_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * key_columns_or_primary_key
 *		The names in argument "key_columns", or those of the primary key's columns if it is
 *		empty.
 *
 * Raises 42704 (the relation has no primary key).
 */
Span<const char *> key_columns_or_primary_key(Relation relation, Span<const char *> key_columns);

/*
 * choose_key
 *		Set keys of the target from its mapped key columns, and the index, opened.
 *
 * The key is covered if it includes all columns of a unique, valid, non-partial
 * B-tree index without expressions: then at most one row has it.
 * Additional key columns are compared too.
 *
 * Raises 42P10 (no such index), 42883 (a key column outside of the index has a
 * type without a default B-tree operator class).
 */
void choose_key(Target &target);

/*
 * compare_keys
 *		Order of two keys (arrays of a Datum for each key column, none null):
 *		negative, zero, positive.
 */
inline int
compare_keys(const Target &target, const Datum *a, const Datum *b)
{
	for (int i = 0; i < target.keys.size; i++)
	{
		int order = ApplySortComparator(a[i], false, b[i], false, target.keys[i].sort);

		if (order != 0)
			return order;
	}
	return 0;
}

/*
 * key_range_is_dense
 *		Are there so few possible keys from low to high that reading all rows
 *		between them costs no more than looking up n of them one by one?
 *		Only known for a key of one integer column.
 */
bool key_range_is_dense(const Target &target, Datum low, Datum high, int n);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEY_H */
