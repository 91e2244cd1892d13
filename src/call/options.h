/*
 * options.h
 *		The arguments of a call, checked, in one plain struct.
 */
#ifndef BULK_UPDATE_CALL_OPTIONS_H
#define BULK_UPDATE_CALL_OPTIONS_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * The words for the values of the following enumerations, in their order, are those of the SQL
 * arguments.
 */

/* No row has the source row's key. */
enum class OnMissing : uint8
{
	Ignore,
	Error
};
inline constexpr const char *ON_MISSING_WORDS[] = {"ignore", "error"};

/* The row does not have the values that the source expects. */
enum class OnStale : uint8
{
	Ignore,
	Error
};
inline constexpr const char *ON_STALE_WORDS[] = {"ignore", "error"};

/* The source has the row's key more than once; "first" and "last" refer to its order. */
enum class OnDuplicate : uint8
{
	Error,
	First,
	Last
};
inline constexpr const char *ON_DUPLICATE_WORDS[] = {"error", "first", "last"};

/* The source row cannot be applied. */
enum class OnError : uint8
{
	Stop,
	Skip
};
inline constexpr const char *ON_ERROR_WORDS[] = {"stop", "skip"};

/* The order in which rows are applied; see ordered_source.h.  The progress view has the numbers. */
enum class Ordering : uint8
{
	Auto,
	Sort,
	Stream,
	Place
};
inline constexpr const char *ORDERING_WORDS[] = {"auto", "sort", "stream", "place"};

/* What is returned: one row for each chunk, or exactly one for the whole call. */
enum class ReportRows : uint8
{
	Chunks,
	Total
};

/* The kind of source: which of the SQL functions was called. */
enum class SourceKind : uint8
{
	Cursor,
	Query,
	Arrays,
	Undo
};

struct Options
{
	Oid target; /* relation to update */
	SourceKind source_kind;
	const char *source;             /* name of the cursor, text of the query, NULL for arrays */
	Span<const char *> columns;     /* target column of each source column; size 0: by name */
	Span<const char *> key_columns; /* size 0: the primary key */
	Span<const char *> expected_columns; /* target column of the last source columns; or size 0 */
	int chunk_rows;                      /* maximum number of rows in a chunk */
	OnMissing on_missing;
	OnStale on_stale;
	OnDuplicate on_duplicate;
	OnError on_error;
	bool skip_unchanged; /* do not write rows that already have the new values */
	Oid rejects;         /* table for the rows that were not applied, or InvalidOid */
	Oid old_values;      /* table for the values before the call, or InvalidOid */
	int64 reject_limit;  /* maximum number of rejected rows, or -1 */
	bool dry_run;        /* only report what would happen */
	Ordering ordering;
	ReportRows report;

	/* Of a batch of a job: the last column of the source is the row's position in the job's. */
	bool has_positions;
	int64 batch; /* its number, instead of the chunk's in the table of rejects; or -1 */

	/* Of an undo; source, columns and expected_columns are set by undo_prepare(). */
	Oid undone;      /* the table of old values */
	bool latest_run; /* the newest run in it, not this one: */
	int64 run;
};

/* can_be_stale: does the call expect values? */
inline bool
can_be_stale(const Options &options)
{
	return options.expected_columns.size > 0 || options.source_kind == SourceKind::Undo;
}

/* sorts_whole_source: are all rows sorted first, whatever their order is? */
inline bool
sorts_whole_source(const Options &options)
{
	return options.ordering == Ordering::Sort || options.ordering == Ordering::Place ||
		   (options.ordering == Ordering::Auto && options.on_duplicate == OnDuplicate::Last);
}

/* runs_source_at_once: and is it our own query, which parallel workers may then run? */
inline bool
runs_source_at_once(const Options &options)
{
	return options.source_kind == SourceKind::Query && sorts_whole_source(options);
}

/*
 * options_from_call
 *		Check the arguments of an SQL call and put them into Options.
 *
 * Everything is allocated in the current memory context.
 *
 * Raises 22004 (an argument is null or has null elements), 2202E (an array has
 * more than one dimension), 22023 (an argument is empty, out of range or not
 * one of its values, or two arguments contradict each other).
 */
Options options_from_call(FunctionCallInfo fcinfo, SourceKind kind);

/*
 * column_names_of_call
 *		An argument of type name[]; size 0 if it is null.  Raises the errors of
 *		options_from_call() for it.
 */
Span<const char *> column_names_of_call(FunctionCallInfo fcinfo, int argument, const char *name);

/* arrays_of_call: the record with the arrays, for a call whose options have been checked. */
HeapTupleHeader arrays_of_call(FunctionCallInfo fcinfo);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_CALL_OPTIONS_H */
