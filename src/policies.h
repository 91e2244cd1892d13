/*
 * policies.h
 *		What the policies of a call say about the outcomes of a chunk.
 */
#ifndef BULK_UPDATE_POLICIES_H
#define BULK_UPDATE_POLICIES_H

#include "chunk/chunk.h"

namespace bulkupdate
{

/*
 * check_missing
 *		Under on_missing 'error': raise P0002 for the first missing row in the order of the
 *		source, if there is one.
 */
void check_missing(const Target &target, const Chunk &chunk);

/*
 * check_stale
 *		Under on_stale 'error': raise 55000 for the first stale row in the order of the source, if
 *		there is one.
 *
 * Not a serialization failure: programs repeat the transaction after these, and the same source
 * would fail again.
 */
void check_stale(const Target &target, const Chunk &chunk);

/* check_reject_limit: raise 54000 if more rows have been rejected than reject_limit allows. */
void check_reject_limit(const Options &options, int64 rejected);

/* has_rejects: do these counts have rows for the table of rejects? */
[[nodiscard]] bool has_rejects(const int64 (&counts)[OUTCOMES]);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_POLICIES_H */
