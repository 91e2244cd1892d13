/*
 * key_text.cpp
 *		Keys as text.
 */
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* The index of a mapped key column in the key. */
int
key_number(const Target &target, const MappedColumn &column)
{
	int i = 0;

	while (target.keys[i].target != column.target)
		i++;
	return i;
}

/*
 * Keys in an index are much shorter.  Of longer ones only the size is shown: their
 * text may be longer than the maximum length of a string, and nobody reads it.
 */
constexpr Size MAX_TEXT_BYTES = Size{64} * 1024;

/* The output of a key column's type. */
char *
value_text(const Target &target, int i, Datum value)
{
	return text_of_value(target, target.keys[i].target, target.keys[i].output, value);
}

/* The text of a key of several columns: a row literal. */
char *
composite_key_text(const Target &target, const Datum *key)
{
	int n = target.keys.size;
	TupleDesc key_desc = CreateTemplateTupleDesc(n);
	Datum *values = palloc_array_of<Datum>(n);
	bool *nulls = palloc_array_of<bool>(n);
	AttrNumber i = 0;
	Oid output;
	bool is_varlena;

	for (const MappedColumn &column : target.columns)
	{
		if (!column.is_key)
			continue;

		int number = key_number(target, column);

		values[i] = CStringGetTextDatum(value_text(target, number, key[number]));
		TupleDescInitEntry(key_desc, ++i, "key", TEXTOID, -1, 0);
	}
	finish_tuple_desc(key_desc);
	key_desc = BlessTupleDesc(key_desc);
	getTypeOutputInfo(RECORDOID, &output, &is_varlena);
	return OidOutputFunctionCall(output,
								 HeapTupleGetDatum(heap_form_tuple(key_desc, values, nulls)));
}

} /* namespace */

char *
text_of_value(const Target &target, AttrNumber attno, FmgrInfo *output, Datum value)
{
	if (TupleDescAttr(RelationGetDescr(target.relation), attno - 1)->attlen == -1)
	{
		Size bytes = toast_raw_datum_size(value) - VARHDRSZ;

		if (bytes > MAX_TEXT_BYTES)
			return psprintf("<%zu bytes>", bytes);
	}
	return OutputFunctionCall(output, value);
}

char *
key_text(const Target &target, const Datum *key)
{
	return target.keys.size > 1 ? composite_key_text(target, key) : value_text(target, 0, key[0]);
}

const char *
key_names(const Target &target)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const MappedColumn &column : target.columns)
	{
		if (!column.is_key)
			continue;
		if (names.len > 0)
			appendStringInfoString(&names, ", ");
		appendStringInfoString(&names, quote_identifier(attribute_name(target, column.target)));
	}
	return names.data;
}

const char *
clipped(const char *text, int max_bytes)
{
	int length = static_cast<int>(strlen(text));

	if (max_bytes == 0 || length <= max_bytes)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, length, max_bytes), text);
}

const char *
key_detail(const Target &target, const Datum *key, int max_bytes)
{
	StringInfoData values;
	const char *separator = "";

	initStringInfo(&values);
	for (const MappedColumn &column : target.columns)
	{
		if (!column.is_key)
			continue;

		int i = key_number(target, column);

		appendStringInfo(&values, "%s%s", separator,
						 clipped(value_text(target, i, key[i]), max_bytes));
		separator = ", ";
	}
	return psprintf("(%s)=(%s)", key_names(target), values.data);
}

const char *
source_key_detail(const Target &target, TupleTableSlot *row)
{
	StringInfoData values;
	const char *separator = "";

	slot_getallattrs(row);
	initStringInfo(&values);
	for (const MappedColumn &column : target.columns)
	{
		int i = column.source - 1;
		Oid output;
		bool is_varlena;

		if (!column.is_key)
			continue;
		if (row->tts_isnull[i])
			return nullptr;
		getTypeOutputInfo(TupleDescAttr(row->tts_tupleDescriptor, i)->atttypid, &output,
						  &is_varlena);
		appendStringInfo(&values, "%s%s", separator,
						 OidOutputFunctionCall(output, row->tts_values[i]));
		separator = ", ";
	}
	return psprintf("(%s)=(%s)", key_names(target), values.data);
}

} /* namespace bulkupdate */
