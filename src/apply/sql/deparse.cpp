/*
 * deparse.cpp
 *		Building the SQL applier's statements.
 */
#include "apply/sql/deparse.h"

namespace bulkupdate
{

const char *
target_name(const Target &target)
{
	return qualified_name(RelationGetRelid(target.relation));
}

const char *
quoted_attribute(const Target &target, AttrNumber attno)
{
	return quote_identifier(attribute_name(target, attno));
}

namespace
{

/*
 * "pg_catalog.unnest($1) WITH ORDINALITY AS u(c1, c2, ..., n)": column cN is
 * attribute N of the target, n the position in the array.
 */
void
append_source(StringInfo sql, const Target &target)
{
	TupleDesc tuple_desc = RelationGetDescr(target.relation);

	appendStringInfoString(sql, "pg_catalog.unnest($1) WITH ORDINALITY AS u(");
	for (int i = 0; i < tuple_desc->natts; i++)
		if (!TupleDescAttr(tuple_desc, i)->attisdropped)
			appendStringInfo(sql, "c%d, ", i + 1);
	appendStringInfoString(sql, "n)");
}

/*
 * What the columns of a kept store hold, from the table's OID on: ", t.tableoid, t.a, ...".  The
 * privilege to read tableoid is needed only where it tells rows apart.  In the UPDATE the
 * columns have names, for deparse_update_reporting_suppressed().
 */
void
append_kept(StringInfo sql, const Target &target, KeptStore store)
{
	bool updates = store == KeptStore::New;

	if (target.kept.size == 0)
		return;
	appendStringInfo(sql, ", %s%s", target.kept_by_table ? "t.tableoid" : "0::pg_catalog.oid",
					 updates ? " AS r" : "");
	for (int i = 0; i < target.kept.size; i++)
		if (updates)
			appendStringInfo(sql, ", t.%s AS r%d", quoted_attribute(target, target.kept[i].target),
							 i);
		else if (!target.kept[i].is_key)
			appendStringInfo(sql, ", t.%s", quoted_attribute(target, target.kept[i].target));
}

/* A text made from a catalog row, which is looked up by its OID. */
template <typename Form, typename Text>
const char *
from_catalog(CatalogCache cache, Oid oid, Text text)
{
	HeapTuple tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for object %u in cache %d", oid, static_cast<int>(cache));

	const char *result = text(reinterpret_cast<const Form *>(GETSTRUCT(tuple)));

	ReleaseSysCache(tuple);
	return result;
}

const char *
collate_text(Oid oid)
{
	return from_catalog<FormData_pg_collation>(COLLOID, oid, [](const FormData_pg_collation *form) {
		return psprintf(" COLLATE %s",
						quote_qualified_identifier(get_namespace_name(form->collnamespace),
												   NameStr(form->collname)));
	});
}

} /* namespace */

const char *
operator_text(Oid oid)
{
	return from_catalog<FormData_pg_operator>(OPEROID, oid, [](const FormData_pg_operator *form) {
		return psprintf(" OPERATOR(%s.%s) ",
						quote_identifier(get_namespace_name(form->oprnamespace)),
						NameStr(form->oprname));
	});
}

const char *
cast_text(Oid type, Oid column_type)
{
	if (type == column_type)
		return "";
	return from_catalog<FormData_pg_type>(TYPEOID, type, [](const FormData_pg_type *form) {
		return psprintf("::%s", quote_qualified_identifier(get_namespace_name(form->typnamespace),
														   NameStr(form->typname)));
	});
}

void
append_key_condition(StringInfo sql, const Target &target, const char *alias)
{
	const char *separator = "";

	for (const KeyColumn &key : target.keys)
	{
		FormData_pg_attribute attribute = attribute_of(target, key.target);
		const char *cast = cast_text(key.compared_as, attribute.atttypid);

		appendStringInfo(sql, "%s%s.%s%s", separator, alias, quoted_attribute(target, key.target),
						 cast);
		appendStringInfoString(sql, operator_text(key.equality));
		appendStringInfo(sql, "u.c%d%s", key.target, cast);
		if (OidIsValid(key.collation) && key.collation != attribute.attcollation)
			appendStringInfoString(sql, collate_text(key.collation));
		separator = " AND ";
	}
}

void
append_assignments(StringInfo sql, const Target &target)
{
	const char *separator = "";

	for (const MappedColumn &column : target.columns)
	{
		if (column.is_key)
			continue;
		appendStringInfo(sql, "%s%s = u.c%d", separator, quoted_attribute(target, column.target),
						 column.target);
		separator = ", ";
	}
}

void
append_probed(StringInfo sql, const Target &target, Probe probe)
{
	for (const MappedColumn &column : target.columns)
		if (probes_values(probe) && !column.is_key)
			appendStringInfo(sql, ", t.%s", quoted_attribute(target, column.target));
	for (const MappedColumn &column : target.expected)
		if (probes_expected(probe))
			appendStringInfo(sql, ", t.%s", quoted_attribute(target, column.target));
}

char *
deparse_update(const Target &target)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS t SET ", target_name(target));
	append_assignments(&sql, target);
	appendStringInfoString(&sql, " FROM ");
	append_source(&sql, target);
	appendStringInfoString(&sql, " WHERE ");
	append_key_condition(&sql, target, "t");
	appendStringInfoString(&sql, " RETURNING u.n");
	append_kept(&sql, target, KeptStore::New);
	return sql.data;
}

namespace
{

/* What a SELECT returns besides the columns that are probed. */
enum class Adding : uint8
{
	Nothing,
	OldValues,
};

char *
select_probed(const Target &target, Probe probe, Adding adding)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT u.n");
	append_probed(&sql, target, probe);
	if (adding == Adding::OldValues)
		append_kept(&sql, target, KeptStore::Old);
	appendStringInfo(&sql, " FROM %s AS t, ", target_name(target));
	append_source(&sql, target);
	appendStringInfoString(&sql, " WHERE ");
	append_key_condition(&sql, target, "t");
	return sql.data;
}

} /* namespace */

char *
deparse_probe(const Target &target, Probe probe)
{
	return select_probed(target, probe, Adding::Nothing);
}

char *
deparse_probe_in_range(const Target &target, Probe probe)
{
	const char *key = quoted_attribute(target, target.keys[0].target);

	return psprintf("%s AND t.%s OPERATOR(pg_catalog.>=) $2 AND t.%s OPERATOR(pg_catalog.<=) $3",
					deparse_probe(target, probe), key, key);
}

char *
deparse_lock(const Target &target)
{
	return psprintf("%s FOR NO KEY UPDATE OF t",
					select_probed(target, probe_of_locked(target), Adding::OldValues));
}

char *
deparse_update_reporting_suppressed(const Target &target)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "WITH w AS (%s), p AS (%s AND NOT (u.n OPERATOR(pg_catalog.=) ANY "
					 "(SELECT w.n FROM w)) FOR NO KEY UPDATE OF t) SELECT w.n, true",
					 deparse_update(target), deparse_probe(target, Probe::Row));
	if (target.kept.size > 0)
		appendStringInfoString(&sql, ", w.r");
	for (int i = 0; i < target.kept.size; i++)
		appendStringInfo(&sql, ", w.r%d", i);
	appendStringInfoString(&sql, " FROM w UNION ALL SELECT p.n, false");
	for (int i = 0; i <= target.kept.size && target.kept.size > 0; i++)
		appendStringInfoString(&sql, ", NULL");
	appendStringInfoString(&sql, " FROM p");
	return sql.data;
}

} /* namespace bulkupdate */
