/*
 * sort_rule.cpp
 *		The rule that decides whether index entries may be sorted.
 */
#include "apply/direct/sort_rule.h"

#include <initializer_list>

#include "apply/direct/inheritance_route.h"
#include "server/server_code.h"
#include "server/table_code.h"

namespace bulkupdate
{

namespace
{

/* Number of changes in the relation cache that this session has heard of. */
uint64 changes = 0;

void
relation_changed(Datum, Oid)
{
	changes++;
}

/* Does an UPDATE fire it?  As TriggerEnabled(), but a condition counts as fulfilled. */
bool
fires(const Trigger &trigger, const Bitmapset *changing)
{
	if ((trigger.tgtype & TRIGGER_TYPE_UPDATE) == 0 || trigger.tgenabled == TRIGGER_DISABLED)
		return false;
	for (int i = 0; i < trigger.tgnattr; i++)
		if (bms_is_member(trigger.tgattr[i] - FirstLowInvalidHeapAttributeNumber, changing))
			return true;
	return trigger.tgnattr == 0;
}

bool
state_runs_user_code(const ExprState *state /* or NULL */)
{
	return state != nullptr &&
		   expression_runs_user_code(reinterpret_cast<const Node *>(state->expr));
}

const char *
why_not_trigger(Relation relation, const Bitmapset *changing)
{
	const TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
	{
		const Trigger &trigger = triggers->triggers[i];

		if (fires(trigger, changing) && RI_FKey_trigger_type(trigger.tgfoid) == RI_TRIGGER_NONE &&
			trigger.tgfoid != F_UNIQUE_KEY_RECHECK)
			return "A trigger of the table could look at it.";
	}
	return nullptr;
}

/* Of those that do not change, references_checked() knows more. */
const char *
why_not_foreign_key(Relation relation, const Bitmapset *changing)
{
	ListCell *cell;
	Bitmapset *referenced = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);

	if (relation->trigdesc != nullptr && bms_overlap(referenced, changing))
		for (int i = 0; i < relation->trigdesc->numtriggers; i++)
			if (RI_FKey_trigger_type(relation->trigdesc->triggers[i].tgfoid) == RI_TRIGGER_PK)
				return "A foreign key of another table is checked when a column changes.";

	foreach (cell, RelationGetFKeyList(relation))
	{
		const ForeignKeyCacheInfo *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));

		for (int i = 0; i < key->nkeys; i++)
			if (bms_is_member(key->conkey[i] - FirstLowInvalidHeapAttributeNumber, changing))
				return "A foreign key is checked when a column changes.";
	}
	return nullptr;
}

bool
key_runs_user_code(PartitionKey key)
{
	for (int i = 0; i < key->partnatts; i++)
		if (!is_c_function(key->partsupfunc[i].fn_oid))
			return true;
	return false;
}

/* The constraint of a hash partition calls the functions of the table above it. */
bool
ancestors_run_user_code(Oid partition)
{
	ListCell *cell;
	bool runs = false;

	foreach (cell, get_partition_ancestors(partition))
	{
		Relation table = table_open(lfirst_oid(cell), AccessShareLock);

		runs = runs || key_runs_user_code(RelationGetPartitionKey(table));
		table_close(table, NoLock);
	}
	return runs;
}

} /* namespace */

void
sort_rule_init()
{
	CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
}

bool
may_sort(SortRule &rule, const Target &target, Relation relation)
{
	Oid relid = RelationGetRelid(relation);

	if (rule.valid != changes)
	{
		list_free(rule.tables);
		rule.tables = NIL;
		rule.valid = changes;
	}
	if (list_member_oid(rule.tables, relid))
		return true;
	if (why_not_sorted_table(relation, target) != nullptr)
		return false;
	with_memory_context(rule.memory, [&] { rule.tables = lappend_oid(rule.tables, relid); });
	return true;
}

const char *
why_not_sorted(const Target &target)
{
	for (Span<MappedColumn> columns : {target.columns, target.expected})
		for (const MappedColumn &column : columns)
		{
			const ExprState *same =
				column.comparison == nullptr ? nullptr : column.comparison->same;

			if (state_runs_user_code(column.cast) || state_runs_user_code(same))
				return "A cast of the call runs user-defined code.";
			if (type_runs_user_code(attribute_of(target, column.target).atttypid))
				return "The type of a column runs user-defined code.";
		}
	return nullptr;
}

const char *
why_not_sorted_table(Relation relation, const Target &target)
{
	constexpr const char *CONSTRAINT =
		"A constraint or generated column of the table runs user-defined code.";
	const Bitmapset *changing = changing_attributes(relation, target);
	const char *why = why_not_trigger(relation, changing);

	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		key_runs_user_code(RelationGetPartitionKey(relation)))
		return "The partition key of the table runs user-defined code.";
	if (why == nullptr)
		why = why_not_foreign_key(relation, changing);
	if (why != nullptr)
		return why;
	if (constraints_run_user_code(relation))
		return CONSTRAINT;
	if (target.relation->rd_rel->relispartition &&
		(expression_runs_user_code(reinterpret_cast<Node *>(RelationGetPartitionQual(relation))) ||
		 ancestors_run_user_code(RelationGetRelid(target.relation))))
		return CONSTRAINT;
	if (indexes_run_user_code(relation))
		return "An index of the table runs user-defined code.";
	return nullptr;
}

bool
references_checked(Relation relation, TupleTableSlot *old)
{
	bool isnull;

	if (RelationGetFKeyList(relation) == NIL)
		return false;
	return TransactionIdIsCurrentTransactionId(
		DatumGetTransactionId(slot_getsysattr(old, MinTransactionIdAttributeNumber, &isnull)));
}

Bitmapset *
changing_attributes(Relation relation, const Target &target)
{
	TupleDesc tuple_desc = RelationGetDescr(relation);
	Bitmapset *changing = nullptr;

	for (const MappedColumn &column : target.columns)
		if (!column.is_key)
			changing = bms_add_member(changing, attribute_in(relation, target, column.target) -
													FirstLowInvalidHeapAttributeNumber);
	for (int i = 0; i < tuple_desc->natts; i++)
		if (TupleDescAttr(tuple_desc, i)->attgenerated != '\0')
			changing = bms_add_member(changing, i + 1 - FirstLowInvalidHeapAttributeNumber);
	return changing;
}

bool
is_unchanged_index(Relation index, const IndexInfo *info, const Bitmapset *changing /* or NULL */)
{
	const FormData_pg_index *form = index->rd_index;

	/*
	 * A deferrable index may require a check later, and an expression may depend on anything.
	 * An index that is still being built does not have all old versions.
	 */
	if (changing == nullptr || index->rd_rel->relam != BTREE_AM_OID || !form->indimmediate ||
		!form->indisvalid || !info->ii_ReadyForInserts || info->ii_Expressions != NIL ||
		info->ii_Predicate != NIL || info->ii_ExclusionOps != nullptr)
		return false;
	for (int i = 0; i < form->indnatts; i++)
		if (bms_is_member(form->indkey.values[i] - FirstLowInvalidHeapAttributeNumber, changing))
			return false;
	return true;
}

bool
is_sortable_index(Relation index, const IndexInfo *info, const Bitmapset *changing)
{
	if (index->rd_index->indisunique)
		return is_unchanged_index(index, info, changing);
	return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		   info->ii_ReadyForInserts && info->ii_ExclusionOps == nullptr;
}

} /* namespace bulkupdate */
