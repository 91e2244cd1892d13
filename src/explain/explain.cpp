/*
 * explain.cpp
 *		What a call would do, first from the modules, then from the
 *		catalogs.
 */
#include "explain/explain.h"

#include "apply/choose_applier.h"
#include "explain/explain_catalog.h"
#include "explain/plan_order.h"
#include "report/old_value_table.h"
#include "report/reject_table.h"
#include "target/key_text.h"
#include "target/open_target.h"

namespace bulkupdate
{

namespace
{

struct Explanation
{
	const ReturnSetInfo *result;
	const Options &options;
	const Target &target;
	Source &source;
	const char *why_not_placed; /* under ordering 'place': why not, or NULL */
};

/* Would rows be applied in the order of their place? */
bool
is_placed(const Explanation &explanation)
{
	return explanation.options.ordering == Ordering::Place && explanation.why_not_placed == nullptr;
}

void
say(const Explanation &explanation, const char *topic, const char *detail)
{
	Datum values[] = {CStringGetTextDatum(topic), CStringGetTextDatum(detail)};
	bool nulls[] = {false, false};

	tuplestore_putvalues(explanation.result->setResult, explanation.result->setDesc, values, nulls);
}

void
say_source(const Explanation &explanation, const char *label)
{
	int64 rows = source_estimated_rows(explanation.source);
	uint64 position = explanation.source.portal_position;
	const PlannedStmt *plan = source_plan(explanation.source);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s; rows estimated by its plan: ", label);
	if (rows < 0)
		appendStringInfoString(&text, "not known");
	else
		appendStringInfo(&text, "%lld", static_cast<long long>(rows));
	if (plan != nullptr && plan->parallelModeNeeded && runs_source_at_once(explanation.options))
		appendStringInfoString(&text, "; run at once, by parallel workers if some are free");
	if (position > 0)
		appendStringInfo(&text, "; already fetched and skipped: %llu",
						 static_cast<unsigned long long>(position));
	say(explanation, "source", text.data);
}

void
say_key(const Explanation &explanation)
{
	const Target &target = explanation.target;
	const char *index = qualified_name(RelationGetRelid(target.key_index));

	say(explanation, "key",
		target.index_columns == target.keys.size
			? psprintf("(%s), found by unique index %s", key_names(target), index)
			: psprintf("(%s), found by unique index %s and then compared", key_names(target),
					   index));
}

const char *
way_of_cast(const MappedColumn &column)
{
	if (column.input != nullptr)
		return ", read as text";
	if (column.comparison != nullptr)
		return ", compared after a cast";
	return column.cast != nullptr ? ", cast by assignment" : "";
}

const char *
topic_of_column(const MappedColumn &column)
{
	if (column.is_expected)
		return "expected column";
	return column.is_key ? "key column" : "value column";
}

void
say_columns(const Explanation &explanation, Span<MappedColumn> columns)
{
	TupleDesc from = explanation.source.tuple_desc;

	for (const MappedColumn &column : columns)
	{
		FormData_pg_attribute target = attribute_of(explanation.target, column.target);
		Form_pg_attribute source = TupleDescAttr(from, column.source - 1);

		say(explanation, topic_of_column(column),
			psprintf("%s %s, from source column %d: %s %s%s",
					 quote_identifier(NameStr(target.attname)),
					 format_type_with_typemod(target.atttypid, target.atttypmod), column.source,
					 quote_identifier(NameStr(source->attname)),
					 format_type_with_typemod(source->atttypid, source->atttypmod),
					 way_of_cast(column)));
	}
}

void
say_index_entries(const Explanation &explanation)
{
	/* A source that is sorted has been read when the first row is applied. */
	bool source_runs =
		!sorts_whole_source(explanation.options) && source_runs_code(explanation.source);
	bool records_with_code = OidIsValid(explanation.options.old_values) &&
							 old_value_table_runs_code(explanation.options, explanation.target);
	const char *when =
		records_with_code ? "after each chunk, because keeping old values may run user-defined code"
						  : "when the call ends";
	const char *detail =
		index_entries_expected(explanation.target, source_runs, is_placed(explanation), when);

	if (detail != nullptr)
		say(explanation, "index entries", detail);
}

void
say_old_values(const Explanation &explanation)
{
	const Target &target = explanation.target;
	StringInfoData names;

	if (!OidIsValid(explanation.options.old_values))
		return;
	initStringInfo(&names);
	for (const KeptColumn &column : target.kept)
		if (!column.is_key)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
							 quote_identifier(attribute_name(target, column.target)));
	say(explanation, "old values",
		psprintf("kept in %s: %s", qualified_name(explanation.options.old_values), names.data));
}

void
say_ordering(const Explanation &explanation)
{
	const Options &options = explanation.options;
	const char *detail;

	if (options.ordering == Ordering::Stream)
		detail = "stream: rows must arrive in key order";
	else if (is_placed(explanation))
		detail = "place: all rows are sorted by key, and then by the place of their row in the "
				 "table; rows are not locked in key order";
	else if (options.ordering == Ordering::Place)
		detail = psprintf("sort: rows cannot be applied in the order of their place: %s",
						  explanation.why_not_placed);
	else if (options.ordering == Ordering::Sort)
		detail = "sort: all rows are sorted by key before the first one is applied";
	else if (options.on_duplicate == OnDuplicate::Last)
		detail = "sort: on_duplicate => 'last' needs all rows before the first one is applied";
	else if (plan_is_in_key_order(source_plan(explanation.source), explanation.target))
		detail = "stream: by its plan the source is in key order; keys are kept to find duplicates";
	else
		detail = "not known from the source's plan: rows stream while they are in key order; from "
				 "the first one out of order on, they are sorted";
	say(explanation, "ordering", detail);
}

void
say_chunks(const Explanation &explanation)
{
	int64 rows = source_estimated_rows(explanation.source);
	int chunk_rows = explanation.options.chunk_rows;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "at most %d rows or %zu kB each", chunk_rows,
					 static_cast<size_t>(chunk_budget() / 1024));
	if (rows >= 0)
		appendStringInfo(&text, "; at least %lld by the estimate",
						 static_cast<long long>((rows + chunk_rows - 1) / chunk_rows));
	say(explanation, "chunks", text.data);
}

void
say_policies(const Explanation &explanation)
{
	const Options &options = explanation.options;

	say(explanation, "missing keys",
		options.on_missing == OnMissing::Error ? "an error" : "counted");
	if (options.expected_columns.size > 0)
		say(explanation, "stale rows",
			options.on_stale == OnStale::Error ? "an error" : "counted, not written");
	say(explanation, "duplicate keys",
		options.on_duplicate == OnDuplicate::Error   ? "an error"
		: options.on_duplicate == OnDuplicate::First ? "the first row is used"
													 : "the last row is used");
	if (options.on_error == OnError::Stop)
		say(explanation, "rows in error", "the call stops and is undone");
	else
		say(explanation, "rows in error",
			options.reject_limit < 0
				? "rejected, without a limit; each chunk runs in a subtransaction"
				: psprintf("rejected, at most %lld; each chunk runs in a subtransaction",
						   static_cast<long long>(options.reject_limit)));
	say(explanation, "unchanged rows",
		options.skip_unchanged ? "not written" : "written like the others");
	if (OidIsValid(options.rejects))
		say(explanation, "rejects", psprintf("recorded in %s", qualified_name(options.rejects)));
	say_old_values(explanation);
	if (options.dry_run)
		say(explanation, "dry run", "nothing is written and no row is locked");
	if (options.report == ReportRows::Total)
		say(explanation, "report", "one row for the whole call");
}

} /* namespace */

void
explain(const Options &options, const char *portal_name, const char *label,
		const ReturnSetInfo *result)
{
	/* Opened as for a dry run, which needs only the lock for a probe. */
	Options probing = options;

	probing.dry_run = true;
	probing.rejects = InvalidOid;

	Source &source = *source_open(portal_name, label, options.chunk_rows);
	Target &target = *target_open(probing, source.tuple_desc);

	if (OidIsValid(options.rejects))
		reject_table_check(options);
	if (OidIsValid(options.old_values))
		old_value_table_check(options, target);

	Explanation explanation = {result, options, target, source,
							   options.ordering == Ordering::Place ? why_not_placed(target)
																   : nullptr};
	const char *why;
	const char *applier = applier_expected(target, &why);

	say(explanation, "target",
		psprintf(target.relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
					 ? "partitioned table %s"
					 : "table %s",
				 target.display_name));
	say_source(explanation, label);
	say_key(explanation);
	say_columns(explanation, target.columns);
	say_columns(explanation, target.expected);
	say(explanation, "applier", why == nullptr ? applier : psprintf("%s: %s", applier, why));
	if (why == nullptr && !options.dry_run)
		say_index_entries(explanation);
	say_ordering(explanation);
	say_chunks(explanation);
	say_policies(explanation);
	explain_catalog(options, target, result);
	target_close(target);
	source_close(source);
}

} /* namespace bulkupdate */
