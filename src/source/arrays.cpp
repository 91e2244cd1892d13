/*
 * arrays.cpp
 *		A cursor over arrays, side by side.
 */
#include "source/arrays.h"

namespace bulkupdate
{

namespace
{

struct ArrayParameter
{
	Oid type;
	Datum value;
};

int
field_count(const Options &options)
{
	return options.columns.size + options.expected_columns.size;
}

/* The column for a field, from 0: the arrays of expected values are the last ones. */
const char *
column_of_field(const Options &options, int field)
{
	int expected = field - options.columns.size;

	return expected < 0 ? options.columns[field] : options.expected_columns[expected];
}

int
array_length(const Options &options, int field, Datum value)
{
	const ArrayType *array = DatumGetArrayTypeP(value);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("array %d of bulk_update_arrays must be one-dimensional", field + 1),
						errdetail("The array for column \"%s\" has %d dimensions.",
								  column_of_field(options, field), ARR_NDIM(array)),
						errhint("For a column of an array type, pass an array of text in which "
								"each element is an array literal.")));
	return ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
}

ArrayParameter
parameter_of_field(const Options &options, int field, Oid type, Datum value, bool isnull)
{
	const char *column = column_of_field(options, field);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("array %d of bulk_update_arrays must not be null", field + 1),
						errdetail("It is the array for column \"%s\".", column),
						errhint("Pass an array of nulls to set the column to null, or omit the "
								"column.")));
	type = getBaseType(type);
	if (type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == UNKNOWNOID)
	{
		char *literal = type == UNKNOWNOID ? DatumGetCString(value) : TextDatumGetCString(value);

		return {TEXTARRAYOID, OidInputFunctionCall(F_ARRAY_IN, literal, TEXTOID, -1)};
	}
	if (!OidIsValid(get_element_type(type)))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("field %d of argument \"arrays\" of bulk_update_arrays is not an array",
					field + 1),
			 errdetail("The field for column \"%s\" is of type %s.", column, format_type_be(type)),
			 errhint("Pass ROW(...) with one array for each column.")));
	return {type, value};
}

/* Parameters of the cursor's query; all arrays are of one length. */
Span<ArrayParameter>
parameters_of_record(const Options &options, HeapTupleHeader record, int *length)
{
	TupleDesc tuple_desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(record),
													   HeapTupleHeaderGetTypMod(record));
	int natts = tuple_desc->natts;
	Datum *values = palloc_array_of<Datum>(natts);
	bool *nulls = palloc_array_of<bool>(natts);
	HeapTupleData tuple = {};
	Span<ArrayParameter> parameters = {palloc_array_of<ArrayParameter>(natts), 0};

	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	tuple.t_data = record;
	heap_deform_tuple(&tuple, tuple_desc, values, nulls);

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tuple_desc, i);

		if (attribute->attisdropped)
			continue;

		int n = parameters.size;

		if (n < field_count(options))
		{
			parameters[n] =
				parameter_of_field(options, n, attribute->atttypid, values[i], nulls[i]);

			int elements = array_length(options, n, parameters[n].value);

			if (n == 0)
				*length = elements;
			else if (elements != *length)
				ereport(
					ERROR,
					(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					 errmsg("arrays of bulk_update_arrays must have the same length"),
					 errdetail("The array for column \"%s\" has %d elements, and the one for "
							   "column \"%s\" has %d.",
							   options.columns[0], *length, column_of_field(options, n), elements),
					 errhint("Every array must have one element for each row, null if the "
							 "new value is null.")));
		}
		parameters.size++;
	}
	if (parameters.size != field_count(options))
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("number of arrays does not match the columns of bulk_update_arrays"),
						errdetail("There are %d columns and %d arrays.", field_count(options),
								  parameters.size),
						errhint("Pass ROW(...) with one array for each column.")));
	return parameters;
}

} /* namespace */

ArraysCursor
arrays_open(const Options &options, HeapTupleHeader record)
{
	int length = 0;
	Span<ArrayParameter> parameters = parameters_of_record(options, record, &length);
	Oid *types = palloc_array_of<Oid>(parameters.size);
	Datum *values = palloc_array_of<Datum>(parameters.size);
	StringInfoData query;

	/* A SELECT list expands them in parallel and, unlike FROM, does not store them first. */
	initStringInfo(&query);
	for (int i = 0; i < parameters.size; i++)
	{
		types[i] = parameters[i].type;
		values[i] = parameters[i].value;
		appendStringInfo(&query, "%s pg_catalog.unnest($%d) AS %s", i == 0 ? "SELECT" : ",", i + 1,
						 quote_identifier(column_of_field(options, i)));
	}

	/* A plan for these particular arrays would contain another copy of them. */
	SPIPlanPtr plan = SPI_prepare_cursor(query.data, parameters.size, types,
										 CURSOR_OPT_NO_SCROLL | CURSOR_OPT_GENERIC_PLAN);

	if (plan == nullptr)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return {pstrdup(SPI_cursor_open(nullptr, plan, values, nullptr, false)->name), length};
}

} /* namespace bulkupdate */
