/*
 * side_table.cpp
 *		Checking and creating tables into which a call writes.
 */
#include "report/side_table.h"

#include "server/command.h"
#include "target/target.h"

namespace bulkupdate
{

void
side_table_check(const SideTable &table)
{
	char relkind = get_rel_relkind(table.relid);

	if (relkind == '\0')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", table.relid),
						errdetail("It is the table specified in argument \"%s\".", table.argument),
						errhint("Create it with %s().", table.creator)));
	require_schema_usage(table.relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot %s in relation \"%s\"", table.action, get_rel_name(table.relid)),
				 errdetail_relkind_not_supported(relkind),
				 errhint("Create a table with %s().", table.creator)));
}

void
side_table_check_insert(const SideTable &table, const char *column)
{
	if (pg_class_aclcheck(table.relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(table.relid, get_attnum(table.relid, column), GetUserId(),
							  ACL_INSERT) == ACLCHECK_OK)
		return;
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for table %s", get_rel_name(table.relid)),
					errdetail("bulk_update needs the INSERT privilege to %s.", table.action),
					errhint("Grant it, or omit argument \"%s\".", table.argument)));
}

const char *
side_table_name(const SideTable &table)
{
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table.relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table specified in argument \"%s\" no longer exists", table.argument),
				 errdetail("It was dropped during the call."),
				 errhint("Do not drop it in triggers and functions that run during the call.")));
	return qualified_name(table.relid);
}

void
side_table_check_inserted(const SideTable &table, int result)
{
	if (result == SPI_OK_REWRITTEN)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot %s in relation \"%s\"", table.action, get_rel_name(table.relid)),
				 errdetail("The relation has an ON INSERT DO INSTEAD rule."),
				 errhint("Replace the rule by a trigger, or create a table with %s().",
						 table.creator)));
	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
}

Oid
side_table_create(text *name, const char *columns)
{
	RangeVar *relation = makeRangeVarFromNameList(textToQualifiedNameList(name));

	/* A lookup by name could find a temporary table instead. */
	Oid schema = RangeVarGetCreationNamespace(relation);

	run_command(psprintf("CREATE TABLE %s (%s)",
						 quote_qualified_identifier(get_namespace_name(schema), relation->relname),
						 columns));
	return get_relname_relid(relation->relname, schema);
}

int64
run_number(Oid function)
{
	Oid sequence = get_relname_relid("bulk_update_run", get_func_namespace(function));

	if (!OidIsValid(sequence))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("sequence \"bulk_update_run\" does not exist"),
						errdetail("It belongs to extension bulk_update."),
						errhint("Use the function that CREATE EXTENSION has created.")));
	return nextval_internal(sequence, true);
}

} /* namespace bulkupdate */
