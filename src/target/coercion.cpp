/*
 * coercion.cpp
 *		Running the casts of a source row.
 */
#include "target/coercion.h"

#include "server/fault.h"
#include "server/subtransaction.h"
#include "target/key_comparison.h"

namespace bulkupdate
{

namespace
{

struct CastErrorContext
{
	const Target &target;
	int64 position;
	const MappedColumn *column; /* the one that is being cast */
};

void
cast_error_context(void *arg)
{
	const CastErrorContext &where = *static_cast<const CastErrorContext *>(arg);

	errcontext("bulk_update of table %s, source row %lld, %scolumn \"%s\"",
			   where.target.display_name, static_cast<long long>(where.position),
			   where.column->is_expected ? "expected " : "",
			   attribute_name(where.target, where.column->target));
}

/* A text as a C string, without the trailing blanks of a char(n), which do not count. */
char *
string_of_text(Oid type, Datum value)
{
	/* The parser gives no column this type; a function's result can have one. */
	if (type == UNKNOWNOID)
		return DatumGetCString(value); /* GCOVR_EXCL_LINE */

	char *string = TextDatumGetCString(value);

	if (type != BPCHAROID)
		return string;

	Size length = strlen(string);

	while (length > 0 && string[length - 1] == ' ')
		length--;
	string[length] = '\0';
	return string;
}

/* As in COPY: a domain's input function is called for nulls too. */
Datum
read_text(TextInput &input, Datum value, bool isnull)
{
	return InputFunctionCall(&input.function, isnull ? nullptr : string_of_text(input.from, value),
							 input.parameter, input.typmod);
}

/* What is stored elsewhere, as toast_tuple_init() (15) brings it into an update. */
inline Datum
fetch_external(Datum value, char storage)
{
	struct varlena *external = reinterpret_cast<struct varlena *>(DatumGetPointer(value));

	return PointerGetDatum(storage == TYPSTORAGE_PLAIN ? detoast_attr(external)
													   : detoast_external_attr(external));
}

/* The value of one column. */
inline Datum
coerce(const Target &target, const MappedColumn &column, TupleTableSlot *row, bool *isnull)
{
	Datum value = row->tts_values[column.source - 1];

	*isnull = row->tts_isnull[column.source - 1];
	if (column.cast != nullptr)
		value = ExecEvalExpr(column.cast, target.cast_context, isnull);
	else if (column.input != nullptr)
		value = read_text(*column.input, value, *isnull);
	if (!*isnull && attribute_of(target, column.target).attlen == -1 &&
		VARATT_IS_EXTERNAL(DatumGetPointer(value)))
		value = fetch_external(value, attribute_of(target, column.target).attstorage);
	return value;
}

/* The value of a key column; false if no row can have it. */
inline bool
coerce_key_column(const Target &target, const MappedColumn &column, TupleTableSlot *row,
				  Datum *value, bool *isnull)
{
	const KeyComparison *comparison = column.comparison;
	int source = column.source - 1;

	if (comparison != nullptr && comparison->integer && !row->tts_isnull[source] &&
		!is_in_integer_range(*comparison, row->tts_values[source]))
		return false;
	*value = coerce(target, column, row, isnull);
	return !*isnull && (comparison == nullptr || comparison->integer ||
						is_same_key(*comparison, target.cast_context, *value));
}

/* Run body for a row, in the memory of its casts. */
template <typename Body>
inline void
with_row(const Target &target, TupleTableSlot *row, CastErrorContext &where, Body body)
{
	ExprContext *context = target.cast_context;

	context->ecxt_scantuple = row;
	with_error_context(cast_error_context, &where,
					   [&] { with_memory_context(context->ecxt_per_tuple_memory, body); });
}

/* Run body(column, i) for the columns of a kind; i: attribute, from 0. */
template <typename Body>
inline void
for_each_column(CastErrorContext &where, ColumnKind kind, Body body)
{
	for (const MappedColumn &column : where.target.columns)
	{
		where.column = &column;
		if (is_of_kind(column, kind))
			body(column, column.target - 1);
	}
}

/* The same for the expected columns, whose values come after those of the attributes. */
template <typename Body>
inline void
for_each_expected(CastErrorContext &where, Body body)
{
	int i = RelationGetDescr(where.target.relation)->natts;

	for (const MappedColumn &column : where.target.expected)
	{
		where.column = &column;
		body(column, i++);
	}
}

/* Does an error of a key's cast mean that its type has no such value? */
bool
is_out_of_range(const ErrorData *error, const MappedColumn &column, TupleDesc source)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
		case ERRCODE_DATETIME_FIELD_OVERFLOW:
		case ERRCODE_INTERVAL_FIELD_OVERFLOW:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:
			/* The integer types have no NaN and no infinity. */
			return getBaseType(TupleDescAttr(source, column.source - 1)->atttypid) == NUMERICOID;
		default:
			return false;
	}
}

} /* namespace */

ErrorData *
coerce_values(const Target &target, TupleTableSlot *row, int64 position, OnError on_error,
			  Datum *values, bool *nulls)
{
	CastErrorContext where = {target, position, target.columns.begin()};
	auto coerce_column = [&](const MappedColumn &column, int i) {
		values[i] = coerce(target, column, row, &nulls[i]);
	};
	auto coerce_all = [&] {
		with_row(target, row, where, [&] {
			FAULT_POINT(coerce);
			for_each_column(where, ColumnKind::Value, coerce_column);
			for_each_expected(where, coerce_column);
		});
	};

	slot_getallattrs(row);

	/* A subtransaction that writes nothing gets no transaction ID, so it is cheap. */
	if (on_error == OnError::Skip && target.values_can_fail)
		return try_in_subtransaction(coerce_all, is_value_error);
	coerce_all();
	return nullptr;
}

ErrorData *
coerce_key(const Target &target, TupleTableSlot *row, int64 position, OnError on_error,
		   Datum *values, bool *nulls, bool *is_possible)
{
	CastErrorContext where = {target, position, target.columns.begin()};
	auto coerce_column = [&](const MappedColumn &column, int i) {
		if (!coerce_key_column(target, column, row, &values[i], &nulls[i]))
			*is_possible = false;
	};
	auto coerce_all = [&] {
		with_row(target, row, where, [&] {
			FAULT_POINT(coerce_key);
			for_each_column(where, ColumnKind::Key, coerce_column);
		});
	};

	slot_getallattrs(row);
	*is_possible = true;
	if (!(on_error == OnError::Skip ? target.keys_can_fail : target.keys_can_overflow))
	{
		coerce_all();
		return nullptr;
	}

	ErrorData *error = try_in_subtransaction(coerce_all, is_value_error);

	if (error == nullptr)
		return nullptr;
	*is_possible = false;
	if (is_out_of_range(error, *where.column, row->tts_tupleDescriptor))
		return nullptr;
	if (on_error == OnError::Stop)
		ReThrowError(error);
	return error;
}

} /* namespace bulkupdate */
