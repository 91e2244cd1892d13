/*
 * target.cpp
 *		Information about the relation to update.
 */
#include "target/target.h"

namespace bulkupdate
{

void
require_schema_usage(Oid relid)
{
	Oid schema = get_rel_namespace(relid);

	/* It has just been dropped, which the caller will notice. */
	if (!OidIsValid(schema) || schema_aclcheck(schema, ACL_USAGE) == ACLCHECK_OK)
		return;
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for schema %s", get_namespace_name(schema)),
					errdetail("bulk_update needs the USAGE privilege on the schema of table "
							  "\"%s\", as UPDATE does.",
							  get_rel_name(relid)),
					errhint("Grant it on the schema.")));
}

AttrNumber
attribute_in(Relation relation, const Target &target, AttrNumber attno)
{
	TupleDesc tuple_desc = RelationGetDescr(relation);

	if (relation == target.relation)
		return attno;

	const NameData name = attribute_of(target, attno).attname;

	/* Usually it has the same number. */
	for (int i = 0; i < tuple_desc->natts; i++)
	{
		const FormData_pg_attribute *attribute =
			TupleDescAttr(tuple_desc, (attno - 1 + i) % tuple_desc->natts);

		if (!attribute->attisdropped &&
			namestrcmp(const_cast<Name>(&name), NameStr(attribute->attname)) == 0)
			return attribute->attnum;
	}
	/* A partition or child has all columns; an error would be one inside of an error's context. */
	return InvalidAttrNumber; /* GCOVR_EXCL_LINE */
}

const char *
qualified_name(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	/* Another session may drop it between two looks into the catalogs. */
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, /* GCOVR_EXCL_LINE */
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));

	const FormData_pg_class *form = reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple));
	const char *name =
		quote_qualified_identifier(get_namespace_name(form->relnamespace), NameStr(form->relname));

	ReleaseSysCache(tuple);
	return name;
}

bool
rewrites_update(const RewriteRule *rule)
{
	char silent = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
					  ? RULE_FIRES_ON_ORIGIN
					  : RULE_FIRES_ON_REPLICA;

	return rule->event == CMD_UPDATE && rule->enabled != RULE_DISABLED && rule->enabled != silent;
}

void
append_column_definition(StringInfo columns, const char *name,
						 const FormData_pg_attribute &attribute)
{
	appendStringInfo(columns, ", %s %s", quote_identifier(name),
					 format_type_extended(attribute.atttypid, attribute.atttypmod,
										  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	if (OidIsValid(attribute.attcollation) &&
		attribute.attcollation != get_typcollation(attribute.atttypid))
		appendStringInfo(columns, " COLLATE %s", generate_collation_name(attribute.attcollation));
}

} /* namespace bulkupdate */
