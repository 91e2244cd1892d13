/*
 * report.cpp
 *		One result row for each chunk, or one for the whole call.
 */
#include "report/report.h"

#include "server/fault.h"
#include "target/key.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* Columns of the result, in the order of bulk_update--*.sql. */
enum ReportColumn : int
{
	REPORT_CHUNK,
	REPORT_FETCHED,
	REPORT_FIRST_OUTCOME,
	REPORT_FIRST_KEY = REPORT_FIRST_OUTCOME + OUTCOMES,
	REPORT_LAST_KEY,
	REPORT_ELAPSED,
	REPORT_MEMORY,
	REPORT_APPLIER,
	REPORT_ORDERING,
	REPORT_SPILLED,
	REPORT_COLUMNS
};

constexpr Oid COLUMN_TYPES[REPORT_COLUMNS] = {INT8OID,   INT8OID, INT8OID, INT8OID, INT8OID,
											  INT8OID,   INT8OID, INT8OID, TEXTOID, TEXTOID,
											  FLOAT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID};

/* The values of a result row; a NULL is an SQL null. */
struct ReportRow
{
	int64 chunk;
	int64 fetched;
	int64 counts[OUTCOMES];
	const char *first_key;
	const char *last_key;
	double elapsed_ms;
	int64 memory_bytes;
	const char *applier;
	const char *ordering;
	int64 spilled_bytes;
};

Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == nullptr;
	return string == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(string);
}

void
put_row(const ReturnSetInfo &result, const ReportRow &row)
{
	Datum values[REPORT_COLUMNS];
	bool nulls[REPORT_COLUMNS] = {};

	values[REPORT_CHUNK] = Int64GetDatum(row.chunk);
	values[REPORT_FETCHED] = Int64GetDatum(row.fetched);
	for (int i = 0; i < OUTCOMES; i++)
		values[REPORT_FIRST_OUTCOME + i] = Int64GetDatum(row.counts[i]);
	values[REPORT_FIRST_KEY] = text_or_null(row.first_key, &nulls[REPORT_FIRST_KEY]);
	values[REPORT_LAST_KEY] = text_or_null(row.last_key, &nulls[REPORT_LAST_KEY]);
	values[REPORT_ELAPSED] = Float8GetDatum(row.elapsed_ms);
	values[REPORT_MEMORY] = Int64GetDatum(row.memory_bytes);
	values[REPORT_APPLIER] = text_or_null(row.applier, &nulls[REPORT_APPLIER]);
	values[REPORT_ORDERING] = text_or_null(row.ordering, &nulls[REPORT_ORDERING]);
	values[REPORT_SPILLED] = Int64GetDatum(row.spilled_bytes);
	tuplestore_putvalues(result.setResult, result.setDesc, values, nulls);
}

ReportRow
row_of_chunk(const Chunk &chunk, const ChunkFacts &facts)
{
	ReportRow row = {};

	row.chunk = chunk.number;
	row.fetched = chunk.rows.size;
	report_counts(chunk, row.counts);
	row.first_key = chunk.first_key;
	row.last_key = chunk.last_key;
	row.elapsed_ms = INSTR_TIME_GET_MILLISEC(facts.elapsed);
	row.memory_bytes = static_cast<int64>(facts.memory_bytes);
	row.applier = chunk.applicable > 0 ? facts.applier : nullptr;
	row.ordering = ORDERING_WORDS[static_cast<int>(facts.ordering)];
	row.spilled_bytes = facts.spilled_bytes;
	return row;
}

} /* namespace */

struct Report
{
	ReportSink sink;
	const Target *target;
	ReportRows rows;
	MemoryContext context;

	/* For a row for each chunk: the newest chunk, unless its number is 0. */
	ReportRow newest;

	/* For a total: the sums of all chunks so far, without the texts of the keys. */
	ReportRow total;
	Datum *lowest; /* a Datum for each key column; NULL while no row has a key */
	Datum *highest;
};

namespace
{

/* Replace an older key, which may be NULL. */
void
replace_key(const Report &report, Datum **key, const Datum *by)
{
	const Target &target = *report.target;
	Datum *copy = palloc_array_of<Datum>(target.keys.size);

	for (int i = 0; i < target.keys.size; i++)
	{
		FormData_pg_attribute attribute = attribute_of(target, target.keys[i].target);

		copy[i] = datumCopy(by[i], attribute.attbyval, attribute.attlen);
		if (*key != nullptr && !attribute.attbyval)
			pfree(DatumGetPointer((*key)[i]));
	}
	if (*key != nullptr)
		pfree(*key);
	*key = copy;
}

/* A chunk can be below the ones before: rows stream until the rest must be sorted. */
void
add_keys(Report &report, const Chunk &chunk)
{
	if (chunk.applicable == 0)
		return;

	bool is_lowest =
		report.lowest == nullptr || compare_keys(*report.target, chunk.lowest, report.lowest) < 0;
	bool is_highest = report.highest == nullptr ||
					  compare_keys(*report.target, chunk.highest, report.highest) > 0;

	with_memory_context(report.context, [&] {
		if (is_lowest)
			replace_key(report, &report.lowest, chunk.lowest);
		if (is_highest)
			replace_key(report, &report.highest, chunk.highest);
	});
}

void
add_to_total(Report &report, const Chunk &chunk, const ChunkFacts &facts, const ReportRow &row)
{
	ReportRow &total = report.total;

	total.chunk = row.chunk;
	total.fetched += row.fetched;
	for (int i = 0; i < OUTCOMES; i++)
		total.counts[i] += row.counts[i];
	add_keys(report, chunk);
	total.memory_bytes = Max(total.memory_bytes, row.memory_bytes);
	if (total.applier == nullptr)
		total.applier = row.applier;
	else if (row.applier != nullptr && strcmp(row.applier, total.applier) != 0)
		total.applier = "mixed";
	if (total.ordering == nullptr || facts.ordering == Ordering::Sort)
		total.ordering = row.ordering;
	total.spilled_bytes = Max(total.spilled_bytes, row.spilled_bytes);
}

void
check_columns(const ReturnSetInfo &result)
{
	TupleDesc columns = result.setDesc;

	for (int i = 0; i < Max(columns->natts, REPORT_COLUMNS); i++)
		if (i >= REPORT_COLUMNS || i >= columns->natts ||
			TupleDescAttr(columns, i)->atttypid != COLUMN_TYPES[i])
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("result type of the function does not match the result of bulk_update"),
				 errdetail("Column %d is missing, is not expected, or has another type.", i + 1),
				 errhint("Undo the changes of ALTER TYPE to bulk_update_chunk.")));
}

/* The total for a caller that needs no set. */
void
give_total(const Report &report)
{
	const ReportRow &row = report.total;
	CallTotal &total = *report.sink.total;

	total.rows_fetched = row.fetched;
	memcpy(total.counts, row.counts, sizeof(total.counts));
	if (row.first_key == nullptr)
		return;
	total.first_key = MemoryContextStrdup(report.sink.memory, row.first_key);
	total.last_key = MemoryContextStrdup(report.sink.memory, row.last_key);
}

/* Keep a row until it is known whether it is the last one; the one before is put. */
void
keep_row(Report &report, const ReportRow &row)
{
	ReportRow &newest = report.newest;

	if (newest.chunk > 0)
		put_row(*report.sink.set, newest);
	if (newest.first_key != nullptr)
	{
		pfree(const_cast<char *>(newest.first_key));
		pfree(const_cast<char *>(newest.last_key));
	}
	newest = row;
	if (row.first_key == nullptr)
		return;
	newest.first_key = MemoryContextStrdup(report.context, row.first_key);
	newest.last_key = MemoryContextStrdup(report.context, row.last_key);
}

} /* namespace */

void
report_counts(const Chunk &chunk, int64 (&counts)[OUTCOMES])
{
	memset(counts, 0, sizeof(counts));
	for (const ChunkRow &row : chunk.rows)
		counts[static_cast<int>(row.outcome)]++;
}

Report *
report_create(const Options &options, const Target &target, const ReportSink &sink)
{
	Report *report = palloc_one<Report>();

	if (sink.set != nullptr)
		check_columns(*sink.set);
	report->sink = sink;
	report->target = &target;
	report->rows = options.report;
	report->context = CurrentMemoryContext;
	return report;
}

void
report_chunk(Report &report, const Chunk &chunk, const ChunkFacts &facts)
{
	FAULT_POINT(report);

	ReportRow row = row_of_chunk(chunk, facts);

	if (report.rows == ReportRows::Chunks)
		keep_row(report, row);
	else
		add_to_total(report, chunk, facts, row);
}

void
report_end(Report &report, instr_time start, const EndFacts &facts)
{
	ReportRow &last = report.rows == ReportRows::Chunks ? report.newest : report.total;

	if (last.chunk > 0)
		last.memory_bytes = Max(last.memory_bytes, static_cast<int64>(facts.memory_bytes));
	last.spilled_bytes = Max(last.spilled_bytes, facts.spilled_bytes);
	if (report.rows == ReportRows::Chunks)
	{
		last.elapsed_ms += INSTR_TIME_GET_MILLISEC(facts.elapsed);
		if (last.chunk > 0)
			put_row(*report.sink.set, last);
		return;
	}

	ReportRow &total = report.total;
	instr_time elapsed;

	if (report.lowest != nullptr)
	{
		total.first_key = key_text(*report.target, report.lowest);
		total.last_key = key_text(*report.target, report.highest);
	}
	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, start);
	total.elapsed_ms = INSTR_TIME_GET_MILLISEC(elapsed);
	if (report.sink.set != nullptr)
		put_row(*report.sink.set, total);
	else
		give_total(report);
}

} /* namespace bulkupdate */
