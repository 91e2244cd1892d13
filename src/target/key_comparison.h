/*
 * key_comparison.h
 *		Whether a key is still the same after its cast.
 *
 * A key is compared, not assigned: a key that differs from the result of its
 * cast belongs to no row.  They are compared by SQL's "=" for the source's type and the
 * column's; if pg_catalog has none (arrays with other elements, for example), by that
 * of the source's type, after casting the result back; if that is not
 * possible either, the cast counts as exact.
 */
#ifndef BULK_UPDATE_TARGET_KEY_COMPARISON_H
#define BULK_UPDATE_TARGET_KEY_COMPARISON_H

#include "target/target.h"

namespace bulkupdate
{

/*
 * key_comparison
 *		How a key column, whose values are of type from, is compared after its planned cast; NULL
 *		if the cast cannot change it.  Sets same to the planned expression, if
 *		there is one.
 *
 * Allocates in the current memory context.
 */
KeyComparison *key_comparison(const Var *from, const FormData_pg_attribute *to, const Node *cast,
							  const Expr **same);

/*
 * is_in_integer_range
 *		Is an integer of the source in the range of the key column's type?  Checked before
 *		the cast, which then needs no subtransaction.
 */
bool is_in_integer_range(const KeyComparison &comparison, Datum given);

/*
 * is_same_key
 *		Is the source's value equal to made, the result of the cast?
 *
 * context: its row is the source's.  Runs in the current memory context.  Raises
 * the errors of the comparison.
 */
bool is_same_key(const KeyComparison &comparison, ExprContext *context, Datum made);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_TARGET_KEY_COMPARISON_H */
