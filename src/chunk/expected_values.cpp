/*
 * expected_values.cpp
 *		Copying expected and found values into the chunk.
 */
#include "chunk/expected_values.h"

namespace bulkupdate
{

namespace
{

Datum
copy_value(const Target &target, const MappedColumn &column, Datum value, bool isnull)
{
	const FormData_pg_attribute *attribute =
		TupleDescAttr(RelationGetDescr(target.relation), column.target - 1);

	return isnull ? static_cast<Datum>(0)
				  : datumCopy(value, attribute->attbyval, attribute->attlen);
}

} /* namespace */

NullableDatum *
copy_expected(const Target &target, const Datum *values, const bool *nulls, Size *bytes)
{
	int n = target.expected.size;

	if (n == 0)
		return nullptr;

	NullableDatum *expected = palloc_array_of<NullableDatum>(n);
	int natts = RelationGetDescr(target.relation)->natts;

	*bytes += GetMemoryChunkSpace(expected);
	for (int i = 0; i < n; i++)
	{
		const MappedColumn &column = target.expected[i];

		expected[i].isnull = nulls[natts + i];
		expected[i].value = copy_value(target, column, values[natts + i], nulls[natts + i]);
		if (!expected[i].isnull && !attribute_of(target, column.target).attbyval)
			*bytes += GetMemoryChunkSpace(DatumGetPointer(expected[i].value));
	}
	return expected;
}

void
keep_current(const Target &target, NullableDatum *expected, NullableDatum *&current, int i,
			 Datum value, bool isnull)
{
	with_memory_context(GetMemoryChunkContext(expected), [&] {
		if (current == nullptr)
			current = palloc_array_of<NullableDatum>(target.expected.size);
		current[i].isnull = isnull;
		current[i].value = copy_value(target, target.expected[i], value, isnull);
	});
}

} /* namespace bulkupdate */
