/*
 * expected_values.h
 *		The values that the source expects a row to have, and those that it has.
 */
#ifndef BULK_UPDATE_CHUNK_EXPECTED_VALUES_H
#define BULK_UPDATE_CHUNK_EXPECTED_VALUES_H

#include "target/compare.h"

namespace bulkupdate
{

/*
 * copy_expected
 *		The expected values of a coerced row, one for each expected column, or NULL if there is
 *		none.
 *
 * values, nulls: as set by coerce_values().  Allocates in the current memory context, and adds
 * the size to bytes.
 */
NullableDatum *copy_expected(const Target &target, const Datum *values, const bool *nulls,
							 Size *bytes);

/*
 * keep_current
 *		Keep the value that a stale row has in the i-th expected column, in current, which is
 *		allocated if it is NULL.
 *
 * Values that are stored out of line are not fetched: they stay readable until the chunk is
 * done, because the call's snapshot keeps them.  Allocates in the memory context of expected.
 */
void keep_current(const Target &target, NullableDatum *expected, NullableDatum *&current, int i,
				  Datum value, bool isnull);

/*
 * has_expected
 *		Does a stored row have the values that the source expects?  stored(i, &isnull) returns
 *		its value in the i-th expected column.
 *
 * If not, its values are kept in current, if they are to be reported.
 */
template <typename Stored>
bool
has_expected(const Target &target, NullableDatum *expected, NullableDatum *&current, Stored stored)
{
	bool isnull;
	bool same = true;

	for (int i = 0; same && i < target.expected.size; i++)
	{
		Datum value = stored(i, &isnull);

		same = same_value(target, target.expected[i], value, isnull, expected[i].value,
						  expected[i].isnull);
	}
	for (int i = 0; !same && target.keeps_current && i < target.expected.size; i++)
	{
		Datum value = stored(i, &isnull);

		keep_current(target, expected, current, i, value, isnull);
	}
	return same;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_EXPECTED_VALUES_H */
