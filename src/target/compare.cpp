/*
 * compare.cpp
 *		Comparing values.
 */
#include "target/compare.h"

namespace bulkupdate
{

bool
same_value(const Target &target, const MappedColumn &column, Datum a, bool a_isnull, Datum b,
		   bool b_isnull)
{
	const FormData_pg_attribute *attribute =
		TupleDescAttr(RelationGetDescr(target.relation), column.target - 1);

	if (a_isnull || b_isnull)
		return a_isnull && b_isnull;
	/* Usually they are the same bytes; otherwise they can still be equal. */
	if (datumIsEqual(a, b, attribute->attbyval, attribute->attlen))
		return true;
	if (column.equality == nullptr)
		return datum_image_eq(a, b, attribute->attbyval, attribute->attlen);
	return DatumGetBool(FunctionCall2Coll(column.equality, attribute->attcollation, a, b));
}

} /* namespace bulkupdate */
