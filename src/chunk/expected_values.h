/*
 * expected_values.h
 *		The values that the source expects a row to have, and those that it has.
 */
#ifndef BULK_UPDATE_CHUNK_EXPECTED_VALUES_H
#define BULK_UPDATE_CHUNK_EXPECTED_VALUES_H

#include "chunk/chunk.h"
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
 *		Keep the value that a stale row has in the i-th expected column, in row.current.
 *
 * Values that are stored out of line are not fetched: they stay readable until the chunk is
 * done, because the call's snapshot keeps them.  Allocates in the chunk's memory context.
 */
void keep_current(const Target &target, ChunkRow &row, int i, Datum value, bool isnull);

/*
 * has_expected
 *		Does a stored row have the values that the source expects?  stored(i, &isnull) returns
 *		its value in the i-th expected column.
 *
 * If not, its values are kept, if they are to be reported.
 */
template <typename Stored>
bool
has_expected(const Target &target, ChunkRow &row, Stored stored)
{
	bool isnull;
	bool same = true;

	for (int i = 0; same && i < target.expected.size; i++)
	{
		Datum value = stored(i, &isnull);

		same = same_value(target, target.expected[i], value, isnull, row.expected[i].value,
						  row.expected[i].isnull);
	}
	for (int i = 0; !same && target.keeps_current && i < target.expected.size; i++)
	{
		Datum value = stored(i, &isnull);

		keep_current(target, row, i, value, isnull);
	}
	return same;
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CHUNK_EXPECTED_VALUES_H */
