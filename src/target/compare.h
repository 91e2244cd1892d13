/*
 * compare.h
 *		Does a row already have these values?
 */
#ifndef BULK_UPDATE_TARGET_COMPARE_H
#define BULK_UPDATE_TARGET_COMPARE_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * same_value
 *		Compare two values of a column like IS NOT DISTINCT FROM: two nulls
 *		are the same, values are compared by the equality of the type's default operator
 *		class and the column's collation.  Without one (json, point, and all types in an undo)
 *		they are compared by their bytes.
 */
bool same_value(const Target &target, const MappedColumn &column, Datum a, bool a_isnull, Datum b,
				bool b_isnull);

/*
 * has_values
 *		Does a stored row have all these values, by target attribute, in the columns that
 *		are not in the key?  stored(i, &isnull) returns its value in the i-th of
 *		them, from 0, in the order of the source.
 */
template <typename Stored>
bool
has_values(const Target &target, const Datum *values, const bool *nulls, Stored stored)
{
	int i = 0;

	for (const MappedColumn &column : target.columns)
	{
		if (column.is_key)
			continue;

		int attribute = column.target - 1;
		bool isnull;
		Datum value = stored(i++, &isnull);

		if (!same_value(target, column, value, isnull, values[attribute], nulls[attribute]))
			return false;
	}
	return true;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_COMPARE_H */
