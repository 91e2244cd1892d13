/*
 * options.cpp
 *		SQL arguments into one plain struct.
 */
#include "call/options.h"

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
	ARG_CHUNK_SIZE,
	ARG_ON_MISSING,
	ARG_ON_DUPLICATE,
	ARG_ON_ERROR,
	ARG_SKIP_UNCHANGED,
	ARG_REJECTS,
	ARG_REJECT_LIMIT,
	ARG_DRY_RUN,
	ARG_ORDERING,
	ARG_REPORT,
	ARG_EXPECTED_COLUMNS,
	ARG_ON_STALE,
	ARG_OLD_VALUES,

	/* In bulk_update_arrays() the names come before the arrays. */
	ARG_COLUMNS_OF_ARRAYS = ARG_SOURCE,
	ARG_ARRAYS = ARG_COLUMNS,

	/* bulk_update_undo() has no columns, and no expected columns. */
	ARG_UNDONE = ARG_SOURCE,
	ARG_RUN = ARG_COLUMNS,
	ARG_ON_STALE_OF_UNDO = ARG_EXPECTED_COLUMNS,
	ARG_REDO_VALUES = ARG_ON_STALE
};

constexpr const char *LEAVE_OUT = "Omit the argument to use its default.";

void
require_not_null(FunctionCallInfo fcinfo, Argument argument, const char *name, const char *hint)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" of bulk_update must not be null", name),
						errdetail("The argument is null."), errhint("%s", hint)));
}

/* An argument of type name[] as C strings; SQL NULL gives an empty span. */
Span<const char *>
names_of_argument(FunctionCallInfo fcinfo, int argument, const char *name,
				  const char *hint = LEAVE_OUT)
{
	if (PG_ARGISNULL(argument))
		return {};

	ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
	Datum *elements;
	bool *nulls;
	int n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" of bulk_update must be a one-dimensional array", name),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array)),
				 errhint("Specify the column names as one list, such as '{id,price}'.")));
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &nulls, &n);
	if (n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" of bulk_update must not be an empty array", name),
						errdetail("The array has no elements."), errhint("%s", hint)));

	const char **names = palloc_array_of<const char *>(n);

	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"%s\" of bulk_update must not contain nulls", name),
							errdetail("Element %d is null.", i + 1),
							errhint("Specify a column in each element.")));
		names[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
	}
	return {names, n};
}

/* An argument with a fixed set of values; returns the index of its value. */
int
word_of_argument(FunctionCallInfo fcinfo, Argument argument, const char *name,
				 Span<const char *const> words)
{
	require_not_null(fcinfo, argument, name, LEAVE_OUT);

	const char *given = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	StringInfoData known;

	initStringInfo(&known);
	for (int i = 0; i < words.size; i++)
	{
		if (strcmp(given, words[i]) == 0)
			return i;
		appendStringInfo(&known, "%s\"%s\"",
						 i == 0               ? ""
						 : i + 1 < words.size ? ", "
											  : " or ",
						 words[i]);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for argument \"%s\" of bulk_update: \"%s\"", name, given),
					errdetail("The value must be %s.", known.data), errhint("%s", LEAVE_OUT)));
}

bool
flag_of_argument(FunctionCallInfo fcinfo, Argument argument, const char *name)
{
	require_not_null(fcinfo, argument, name, LEAVE_OUT);
	return PG_GETARG_BOOL(argument);
}

void
refuse(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
					errdetail("%s", detail), errhint("%s", hint)));
}

/* The arguments that differ between the SQL functions. */
void
take_source(FunctionCallInfo fcinfo, SourceKind kind, Options &options)
{
	options.source_kind = kind;
	options.source = nullptr;
	if (kind == SourceKind::Undo)
	{
		require_not_null(fcinfo, ARG_UNDONE, "old_values",
						 "Specify the table that was argument \"old_values\" of the call.");
		options.undone = PG_GETARG_OID(ARG_UNDONE);
		options.latest_run = PG_ARGISNULL(ARG_RUN);
		options.run = options.latest_run ? 0 : PG_GETARG_INT64(ARG_RUN);
		return;
	}
	if (kind == SourceKind::Arrays)
	{
		const char *hint = "Specify the target column for each array, in order.";

		require_not_null(fcinfo, ARG_COLUMNS_OF_ARRAYS, "columns", hint);
		require_not_null(fcinfo, ARG_ARRAYS, "arrays",
						 "Pass ROW(...) with one array for each column.");
		options.columns = names_of_argument(fcinfo, ARG_COLUMNS_OF_ARRAYS, "columns", hint);
		return;
	}
	require_not_null(fcinfo, ARG_SOURCE, kind == SourceKind::Query ? "query" : "source",
					 "Pass an open cursor to bulk_update(), or the text of a query to "
					 "bulk_update_query().");
	options.source = text_to_cstring(PG_GETARG_TEXT_PP(ARG_SOURCE));
	options.columns = names_of_argument(fcinfo, ARG_COLUMNS, "columns");
}

void
check_combination(const Options &options, bool has_limit)
{
	if (has_limit && options.reject_limit < 0)
		refuse("reject_limit must not be negative", "It is the maximum number of rejected rows.",
			   LEAVE_OUT);
	if (has_limit && options.on_error == OnError::Stop)
		refuse("reject_limit requires on_error => 'skip'",
			   "With on_error => 'stop' no row is ever rejected.",
			   "Set on_error => 'skip', or omit reject_limit.");
	if (OidIsValid(options.rejects) && options.on_missing == OnMissing::Error &&
		options.on_duplicate == OnDuplicate::Error && options.on_error == OnError::Stop &&
		(!can_be_stale(options) || options.on_stale == OnStale::Error))
		refuse("argument \"rejects\" has no effect with these policies",
			   "Missing rows, duplicates and rows that cannot be applied are all errors.",
			   "Relax on_missing, on_duplicate or on_error, or omit rejects.");
	if (options.on_stale == OnStale::Error && !can_be_stale(options))
		refuse("on_stale requires expected_columns",
			   "Without expected_columns no row is ever stale.",
			   "Set expected_columns, or omit on_stale.");
	if (OidIsValid(options.rejects) && options.rejects == options.target)
		refuse("the target cannot be its own table of rejects",
			   "Arguments \"target\" and \"rejects\" are the same table.",
			   "Create a table with bulk_update_create_rejects().");
	if (OidIsValid(options.old_values) && options.old_values == options.target)
		refuse("the target cannot be its own table of old values",
			   options.source_kind == SourceKind::Undo
				   ? "Arguments \"target\" and \"redo_values\" are the same table."
				   : "Arguments \"target\" and \"old_values\" are the same table.",
			   "Create a table with bulk_update_create_old_values().");
}

} /* namespace */

Options
options_from_call(FunctionCallInfo fcinfo, SourceKind kind)
{
	Options options = {};

	require_not_null(fcinfo, ARG_TARGET, "target", "Specify the table to update.");
	take_source(fcinfo, kind, options);
	require_not_null(fcinfo, ARG_CHUNK_SIZE, "chunk_size", LEAVE_OUT);

	static const char *const report[] = {"chunks", "total"};
	bool has_limit = !PG_ARGISNULL(ARG_REJECT_LIMIT);
	bool undoes = kind == SourceKind::Undo;
	Argument old_values = undoes ? ARG_REDO_VALUES : ARG_OLD_VALUES;

	options.target = PG_GETARG_OID(ARG_TARGET);
	options.key_columns = names_of_argument(fcinfo, ARG_KEY_COLUMNS, "key_columns");
	if (!undoes)
		options.expected_columns =
			names_of_argument(fcinfo, ARG_EXPECTED_COLUMNS, "expected_columns");
	options.batch = -1;
	options.chunk_rows = PG_GETARG_INT32(ARG_CHUNK_SIZE);
	options.on_missing = static_cast<OnMissing>(
		word_of_argument(fcinfo, ARG_ON_MISSING, "on_missing", ON_MISSING_WORDS));
	options.on_stale = static_cast<OnStale>(word_of_argument(
		fcinfo, undoes ? ARG_ON_STALE_OF_UNDO : ARG_ON_STALE, "on_stale", ON_STALE_WORDS));
	options.on_duplicate = static_cast<OnDuplicate>(
		word_of_argument(fcinfo, ARG_ON_DUPLICATE, "on_duplicate", ON_DUPLICATE_WORDS));
	options.on_error =
		static_cast<OnError>(word_of_argument(fcinfo, ARG_ON_ERROR, "on_error", ON_ERROR_WORDS));
	options.skip_unchanged = flag_of_argument(fcinfo, ARG_SKIP_UNCHANGED, "skip_unchanged");
	options.rejects = PG_ARGISNULL(ARG_REJECTS) ? InvalidOid : PG_GETARG_OID(ARG_REJECTS);
	options.old_values = PG_ARGISNULL(old_values) ? InvalidOid : PG_GETARG_OID(old_values);
	options.reject_limit = has_limit ? PG_GETARG_INT64(ARG_REJECT_LIMIT) : -1;
	options.dry_run = flag_of_argument(fcinfo, ARG_DRY_RUN, "dry_run");
	options.ordering =
		static_cast<Ordering>(word_of_argument(fcinfo, ARG_ORDERING, "ordering", ORDERING_WORDS));
	options.report =
		static_cast<ReportRows>(word_of_argument(fcinfo, ARG_REPORT, "report", report));

	if (options.chunk_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("chunk_size must be at least 1"),
				 errdetail("The value is %d.", options.chunk_rows), errhint("%s", LEAVE_OUT)));
	check_combination(options, has_limit);
	return options;
}

Span<const char *>
column_names_of_call(FunctionCallInfo fcinfo, int argument, const char *name)
{
	return names_of_argument(fcinfo, argument, name);
}

HeapTupleHeader
arrays_of_call(FunctionCallInfo fcinfo)
{
	return PG_GETARG_HEAPTUPLEHEADER(ARG_ARRAYS);
}

} /* namespace bulkupdate */
