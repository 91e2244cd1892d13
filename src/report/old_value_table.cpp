/*
 * old_value_table.cpp
 *		Recording old and new values.
 */
#include "report/old_value_table.h"

#include "report/side_table.h"
#include "server/fault.h"
#include "server/saved_plan.h"
#include "server/table_code.h"
#include "target/kept_columns.h"
#include "target/key.h"
#include "target/named_column.h"
#include "target/open_target.h"

namespace bulkupdate
{

struct OldValueTable
{
	SideTable side;
	const Target *target;
	SavedPlan insert_pairs;
	SavedPlan insert_joined;
};

namespace
{

constexpr const char *CREATOR = "bulk_update_create_old_values";

SideTable
side_of(const Options &options)
{
	const char *argument = options.source_kind == SourceKind::Undo ? "redo_values" : "old_values";

	return {options.old_values, argument, "keep old values", CREATOR};
}

/*
 * Call body(name, place, as) for each column of the table besides the run and the source row;
 * place: of the target's column in kept.
 */
template <typename Body>
void
for_each_column(const Target &target, Body body)
{
	for (int i = 0; i < target.kept.size; i++)
	{
		const char *column = attribute_name(target, target.kept[i].target);

		if (target.kept[i].is_key)
			body(kept_name(KeptAs::Key, column), i, KeptAs::Key);
		else
		{
			body(kept_name(KeptAs::Old, column), i, KeptAs::Old);
			body(kept_name(KeptAs::New, column), i, KeptAs::New);
		}
	}
}

char
letter_of(KeptAs as)
{
	return as == KeptAs::Key ? 'k' : as == KeptAs::Old ? 'o' : 'n';
}

/* $1 is the number of the call, $2 those of the attempts that failed. */
char *
insert_statement(const OldValueTable &table, bool joined)
{
	const Target &target = *table.target;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (run, source_row", side_table_name(table.side));
	for_each_column(target, [&](const char *name, int, KeptAs) {
		appendStringInfo(&sql, ", %s", quote_identifier(name));
	});
	appendStringInfoString(&sql, ") SELECT $1, v.source_row");
	for_each_column(target, [&](const char *, int i, KeptAs as) {
		appendStringInfo(&sql, ", %c.%c%d", joined && as == KeptAs::Old ? 'o' : 'v', letter_of(as),
						 i);
	});
	appendStringInfo(&sql, " FROM %s AS v",
					 kept_store_name(joined ? KeptStore::New : KeptStore::Pairs));
	if (joined)
		appendStringInfo(&sql,
						 " JOIN %s AS o ON o.source_row OPERATOR(pg_catalog.=) v.source_row"
						 " AND o.table_oid OPERATOR(pg_catalog.=) v.table_oid"
						 " AND o.attempt OPERATOR(pg_catalog.=) v.attempt",
						 kept_store_name(KeptStore::Old));
	appendStringInfoString(&sql, " WHERE v.attempt OPERATOR(pg_catalog.<>) ALL ($2)");
	return sql.data;
}

SPIPlanPtr
prepare_insert(OldValueTable &table, bool joined)
{
	const Oid types[] = {INT8OID, INT4ARRAYOID};
	SavedPlan &insert = joined ? table.insert_joined : table.insert_pairs;

	if (saved_plan_is_current(insert))
		return insert.plan;
	return with_memory_context(GetMemoryChunkContext(&table), [&] {
		return saved_plan_get(insert, insert_statement(table, joined), types, 0);
	});
}

void
insert_rows(OldValueTable &table, int64 run, const KeptVersions &kept, KeptStore store)
{
	if (kept_versions_count(kept, store) == 0)
		return;
	FAULT_POINT(old_values_insert);

	Datum values[] = {Int64GetDatum(run), kept_versions_failed(kept)};
	SPIPlanPtr plan = prepare_insert(table, store == KeptStore::New);
	int result =
		keeping_memory_context([&] { return SPI_execute_plan(plan, values, nullptr, false, 0); });

	side_table_check_inserted(table.side, result);
}

/* Is each value stored as it is, without a cast? */
bool
has_types_of_target(Oid table, const Target &target)
{
	bool same = get_atttype(table, get_attnum(table, "run")) == INT8OID &&
				get_atttype(table, get_attnum(table, "source_row")) == INT8OID;

	for_each_column(target, [&](const char *name, int i, KeptAs) {
		const FormData_pg_attribute kept = attribute_of(target, target.kept[i].target);
		Oid type;
		int32 typmod;
		Oid collation;
		AttrNumber attno = get_attnum(table, name);

		if (attno == InvalidAttrNumber)
			return;
		get_atttypetypmodcoll(table, attno, &type, &typmod, &collation);
		same = same && type == kept.atttypid && (typmod == kept.atttypmod || typmod < 0);
	});
	return same;
}

/* Can values of the target's column be assigned to this column?  Raises 42804. */
void
check_type(Oid table, const Target &target, const char *name, AttrNumber kept)
{
	Oid from = attribute_of(target, kept).atttypid;
	Oid to = get_atttype(table, get_attnum(table, name));

	if (can_coerce_type(1, &from, &to, COERCION_ASSIGNMENT))
		return;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("cannot keep old values of table \"%s\" in table \"%s\"",
						   RelationGetRelationName(target.relation), get_rel_name(table)),
					errdetail("Column %s is of type %s, and the values are of type %s.",
							  quote_identifier(name), format_type_be(to), format_type_be(from)),
					errhint("Change the type of the column, or create another table with "
							"bulk_update_create_old_values().")));
}

constexpr NamedBy NAMED_COLUMN = {
	"Argument \"columns\" names it.",
	"Specify columns of the table.",
	"Specify columns that calls update.",
};
constexpr NamedBy NAMED_KEY = {
	"Argument \"key_columns\" names it.",
	"Specify columns of the table.",
	"Rows are identified by columns of a unique index.",
};

void
refuse_twice(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
					errmsg("column \"%s\" specified more than once", name),
					errdetail("Each column is kept once."), errhint("Specify each column once.")));
}

/* The columns of a new table besides the key. */
void
append_values(StringInfo columns, const Target &target, Span<const char *> names,
			  const Bitmapset *key)
{
	Bitmapset *taken = nullptr;
	auto append = [&](const FormData_pg_attribute &attribute) {
		const char *name = NameStr(attribute.attname);

		append_column_definition(columns, kept_name(KeptAs::Old, name), attribute);
		append_column_definition(columns, kept_name(KeptAs::New, name), attribute);
	};

	if (names.size == 0)
		for_each_attribute(target.relation, [&](const FormData_pg_attribute &attribute) {
			if (!bms_is_member(attribute.attnum, key) && !is_virtual_generated(attribute))
				append(attribute);
		});
	for (const char *name : names)
	{
		AttrNumber attno = attribute_of_name(target, name, NAMED_COLUMN);

		if (bms_is_member(attno, key))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("key column \"%s\" cannot be in argument \"columns\"", name),
							errdetail("A row is found by its key, so the key never changes."),
							errhint("Specify columns that calls update.")));
		if (bms_is_member(attno, taken))
			refuse_twice(name);
		taken = bms_add_member(taken, attno);
		refuse_virtual(attribute_of(target, attno));
		append(attribute_of(target, attno));
	}
}

} /* namespace */

void
old_value_table_check(const Options &options, const Target &target)
{
	const SideTable side = side_of(options);

	side_table_check(side);
	side_table_check_insert(side, "run");
	side_table_check_insert(side, "source_row");
	for_each_column(target, [&](const char *name, int i, KeptAs) {
		side_table_check_insert(side, name);
		check_type(side.relid, target, name, target.kept[i].target);
	});
}

OldValueTable *
old_value_table_open(const Options &options, const Target &target)
{
	if (!OidIsValid(options.old_values))
		return nullptr;

	OldValueTable *table = palloc_one<OldValueTable>();

	old_value_table_check(options, target);
	table->side = side_of(options);
	table->target = &target;
	return table;
}

bool
old_value_table_runs_code(const Options &options, const Target &target)
{
	Relation relation = try_relation_open(options.old_values, RowExclusiveLock);

	/* The INSERT will say so. */
	if (relation == nullptr)
		return true;

	bool runs = insert_runs_user_code(relation) || !has_types_of_target(options.old_values, target);

	relation_close(relation, NoLock);
	return runs;
}

void
old_value_table_record(OldValueTable &table, int64 run, KeptVersions &kept)
{
	insert_rows(table, run, kept, KeptStore::Pairs);
	insert_rows(table, run, kept, KeptStore::New);
	kept_versions_clear(kept);
}

Oid
old_value_table_create(text *name, Oid target, Span<const char *> columns,
					   Span<const char *> key_columns)
{
	Target opened = {};
	StringInfoData sql;
	Bitmapset *key = nullptr;

	require_schema_usage(target);
	opened.relation = open_table(target, AccessShareLock);
	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "run pg_catalog.int8 NOT NULL, source_row pg_catalog.int8 NOT NULL");
	for (const char *column : key_columns_or_primary_key(opened.relation, key_columns))
	{
		AttrNumber attno = attribute_of_name(opened, column, NAMED_KEY);

		if (bms_is_member(attno, key))
			refuse_twice(column);
		key = bms_add_member(key, attno);
		append_column_definition(&sql, kept_name(KeptAs::Key, column), attribute_of(opened, attno));
	}
	append_values(&sql, opened, columns, key);
	relation_close(opened.relation, NoLock);
	return side_table_create(name, sql.data);
}

} /* namespace bulkupdate */
