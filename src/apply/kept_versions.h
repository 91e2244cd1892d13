/*
 * kept_versions.h
 *		The old and the new values of a chunk's updated rows, until they are recorded.
 *
 * They are in tuplestores, which spill to temporary files.  A value that is stored out of line
 * is not fetched: it stays readable until the transaction ends, also if the update has deleted
 * it.  Values of attempts that were rolled back are told apart by the number of the attempt.
 *
 * The stores are relations for the statement that records them: both values of a row in one, or
 * each in its own if they are seen at different times.
 */
#ifndef BULK_UPDATE_APPLY_KEPT_VERSIONS_H
#define BULK_UPDATE_APPLY_KEPT_VERSIONS_H

#include "chunk/chunk.h"

namespace bulkupdate
{

struct KeptVersions;

/* Their columns: attempt, source_row, and those in brackets. */
enum class KeptStore : int
{
	Pairs, /* [key and values as kN and nN, old values as oN]: N is the place in Target.kept */
	Old,   /* [table_oid, old values as oN] */
	New,   /* [table_oid, key and values as kN and nN] */
};

constexpr int KEPT_STORES = 3;

/* kept_store_name: the relation's name. */
const char *kept_store_name(KeptStore store);

/*
 * kept_versions_create
 *		For a call that keeps values; no rows yet.  The stores become relations of the current SPI
 *		connection.
 *
 * Allocates in the current memory context, also later.  Temporary files belong to the current
 * resource owner.
 */
KeptVersions *kept_versions_create(const Target &target);

/*
 * kept_versions_put
 *		Keep the values of a row that has been updated.
 *
 * attributes: of the slots' table, for each of the target's kept columns.
 */
void kept_versions_put(KeptVersions &kept, const ChunkRow &row, TupleTableSlot *old,
					   TupleTableSlot *updated, Span<const AttrNumber> attributes);

/*
 * kept_versions_put_part
 *		Keep the old or the new values of a row: the columns of a slot from this one on, which
 *		are those of the store after the source row.
 */
void kept_versions_put_part(KeptVersions &kept, KeptStore which, const ChunkRow &row,
							TupleTableSlot *slot, int first);

/* kept_versions_count: number of rows, also those of attempts that were rolled back. */
[[nodiscard]] int64 kept_versions_count(const KeptVersions &kept, KeptStore store);

/*
 * kept_versions_failed
 *		The numbers of the attempts that were rolled back, as an array of integers.
 *
 * Their transaction IDs are not among those of the current transaction.
 */
Datum kept_versions_failed(const KeptVersions &kept);

/* kept_versions_clear: forget all rows. */
void kept_versions_clear(KeptVersions &kept);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_KEPT_VERSIONS_H */
