/*
 * key_text.cpp
 *		Keys as text.
 */
#include "key_text.h"

namespace bulkupdate
{

namespace
{

/* Which of the key's columns a mapped key column is. */
int
key_number(const Target *target, const MappedColumn &column)
{
	int i = 0;

	while (target->keys[i].target != column.target)
		i++;
	return i;
}

/* The text of a key of several columns: a row literal. */
char *
composite_key_text(const Target *target, const Datum *key)
{
	TupleDesc tuple_desc = RelationGetDescr(target->relation);
	int n = target->keys.size;
	TupleDesc key_desc = CreateTemplateTupleDesc(n);
	Datum *values = palloc_array_of<Datum>(n);
	bool *nulls = palloc_array_of<bool>(n);
	AttrNumber i = 0;
	Oid output;
	bool is_varlena;

	for (const MappedColumn &column : target->columns)
	{
		if (!column.is_key)
			continue;
		values[i] = key[key_number(target, column)];
		TupleDescCopyEntry(key_desc, ++i, tuple_desc, column.target);
	}
	key_desc = BlessTupleDesc(key_desc);
	getTypeOutputInfo(RECORDOID, &output, &is_varlena);
	return OidOutputFunctionCall(output,
								 HeapTupleGetDatum(heap_form_tuple(key_desc, values, nulls)));
}

} /* namespace */

char *
key_text(const Target *target, const Datum *key)
{
	return target->keys.size > 1 ? composite_key_text(target, key)
								 : OutputFunctionCall(target->keys[0].output, key[0]);
}

const char *
key_names(const Target *target)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const MappedColumn &column : target->columns)
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
key_detail(const Target *target, const Datum *key, int max_bytes)
{
	StringInfoData names;
	StringInfoData values;
	const char *separator = "";

	initStringInfo(&names);
	initStringInfo(&values);
	for (const MappedColumn &column : target->columns)
	{
		if (!column.is_key)
			continue;

		int i = key_number(target, column);

		appendStringInfo(&names, "%s%s", separator,
						 quote_identifier(attribute_name(target, column.target)));
		appendStringInfo(&values, "%s%s", separator,
						 clipped(OutputFunctionCall(target->keys[i].output, key[i]), max_bytes));
		separator = ", ";
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

} /* namespace bulkupdate */
