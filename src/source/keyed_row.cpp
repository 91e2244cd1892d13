/*
 * keyed_row.cpp
 *		Source rows with their keys as tuples.
 */
#include "source/keyed_row.h"

namespace bulkupdate
{

namespace
{

/* The text of an error may contain a whole value; longer texts are cut off. */
constexpr Size MAX_ERROR_BYTES = Size{16} * 1024 * 1024;

/* Of a duplicate, which is passed on without its key, after those that have a place. */
constexpr RowPlace PLACE_OF_DUPLICATE = PG_INT64_MAX;

/* What reject.cpp records of an error: code and three texts, each NULL or zero-terminated. */
void
append_text(StringInfo packed, const char *text)
{
	Size length = text == nullptr ? 0 : strlen(text);

	appendStringInfoChar(packed, text == nullptr ? 'N' : 'T');
	if (length > MAX_ERROR_BYTES)
		/* GCOVR_EXCL_START: test/scale */
		length = static_cast<Size>(
			pg_mbcliplen(text, static_cast<int>(length), static_cast<int>(MAX_ERROR_BYTES)));
	/* GCOVR_EXCL_STOP */
	appendBinaryStringInfo(packed, text == nullptr ? "" : text, static_cast<int>(length));
	appendStringInfoChar(packed, '\0');
}

char *
next_text(const char **packed)
{
	const char *text = *packed + 1;
	bool isnull = **packed == 'N';

	*packed = text + strlen(text) + 1;
	return isnull ? nullptr : pstrdup(text);
}

bytea *
packed_error(const ErrorData *error)
{
	StringInfoData packed;

	initStringInfo(&packed);
	appendBinaryStringInfo(&packed, reinterpret_cast<const char *>(&error->sqlerrcode),
						   sizeof(error->sqlerrcode));
	append_text(&packed, error->message);
	append_text(&packed, error->detail);
	append_text(&packed, error->constraint_name);
	return cstring_to_text_with_len(packed.data, packed.len);
}

ErrorData *
unpacked_error(bytea *packed)
{
	ErrorData *error = palloc_one<ErrorData>();
	const char *next = VARDATA_ANY(packed);

	error->elevel = ERROR;
	memcpy(&error->sqlerrcode, next, sizeof(error->sqlerrcode));
	next += sizeof(error->sqlerrcode);
	error->message = next_text(&next);
	error->detail = next_text(&next);
	error->constraint_name = next_text(&next);
	return error;
}

/* A row can be rejected before it has a key: because of a cast, or of the size of its values. */
bool
keeps_errors(const Target &target)
{
	for (const MappedColumn &column : target.columns)
		if (attribute_of(target, column.target).attlen == -1)
			return true;
	return target.keys_can_fail;
}

} /* namespace */

TupleDesc
keyed_row_desc(const Target &target, TupleDesc source, WithPlace with_place)
{
	bool has_place = with_place == WithPlace::Yes;
	bool has_error = has_place || keeps_errors(target);
	int natts = source->natts + 1 + target.keys.size + (has_error ? 1 : 0) + (has_place ? 1 : 0);

	if (natts > MaxTupleAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("source of bulk_update has too many columns to be sorted"),
				 errdetail("Its %d columns, a position and the %d key columns are %d columns, and "
						   "a row can have %d.",
						   source->natts, target.keys.size, natts, MaxTupleAttributeNumber),
				 errhint("Order the source's query by the columns of the key, and set ordering => "
						 "'stream'.")));

	TupleDesc tuple_desc = CreateTemplateTupleDesc(natts);
	AttrNumber next = 1;

	while (next <= source->natts)
	{
		TupleDescCopyEntry(tuple_desc, next, source, next);
		next++;
	}
	TupleDescInitEntry(tuple_desc, next++, "position", INT8OID, -1, 0);
	for (const KeyColumn &key : target.keys)
		TupleDescInitEntry(tuple_desc, next++, "key", key.type, -1, 0);
	if (has_error)
		TupleDescInitEntry(tuple_desc, next++, "error", BYTEAOID, -1, 0);
	if (has_place)
		TupleDescInitEntry(tuple_desc, next, "place", INT8OID, -1, 0);
	finish_tuple_desc(tuple_desc);
	return tuple_desc;
}

void
keyed_row_put(TupleTableSlot *slot, const Target &target, TupleDesc source, const SourceRow &row)
{
	int n = source->natts;
	bool has_key = row.outcome == Outcome::Pending;

	slot_getallattrs(row.slot);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row.slot->tts_values, sizeof(Datum) * static_cast<Size>(n));
	memcpy(slot->tts_isnull, row.slot->tts_isnull, sizeof(bool) * static_cast<Size>(n));
	slot->tts_values[n] = Int64GetDatum(row.position);
	slot->tts_isnull[n] = false;
	for (int i = 0; i < target.keys.size; i++)
	{
		slot->tts_values[n + 1 + i] = has_key ? row.key[i] : static_cast<Datum>(0);
		slot->tts_isnull[n + 1 + i] = !has_key;
	}

	int i = n + 1 + target.keys.size;

	if (i < slot->tts_tupleDescriptor->natts)
	{
		slot->tts_isnull[i] = row.error == nullptr;
		if (row.error != nullptr)
			slot->tts_values[i] = PointerGetDatum(packed_error(row.error));
		i++;
	}
	if (i < slot->tts_tupleDescriptor->natts)
	{
		RowPlace place = row.outcome == Outcome::Duplicate ? PLACE_OF_DUPLICATE : row.place;

		slot->tts_isnull[i] = place == NO_PLACE;
		slot->tts_values[i] = Int64GetDatum(place);
	}
	ExecStoreVirtualTuple(slot);
}

void
keyed_row_get(TupleTableSlot *slot, const Target &target, TupleDesc source, SourceRow &row)
{
	int n = source->natts;
	int error = n + 1 + target.keys.size;

	slot_getallattrs(slot);
	row.slot = slot;
	row.position = DatumGetInt64(slot->tts_values[n]);
	row.error = nullptr;
	if (error + 1 < slot->tts_tupleDescriptor->natts)
	{
		row.place =
			slot->tts_isnull[error + 1] ? NO_PLACE : DatumGetInt64(slot->tts_values[error + 1]);
		if (row.place == PLACE_OF_DUPLICATE)
		{
			row.outcome = Outcome::Duplicate;
			return;
		}
	}
	if (!slot->tts_isnull[n + 1])
	{
		set_key(target, row, slot->tts_values + n + 1);
		return;
	}
	row.outcome = Outcome::Missing;
	if (error < slot->tts_tupleDescriptor->natts && !slot->tts_isnull[error])
	{
		row.outcome = Outcome::Rejected;
		row.error = unpacked_error(DatumGetByteaPP(slot->tts_values[error]));
	}
}

void
set_key(const Target &target, SourceRow &row, const Datum *key)
{
	row.outcome = Outcome::Pending;
	row.error = nullptr;
	for (int i = 0; i < target.keys.size; i++)
	{
		int attribute = target.keys[i].target - 1;

		row.key[i] = row.values[attribute] = key[i];
		row.nulls[attribute] = false;
	}
}

} /* namespace bulkupdate */
