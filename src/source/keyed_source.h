/*
 * keyed_source.h
 *		The source's rows with their keys; the first rows can be read
 *		ahead.
 */
#ifndef BULK_UPDATE_SOURCE_KEYED_SOURCE_H
#define BULK_UPDATE_SOURCE_KEYED_SOURCE_H

#include "server/spool.h"
#include "source/seen_keys.h"
#include "source/source.h"
#include "source/source_row.h"
#include "target/target.h"

namespace bulkupdate
{

struct KeyedSource;
struct Progress;

/*
 * keyed_source_create
 *		The rest of source, with progress reporting.
 *
 * Allocates in the current memory context, also later.  Raises the errors of keyed_row_desc.
 */
KeyedSource *keyed_source_create(const Options &options, Source &source, const Target &target,
								 Progress &progress);

/* read_ahead_bytes: how much of the rows read ahead is kept in memory. */
inline Size
read_ahead_bytes()
{
	return static_cast<Size>(spool_memory_kb()) * 1024;
}

/*
 * keyed_source_peek
 *		Read the next row ahead; false at the end.  keyed_source_next() returns
 *		these rows first.
 */
bool keyed_source_peek(KeyedSource &keyed, SourceRow &row);

/*
 * keyed_source_peek_head
 *		Read the first rows ahead, as many as a chunk may have; returns whether they are in key
 *		order.  newest: a copy for the keys; has none before and afterwards.
 */
bool keyed_source_peek_head(KeyedSource &keyed, SourceRow &row, KeyCopy &newest);

/*
 * keyed_source_next
 *		Take the next row; false at the end.  It is valid until the next call.
 *
 * These three reset the per-tuple memory of the target's cast_context, and raise the errors of
 * source_next and, unless errors are skipped, 54000 (a row is too large) and the errors of the
 * casts of the key columns.
 */
bool keyed_source_next(KeyedSource &keyed, SourceRow &row);

/*
 * keyed_source_run
 *		Run the source's query to its end (source_run) and call take(arg) for each row,
 *		when it has been loaded into row.
 *
 * take() must not run user-defined code, except for what compares keys.  If the keys need
 * casts or comparisons for which there is no parallel mode, take() is not called:
 * the rows are kept, and keyed_source_next() returns them.
 *
 * Raises the errors of source_run and those of keyed_source_next.
 */
void keyed_source_run(KeyedSource &keyed, SourceRow &row, void (*take)(void *arg), void *arg);

/* keyed_source_spilled_bytes: bytes of the rows read ahead that went to a temporary file. */
int64 keyed_source_spilled_bytes(const KeyedSource &keyed);

void keyed_source_close(KeyedSource &keyed);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_KEYED_SOURCE_H */
