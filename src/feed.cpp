/*
 * feed.cpp
 *		Finding equal keys, in key order or by way of an external sort.
 */
#include "feed.h"

#include "held_row.h"
#include "key_error.h"
#include "key_log.h"
#include "keyed_source.h"
#include "mapping.h"
#include "progress.h"
#include "row_size.h"
#include "row_sort.h"

namespace bulkupdate
{

namespace
{

/* How rows reach the one who asks for them. */
enum class Way : uint8
{
	Undecided,
	Streamed, /* as they come */
	HeldBack, /* so too, but each one when the next key is known */
	Sorted,
};

} /* namespace */

struct Feed
{
	const Options *options;
	Source *source;
	const Target *target;
	Progress *progress;
	Way way;
	KeyedSource *rows; /* upstream */
	RowSort *sort;     /* of what was upstream, when Sorted */
	KeyLog *passed;    /* keys of the rows that have passed without it, or NULL */
	KeyCopy newest;    /* key of the newest row with a key of its own */
	HeldRow *held;     /* when HeldBack: the row that waits for the next key */
	HeldRow *spare;    /* and the one that waited before it */
	FeedRow row;
	bool has_row;
	Ordering consumed; /* how the newest consumed row came */
};

namespace
{

/* The row has the key of another one, which stands at position other. */
void
mark_duplicate(Feed *feed, int64 other)
{
	FeedRow *row = &feed->row;

	if (feed->options->on_duplicate == OnDuplicate::Error)
		refuse_duplicate(feed->target, row->key, other, row->position);
	row->outcome = Outcome::Duplicate;
}

/* Look at the first rows; returns whether they are in key order. */
bool
look_at_head(Feed *feed)
{
	const FeedRow *row = &feed->row;
	Size bytes = 0;
	bool in_order = true;

	for (int rows = 0; rows < feed->options->chunk_rows && bytes < looked_at_bytes() &&
					   keyed_source_look(feed->rows, &feed->row);
		 rows++)
	{
		if (row->outcome == Outcome::Pending)
		{
			in_order = key_copy_compare(&feed->newest, row->key) <= 0;
			key_copy_set(&feed->newest, row->key, row->position);
		}
		if (!in_order)
			break;
		bytes += source_row_size(feed->target, row->slot);
	}
	key_copy_clear(&feed->newest);
	return in_order;
}

/* Tell others which way the rows take. */
void
show_order(const Feed *feed)
{
	progress_order(feed->progress, feed->way == Way::Sorted ? Ordering::Sort : Ordering::Stream,
				   feed_spilled_bytes(feed));
}

/* A row that does not fit into the sort with its key is in error. */
ErrorData *
sort_error(const Feed *feed)
{
	const FeedRow *row = &feed->row;
	ErrorData *error =
		row->outcome == Outcome::Pending ? sort_size_error(feed->target, row) : nullptr;

	if (error != nullptr && feed->options->on_error == OnError::Stop)
		ThrowErrorData(error);
	return error;
}

/* Sort the rest of the source; loaded: feed->row is its first row already. */
void
sort_rest(Feed *feed, bool loaded)
{
	bool ascending = feed->options->on_duplicate != OnDuplicate::Last;

	feed->way = Way::Sorted;
	show_order(feed);
	progress_phase(feed->progress, Phase::Sorting);
	feed->sort = row_sort_create(feed->target, feed->source->tuple_desc, ascending);
	for (; loaded || keyed_source_next(feed->rows, &feed->row); loaded = false)
	{
		ErrorData *error = sort_error(feed);

		if (error != nullptr)
		{
			feed->row.outcome = Outcome::Rejected;
			feed->row.error = error;
		}
		row_sort_put(feed->sort, &feed->row);
		show_order(feed);
	}
	row_sort_perform(feed->sort);
	if (feed->passed != NULL)
		key_log_rewind(feed->passed);
	show_order(feed);
}

bool
next_sorted(Feed *feed)
{
	FeedRow *row = &feed->row;
	bool found = with_memory_context(feed->target->cast_context->ecxt_per_tuple_memory,
									 [&] { return row_sort_next(feed->sort, row); });

	if (!found || row->outcome != Outcome::Pending)
		return found;

	int64 other = feed->passed == NULL ? 0 : key_log_find(feed->passed, row->key);

	if (other > 0)
		mark_duplicate(feed, other);
	else if (key_copy_compare(&feed->newest, row->key) == 0)
		mark_duplicate(feed, feed->newest.position);
	return true;
}

/* Next row as it comes; false when there is none, or when the sort has begun. */
bool
next_streamed(Feed *feed)
{
	if (!keyed_source_next(feed->rows, &feed->row))
		return false;
	if (feed->row.outcome != Outcome::Pending)
		return true;

	int order = key_copy_compare(&feed->newest, feed->row.key);

	if (order == 0)
		mark_duplicate(feed, feed->newest.position);
	if (order <= 0)
		return true;
	if (feed->options->ordering == Ordering::Stream)
		refuse_order(&feed->newest, feed->row.key, feed->row.position);

	/* From here on the sorted rows are compared with each other. */
	key_copy_clear(&feed->newest);
	sort_rest(feed, true);
	return false;
}

/*
 * Next row under 'last': a row with a key passes when the next key is known to
 * be another one, or as a duplicate.  Rows without a key overtake it.
 */
bool
next_held_back(Feed *feed)
{
	while (keyed_source_next(feed->rows, &feed->row))
	{
		const FeedRow *row = &feed->row;
		HeldRow *before = feed->held;

		if (row->outcome != Outcome::Pending)
			return true;

		int order = key_copy_compare(&before->key, row->key);

		if (order > 0)
			refuse_order(&before->key, row->key, row->position);
		feed->held = feed->spare;
		feed->spare = before;
		held_row_set(feed->held, row);
		if (before->key.position == 0)
			continue;
		held_row_get(before, &feed->row);
		if (order == 0)
			feed->row.outcome = Outcome::Duplicate;
		return true;
	}
	if (feed->held->key.position == 0)
		return false;
	held_row_get(feed->held, &feed->row);
	key_copy_clear(&feed->held->key);
	return true;
}

/* Before the first row passes. */
void
choose_way(Feed *feed)
{
	Ordering ordering = feed->options->ordering;
	bool last = feed->options->on_duplicate == OnDuplicate::Last;

	feed->way = Way::Streamed;
	if (ordering == Ordering::Stream && last)
	{
		feed->held = held_row_create(feed->target, feed->source->tuple_desc);
		feed->spare = held_row_create(feed->target, feed->source->tuple_desc);
		feed->way = Way::HeldBack;
	}
	else if (ordering != Ordering::Stream &&
			 (ordering == Ordering::Sort || last || !look_at_head(feed)))
		sort_rest(feed, false);
}

bool
next_row(Feed *feed)
{
	if (feed->way == Way::HeldBack)
		return next_held_back(feed);
	if (feed->way == Way::Streamed && next_streamed(feed))
		return true;
	return feed->way == Way::Sorted && next_sorted(feed);
}

} /* namespace */

Feed *
feed_create(const Options *options, Source *source, const Target *target, Progress *progress)
{
	Feed *feed = palloc_one<Feed>();
	int natts = RelationGetDescr(target->relation)->natts;

	feed->options = options;
	feed->source = source;
	feed->target = target;
	feed->progress = progress;
	feed->rows = keyed_source_create(options, source, target, progress);
	feed->row.values = palloc_array_of<Datum>(natts);
	feed->row.nulls = palloc_array_of<bool>(natts);
	feed->row.key = palloc_array_of<Datum>(target->keys.size);
	memset(feed->row.nulls, true, static_cast<Size>(natts));
	key_copy_init(&feed->newest, target);
	return feed;
}

FeedRow *
feed_peek(Feed *feed)
{
	if (feed->has_row)
		return &feed->row;

	ResetExprContext(feed->target->cast_context);
	if (feed->way == Way::Undecided)
		choose_way(feed);
	feed->has_row = next_row(feed);
	return feed->has_row ? &feed->row : nullptr;
}

void
feed_consume(Feed *feed)
{
	const FeedRow *row = &feed->row;

	Assert(feed->has_row);
	feed->has_row = false;
	feed->consumed = feed->way == Way::Sorted ? Ordering::Sort : Ordering::Stream;
	if (row->outcome != Outcome::Pending || feed->way == Way::HeldBack)
		return;

	key_copy_set(&feed->newest, row->key, row->position);

	/* In what is promised to be ordered, a key that has passed cannot come again. */
	if (feed->way == Way::Sorted || feed->options->ordering == Ordering::Stream)
		return;
	if (feed->passed == NULL)
		feed->passed = key_log_create(feed->target);
	key_log_add(feed->passed, row->key, row->position);
	show_order(feed);
}

Ordering
feed_ordering(const Feed *feed)
{
	return feed->consumed;
}

int64
feed_spilled_bytes(const Feed *feed)
{
	return keyed_source_spilled_bytes(feed->rows) +
		   (feed->sort == NULL ? 0 : row_sort_spilled_bytes(feed->sort)) +
		   (feed->passed == NULL ? 0 : key_log_spilled_bytes(feed->passed));
}

void
feed_close(Feed *feed)
{
	if (feed->sort != NULL)
		row_sort_end(feed->sort);
	if (feed->passed != NULL)
		key_log_end(feed->passed);
	if (feed->held != NULL)
	{
		held_row_end(feed->held);
		held_row_end(feed->spare);
	}
	keyed_source_close(feed->rows);
}

} /* namespace bulkupdate */
