/*
 * seen_keys.h
 *		Keys kept for later: the newest one, and all that arrived in order.
 */
#ifndef BULK_UPDATE_SOURCE_SEEN_KEYS_H
#define BULK_UPDATE_SOURCE_SEEN_KEYS_H

#include "target/key.h"

namespace bulkupdate
{

/* A copy of one key, which is replaced repeatedly. */
struct KeyCopy
{
	const Target *target;
	MemoryContext memory;
	MemoryContext spare; /* the new copy is made before the old one is freed */
	Datum *key;
	int64 position; /* of its row in the source; 0: no key */
};

void key_copy_init(KeyCopy &copy, const Target &target);
void key_copy_set(KeyCopy &copy, const Datum *key, int64 position);
void key_copy_clear(KeyCopy &copy);

/* key_copy_compare: like compare_keys(copy, key); no copy is less than every key. */
inline int
key_copy_compare(const KeyCopy &copy, const Datum *key)
{
	return copy.position == 0 ? -1 : compare_keys(*copy.target, copy.key, key);
}

/*
 * Ascending keys with their rows' positions.  As much is kept in
 * memory as in a spool and the rest is written to a temporary file, byte by
 * byte: a tuplestore would form a tuple for each key, which costs more than
 * twice as much.
 */
struct SeenKeys;

/*
 * seen_keys_create
 *		Allocates in the current memory context, also later.  The temporary file
 *		belongs to the current resource owner, so the other functions must not be
 *		called in a subtransaction.
 */
SeenKeys *seen_keys_create(const Target &target);

/* seen_keys_add: the keys must be added in ascending order.  Raises 54000 (it is too large). */
void seen_keys_add(SeenKeys &seen, const Datum *key, int64 position);

/* seen_keys_spilled_bytes: bytes written to the temporary file. */
int64 seen_keys_spilled_bytes(const SeenKeys &seen);

/* seen_keys_rewind: all keys have been added; now they can be looked up. */
void seen_keys_rewind(SeenKeys &seen);

/*
 * seen_keys_find
 *		Position of the row with this key, or 0.  The keys must be looked up
 *		in ascending order.
 */
int64 seen_keys_find(SeenKeys &seen, const Datum *key);

void seen_keys_end(SeenKeys &seen);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_SEEN_KEYS_H */
