/*
 * report.cpp
 *		One result row for each chunk.
 */
#include "report/report.h"

#include "server/fault.h"

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

Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == nullptr;
	return string == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(string);
}

} /* namespace */

void
report_counts(const Chunk *chunk, int64 *counts)
{
	memset(counts, 0, sizeof(int64) * OUTCOMES);
	for (const ChunkRow &row : chunk->rows)
		counts[static_cast<int>(row.outcome)]++;
}

void
report_chunk(const ReturnSetInfo *result, const Chunk *chunk, const ChunkFacts &facts)
{
	Datum values[REPORT_COLUMNS];
	bool nulls[REPORT_COLUMNS] = {};
	int64 counts[OUTCOMES];

	FAULT_POINT(report);
	report_counts(chunk, counts);
	values[REPORT_CHUNK] = Int64GetDatum(chunk->number);
	values[REPORT_FETCHED] = Int64GetDatum(chunk->rows.size);
	for (int i = 0; i < OUTCOMES; i++)
		values[REPORT_FIRST_OUTCOME + i] = Int64GetDatum(counts[i]);
	values[REPORT_FIRST_KEY] = text_or_null(chunk->first_key, &nulls[REPORT_FIRST_KEY]);
	values[REPORT_LAST_KEY] = text_or_null(chunk->last_key, &nulls[REPORT_LAST_KEY]);
	values[REPORT_ELAPSED] = Float8GetDatum(INSTR_TIME_GET_MILLISEC(facts.elapsed));
	values[REPORT_MEMORY] = Int64GetDatum(static_cast<int64>(facts.memory_bytes));
	values[REPORT_APPLIER] =
		text_or_null(chunk->applicable > 0 ? facts.applier : nullptr, &nulls[REPORT_APPLIER]);
	values[REPORT_ORDERING] =
		CStringGetTextDatum(facts.ordering == Ordering::Sort ? "sort" : "stream");
	values[REPORT_SPILLED] = Int64GetDatum(facts.spilled_bytes);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

} /* namespace bulkupdate */
