/*
 * keyed_source.h
 *		The source's rows with their keys, of which the first ones can be looked
 *		at before they come.
 */
#ifndef BULK_UPDATE_KEYED_SOURCE_H
#define BULK_UPDATE_KEYED_SOURCE_H

#include "feed.h"

namespace bulkupdate
{

struct KeyedSource;

/*
 * keyed_source_create
 *		The rest of source, whose reading is reported to progress.
 *
 * Allocates in the current memory context, also later.
 */
extern KeyedSource *keyed_source_create(const Options *options, Source *source,
										const Target *target, Progress *progress);

/* looked_at_bytes: of so many rows that are looked at nothing is spilled. */
inline Size
looked_at_bytes()
{
	return static_cast<Size>(spool_memory_kb()) * 1024;
}

/*
 * keyed_source_look
 *		Look at the next row; false at the end.  Rows that were looked at come
 *		first afterwards.
 */
extern bool keyed_source_look(KeyedSource *keyed, FeedRow *row);

/*
 * keyed_source_next
 *		Take the next row; false at the end.  It is valid until the next call.
 *
 * These two reset the per-tuple memory of the target's cast_context, and raise
 * what source_next and, unless errors are to be skipped, the casts of the key
 * columns raise.
 */
extern bool keyed_source_next(KeyedSource *keyed, FeedRow *row);

/* keyed_source_spilled_bytes: what of the rows looked at went to a temporary file. */
extern int64 keyed_source_spilled_bytes(const KeyedSource *keyed);

extern void keyed_source_close(KeyedSource *keyed);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_KEYED_SOURCE_H */
