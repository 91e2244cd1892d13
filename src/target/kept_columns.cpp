/*
 * kept_columns.cpp
 *		Which columns of the target a table of old values keeps.
 */
#include "target/kept_columns.h"

#include "target/key_hint.h"

namespace bulkupdate
{

namespace
{

constexpr int DIGITS = 8; /* of a CRC-32C */

bool
has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* "key_" in front of it does not help: that may be another column of the key. */
bool
may_be_taken(const char *column)
{
	while (has_prefix(column, "key_"))
		column += strlen("key_");
	return strcmp(column, "run") == 0 || strcmp(column, "source_row") == 0 ||
		   strcmp(column, "job_row") == 0 || has_prefix(column, "old_") ||
		   has_prefix(column, "new_");
}

const char *
prefix_for(KeptAs as, const char *column)
{
	switch (as)
	{
		case KeptAs::Old:
			return "old_";
		case KeptAs::New:
			return "new_";
		case KeptAs::Key:
			break;
	}
	return may_be_taken(column) ? "key_" : "";
}

bool
has_column(Oid table, const char *name)
{
	return get_attnum(table, name) > 0;
}

/* The columns that a table lacks, as a list. */
struct Lacking
{
	Oid table;
	StringInfoData names;

	void require(const char *name)
	{
		if (!has_column(table, name))
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", quote_identifier(name));
	}

	void require_both(const char *column)
	{
		require(kept_name(KeptAs::Old, column));
		require(kept_name(KeptAs::New, column));
	}
};

bool
is_value_column(const Target &target, AttrNumber attno)
{
	for (const MappedColumn &column : target.columns)
		if (column.target == attno && !column.is_key)
			return true;
	return false;
}

} /* namespace */

const char *
kept_name(KeptAs as, const char *column)
{
	const char *prefix = prefix_for(as, column);
	int length = static_cast<int>(strlen(column));
	int room = NAMEDATALEN - 1 - static_cast<int>(strlen(prefix));
	pg_crc32c crc;

	if (length <= room)
		return psprintf("%s%s", prefix, column);

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, column, static_cast<Size>(length));
	FIN_CRC32C(crc);
	return psprintf("%s%.*s_%08x", prefix, pg_mbcliplen(column, length, room - DIGITS - 1), column,
					crc);
}

void
refuse_virtual(const FormData_pg_attribute &attribute)
{
	if (is_virtual_generated(attribute))
		/* GCOVR_EXCL_START: from 18 on, in sql/old_values_generated */
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot keep values of virtual generated column \"%s\"",
							   NameStr(attribute.attname)),
						errdetail("Its values are not stored."),
						errhint("Drop its columns from the table of old values.")));
	/* GCOVR_EXCL_STOP */
}

bool
is_kept_in(Oid table, const char *column)
{
	return has_column(table, kept_name(KeptAs::Old, column)) ||
		   has_column(table, kept_name(KeptAs::New, column));
}

void
map_kept_columns(Target &target, const Options &options)
{
	if (!OidIsValid(options.old_values))
		return;
	if (get_rel_relkind(options.old_values) == '\0')
		return; /* an error when it is opened */

	Lacking lacking = {options.old_values, {}};

	initStringInfo(&lacking.names);
	lacking.require("run");
	lacking.require("source_row");
	target.kept_by_table = has_inheritance_children(target.relation);
	target.kept = {palloc_array_of<KeptColumn>(RelationGetDescr(target.relation)->natts), 0};
	for (const KeyColumn &key : target.keys)
	{
		lacking.require(kept_name(KeptAs::Key, attribute_name(target, key.target)));
		target.kept[target.kept.size++] = {key.target, true};
	}
	for_each_attribute(target.relation, [&](const FormData_pg_attribute &attribute) {
		AttrNumber attno = attribute.attnum;
		const char *name = pstrdup(NameStr(attribute.attname));

		if (is_key_attribute(target, attno) ||
			(!is_value_column(target, attno) && !is_kept_in(options.old_values, name)))
			return;
		refuse_virtual(attribute);
		lacking.require_both(name);
		target.kept[target.kept.size++] = {attno, false};
	});
	if (lacking.names.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("cannot keep old values of table \"%s\" in table \"%s\"",
						RelationGetRelationName(target.relation), get_rel_name(options.old_values)),
				 errdetail("It lacks these columns: %s.", lacking.names.data),
				 errhint("Create a table with bulk_update_create_old_values() for the key "
						 "and all columns that the call updates.")));
}

} /* namespace bulkupdate */
