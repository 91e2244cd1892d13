/*
 * key_error.h
 *		Errors about the keys of two source rows.
 */
#ifndef BULK_UPDATE_SOURCE_KEY_ERROR_H
#define BULK_UPDATE_SOURCE_KEY_ERROR_H

#include "source/seen_keys.h"

namespace bulkupdate
{

/* refuse_duplicate: raise 21000: the rows at positions a and b have the same key. */
[[noreturn]] void refuse_duplicate(const Target &target, const Datum *key, int64 a, int64 b);

/* refuse_order: raise 22023: a key is lower than the one before it. */
[[noreturn]] void refuse_order(const KeyCopy &before, const Datum *key, int64 position);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SOURCE_KEY_ERROR_H */
