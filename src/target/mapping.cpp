/*
 * mapping.cpp
 *		Source columns, target columns, and the casts between them.
 */
#include "target/mapping.h"

#include <initializer_list>

#include "target/column_cast.h"
#include "target/expected_columns.h"
#include "target/key.h"
#include "target/named_column.h"

namespace bulkupdate
{

namespace
{

constexpr const char *HINT_FOR_SYSTEM = "Rows are identified by columns of a unique index.";

/* The number of source columns that are not expected values. */
int
columns_before_expected(const Target &target, const Options &options, TupleDesc source)
{
	int n = source->natts - (options.has_positions ? 1 : 0) - options.expected_columns.size;

	if (n <= 0 && options.expected_columns.size > 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the source of bulk_update of table \"%s\" has too few columns",
						RelationGetRelationName(target.relation)),
				 errdetail("The source has %d columns, and argument \"expected_columns\" names %d.",
						   source->natts, options.expected_columns.size),
				 errhint("The last columns of the source are the expected values; the key and the "
						 "new values come before them.")));
	return n;
}

/* Target columns in source order: those specified by the caller, or the source's column names. */
Span<const char *>
names_in_source_order(const Target &target, const Options &options, TupleDesc source)
{
	int n = columns_before_expected(target, options, source);

	if (options.columns.size == 0)
	{
		const char **names = palloc_array_of<const char *>(n);

		for (int i = 0; i < n; i++)
			names[i] = NameStr(TupleDescAttr(source, i)->attname);
		return {names, n};
	}

	if (options.columns.size != n)
		ereport(
			ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("number of columns does not match the source of bulk_update of table \"%s\"",
					RelationGetRelationName(target.relation)),
			 n == source->natts
				 ? errdetail("The source has %d columns, and argument \"columns\" names %d.", n,
							 options.columns.size)
				 : errdetail("The source has %d columns before the expected values, and argument "
							 "\"columns\" names %d.",
							 n, options.columns.size),
			 errhint("Specify the target column for each source column, in order.")));
	return options.columns;
}

void
check_not_mapped_twice(const Target &target, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (target.columns[i].target == target.columns[n].target)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" specified more than once", name),
					 errdetail("Source columns %d and %d are both mapped to it.", i + 1, n + 1),
					 errhint("Map only one source column to each column of the table.")));
}

/* Mark the mapped columns that are in the key. */
void
mark_key_columns(Target &target, const Options &options)
{
	for (const char *name : key_columns_or_primary_key(target.relation, options.key_columns))
	{
		AttrNumber attno = attribute_of_name(target, name,
											 {"Argument \"key_columns\" names it.",
											  "Specify columns of the table.", HINT_FOR_SYSTEM});
		bool found = false;

		for (MappedColumn &column : target.columns)
		{
			if (column.target != attno)
				continue;
			if (column.is_key)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("column \"%s\" specified more than once", name),
								errdetail("Argument \"key_columns\" names it twice."),
								errhint("Specify each key column once.")));
			column.is_key = found = true;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("key column \"%s\" of table \"%s\" is not in the source", name,
							RelationGetRelationName(target.relation)),
					 errdetail("A column of the source must be mapped to every key column."),
					 errhint("Add the column to the source, or specify other columns in argument "
							 "\"key_columns\".")));
	}
}

void
check_value_columns(const Target &target)
{
	bool any = false;

	for (const MappedColumn &column : target.columns)
	{
		FormData_pg_attribute attribute = attribute_of(target, column.target);

		if (column.is_key)
			continue;
		any = true;
		if (attribute.attgenerated != '\0' || attribute.attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
			ereport(
				ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" cannot be updated by bulk_update",
						NameStr(attribute.attname)),
				 attribute.attgenerated != '\0'
					 ? errdetail("Column \"%s\" is a generated column.", NameStr(attribute.attname))
					 : errdetail("Column \"%s\" is an identity column defined as GENERATED "
								 "ALWAYS.",
								 NameStr(attribute.attname)),
				 errhint("Remove the column from the source.")));
	}
	if (!any)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("the source of bulk_update of table \"%s\" has no column to update",
							   RelationGetRelationName(target.relation)),
						errdetail("All of its columns are key columns."),
						errhint("Add a column with the new values to the source.")));
}

/* Equality as for IS DISTINCT FROM; NULL for a type without one. */
FmgrInfo *
equality_of_attribute(const Target &target, AttrNumber attno)
{
	Oid type = attribute_of(target, attno).atttypid;
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR_FINFO);

	if (!OidIsValid(entry->eq_opr_finfo.fn_oid))
		return nullptr;

	FmgrInfo *equality = palloc_one<FmgrInfo>();

	fmgr_info_copy(equality, &entry->eq_opr_finfo, CurrentMemoryContext);
	return equality;
}

} /* namespace */

void
map_columns(Target &target, const Options &options, TupleDesc source)
{
	Span<const char *> names = names_in_source_order(target, options, source);

	bool by_name = options.columns.size == 0;
	const char *origin =
		by_name ? "A column of the source has this name." : "Argument \"columns\" names it.";
	const char *hint = by_name
						   ? "Give the source's columns the names of the table's columns, or pass "
							 "these in argument \"columns\"."
						   : "Specify columns of the table.";

	target.columns = {palloc_array_of<MappedColumn>(names.size), names.size};
	for (int i = 0; i < names.size; i++)
	{
		target.columns[i].source = static_cast<AttrNumber>(i + 1);
		target.columns[i].target =
			attribute_of_name(target, names[i], {origin, hint, HINT_FOR_SYSTEM});
		check_not_mapped_twice(target, i, names[i]);
	}

	mark_key_columns(target, options);
	check_value_columns(target);
	map_expected_columns(target, options, source);
	for (Span<MappedColumn> columns : {target.columns, target.expected})
		for (MappedColumn &column : columns)
		{
			column_cast(target, options, column, source);
			if (options.source_kind != SourceKind::Undo)
				column.equality = equality_of_attribute(target, column.target);
		}
}

Size
source_row_size(const Target &target, TupleTableSlot *row)
{
	TupleDesc source = row->tts_tupleDescriptor;
	Size size = reinterpret_cast<MinimalTupleTableSlot *>(row)->mintuple->t_len;

	slot_getallattrs(row);
	for (int i = 0; i < target.columns.size + target.expected.size; i++)
		if (!row->tts_isnull[i] && TupleDescAttr(source, i)->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(row->tts_values[i])))
			size += toast_datum_size(row->tts_values[i]);
	return size;
}

} /* namespace bulkupdate */
