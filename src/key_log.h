/*
 * key_log.h
 *		Keys kept for later: the newest one, and all that came in order.
 */
#ifndef BULK_UPDATE_KEY_LOG_H
#define BULK_UPDATE_KEY_LOG_H

#include "key.h"

namespace bulkupdate
{

/* A copy of one key, replaced again and again. */
struct KeyCopy
{
	const Target *target;
	MemoryContext memory;
	MemoryContext spare; /* the new copy is made before the old one goes */
	Datum *key;
	int64 position; /* of its row in the source; 0: no key */
};

extern void key_copy_init(KeyCopy *copy, const Target *target);
extern void key_copy_set(KeyCopy *copy, const Datum *key, int64 position);
extern void key_copy_clear(KeyCopy *copy);

/* key_copy_compare: like compare_keys(copy, key); no copy is less than every key. */
inline int
key_copy_compare(const KeyCopy *copy, const Datum *key)
{
	return copy->position == 0 ? -1 : compare_keys(copy->target, copy->key, key);
}

/*
 * A log of ascending keys with their rows' positions.  It keeps as much in
 * memory as a spool may and writes the rest to a temporary file, byte after
 * byte: a tuplestore would form a tuple for each key, and that costs more than
 * twice as much.
 */
struct KeyLog;

/*
 * key_log_create
 *		Allocates in the current memory context, also later.  The temporary file
 *		belongs to the current resource owner, so the other functions must not be
 *		called in a subtransaction.
 */
extern KeyLog *key_log_create(const Target *target);
extern void key_log_add(KeyLog *log, const Datum *key, int64 position);

/* key_log_spilled_bytes: what has been written to the temporary file. */
extern int64 key_log_spilled_bytes(const KeyLog *log);

/* key_log_rewind: all keys are in; now they can be looked up. */
extern void key_log_rewind(KeyLog *log);

/*
 * key_log_find
 *		Position of the row with this key, or 0.  The keys asked for must come
 *		in ascending order.
 */
extern int64 key_log_find(KeyLog *log, const Datum *key);

extern void key_log_end(KeyLog *log);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_KEY_LOG_H */
