/*
 * ordered_source.h
 *		The source's rows with their keys, each key once.
 *
 * Ordering 'auto': The first rows, as many as a chunk may have, are read
 * ahead before the first one is passed on.  While keys ascend, rows
 * are passed on in source order.  At the first key that is out of order, this row and the
 * rest of the source go through an external sort by key, together with rows that were only
 * read ahead, so that a source in another order is applied in key order from its
 * first row on.  Equal keys are found in both cases: adjacent in the sort's output, and
 * with those passed on before by a merge with their keys.  So the
 * policy for duplicates applies to the whole source.  Under 'last' a row may
 * only be passed on if no later one has its key; then the whole source is sorted
 * before the first row is passed on.
 *
 * 'sort': The whole source is sorted before the first row is passed on.
 *
 * 'place': The same, and then all rows are sorted again, by the place of their version in
 * the table.  Without ordered_source_by_place() it is 'sort'.
 *
 * 'stream': Rows must arrive in key order, so equal keys are adjacent, nothing
 * is kept for later, and a key out of order is an error.  Under 'last' one row
 * is held back until the next key is known.
 */
#ifndef BULK_UPDATE_SOURCE_ORDERED_SOURCE_H
#define BULK_UPDATE_SOURCE_ORDERED_SOURCE_H

#include "call/progress.h"
#include "source/source.h"
#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

struct OrderedSource;

/*
 * ordered_source_create
 *		The rest of source, with progress reporting.
 *
 * Allocates in the current memory context, also later.  Raises the errors of
 * keyed_source_create.
 */
OrderedSource *ordered_source_create(const Options &options, Source &source, const Target &target,
									 Progress &progress);

/*
 * ordered_source_by_place
 *		Under 'place', before the first row is peeked: pass the rows on by place,
 *		and those without one after them.
 */
void ordered_source_by_place(OrderedSource &ordered, PlaceFinder &places);

/*
 * ordered_source_peek
 *		The next row without consuming it, or NULL at the end.  Resets the
 *		per-tuple memory of the target's cast_context.
 *
 * Raises 21000 (a key occurs twice, under 'error'), 22023 (a key is out of order, under
 * 'stream'), 54000 (a row is too large to be sorted, unless errors are skipped), and the errors of
 * keyed_source_next and row_sort_create.
 */
SourceRow *ordered_source_peek(OrderedSource &ordered);

/* ordered_source_consume: take the peeked row.  Raises the errors of seen_keys_add. */
void ordered_source_consume(OrderedSource &ordered);

/* ordered_source_ordering: how the newest consumed row arrived: Stream, Sort or Place. */
Ordering ordered_source_ordering(const OrderedSource &ordered);

/* ordered_source_reading: how rows arrive now: Stream, Sort or Place. */
Ordering ordered_source_reading(const OrderedSource &ordered);

/*
 * ordered_source_spilled_bytes
 *		Bytes written to temporary files so far, for ordering and duplicates: the
 *		sorts' files at their largest, the seen keys, and the rows read ahead.
 */
int64 ordered_source_spilled_bytes(const OrderedSource &ordered);

/* ordered_source_close: release the sort and its temporary files. */
void ordered_source_close(OrderedSource &ordered);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_ORDERED_SOURCE_H */
