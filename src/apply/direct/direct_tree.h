/*
 * direct_tree.h
 *		The direct applier's rule for a target with all tables below it.
 */
#ifndef BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H
#define BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * why_not_direct_tree
 *		Why the target or one of its inheritance children cannot be updated directly
 *		now, as a sentence, or NULL.  Locks the children like SELECT.
 *
 * Needs an SPI connection.
 */
[[nodiscard]] const char *why_not_direct_tree(const Target &target);

/* why_not_direct_partitions: the same for its partitions, at any level. */
[[nodiscard]] const char *why_not_direct_partitions(const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_DIRECT_DIRECT_TREE_H */
