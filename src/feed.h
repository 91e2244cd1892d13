/*
 * feed.h
 *		The source's rows with their keys, each key once.
 *
 * Ordering 'auto': The first rows, as many as a chunk may have, are looked at
 * before the first one passes.  While the keys come in ascending order, rows
 * pass as they come.  At the first key that is out of order, this row and the
 * rest of the source go through an external sort by key; with what was only
 * looked at, so that a source in another order is applied in key order from its
 * first row on.  Either way equal keys meet: adjacent in the sort's output, and
 * with those that passed before by a merge with a log of their keys.  So the
 * policy for duplicates holds over the whole source.  Under 'last' a row may
 * only pass when no later one has its key; then the whole source is sorted
 * before the first row passes.
 *
 * 'sort': The whole source is sorted before the first row passes.
 *
 * 'stream': The caller promises key order, so equal keys are adjacent, nothing
 * is kept for later, and a key out of order is an error.  Under 'last' one row
 * is held back until the next key is known.
 */
#ifndef BULK_UPDATE_FEED_H
#define BULK_UPDATE_FEED_H

#include "options.h"
#include "source.h"
#include "target.h"

namespace bulkupdate
{

/* What becomes of a source row.  Each row ends in exactly one of the first five. */
enum class Outcome : uint8
{
	Updated,
	Unchanged,
	Missing,
	Duplicate,
	Rejected,
	Pending, /* has a key of its own, not applied yet */
};
constexpr int OUTCOMES = 5;

/* The next row, valid until the next call of feed_peek. */
struct FeedRow
{
	TupleTableSlot *slot; /* begins with the source's columns */
	int64 position;       /* in the source, from 1 */
	Outcome outcome; /* Pending, Missing (no row can have the key), Duplicate, Rejected (bad key) */
	ErrorData *error; /* of a rejected row; valid as long as the row */
	Datum *values;    /* by target attribute; key columns are set */
	bool *nulls;
	Datum *key; /* a Datum for each key column, when Pending or Duplicate */
};

struct Feed;
struct Progress;

/*
 * feed_create
 *		A feed of the rest of source, whose reading is reported to progress.
 *		Allocates in the current memory context, also later.
 */
extern Feed *feed_create(const Options *options, Source *source, const Target *target,
						 Progress *progress);

/*
 * feed_peek
 *		The next row without consuming it, or NULL at the end.  Resets the
 *		per-tuple memory of the target's cast_context.
 *
 * Raises 21000 (a key comes twice, under 'error'), 22023 (a key is out of order,
 * under 'stream'), what the casts of the key columns raise unless errors are to
 * be skipped, and what source_next raises.
 */
extern FeedRow *feed_peek(Feed *feed);

/* feed_consume: the peeked row is taken. */
extern void feed_consume(Feed *feed);

/* feed_ordering: how the newest consumed row came: Stream or Sort. */
extern Ordering feed_ordering(const Feed *feed);

/*
 * feed_spilled_bytes
 *		What has gone to temporary files so far, for order and duplicates: the
 *		sort's files at their largest, the log of keys, and the rows looked at.
 */
extern int64 feed_spilled_bytes(const Feed *feed);

/* feed_close: release the sort and its temporary files. */
extern void feed_close(Feed *feed);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_FEED_H */
