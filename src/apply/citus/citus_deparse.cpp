/*
 * citus_deparse.cpp
 *		Building the Citus applier's statements.
 */
#include "apply/citus/citus_deparse.h"

#include "apply/sql/deparse.h"

namespace bulkupdate
{

namespace
{

/* "c1, c2, ..., ": a column for each attribute of the target. */
void
append_attributes(StringInfo sql, const Target &target, char letter)
{
	TupleDesc tuple_desc = RelationGetDescr(target.relation);

	for (int i = 0; i < tuple_desc->natts; i++)
		if (!TupleDescAttr(tuple_desc, i)->attisdropped)
			appendStringInfo(sql, "%c%d, ", letter, i + 1);
}

/* The arrays as rows "u": cN and eN are the new and the expected value of attribute N. */
void
append_arrays(StringInfo sql, const Target &target)
{
	if (target.expected.size == 0)
		appendStringInfoString(sql, "pg_catalog.unnest($1)");
	else
		appendStringInfoString(sql, "ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))");
	appendStringInfoString(sql, " WITH ORDINALITY AS u(");
	append_attributes(sql, target, 'c');
	if (target.expected.size > 0)
		append_attributes(sql, target, 'e');
	appendStringInfoString(sql, "n)");
}

void
append_from(StringInfo sql, const Target &target, const CitusSource &source)
{
	if (source.table != nullptr)
		appendStringInfo(sql, "%s AS u", source.table);
	else
		append_arrays(sql, target);
}

/* The place of a row among those of the statement. */
const char *
place(const CitusSource &source)
{
	return source.table == nullptr
			   ? "u.n"
			   : "u.n OPERATOR(pg_catalog.-) $1 OPERATOR(pg_catalog.+) 1::pg_catalog.int8";
}

void
append_condition(StringInfo sql, const Target &target, const CitusSource &source)
{
	appendStringInfoString(sql, " WHERE ");
	append_key_condition(sql, target, "t");
	if (source.table != nullptr && !source.all)
		appendStringInfoString(sql, " AND u.n OPERATOR(pg_catalog.>=) $1"
									" AND u.n OPERATOR(pg_catalog.<=) $2"
									" AND ($3 IS NULL OR u.n OPERATOR(pg_catalog.<@) $3)");
}

/*
 * "t.a has the value u.xN", as same_value() compares.  For a null, IS NOT DISTINCT FROM NULL: a
 * row of nulls IS NULL, too.
 */
void
append_same_value(StringInfo sql, const Target &target, const MappedColumn &column, char letter)
{
	FormData_pg_attribute attribute = attribute_of(target, column.target);
	const char *name = quoted_attribute(target, column.target);

	if (column.equality == nullptr)
	{
		appendStringInfo(sql, "pg_catalog.record_image_eq(ROW(t.%s), ROW(u.%c%d))", name, letter,
						 column.target);
		return;
	}

	Oid equality = lookup_type_cache(attribute.atttypid, TYPECACHE_EQ_OPR)->eq_opr;
	Oid compared_as;
	Oid right;

	op_input_types(equality, &compared_as, &right);
	if (IsPolymorphicType(compared_as))
		compared_as = getBaseType(attribute.atttypid);

	const char *cast = cast_text(compared_as, attribute.atttypid);

	appendStringInfo(sql, "COALESCE(t.%s%s%su.%c%d%s, ", name, cast, operator_text(equality),
					 letter, column.target, cast);
	appendStringInfo(sql, "t.%s IS NOT DISTINCT FROM NULL AND u.%c%d IS NOT DISTINCT FROM NULL)",
					 name, letter, column.target);
}

/* A row that already has its new values need not have the expected ones, but is not written. */
void
append_expected(StringInfo sql, const Target &target)
{
	const char *separator = " AND NOT (";

	for (const MappedColumn &column : target.expected)
	{
		appendStringInfoString(sql, " AND ");
		append_same_value(sql, target, column, 'e');
	}
	if (target.expected.size == 0 || !target.skips_unchanged)
		return;
	for (const MappedColumn &column : target.columns)
		if (!column.is_key)
		{
			appendStringInfoString(sql, separator);
			append_same_value(sql, target, column, 'c');
			separator = " AND ";
		}
	appendStringInfoChar(sql, ')');
}

void
append_staged(StringInfo sql, const Target &target, const char *prefix)
{
	for (const MappedColumn &column : target.columns)
		appendStringInfo(sql, ", %sc%d", prefix, column.target);
	for (const MappedColumn &column : target.expected)
		appendStringInfo(sql, ", %se%d", prefix, column.target);
}

} /* namespace */

char *
deparse_citus_update(const Target &target, const CitusSource &source, UpdateReturns returning)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS t SET ", target_name(target));
	append_assignments(&sql, target);
	appendStringInfoString(&sql, " FROM ");
	append_from(&sql, target, source);
	if (target.kept.size > 0)
		appendStringInfo(&sql, ", %s AS o", target_name(target));
	append_condition(&sql, target, source);
	append_expected(&sql, target);
	if (target.kept.size > 0)
	{
		appendStringInfoString(&sql, " AND ");
		append_key_condition(&sql, target, "o");
		appendStringInfoString(&sql, " AND t.ctid OPERATOR(pg_catalog.=) o.ctid");
	}
	if (returning == UpdateReturns::Count)
		return sql.data;
	appendStringInfo(&sql, " RETURNING %s", place(source));
	for (const KeptColumn &column : target.kept)
		appendStringInfo(&sql, ", t.%s", quoted_attribute(target, column.target));
	for (const KeptColumn &column : target.kept)
		if (!column.is_key)
			appendStringInfo(&sql, ", o.%s", quoted_attribute(target, column.target));
	return sql.data;
}

char *
deparse_citus_probe(const Target &target, const CitusSource &source, Probe probe)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s", place(source));
	append_probed(&sql, target, probe);
	appendStringInfo(&sql, " FROM %s AS t, ", target_name(target));
	append_from(&sql, target, source);
	append_condition(&sql, target, source);
	return sql.data;
}

char *
deparse_staging_columns(const Target &target)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "n pg_catalog.int8 NOT NULL");
	for (const MappedColumn &column : target.columns)
		append_column_definition(&sql, psprintf("c%d", column.target),
								 attribute_of(target, column.target));
	for (const MappedColumn &column : target.expected)
		append_column_definition(&sql, psprintf("e%d", column.target),
								 attribute_of(target, column.target));
	return sql.data;
}

char *
deparse_staging_insert(const Target &target, const char *table)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (n", table);
	append_staged(&sql, target, "");
	appendStringInfoString(&sql, ") SELECT $3 OPERATOR(pg_catalog.+) u.n");
	append_staged(&sql, target, "u.");
	appendStringInfoString(&sql, " FROM ");
	append_arrays(&sql, target);
	return sql.data;
}

} /* namespace bulkupdate */
