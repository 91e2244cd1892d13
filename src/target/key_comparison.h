/*
 * key_comparison.h
 *		Whether a key is still the same after its cast.
 *
 * A key is compared, not assigned: one that is not equal to what the cast makes
 * of it is no row's.  Equal by SQL's own "=" between the source's type and the
 * column's; where pg_catalog has none (arrays with other elements, say), by that
 * of the source's type, once the result is cast back; where that cannot be
 * either, the cast is taken to change nothing.
 */
#ifndef BULK_UPDATE_TARGET_KEY_COMPARISON_H
#define BULK_UPDATE_TARGET_KEY_COMPARISON_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * key_comparison
 *		How a key column, whose values are of type from, is compared after its planned cast; NULL
 *		where the cast cannot change it.  Sets same to the planned expression, if
 *		there is one.
 *
 * Allocates in the current memory context.
 */
KeyComparison *key_comparison(const Var *from, const FormData_pg_attribute *to, const Node *cast,
							  const Expr **same);

/*
 * is_in_integer_range
 *		Is an integer of the source one of the key column's type?  Asked before
 *		the cast, so that this need not run in a subtransaction.
 */
bool is_in_integer_range(const KeyComparison &comparison, Datum given);

/*
 * is_same_key
 *		Is what the source gave equal to made, what the cast has made of it?
 *
 * context: its row is the source's.  Runs in the current memory context.  Raises
 * what the comparison raises.
 */
bool is_same_key(const KeyComparison &comparison, ExprContext *context, Datum made);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEY_COMPARISON_H */
