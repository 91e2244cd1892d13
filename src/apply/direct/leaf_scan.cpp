/*
 * leaf_scan.cpp
 *		Using nbtree's copy of a leaf page.
 */
#include "apply/direct/leaf_scan.h"

namespace bulkupdate
{

IndexScanDesc
leaf_scan_begin(Relation heap, Relation index, Snapshot snapshot, Span<ScanKeyData> scan_keys)
{
	IndexScanDesc scan = begin_index_scan(heap, index, snapshot, scan_keys.size);

	scan->xs_want_itup = true;
	index_rescan(scan, scan_keys.data, scan_keys.size, nullptr, 0);
	scan->xs_want_itup = false;
	return scan;
}

bool
leaf_scan_next(IndexScanDesc scan)
{
	BTScanOpaque position = static_cast<BTScanOpaque>(scan->opaque);

	/*
	 * Without WAL a page has no LSN that shows whether it was changed, so nbtree
	 * keeps the pin in order to kill entries later.  Neither is done here.
	 */
	if (!RelationNeedsWAL(scan->indexRelation))
		scan->kill_prior_tuple = false;
	if (index_getnext_tid(scan, ForwardScanDirection) == nullptr)
		return false;
	if (BTScanPosIsPinned(position->currPos))
		BTScanPosUnpin(position->currPos);
	return true;
}

void
init_scan_key(ScanKeyData *scan_key, Relation index, int column, StrategyNumber strategy)
{
	Oid type = index->rd_opcintype[column];
	Oid op =
		get_opfamily_member(index->rd_opfamily[column], type, type, static_cast<int16>(strategy));

	if (!OidIsValid(op))
		elog(ERROR, "missing operator %d(%u,%u) in opfamily %u", strategy, type, type,
			 index->rd_opfamily[column]);
	ScanKeyEntryInitialize(scan_key, 0, static_cast<AttrNumber>(column + 1), strategy, InvalidOid,
						   index->rd_indcollation[column], get_opcode(op), static_cast<Datum>(0));
}

} /* namespace bulkupdate */
