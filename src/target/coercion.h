/*
 * coercion.h
 *		A source row's columns as values of the target's columns.
 */
#ifndef BULK_UPDATE_TARGET_COERCION_H
#define BULK_UPDATE_TARGET_COERCION_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * The next two compute the target's values of a source row, at position in the
 * source.  values and nulls have value_count() entries; only those of the requested
 * columns are set.  Values may point into row or into the
 * per-tuple memory of the target's cast_context, which they do not reset, and
 * none is stored out of line.  An error that they return is allocated in the
 * current memory context.
 *
 * coerce_values
 *		Those of the columns that are not in the key, and the expected ones.
 *
 * on_error: under Skip, errors of the casts that can be the row's are
 * returned instead of raised; the casts then run in a subtransaction.  Under Stop
 * returns NULL.
 *
 * Raises the errors of the casts, input functions and domain checks.
 */
ErrorData *coerce_values(const Target &target, TupleTableSlot *row, int64 position,
						 OnError on_error, Datum *values, bool *nulls);

/*
 * coerce_key
 *		Those of the key columns.  Sets is_possible: can a row have this key?
 *
 * Not a key with a null, nor one that its cast changes, nor one that is out of its
 * type's range; then the values must not be used.  Uses a subtransaction only if a
 * cast may raise that error, or, under Skip, any error.
 *
 * Returns and raises the same as coerce_values.
 */
ErrorData *coerce_key(const Target &target, TupleTableSlot *row, int64 position, OnError on_error,
					  Datum *values, bool *nulls, bool *is_possible);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_COERCION_H */
