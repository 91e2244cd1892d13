/*
 * leaf_scan.h
 *		Stepping through the entries of a B-tree index without pinning its pages.
 *
 * A page that stays pinned during a wait for a row, or while user-defined
 * code runs, makes VACUUM wait, and the deadlock detector does not see waits for pins.
 *
 * nbtree copies the entries of each leaf page that it reads if they are requested
 * when the scan starts, and keeps the page pinned if they are requested while it
 * reads.  An index-only scan needs the pin because it trusts the visibility map.
 * Here each row is fetched under an MVCC snapshot, so the copy is enough
 * (nbtree/README, "Making concurrent TID recycling safe").
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_LEAF_SCAN_H
#define BULK_UPDATE_APPLY_DIRECT_LEAF_SCAN_H

#include "server/scope.h"

namespace bulkupdate
{

/*
 * leaf_scan_begin
 *		A scan of index, which belongs to heap, with these scan keys.
 *
 * index_rescan() and index_endscan() work as for any other scan.  Allocates in
 * the current memory context.
 */
IndexScanDesc leaf_scan_begin(Relation heap, Relation index, Snapshot snapshot,
							  Span<ScanKeyData> scan_keys);

/*
 * leaf_scan_next
 *		Step to the next entry; returns whether there is one.  Its position in the
 *		heap is scan->xs_heaptid.
 */
[[nodiscard]] bool leaf_scan_next(IndexScanDesc scan);

/* leaf_scan_entry: the scan's current entry, valid until the next call. */
inline IndexTuple
leaf_scan_entry(IndexScanDesc scan)
{
	const BTScanOpaqueData *position = static_cast<BTScanOpaque>(scan->opaque);
	const BTScanPosItem *item = &position->currPos.items[position->currPos.itemIndex];

	return reinterpret_cast<IndexTuple>(position->currTuples + item->tupleOffset);
}

/* init_scan_key: a scan key of an index's column, from 0, whose argument is of its type. */
void init_scan_key(ScanKeyData *scan_key, Relation index, int column, StrategyNumber strategy);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_LEAF_SCAN_H */
