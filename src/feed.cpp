/*
 * feed.cpp
 *		Finding equal keys, in key order or by way of an external sort.
 */
#include "feed.h"

#include "key.h"
#include "key_text.h"
#include "key_log.h"
#include "mapping.h"
#include "progress.h"
#include "row_sort.h"

namespace bulkupdate
{

struct Feed
{
	const Options *options;
	Source *source;
	const Target *target;
	Progress *progress;
	Tuplestorestate *head; /* rows looked at before the first one passed, or NULL */
	TupleTableSlot *head_slot;
	int64 position;             /* of the newest row taken from upstream */
	RowSort *sort;              /* NULL while rows pass as they come */
	KeyLog *passed;             /* keys of the rows that have passed so, or NULL */
	KeyCopy newest;             /* key of the newest row with a key of its own */
	MemoryContext error_memory; /* of the error of the newest row */
	FeedRow row;
	bool has_row;
	bool begun;
};

namespace
{

bool
in_sorted_part(const Feed *feed)
{
	return feed->sort != nullptr;
}

/* Compute the key of a row; decides Pending, Missing or Rejected. */
void
load_key(Feed *feed, TupleTableSlot *slot, int64 position)
{
	FeedRow *row = &feed->row;
	const Target *target = feed->target;

	MemoryContextReset(feed->error_memory);
	row->slot = slot;
	row->position = position;
	row->outcome = Outcome::Pending;
	row->error = with_memory_context(feed->error_memory, [&] {
		return coerce_columns(target, slot, position, true,
							  feed->options->on_error == OnError::Skip, row->values, row->nulls);
	});
	if (row->error != NULL)
	{
		row->outcome = Outcome::Rejected;
		return;
	}
	for (int i = 0; i < target->keys.size; i++)
	{
		int attribute = target->keys[i].target - 1;

		row->key[i] = row->values[attribute];
		if (row->nulls[attribute])
			row->outcome = Outcome::Missing;
	}
}

/* The row has the key of another one, which stands at position other. */
void
mark_duplicate(Feed *feed, int64 other)
{
	FeedRow *row = &feed->row;

	if (feed->options->on_duplicate == OnDuplicate::Error)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("bulk_update cannot update the same row a second time"),
						errdetail("Key %s comes in source rows %lld and %lld.",
								  key_detail(feed->target, row->key),
								  static_cast<long long>(Min(other, row->position)),
								  static_cast<long long>(Max(other, row->position))),
						errhint("Let the source return each key once, or set on_duplicate to "
								"\"first\" or \"last\"."),
						errcontext("bulk_update of table %s", feed->target->display_name)));
	row->outcome = Outcome::Duplicate;
}

/* Upstream are the rows that were looked at, then the source. */
TupleTableSlot *
upstream_peek(Feed *feed)
{
	if (feed->head != NULL)
	{
		if (tuplestore_gettupleslot(feed->head, true, false, feed->head_slot))
			return feed->head_slot;
		tuplestore_end(feed->head);
		feed->head = NULL;
	}
	return source_peek(feed->source);
}

void
upstream_consume(Feed *feed)
{
	feed->position++;
	if (feed->head == NULL)
		progress_rows_read(feed->progress, source_consume(feed->source));
}

/* Look at the first rows; returns whether they are in key order. */
bool
look_at_head(Feed *feed)
{
	Size bytes = 0;
	bool in_order = true;

	feed->head = tuplestore_begin_heap(false, false, spool_memory_kb());
	while (in_order && feed->source->rows_consumed < feed->options->chunk_rows &&
		   bytes < static_cast<Size>(work_mem) * 1024)
	{
		TupleTableSlot *slot = source_peek(feed->source);
		int64 position = feed->source->rows_consumed + 1;

		CHECK_FOR_INTERRUPTS();
		if (slot == NULL)
			break;
		ResetExprContext(feed->target->cast_context);
		load_key(feed, slot, position);
		if (feed->row.outcome == Outcome::Pending)
		{
			in_order = key_copy_compare(&feed->newest, feed->row.key) <= 0;
			key_copy_set(&feed->newest, feed->row.key, position);
		}
		bytes += source_row_size(feed->target, slot);
		tuplestore_puttupleslot(feed->head, slot);
		progress_rows_read(feed->progress, source_consume(feed->source));
	}
	key_copy_clear(&feed->newest);
	return in_order;
}

/* Sort what is still upstream; loaded: its first row, when that is in feed->row already. */
void
sort_rest(Feed *feed, TupleTableSlot *loaded)
{
	bool ascending = feed->options->on_duplicate != OnDuplicate::Last;
	TupleTableSlot *slot = loaded != NULL ? loaded : upstream_peek(feed);

	progress_phase(feed->progress, Phase::Sorting);
	feed->sort = row_sort_create(feed->target, feed->source->tuple_desc, ascending);
	for (; slot != NULL; slot = upstream_peek(feed))
	{
		CHECK_FOR_INTERRUPTS();
		if (loaded == NULL)
		{
			ResetExprContext(feed->target->cast_context);
			load_key(feed, slot, feed->position + 1);
		}
		loaded = NULL;
		upstream_consume(feed);

		/* Without a key it sorts last; there load_key() is asked again why it has none. */
		row_sort_put(feed->sort, slot, feed->position,
					 feed->row.outcome == Outcome::Pending ? feed->row.key : nullptr);
	}
	row_sort_perform(feed->sort);
	if (feed->passed != NULL)
		key_log_rewind(feed->passed);
}

bool
next_sorted(Feed *feed)
{
	FeedRow *row = &feed->row;

	row->slot = row_sort_next(feed->sort, &row->position, row->key);
	if (row->slot == NULL)
		return false;
	if (!row_sort_has_key(feed->sort))
	{
		load_key(feed, row->slot, row->position);
		return true;
	}

	row->outcome = Outcome::Pending;
	row->error = NULL;
	for (int i = 0; i < feed->target->keys.size; i++)
	{
		row->values[feed->target->keys[i].target - 1] = row->key[i];
		row->nulls[feed->target->keys[i].target - 1] = false;
	}

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
	TupleTableSlot *slot = upstream_peek(feed);

	if (slot == NULL)
		return false;
	load_key(feed, slot, feed->position + 1);
	if (feed->row.outcome != Outcome::Pending)
		return true;

	int order = key_copy_compare(&feed->newest, feed->row.key);

	if (order == 0)
		mark_duplicate(feed, feed->newest.position);
	if (order <= 0)
		return true;

	/* From here on the sorted rows are compared with each other. */
	key_copy_clear(&feed->newest);
	sort_rest(feed, slot);
	return false;
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
	feed->error_memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update error", ALLOCSET_SMALL_SIZES);
	feed->row.values = palloc_array_of<Datum>(natts);
	feed->row.nulls = palloc_array_of<bool>(natts);
	feed->row.key = palloc_array_of<Datum>(target->keys.size);
	memset(feed->row.nulls, true, static_cast<Size>(natts));
	feed->head_slot = MakeSingleTupleTableSlot(source->tuple_desc, &TTSOpsMinimalTuple);
	key_copy_init(&feed->newest, target);
	return feed;
}

FeedRow *
feed_peek(Feed *feed)
{
	if (feed->has_row)
		return &feed->row;

	ResetExprContext(feed->target->cast_context);
	if (!feed->begun)
	{
		feed->begun = true;
		if (feed->options->on_duplicate == OnDuplicate::Last || !look_at_head(feed))
			sort_rest(feed, NULL);
	}
	feed->has_row = (!in_sorted_part(feed) && next_streamed(feed)) ||
					(in_sorted_part(feed) && next_sorted(feed));
	return feed->has_row ? &feed->row : nullptr;
}

void
feed_consume(Feed *feed)
{
	FeedRow *row = &feed->row;

	Assert(feed->has_row);
	feed->has_row = false;
	if (!in_sorted_part(feed))
		upstream_consume(feed);
	if (row->outcome != Outcome::Pending)
		return;

	key_copy_set(&feed->newest, row->key, row->position);
	if (in_sorted_part(feed))
		return;
	if (feed->passed == NULL)
		feed->passed = key_log_create(feed->target);
	key_log_add(feed->passed, row->key, row->position);
}

void
feed_close(Feed *feed)
{
	if (feed->sort != NULL)
		row_sort_end(feed->sort);
	if (feed->passed != NULL)
		key_log_end(feed->passed);
	ExecDropSingleTupleTableSlot(feed->head_slot);
	if (feed->head != NULL)
		tuplestore_end(feed->head);
}

} /* namespace bulkupdate */
