/*
 * direct_applier.h
 *		Applying rows without a plan: one forward walk of the key's index.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_APPLIER_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_APPLIER_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * direct_applier_create
 *		An applier for the targets that direct_rule.h accepts.
 *
 * Needs an SPI connection where it is used.  Allocates in the current memory
 * context.
 */
Applier *direct_applier_create(const Target &target, Rechecks *rechecks /* or NULL */);

/* direct_applier_places: see place_walk_create(). */
PlaceFinder *direct_applier_places(Applier &base, LOCKMODE lock);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_APPLIER_H */
