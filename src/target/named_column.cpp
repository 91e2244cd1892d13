/*
 * named_column.cpp
 *		Looking up a column of the target by a name in the call.
 */
#include "target/named_column.h"

namespace bulkupdate
{

namespace
{

/* The hint, or a column whose name differs only in case. */
const char *
hint_for_name(Relation relation, const char *name, const char *hint)
{
	TupleDesc tuple_desc = RelationGetDescr(relation);

	for (int i = 0; i < tuple_desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tuple_desc, i);

		if (!attribute->attisdropped && pg_strcasecmp(NameStr(attribute->attname), name) == 0)
			return psprintf(
				"The table has column %s, which differs only in case; unquoted names are "
				"folded to lower case.",
				quote_identifier(NameStr(attribute->attname)));
	}
	return hint;
}

} /* namespace */

AttrNumber
attribute_of_name(const Target &target, const char *name, const NamedBy &by)
{
	Relation relation = target.relation;
	AttrNumber attno = get_attnum(RelationGetRelid(relation), name);

	if (attno == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not exist", name,
							   RelationGetRelationName(relation)),
						errdetail("%s", by.origin),
						errhint("%s", hint_for_name(relation, name, by.hint))));
	if (attno < 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot use system column \"%s\" in bulk_update", name),
						errdetail("%s", by.origin), errhint("%s", by.hint_for_system)));
	return attno;
}

} /* namespace bulkupdate */
