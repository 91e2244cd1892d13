/*
 * ordered_source.cpp
 *		Finding equal keys, in key order or by an external sort.
 */
#include "source/ordered_source.h"

#include "source/held_row.h"
#include "source/key_error.h"
#include "source/keyed_source.h"
#include "source/row_size.h"
#include "source/row_sort.h"
#include "source/seen_keys.h"

namespace bulkupdate
{

namespace
{

/* How rows are passed on to the caller. */
enum class ReadMode : uint8
{
	Undecided,
	Streamed, /* in source order */
	HeldBack, /* the same, but each one only when the next key is known */
	Sorted,
	Placed, /* sorted by place */
};

} /* namespace */

struct OrderedSource
{
	const Options *options;
	Source *source;
	const Target *target;
	Progress *progress;
	ReadMode mode;
	KeyedSource *rows;   /* upstream */
	RowSort *sort;       /* of the remaining rows, if Sorted or Placed */
	int64 ended_bytes;   /* disk space of a sort that has ended */
	PlaceFinder *places; /* NULL: rows are passed on in key order */
	SeenKeys *passed;    /* keys of the rows that were passed on before the sort, or NULL */
	KeyCopy newest;      /* key of the newest row with a key */
	HeldRow *held;       /* if HeldBack: the row that waits for the next key */
	SourceRow row;
	bool has_row;
	Ordering consumed; /* how the newest consumed row arrived */
};

namespace
{

/* The row has the key of another row, at position other. */
void
mark_duplicate(OrderedSource &ordered, int64 other)
{
	SourceRow &row = ordered.row;

	if (ordered.options->on_duplicate == OnDuplicate::Error)
		refuse_duplicate(*ordered.target, row.key, other, row.position);
	row.outcome = Outcome::Duplicate;
}

/* A row that does not fit into the sort with its key is in error. */
ErrorData *
sort_error(const OrderedSource &ordered)
{
	const SourceRow &row = ordered.row;
	ErrorData *error =
		row.outcome == Outcome::Pending ? sort_size_error(*ordered.target, row) : nullptr;

	if (error != nullptr && ordered.options->on_error == OnError::Stop)
		ThrowErrorData(error); /* GCOVR_EXCL_LINE: rows of 1 GB, in test/scale */
	return error;
}

/* Put the row that has been loaded into the sort. */
void
sort_row(void *arg)
{
	OrderedSource &ordered = *static_cast<OrderedSource *>(arg);
	ErrorData *error = sort_error(ordered);

	if (error != nullptr)
	{
		/* GCOVR_EXCL_START: rows of 1 GB, in test/scale */
		ordered.row.outcome = Outcome::Rejected;
		ordered.row.error = error;
		/* GCOVR_EXCL_STOP */
	}
	row_sort_put(*ordered.sort, ordered.row);
}

/* Is the first row of the rest of the source already in ordered.row? */
enum class FirstRow : uint8
{
	Unread,
	Loaded,
};

/* Sort the rest of the source. */
void
sort_rest(OrderedSource &ordered, FirstRow first)
{
	bool ascending = ordered.options->on_duplicate != OnDuplicate::Last;

	ordered.mode = ReadMode::Sorted;
	progress_phase(*ordered.progress, Phase::Sorting);
	ordered.sort = row_sort_create(*ordered.target, ordered.source->tuple_desc, ascending);
	if (first == FirstRow::Loaded)
		sort_row(&ordered);
	if (runs_source_at_once(*ordered.options))
		keyed_source_run(*ordered.rows, ordered.row, sort_row, &ordered);
	while (keyed_source_next(*ordered.rows, ordered.row))
		sort_row(&ordered);
	row_sort_perform(*ordered.sort);
	if (ordered.passed != nullptr)
		seen_keys_rewind(*ordered.passed);
}

/* The next row of the sort. */
bool
next_of_sort(OrderedSource &ordered)
{
	return with_memory_context(ordered.target->cast_context->ecxt_per_tuple_memory,
							   [&] { return row_sort_next(*ordered.sort, ordered.row); });
}

bool
next_sorted(OrderedSource &ordered)
{
	SourceRow &row = ordered.row;
	bool found = next_of_sort(ordered);

	if (!found || row.outcome != Outcome::Pending)
		return found;

	int64 other = ordered.passed == nullptr ? 0 : seen_keys_find(*ordered.passed, row.key);

	if (other > 0)
		mark_duplicate(ordered, other);
	else if (key_copy_compare(ordered.newest, row.key) == 0)
		mark_duplicate(ordered, ordered.newest.position);
	return true;
}

/* Sort all rows again, by place: their keys are in order now, so that places are found fast. */
void
sort_by_place(OrderedSource &ordered)
{
	SourceRow &row = ordered.row;
	PlaceFinder &places = *ordered.places;
	RowSort *by_place = row_sort_create_by_place(*ordered.target, ordered.source->tuple_desc);

	while (next_sorted(ordered))
	{
		row.place = NO_PLACE;
		if (row.outcome == Outcome::Pending)
		{
			key_copy_set(ordered.newest, row.key, row.position);
			row.place = places.find(places, row.key);
		}
		row_sort_put(*by_place, row);
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(ordered.target->cast_context);
	}
	places.end(places);
	ordered.ended_bytes = row_sort_spilled_bytes(*ordered.sort);
	row_sort_end(*ordered.sort);
	ordered.sort = by_place;
	row_sort_perform(*by_place);
	ordered.mode = ReadMode::Placed;
}

/* Next row in source order; false if there is none, or if the sort has begun. */
bool
next_streamed(OrderedSource &ordered)
{
	if (!keyed_source_next(*ordered.rows, ordered.row))
		return false;
	if (ordered.row.outcome != Outcome::Pending)
		return true;

	int order = key_copy_compare(ordered.newest, ordered.row.key);

	if (order == 0)
		mark_duplicate(ordered, ordered.newest.position);
	if (order <= 0)
		return true;
	if (ordered.options->ordering == Ordering::Stream)
		refuse_order(ordered.newest, ordered.row.key, ordered.row.position);

	/* From here on the sorted rows are compared with each other. */
	key_copy_clear(ordered.newest);
	sort_rest(ordered, FirstRow::Loaded);
	return false;
}

/*
 * Next row under 'last': a row with a key is passed on when the next key is known to
 * differ, or as a duplicate.  Rows without a key overtake it.
 */
bool
next_held_back(OrderedSource &ordered)
{
	while (keyed_source_next(*ordered.rows, ordered.row))
		if (ordered.row.outcome != Outcome::Pending ||
			held_row_exchange(*ordered.held, ordered.row))
			return true;
	return held_row_take(*ordered.held, ordered.row);
}

/* Before the first row is passed on. */
void
choose_mode(OrderedSource &ordered)
{
	Ordering ordering = ordered.options->ordering;
	bool last = ordered.options->on_duplicate == OnDuplicate::Last;

	ordered.mode = ReadMode::Streamed;
	if (ordering == Ordering::Stream && last)
	{
		ordered.held = held_row_create(*ordered.target, ordered.source->tuple_desc);
		ordered.mode = ReadMode::HeldBack;
	}
	else if (sorts_whole_source(*ordered.options) ||
			 (ordering == Ordering::Auto &&
			  !keyed_source_peek_head(*ordered.rows, ordered.row, ordered.newest)))
		sort_rest(ordered, FirstRow::Unread);
	if (ordered.places != nullptr)
		sort_by_place(ordered);
}

bool
next_row(OrderedSource &ordered)
{
	if (ordered.mode == ReadMode::HeldBack)
		return next_held_back(ordered);
	if (ordered.mode == ReadMode::Placed)
		return next_of_sort(ordered);
	if (ordered.mode == ReadMode::Streamed && next_streamed(ordered))
		return true;
	return ordered.mode == ReadMode::Sorted && next_sorted(ordered);
}

} /* namespace */

OrderedSource *
ordered_source_create(const Options &options, Source &source, const Target &target,
					  Progress &progress)
{
	OrderedSource *ordered = palloc_one<OrderedSource>();
	int values = value_count(target);

	ordered->options = &options;
	ordered->source = &source;
	ordered->target = &target;
	ordered->progress = &progress;
	ordered->rows = keyed_source_create(options, source, target, progress);
	ordered->row.values = palloc_array_of<Datum>(values);
	ordered->row.nulls = palloc_array_of<bool>(values);
	ordered->row.key = palloc_array_of<Datum>(target.keys.size);
	memset(ordered->row.nulls, 1, static_cast<Size>(values));
	key_copy_init(ordered->newest, target);
	return ordered;
}

void
ordered_source_by_place(OrderedSource &ordered, PlaceFinder &places)
{
	Assert(ordered.mode == ReadMode::Undecided && sorts_whole_source(*ordered.options));
	ordered.places = &places;
}

SourceRow *
ordered_source_peek(OrderedSource &ordered)
{
	if (ordered.has_row)
		return &ordered.row;

	ResetExprContext(ordered.target->cast_context);
	if (ordered.mode == ReadMode::Undecided)
		choose_mode(ordered);
	ordered.has_row = next_row(ordered);
	return ordered.has_row ? &ordered.row : nullptr;
}

void
ordered_source_consume(OrderedSource &ordered)
{
	const SourceRow &row = ordered.row;

	Assert(ordered.has_row);
	ordered.has_row = false;
	ordered.consumed = ordered_source_reading(ordered);
	if (row.outcome != Outcome::Pending || ordered.mode == ReadMode::HeldBack ||
		ordered.mode == ReadMode::Placed)
		return;

	key_copy_set(ordered.newest, row.key, row.position);

	/* Rows arrive in key order here, so a key that has been passed on cannot recur. */
	if (ordered.mode == ReadMode::Sorted || ordered.options->ordering == Ordering::Stream)
		return;
	if (ordered.passed == nullptr)
		ordered.passed = seen_keys_create(*ordered.target);
	seen_keys_add(*ordered.passed, row.key, row.position);
}

Ordering
ordered_source_reading(const OrderedSource &ordered)
{
	if (ordered.mode == ReadMode::Placed)
		return Ordering::Place;
	return ordered.mode == ReadMode::Sorted ? Ordering::Sort : Ordering::Stream;
}

Ordering
ordered_source_ordering(const OrderedSource &ordered)
{
	return ordered.consumed;
}

int64
ordered_source_spilled_bytes(const OrderedSource &ordered)
{
	return keyed_source_spilled_bytes(*ordered.rows) + ordered.ended_bytes +
		   (ordered.sort == nullptr ? 0 : row_sort_spilled_bytes(*ordered.sort)) +
		   (ordered.passed == nullptr ? 0 : seen_keys_spilled_bytes(*ordered.passed));
}

void
ordered_source_close(OrderedSource &ordered)
{
	if (ordered.sort != nullptr)
		row_sort_end(*ordered.sort);
	if (ordered.passed != nullptr)
		seen_keys_end(*ordered.passed);
	if (ordered.held != nullptr)
		held_row_end(*ordered.held);
	keyed_source_close(*ordered.rows);
}

} /* namespace bulkupdate */
