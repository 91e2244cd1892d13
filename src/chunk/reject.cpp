/*
 * reject.cpp
 *		Rows that were not applied, as JSON and text.
 */
#include "chunk/reject.h"

#include "chunk/row_tuple.h"
#include "server/guc.h"
#include "server/subtransaction.h"

namespace bulkupdate
{

namespace
{

/* A jsonb string can have at most 256 MB, and all values of a row must fit. */
constexpr Size MAX_VALUE_BYTES = Size{16} * 1024 * 1024;
constexpr Size MAX_RECORD_BYTES = Size{128} * 1024 * 1024;

/*
 * Output that input reads back exactly, whatever the session's settings are now and
 * later.  The exception is money, whose output cannot be read under every lc_monetary: it
 * has the format of a setting that every server supports.  With an empty
 * search_path names of objects (regclass and similar types) are qualified.
 */
constexpr Setting OUTPUT_SETTINGS[] = {
	{"search_path", ""},           {"lc_monetary", "C"},        {"datestyle", "ISO, YMD"},
	{"intervalstyle", "postgres"}, {"extra_float_digits", "3"},
};

struct Value
{
	Datum datum;
	bool isnull;
	Oid type;
};

/* JSON has no NaN and Infinity, and jsonb has no negative zero. */
bool
is_json_number(const char *text)
{
	return strspn(text, "-+.0123456789eE") == strlen(text) && strcmp(text, "-0") != 0;
}

/* The type json accepts texts that jsonb does not, such as "\\u0000" and 1e1000000. */
bool
is_valid_jsonb(const char *text)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update json", ALLOCSET_DEFAULT_SIZES);
	bool valid = with_memory_context(memory, [&] {
		return try_in_subtransaction(
				   [&] { (void) DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); }) == nullptr;
	});

	MemoryContextDelete(memory);
	return valid;
}

void
append_value(StringInfo json, Oid type, const char *text)
{
	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(json, *text == 't' ? "true" : "false");
			return;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			if (is_json_number(text))
			{
				appendStringInfoString(json, text);
				return;
			}
			break;
		case JSONOID:
			if (!is_valid_jsonb(text))
				break;
			appendStringInfoString(json, text);
			return;
		case JSONBOID:
			appendStringInfoString(json, text);
			return;
		default:
			break;
	}
	escape_json(json, text);
}

/* Append '"name": value' to an object under construction. */
void
append_member(StringInfo json, StringInfo omitted, const char *name, const Value &value)
{
	Oid output;
	bool is_varlena;
	const char *text = nullptr;

	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, name);
	appendStringInfoString(json, ": ");

	getTypeOutputInfo(value.type, &output, &is_varlena);
	if (!value.isnull && is_varlena && toast_raw_datum_size(value.datum) > MAX_VALUE_BYTES)
		appendStringInfo(omitted, "%s%s", omitted->len > 0 ? ", " : "", name);
	else if (!value.isnull)
		text = OidOutputFunctionCall(output, value.datum);

	if (text != nullptr &&
		(strlen(text) > MAX_VALUE_BYTES || json->len + strlen(text) > MAX_RECORD_BYTES))
	{
		appendStringInfo(omitted, "%s%s", omitted->len > 0 ? ", " : "", name);
		text = nullptr;
	}
	if (text == nullptr)
		appendStringInfoString(json, "null");
	else
		append_value(json, getBaseType(value.type), text);
}

const char *
copied(const char *string, Size *bytes)
{
	if (string == nullptr)
		return nullptr;
	*bytes += strlen(string) + 1;
	return pstrdup(string);
}

void
set_error(Reject &reject, const ErrorData *error, Size *bytes)
{
	reject.sqlstate = copied(unpack_sql_state(error->sqlerrcode), bytes);
	reject.message = copied(error->message, bytes);
	reject.detail = copied(error->detail, bytes);
	reject.constraint_name = copied(error->constraint_name, bytes);
}

/* Append the members for columns to the object that object_of(column) returns. */
template <typename ObjectOf, typename ValueOf>
void
append_members(const Target &target, Span<MappedColumn> columns, StringInfo omitted,
			   ObjectOf object_of, ValueOf value_of)
{
	int level = begin_settings({OUTPUT_SETTINGS, lengthof(OUTPUT_SETTINGS)});

	for (const MappedColumn &column : columns)
	{
		CHECK_FOR_INTERRUPTS();

		char *name = attribute_name(target, column.target);

		append_member(object_of(column), omitted, name, value_of(column));
		pfree(name);
	}
	end_settings(level);
}

template <typename ValueOf>
Reject *
make_reject(const Target &target, const ErrorData *error, Size *bytes, ValueOf value_of)
{
	Reject *reject = palloc_one<Reject>();
	StringInfoData key;
	StringInfoData values;
	StringInfoData omitted;

	initStringInfo(&key);
	initStringInfo(&values);
	initStringInfo(&omitted);
	appendStringInfoChar(&key, '{');
	appendStringInfoChar(&values, '{');
	append_members(
		target, target.columns, &omitted,
		[&](const MappedColumn &column) { return column.is_key ? &key : &values; }, value_of);
	appendStringInfoChar(&key, '}');
	appendStringInfoChar(&values, '}');

	reject->key = key.data;
	reject->new_values = values.data;
	reject->omitted = omitted.len > 0 ? omitted.data : nullptr;
	*bytes += sizeof(Reject) + static_cast<Size>(key.maxlen) + static_cast<Size>(values.maxlen) +
			  static_cast<Size>(omitted.maxlen);
	if (error != nullptr)
		set_error(*reject, error, bytes);
	return reject;
}

} /* namespace */

Reject *
reject_of_source_row(const Target &target, TupleTableSlot *row, const ErrorData *error, Size *bytes)
{
	slot_getallattrs(row);
	return make_reject(target, error, bytes, [&](const MappedColumn &column) {
		int i = column.source - 1;

		return Value{row->tts_values[i], row->tts_isnull[i],
					 TupleDescAttr(row->tts_tupleDescriptor, i)->atttypid};
	});
}

Reject *
reject_of_tuple(const Target &target, HeapTupleHeader tuple, const ErrorData *error, Size *bytes)
{
	HeapTupleData values = row_tuple(tuple);

	return make_reject(target, error, bytes, [&](const MappedColumn &column) {
		bool isnull;
		Datum value =
			heap_getattr(&values, column.target, RelationGetDescr(target.relation), &isnull);

		return Value{value, isnull, attribute_of(target, column.target).atttypid};
	});
}

const char *
current_values_json(const Target &target, const NullableDatum *current /* or NULL */,
					const char **omitted)
{
	StringInfoData json;
	StringInfoData too_large;

	*omitted = nullptr;
	if (current == nullptr)
		return nullptr;
	initStringInfo(&json);
	initStringInfo(&too_large);
	appendStringInfoChar(&json, '{');
	append_members(
		target, target.expected, &too_large, [&](const MappedColumn &) { return &json; },
		[&](const MappedColumn &column) {
			const NullableDatum &value = current[&column - target.expected.begin()];

			return Value{value.value, value.isnull, attribute_of(target, column.target).atttypid};
		});
	appendStringInfoChar(&json, '}');
	if (too_large.len > 0)
		*omitted = too_large.data; /* GCOVR_EXCL_LINE: values of 1 GB */
	return json.data;
}

} /* namespace bulkupdate */
