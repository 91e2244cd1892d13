/*
 * suppression.cpp
 *		Can UPDATE skip an existing row of the target?
 */
#include "apply/sql/suppression.h"

namespace bulkupdate
{

namespace
{

/* As in TriggerEnabled(). */
bool
is_enabled(const Trigger &trigger)
{
	char silent = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
					  ? TRIGGER_FIRES_ON_ORIGIN
					  : TRIGGER_FIRES_ON_REPLICA;

	return trigger.tgenabled != TRIGGER_DISABLED && trigger.tgenabled != silent;
}

/* Children have the same column names. */
bool
is_assigned(const Target &target, const char *name)
{
	for (const MappedColumn &column : target.columns)
		if (!column.is_key &&
			strcmp(NameStr(attribute_of(target, column.target).attname), name) == 0)
			return true;
	return false;
}

/* Does the UPDATE set one of the trigger's columns, if it is not for all? */
bool
is_for_our_columns(const Target &target, Relation relation, const Trigger &trigger)
{
	for (int i = 0; i < trigger.tgnattr; i++)
	{
		const FormData_pg_attribute *attribute =
			TupleDescAttr(RelationGetDescr(relation), trigger.tgattr[i] - 1);

		/* A generated column may change with any column. */
		if (attribute->attgenerated != '\0' || is_assigned(target, NameStr(attribute->attname)))
			return true;
	}
	return trigger.tgnattr == 0;
}

bool
may_suppress_in(const Target &target, Relation relation)
{
	const TriggerDesc *triggers = relation->trigdesc;

	if (relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return true; /* GCOVR_EXCL_LINE: below the target, in test/differential */
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
	{
		const Trigger &trigger = triggers->triggers[i];

		if (TRIGGER_TYPE_MATCHES(trigger.tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE,
								 TRIGGER_TYPE_UPDATE) &&
			is_enabled(trigger) && is_for_our_columns(target, relation, trigger))
			return true;
	}
	return false;
}

} /* namespace */

bool
may_suppress_update(const Target &target)
{
	ListCell *cell;

	if (target.relation->rd_rules != nullptr)
		return false;
	if (!target.relation->rd_rel->relhassubclass)
		return may_suppress_in(target, target.relation);

	List *tables =
		find_all_inheritors(RelationGetRelid(target.relation), RowExclusiveLock, nullptr);

	foreach (cell, tables)
	{
		Relation relation = table_open(lfirst_oid(cell), NoLock);
		bool may = may_suppress_in(target, relation);

		table_close(relation, NoLock);
		if (may)
			return true;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

} /* namespace bulkupdate */
