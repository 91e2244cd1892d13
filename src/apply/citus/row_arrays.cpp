/*
 * row_arrays.cpp
 *		Rows of a chunk as parameters of a statement.
 */
#include "apply/citus/row_arrays.h"

namespace bulkupdate
{

namespace
{

template <typename Element>
Datum
array_of(const Target &target, Span<ChunkRow *> rows, Element element)
{
	Datum *elements = palloc_array_of<Datum>(rows.size);

	for (int i = 0; i < rows.size; i++)
		elements[i] = element(*rows[i]);

	ArrayType *array = construct_array(elements, rows.size, target.relation->rd_rel->reltype, -1,
									   false, TYPALIGN_DOUBLE);

	pfree(elements);
	return PointerGetDatum(array);
}

/* The expected values of a row, each in the attribute that is expected to have it. */
Datum
expected_row(const Target &target, const ChunkRow &row, Datum *values, bool *nulls)
{
	for (int i = 0; i < target.expected.size; i++)
	{
		int attribute = target.expected[i].target - 1;

		values[attribute] = row.expected[i].value;
		nulls[attribute] = row.expected[i].isnull;
	}
	return heap_copy_tuple_as_datum(
		heap_form_tuple(RelationGetDescr(target.relation), values, nulls),
		RelationGetDescr(target.relation));
}

Datum
array_of_expected(const Target &target, Span<ChunkRow *> rows)
{
	int natts = RelationGetDescr(target.relation)->natts;
	Datum *values = palloc_array_of<Datum>(natts);
	bool *nulls = palloc_array_of<bool>(natts);

	for (int i = 0; i < natts; i++)
		nulls[i] = true;
	return array_of(target, rows,
					[&](const ChunkRow &row) { return expected_row(target, row, values, nulls); });
}

} /* namespace */

ParamListInfo
row_arrays(const Target &target, Span<ChunkRow *> rows, int n)
{
	Oid type = get_array_type(target.relation->rd_rel->reltype);
	ParamListInfo params = makeParamList(n);

	Assert(n >= 2);
	params->params[0] = {
		array_of(target, rows, [](const ChunkRow &row) { return PointerGetDatum(row.tuple); }),
		false, PARAM_FLAG_CONST, type};
	params->params[1] = {static_cast<Datum>(0), true, PARAM_FLAG_CONST, type};
	if (target.expected.size > 0)
		params->params[1] = {array_of_expected(target, rows), false, PARAM_FLAG_CONST, type};
	return params;
}

} /* namespace bulkupdate */
