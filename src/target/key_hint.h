/*
 * key_hint.h
 *		What to do if no unique index covers the key.
 */
#ifndef BULK_UPDATE_TARGET_KEY_HINT_H
#define BULK_UPDATE_TARGET_KEY_HINT_H

#include "target/target.h"

namespace bulkupdate
{

/* is_key_attribute: is the column among the key columns of the target's mapping? */
bool is_key_attribute(const Target &target, AttrNumber attno);

/*
 * key_index_hint
 *		A hint for the error that no unique index covers the key: what is wrong
 *		with an existing one, or why none can be created; otherwise to create one.
 *
 * Opens the indexes of the target, and the tables below a partitioned one, with
 * the lock of SELECT.  Allocates in the current memory context.
 */
const char *key_index_hint(const Target &target);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEY_HINT_H */
