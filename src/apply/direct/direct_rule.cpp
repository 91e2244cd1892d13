/*
 * direct_rule.cpp
 *		The rule that decides which targets the direct applier supports.
 */
#include "apply/direct/direct_rule.h"

namespace bulkupdate
{

namespace
{

/* A stored version does not contain its value. */
bool
is_virtual(const Target &target, AttrNumber attno)
{
	char generated = attribute_of(target, attno).attgenerated;

	return generated != '\0' && generated != ATTRIBUTE_GENERATED_STORED;
}

bool
has_virtual_key(const Target &target)
{
	for (const KeyColumn &key : target.keys)
		if (is_virtual(target, key.target))
			return true; /* GCOVR_EXCL_LINE: from PostgreSQL 18 on, in sql/targets.sql */
	return false;
}

bool
expects_virtual(const Target &target)
{
	for (const MappedColumn &column : target.expected)
		if (is_virtual(target, column.target))
			return true; /* GCOVR_EXCL_LINE: from PostgreSQL 18 on, in sql/expected_columns.sql */
	return false;
}

bool
is_heap(Relation relation)
{
	return relation->rd_rel->relkind == RELKIND_RELATION &&
		   relation->rd_tableam == GetHeapamTableAmRoutine();
}

bool
has_update_rule(Relation relation)
{
	const RuleLock *rules = relation->rd_rules;

	for (int i = 0; rules != nullptr && i < rules->numLocks; i++)
		if (rewrites_update(rules->rules[i]))
			return true;
	return false;
}

const char *
why_not_index(Oid relid)
{
	Relation index = index_open(relid, AccessShareLock);
	const FormData_pg_index *form = index->rd_index;
	const char *why = nullptr;

	if (!form->indimmediate)
		why = "The unique index that covers the key is deferrable and may contain a key twice.";
	else if (!form->indisvalid)
		why = "The unique index that covers the key is not valid.";

	/* Some row versions that an old snapshot sees have no entry in it. */
	else if (form->indcheckxmin &&
			 !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
									TransactionXmin))
		why = "The unique index that covers the key is newer than the snapshot.";
	index_close(index, NoLock);
	return why;
}

} /* namespace */

const char *
why_not_direct(const Target &target, PlannedElsewhere &planned_elsewhere)
{
	Relation relation = target.relation;

	/* Neither PostgreSQL nor a contrib module has a table that is stored otherwise. */
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE && !is_heap(relation))
		return "The table is not stored in the heap."; /* GCOVR_EXCL_LINE */
	if (has_virtual_key(target))
		return "A key column is a virtual generated column."; /* GCOVR_EXCL_LINE: see above */
	if (expects_virtual(target))
		return "An expected column is a virtual generated column."; /* GCOVR_EXCL_LINE */
	if (has_update_rule(relation))
		return "The table has an ON UPDATE rule.";
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		return "Row-level security applies.";

	/* Not before: a catalog lookup may have replaced it. */
	const TriggerDesc *triggers = relation->trigdesc;

	if (triggers != nullptr && (triggers->trig_update_old_table || triggers->trig_update_new_table))
		return "A trigger of the table has a transition table.";
	if (planned_elsewhere == PlannedElsewhere::NotAsked)
		planned_elsewhere =
			is_planned_elsewhere(target) ? PlannedElsewhere::Yes : PlannedElsewhere::No;
	if (planned_elsewhere == PlannedElsewhere::Yes)
		return "An extension plans queries for the table differently.";
	return why_not_index(RelationGetRelid(target.key_index));
}

const char *
why_not_direct_partition(Relation partition, Oid index)
{
	if (!is_heap(partition))
		return "A partition is not stored in the heap."; /* GCOVR_EXCL_LINE: see above */
	/* A valid index has one on each partition; without it a key would be missing in silence. */
	if (!OidIsValid(index))
		return "A partition lacks the index that covers the key."; /* GCOVR_EXCL_LINE */

	/* Such a trigger can change the partition key, and UPDATE would move the row. */
	if (partition->trigdesc != nullptr && partition->trigdesc->trig_update_before_row)
		return "A partition has a BEFORE row trigger.";
	return why_not_index(index);
}

const char *
why_not_direct_child(Relation child, Oid index)
{
	if (!is_heap(child))
		/* test/differential draws one. */
		return "An inheritance child is not stored in the heap."; /* GCOVR_EXCL_LINE */
	if (!OidIsValid(index))
		return "An inheritance child lacks the unique index that covers the key.";
	return why_not_index(index);
}

} /* namespace bulkupdate */
