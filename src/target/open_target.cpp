/*
 * open_target.cpp
 *		Opening and checking the relation to update.
 */
#include "target/open_target.h"

#include "target/kept_columns.h"
#include "target/key.h"
#include "target/mapping.h"

namespace bulkupdate
{

namespace
{

/* What to use instead, for relations that cannot be updated. */
const char *
hint_for_relkind(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "Specify the table of the view.";
		case RELKIND_MATVIEW:
			return "Change the tables of its query, then use REFRESH MATERIALIZED VIEW.";
		case RELKIND_FOREIGN_TABLE:
			return "Run bulk_update on the server that has the table.";
		case RELKIND_SEQUENCE:
			return "Use setval() or ALTER SEQUENCE.";
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "Specify the table of the index.";
		default:
			return "Specify an ordinary or a partitioned table.";
	}
}

void
check_kind(Relation relation)
{
	char relkind = relation->rd_rel->relkind;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot bulk update relation \"%s\"", RelationGetRelationName(relation)),
				 errdetail_relkind_not_supported(relkind),
				 errhint("%s", hint_for_relkind(relkind))));
	if (IsSystemRelation(relation))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot bulk update relation \"%s\"", RelationGetRelationName(relation)),
				 errdetail("The relation is a system catalog."),
				 errhint("Use the commands that change the objects it describes.")));
	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot bulk update relation \"%s\"", RelationGetRelationName(relation)),
				 errdetail("The relation is a temporary table of another session.")));
}

/* Core does not support RETURNING there, and a row's outcome could not be determined. */
void
check_rules(Relation relation)
{
	RuleLock *rules = relation->rd_rules;

	for (int i = 0; rules != nullptr && i < rules->numLocks; i++)
	{
		const RewriteRule *rule = rules->rules[i];

		if (rule->isInstead && rewrites_update(rule))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot bulk update relation \"%s\"",
								   RelationGetRelationName(relation)),
							errdetail("The relation has an ON UPDATE DO INSTEAD rule."),
							errhint("Replace the rule by a trigger, or disable it for the call.")));
	}
}

} /* namespace */

Relation
open_table(Oid relid, LOCKMODE lock)
{
	Relation relation = try_relation_open(relid, lock);

	if (relation == nullptr)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid),
						errdetail("It may have been dropped since the OID was looked up."),
						errhint("Specify the table by name.")));
	check_kind(relation);
	return relation;
}

Target *
target_open(const Options &options, TupleDesc source)
{
	Target *target = palloc_one<Target>();

	/* A dry run without rejects writes nothing, so it works in read-only transactions. */
	bool writes = !options.dry_run || OidIsValid(options.rejects);

	if (writes)
		PreventCommandDuringRecovery("bulk_update()");

	/* Before anything is locked, as in the lookup of a name. */
	require_schema_usage(options.target);
	target->relation =
		open_table(options.target, options.dry_run ? AccessShareLock : RowExclusiveLock);
	check_rules(target->relation);
	if (writes && target->relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP)
		PreventCommandIfReadOnly("bulk_update()");

	target->display_name = qualified_name(options.target);
	target->cast_context = CreateStandaloneExprContext();
	target->skips_unchanged = options.skip_unchanged;
	target->keeps_current = OidIsValid(options.rejects) || options.on_stale == OnStale::Error;
	map_columns(*target, options, source);
	choose_key(*target);
	map_kept_columns(*target, options);
	target_check_privileges(*target, options.skip_unchanged);
	return target;
}

void
target_check_privileges(const Target &target, bool compares_values)
{
	auto require = [&](AttrNumber attno, const char *kind, AclMode privilege, const char *name) {
		Oid relid = RelationGetRelid(target.relation);

		if (pg_class_aclcheck(relid, GetUserId(), privilege) == ACLCHECK_OK ||
			pg_attribute_aclcheck(relid, attno, GetUserId(), privilege) == ACLCHECK_OK)
			return;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", RelationGetRelationName(target.relation)),
				 errdetail("bulk_update needs the %s privilege on %s column \"%s\".", name, kind,
						   get_attname(relid, attno, false)),
				 errhint("Grant it on the column or on the table.")));
	};

	require_schema_usage(RelationGetRelid(target.relation));
	for (const MappedColumn &column : target.columns)
	{
		const char *kind = column.is_key ? "key" : "value";

		if (column.is_key || compares_values)
			require(column.target, kind, ACL_SELECT, "SELECT");
		if (!column.is_key)
			require(column.target, kind, ACL_UPDATE, "UPDATE");
	}
	for (const MappedColumn &column : target.expected)
		require(column.target, "expected", ACL_SELECT, "SELECT");
	for (const KeptColumn &column : target.kept)
		require(column.target, "kept", ACL_SELECT, "SELECT");
}

void
target_close(Target &target)
{
	FreeExprContext(target.cast_context, true);
	relation_close(target.key_index, NoLock);
	relation_close(target.relation, NoLock);
}

} /* namespace bulkupdate */
