/*
 * options.cpp
 *		SQL arguments into one plain struct.
 */
#include "options.h"

namespace bulkupdate
{

namespace
{

/* Positions of the SQL arguments. */
enum Argument : int
{
	ARG_TARGET,
	ARG_SOURCE,
	ARG_COLUMNS,
	ARG_KEY_COLUMNS,
	ARG_CHUNK_SIZE
};

void
require_not_null(FunctionCallInfo fcinfo, Argument argument, const char *name, const char *hint)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" of bulk_update must not be null", name),
						errdetail("The argument given is null."), errhint("%s", hint)));
}

/* An argument of type name[] as C strings; SQL NULL gives an empty span. */
Span<const char *>
names_of_argument(FunctionCallInfo fcinfo, Argument argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		return {nullptr, 0};

	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
	Datum *elements;
	bool *nulls;
	int n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" of bulk_update must be a one-dimensional array", name),
				 errdetail("The array given has %d dimensions.", ARR_NDIM(array)),
				 errhint("Give the column names as one list, such as '{id,price}'.")));
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &nulls, &n);
	if (n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" of bulk_update must not be an empty array", name),
						errdetail("The array given names no column."),
						errhint("Leave the argument out to get its default.")));

	const char **names = palloc_array_of<const char *>(n);

	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"%s\" of bulk_update must not contain nulls", name),
							errdetail("Element %d is null.", i + 1),
							errhint("Name a column in each element.")));
		names[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
	}
	return {names, n};
}

} /* namespace */

Options
options_from_call(FunctionCallInfo fcinfo, const char *source_name)
{
	Options options;

	require_not_null(fcinfo, ARG_TARGET, "target", "Give the table to update.");
	require_not_null(fcinfo, ARG_SOURCE, source_name,
					 "Give an open cursor to bulk_update(), or the text of a query to "
					 "bulk_update_query().");
	require_not_null(fcinfo, ARG_CHUNK_SIZE, "chunk_size",
					 "Leave the argument out to get its default.");

	options.target = PG_GETARG_OID(ARG_TARGET);
	options.source = text_to_cstring(PG_GETARG_TEXT_PP(ARG_SOURCE));
	options.columns = names_of_argument(fcinfo, ARG_COLUMNS, "columns");
	options.key_columns = names_of_argument(fcinfo, ARG_KEY_COLUMNS, "key_columns");
	options.chunk_rows = PG_GETARG_INT32(ARG_CHUNK_SIZE);

	if (options.chunk_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("chunk_size must be at least 1"),
				 errdetail("The chunk size given is %d.", options.chunk_rows),
				 errhint("Leave the argument out to get its default.")));
	return options;
}

} /* namespace bulkupdate */
