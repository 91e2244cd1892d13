/*
 * frozen_table.cpp
 *		Creating and reading the table with the rows of a job.
 */
#include "report/frozen_table.h"

#include "report/side_table.h"
#include "server/command.h"
#include "target/kept_columns.h"

namespace bulkupdate
{

namespace
{

KeptAs
kept_as(const MappedColumn &column)
{
	return column.is_key ? KeptAs::Key : column.is_expected ? KeptAs::Old : KeptAs::New;
}

void
append_columns(StringInfo sql, const Target &target, Span<MappedColumn> columns)
{
	for (const MappedColumn &column : columns)
	{
		FormData_pg_attribute attribute = attribute_of(target, column.target);

		append_column_definition(sql, kept_name(kept_as(column), NameStr(attribute.attname)),
								 attribute);
	}
}

bool
contains(Span<const char *> names, const char *name)
{
	for (const char *other : names)
		if (strcmp(other, name) == 0)
			return true;
	return false;
}

void
require_column(Oid table, const char *name)
{
	if (get_attnum(table, name) > 0)
		return;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("table \"%s\" with the rows of a job lacks column \"%s\"",
						   get_rel_name(table), name),
					errdetail("It has been changed since the job was created."),
					errhint("Undo the change, or drop the job and create it again.")));
}

} /* namespace */

Oid
frozen_table_create(text *name, const Target &target)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "job_row pg_catalog.int8 NOT NULL, source_row pg_catalog.int8 NOT NULL");
	append_columns(&sql, target, target.columns);
	append_columns(&sql, target, target.expected);

	Oid table = side_table_create(name, sql.data);

	if (get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("the rows of a job cannot be in a temporary table"),
						errdetail("Table \"%s\" would be dropped at the end of the session.",
								  get_rel_name(table)),
						errhint("Specify the schema of the table in argument \"rows_table\".")));
	return table;
}

FrozenColumns
frozen_table_columns(const Target &target)
{
	int n = target.columns.size;
	FrozenColumns result = {{palloc_array_of<const char *>(n), 0},
							{palloc_array_of<const char *>(n), 0},
							{palloc_array_of<const char *>(target.expected.size), 0}};

	for (const MappedColumn &column : target.columns)
	{
		const char *name = attribute_name(target, column.target);

		result.columns.data[result.columns.size++] = name;
		if (column.is_key)
			result.keys.data[result.keys.size++] = name;
	}
	for (const MappedColumn &column : target.expected)
		result.expected.data[result.expected.size++] = attribute_name(target, column.target);
	return result;
}

void
frozen_table_finish(Oid table)
{
	run_command(psprintf("ALTER TABLE %s ADD PRIMARY KEY (job_row)", qualified_name(table)));
}

const char *
frozen_table_query(Oid table, const FrozenColumns &columns, const FrozenRange &range)
{
	StringInfoData sql;
	auto append = [&](const char *name) {
		require_column(table, name);
		appendStringInfo(&sql, "f.%s, ", quote_identifier(name));
	};

	require_column(table, "job_row");
	require_column(table, "source_row");
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (const char *name : columns.columns)
		append(kept_name(contains(columns.keys, name) ? KeptAs::Key : KeptAs::New, name));
	for (const char *name : columns.expected)
		append(kept_name(KeptAs::Old, name));
	appendStringInfo(&sql,
					 "f.source_row FROM ONLY %s AS f WHERE f.job_row OPERATOR(pg_catalog.>=) %lld"
					 " AND f.job_row OPERATOR(pg_catalog.<=) %lld",
					 qualified_name(table), static_cast<long long>(range.first),
					 static_cast<long long>(range.last));
	if (TransactionIdIsValid(range.xmin))
		appendStringInfo(&sql, " AND f.xmin OPERATOR(pg_catalog.=) '%u'::pg_catalog.xid",
						 range.xmin);
	appendStringInfoString(&sql, " ORDER BY f.job_row USING OPERATOR(pg_catalog.<)");
	return sql.data;
}

} /* namespace bulkupdate */
