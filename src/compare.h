/*
 * compare.h
 *		Has a row these values already?
 */
#ifndef BULK_UPDATE_COMPARE_H
#define BULK_UPDATE_COMPARE_H

#include "target.h"

namespace bulkupdate
{

/*
 * same_value
 *		Compare two values of a column as IS NOT DISTINCT FROM does: two nulls
 *		are the same, values are by the equality of the type's default operator
 *		class and the column's collation.  A type without one (json, point) is
 *		compared by its bytes.
 */
extern bool same_value(const Target *target, const MappedColumn &column, Datum a, bool a_isnull,
					   Datum b, bool b_isnull);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_COMPARE_H */
