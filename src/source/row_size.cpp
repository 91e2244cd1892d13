/*
 * row_size.cpp
 *		The sizes of rows, and errors for rows that are too large.
 */
#include "source/row_size.h"

namespace bulkupdate
{

namespace
{

/* GCOVR_EXCL_START: rows of 1 GB, in test/scale */
ErrorData *
size_error(const char *message, const char *detail, const char *hint)
{
	ErrorData *error = palloc_one<ErrorData>();

	error->elevel = ERROR;
	error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
	error->message = pstrdup(message);
	error->detail = pstrdup(detail);
	error->hint = pstrdup(hint);
	error->assoc_context = CurrentMemoryContext;
	return error;
}

ErrorData *
too_large(const Target &target, int64 position, Size bytes)
{
	return size_error(
		psprintf("source row %lld is too large for bulk_update", static_cast<long long>(position)),
		psprintf("Its values for table \"%s\" have %zu bytes in total, and a row "
				 "in memory can have %zu.",
				 RelationGetRelationName(target.relation), bytes, MAX_ROW_BYTES),
		"Update its large values in several calls, with some of the columns in each, or "
		"use UPDATE.");
}
/* GCOVR_EXCL_STOP */

const MinimalTupleData *
tuple_of(TupleTableSlot *slot)
{
	return reinterpret_cast<MinimalTupleTableSlot *>(slot)->mintuple;
}

/* Approximate size of a value of a column of the target, which is not stored out of line. */
Size
value_size(const Target &target, AttrNumber attno, Datum value)
{
	int length = TupleDescAttr(RelationGetDescr(target.relation), attno - 1)->attlen;

	return length == -1 ? MAXALIGN(VARSIZE_ANY(DatumGetPointer(value))) : sizeof(Datum);
}

} /* namespace */

ErrorData *
row_size_error(const Target &target, const SourceRow &row)
{
	TupleTableSlot *slot = row.slot;
	Size size = 0;

	if ((tuple_of(slot)->t_infomask & HEAP_HASEXTERNAL) == 0)
		return nullptr;
	slot_getallattrs(slot);
	for (const MappedColumn &column : target.columns)
	{
		int i = column.source - 1;

		/* The result of a cast may be smaller than the others. */
		if (column.cast == nullptr && column.input == nullptr && !slot->tts_isnull[i] &&
			TupleDescAttr(slot->tts_tupleDescriptor, i)->attlen == -1)
			size += toast_datum_size(slot->tts_values[i]);
	}
	return size > MAX_ROW_BYTES ? too_large(target, row.position, size) : nullptr;
}

HeapTuple
form_row(const Target &target, TupleTableSlot *slot, int64 position, const Datum *values,
		 const bool *nulls, ErrorData **error)
{
	/* All values are in the source row or in the memory of the casts. */
	Size most = tuple_of(slot)->t_len +
				MemoryContextMemAllocated(target.cast_context->ecxt_per_tuple_memory, false);

	*error = nullptr;
	if (most > MAX_ROW_BYTES / 2)
	{
		/* GCOVR_EXCL_START: test/scale */
		Size size = 0;

		for (const MappedColumn &column : target.columns)
			if (!nulls[column.target - 1])
				size += value_size(target, column.target, values[column.target - 1]);
		if (size > MAX_ROW_BYTES)
		{
			*error = too_large(target, position, size);
			return nullptr;
		}
		/* GCOVR_EXCL_STOP */
	}
	return heap_form_tuple(RelationGetDescr(target.relation), const_cast<Datum *>(values),
						   const_cast<bool *>(nulls));
}

ErrorData *
sort_size_error(const Target &target, const SourceRow &row)
{
	Size size = tuple_of(row.slot)->t_len;

	for (int i = 0; i < target.keys.size; i++)
		size += value_size(target, target.keys[i].target, row.key[i]);
	if (size <= MAX_ROW_BYTES)
		return nullptr;
	/* GCOVR_EXCL_START: test/scale */
	return size_error(
		psprintf("source row %lld is too large to be sorted", static_cast<long long>(row.position)),
		psprintf("The row and its key have %zu bytes in total, and a row in "
				 "a sort can have %zu.",
				 size, MAX_ROW_BYTES),
		"Order the source's query by the key, and set ordering => 'stream'.");
	/* GCOVR_EXCL_STOP */
}

} /* namespace bulkupdate */
