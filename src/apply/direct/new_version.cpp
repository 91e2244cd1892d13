/*
 * new_version.cpp
 *		Forming the version of a row that an update writes.
 */
#include "apply/direct/new_version.h"

namespace bulkupdate
{

namespace
{

/*
 * A row stays in the partition that its key determines.  But a target that is a partition
 * itself has a constraint on columns that need not be in the key.
 */
void
check_partition(const DirectTable &table)
{
	ResultRelInfo *target = table.statement->root;
	EState *estate = table.statement->estate;
	TupleTableSlot *slot = table.updated;

	if (!target->ri_RelationDesc->rd_rel->relispartition ||
		ExecPartitionCheck(table.result, slot, estate, false))
		return;
	if (const TupleConversionMap *map = ExecGetChildToRootMap(table.result))
		slot = execute_attr_map_slot(
			map->attrMap, slot, table_slot_create(target->ri_RelationDesc, &estate->es_tupleTable));
	ExecPartitionCheckEmitError(target, slot, estate);
}

} /* namespace */

void
form_new_version(DirectTable &table, const DirectRow &row)
{
	TupleTableSlot *slot = table.updated;
	Size natts = static_cast<Size>(RelationGetDescr(table.relation)->natts);

	slot_getallattrs(table.found);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, table.found->tts_values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, table.found->tts_isnull, sizeof(bool) * natts);
	for (const ValueColumn &column : table.value_columns)
	{
		slot->tts_values[column.to] = row.values[column.from];
		slot->tts_isnull[column.to] = row.nulls[column.from];
	}

	/* As in UPDATE, a dropped column is null in a new version. */
	for (int attribute : table.dropped)
		slot->tts_isnull[attribute] = true;
	ExecStoreVirtualTuple(slot);
}

void
prepare_new_version(DirectTable &table)
{
	const TupleConstr *constraints = RelationGetDescr(table.relation)->constr;
	EState *estate = table.statement->estate;

	/* Expressions may refer to tableoid. */
	table.updated->tts_tableOid = RelationGetRelid(table.relation);
	if (constraints != nullptr && constraints->has_generated_stored)
		ExecComputeStoredGenerated(table.result, estate, table.updated, CMD_UPDATE);
	check_partition(table);
	if (constraints != nullptr)
		ExecConstraints(table.result, table.updated, estate);
}

} /* namespace bulkupdate */
