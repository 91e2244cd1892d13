/*
 * undo.cpp
 *		The query and the columns of a call that undoes a run.
 */
#include "source/undo.h"

#include "target/kept_columns.h"
#include "target/open_target.h"

namespace bulkupdate
{

namespace
{

/* Names of columns of the target. */
struct Names
{
	const char **data;
	int size;

	void add(const char *name) { data[size++] = name; }
	Span<const char *> span() const { return {data, size}; }
};

struct Undo
{
	Options &options;
	Oid table; /* of old values */
	Names keys;
	Names written;
	Names expected;
};

bool
has_key_column(const Undo &undo, const char *column)
{
	return get_attnum(undo.table, kept_name(KeptAs::Key, column)) > 0;
}

void
require_column(const Undo &undo, const char *name)
{
	if (get_attnum(undo.table, name) > 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("cannot undo a call with table \"%s\"", get_rel_name(undo.table)),
			 errdetail("It lacks column %s.", quote_identifier(name)),
			 errhint("Specify a table that was argument \"old_values\" of a call for this target, "
					 "and in argument \"key_columns\" the key of that call.")));
}

/* Before a column was renamed or dropped, its values were kept under this name. */
void
refuse_unknown(const Undo &undo, Relation target, const char *name)
{
	const char *rest = name + strlen("old_");
	bool known = strncmp(name, "old_", strlen("old_")) != 0 ||
				 get_attnum(undo.table, psprintf("new_%s", rest)) <= 0;

	for_each_attribute(target, [&](const FormData_pg_attribute &attribute) {
		known = known || strcmp(kept_name(KeptAs::Old, NameStr(attribute.attname)), name) == 0;
	});
	if (!known)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column %s of table \"%s\" belongs to no column of table \"%s\"",
							   quote_identifier(name), get_rel_name(undo.table),
							   RelationGetRelationName(target)),
						errdetail("The column whose values it keeps has been renamed or dropped."),
						errhint("Rename it and its new values in the same way, or drop both.")));
}

/*
 * All columns that are named as for a column of the key.  Not only those of the primary key: a
 * column with its name may number the rows of the table, which were found by another key.
 */
void
derive_keys(Undo &undo, Relation target)
{
	for_each_attribute(target, [&](const FormData_pg_attribute &attribute) {
		const char *name = pstrdup(NameStr(attribute.attname));

		if (!is_kept_in(undo.table, name) && has_key_column(undo, name))
			undo.keys.add(name);
	});
}

void
find_keys(Undo &undo, Relation target)
{
	for (const char *name : undo.options.key_columns)
	{
		require_column(undo, kept_name(KeptAs::Key, name));
		undo.keys.add(name);
	}
	if (undo.options.key_columns.size == 0)
		derive_keys(undo, target);
	if (undo.keys.size == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no key of table \"%s\"", get_rel_name(undo.table),
							   RelationGetRelationName(target)),
						errdetail("None of its columns is named like a column of the target."),
						errhint("Specify a table that was argument \"old_values\" of a call for "
								"this target.")));
}

void
find_values(Undo &undo, Relation target)
{
	for_each_attribute(target, [&](const FormData_pg_attribute &attribute) {
		const char *name = pstrdup(NameStr(attribute.attname));

		if (!is_kept_in(undo.table, name))
			return;
		require_column(undo, kept_name(KeptAs::Old, name));
		require_column(undo, kept_name(KeptAs::New, name));
		if (attribute.attgenerated != '\0')
			return;
		undo.expected.add(name);
		if (attribute.attidentity != ATTRIBUTE_IDENTITY_ALWAYS)
			undo.written.add(name);
	});
	if (undo.written.size == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("table \"%s\" keeps no column of table \"%s\" that can be updated",
							   get_rel_name(undo.table), RelationGetRelationName(target)),
						errdetail("There is no pair of columns with old and new values."),
						errhint("Specify a table that was argument \"old_values\" of a call for "
								"this target.")));
}

/* The run as SQL, also put into the options; "NULL" if there is no latest one. */
const char *
run_text(const Undo &undo)
{
	const Options &options = undo.options;
	const char *table = qualified_name(undo.table);
	const char *given = psprintf("%lld", static_cast<long long>(options.run));
	bool isnull = true;
	const char *sql = psprintf(
		"SELECT pg_catalog.max(k.run)::pg_catalog.int8 FROM %s AS k%s", table,
		options.latest_run
			? ""
			: psprintf(" WHERE k.run OPERATOR(pg_catalog.=) (%s)::pg_catalog.int8", given));

	keeping_memory_context([&] {
		if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
			elog(ERROR, "could not read the runs of table %s", table);

		Datum run = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			undo.options.run = DatumGetInt64(run);
		SPI_freetuptable(SPI_tuptable);
	});
	if (isnull && !options.latest_run)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("table \"%s\" has no run %s", get_rel_name(undo.table), given),
						errdetail("A call that updates no row keeps nothing."),
						errhint("The numbers of the runs are in its column \"run\".")));
	if (isnull)
		return "NULL";
	return psprintf("(%lld)", static_cast<long long>(undo.options.run));
}

void
append_names(StringInfo sql, const Names &names, KeptAs as)
{
	for (const char *name : names.span())
		appendStringInfo(sql, "%sk.%s", sql->data[sql->len - 1] == ' ' ? "" : ", ",
						 quote_identifier(kept_name(as, name)));
}

} /* namespace */

const char *
undo_prepare(Options &options)
{
	Oid table = options.undone;
	StringInfoData sql;

	require_schema_usage(options.target);

	Relation target = open_table(options.target, AccessShareLock);
	auto no_names = [&] {
		return Names{palloc_array_of<const char *>(RelationGetDescr(target)->natts), 0};
	};
	Undo undo = {options, table, no_names(), no_names(), no_names()};

	if (get_rel_relkind(table) == '\0')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", table),
						errdetail("It is the table specified in argument \"old_values\"."),
						errhint("Specify the table by name.")));
	require_schema_usage(table);
	require_column(undo, "run");

	Relation kept = relation_open(table, AccessShareLock);

	for_each_attribute(kept, [&](const FormData_pg_attribute &attribute) {
		refuse_unknown(undo, target, NameStr(attribute.attname));
	});
	relation_close(kept, NoLock);
	find_values(undo, target);
	find_keys(undo, target);
	relation_close(target, NoLock);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_names(&sql, undo.keys, KeptAs::Key);
	append_names(&sql, undo.written, KeptAs::Old);
	append_names(&sql, undo.expected, KeptAs::New);
	appendStringInfo(&sql, " FROM %s AS k WHERE k.run OPERATOR(pg_catalog.=) %s::pg_catalog.int8",
					 qualified_name(table), run_text(undo));
	options.source = sql.data;
	options.key_columns = undo.keys.span();
	options.expected_columns = undo.expected.span();
	for (const char *name : undo.written.span())
		undo.keys.add(name);
	options.columns = undo.keys.span();
	return psprintf("run %lld of table %s", static_cast<long long>(options.run),
					qualified_name(table));
}

} /* namespace bulkupdate */
