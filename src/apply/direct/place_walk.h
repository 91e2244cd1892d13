/*
 * place_walk.h
 *		Finding the places of rows in one walk of the key's index, without reading the
 *		table.
 *
 * Rows are applied later, in the order of their place.  Until then a row may move, and its place
 * may be given to another row.  So the applier reads the key there, and walks the index
 * if it is not the row's.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_PLACE_WALK_H
#define BULK_UPDATE_APPLY_DIRECT_PLACE_WALK_H

#include "apply/direct/direct_statement.h"

namespace bulkupdate
{

/*
 * place_walk_create
 *		A finder for rows that the applier will get.  lock: the lock to take on partitions.
 *		stats, reads: the applier's.  Allocates in the current memory context.
 *
 * Raises 42501 when it finds the first place.
 */
PlaceFinder *place_walk_create(const Applier &applier, LOCKMODE lock, WalkStats &stats,
							   ReadStats &reads);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_PLACE_WALK_H */
