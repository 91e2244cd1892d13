/*
 * late_row.cpp
 *		From a trigger's old version in the executor's slot back to the row.
 */
#include "apply/late_row.h"

#include "target/key.h"

namespace bulkupdate
{

namespace
{

bool
is_updated(const EState *estate, Oid relid)
{
	const List *lists[] = {estate->es_opened_result_relations,
						   estate->es_tuple_routing_result_relations};

	for (const List *list : lists)
	{
		ListCell *cell;

		foreach (cell, list)
			if (RelationGetRelid(
					static_cast<const ResultRelInfo *>(lfirst(cell))->ri_RelationDesc) == relid)
				return true;
	}
	return false;
}

/*
 * The tables whose rows a statement updates; without those updated by a foreign key's
 * action.  The triggers of a partition fire with a separate ResultRelInfo.
 */
template <typename Body>
void
for_each_updated_table(const EState *estate, Body body)
{
	const List *lists[] = {estate->es_opened_result_relations,
						   estate->es_tuple_routing_result_relations,
						   estate->es_trig_target_relations};

	for (const List *list : lists)
	{
		ListCell *cell;

		foreach (cell, list)
		{
			const ResultRelInfo *table = static_cast<const ResultRelInfo *>(lfirst(cell));

			if (table->ri_TrigOldSlot != nullptr &&
				(list != estate->es_trig_target_relations ||
				 is_updated(estate, RelationGetRelid(table->ri_RelationDesc))))
				body(table);
		}
	}
}

/* Read the key of a version from one of the target's tables; false if it is incomplete. */
bool
key_of_version(const Target &target, Relation relation, TupleTableSlot *slot, Datum *key)
{
	for (int i = 0; i < target.keys.size; i++)
	{
		AttrNumber attno = attribute_in(relation, target, target.keys[i].target);
		bool isnull;

		/* Of another table, in test/faults and test/differential. */
		if (attno == InvalidAttrNumber)
			return false; /* GCOVR_EXCL_LINE */
		key[i] = slot_getattr(slot, attno, &isnull);
		if (isnull)
			return false; /* GCOVR_EXCL_LINE */
	}
	return true;
}

ChunkRow *
row_with_key(const Target &target, const Datum *key, Span<ChunkRow *> rows)
{
	int low = 0;
	int high = rows.size;

	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = compare_keys(target, key, rows[middle]->key);

		if (order == 0)
			return rows[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return nullptr; /* GCOVR_EXCL_LINE: it has another key by now, in test/differential */
}

} /* namespace */

void
late_row_begin(const EState *estate)
{
	for_each_updated_table(
		estate, [](const ResultRelInfo *table) { ExecClearTuple(table->ri_TrigOldSlot); });
}

ChunkRow *
late_row_find(const Target &target, const EState *estate, Span<ChunkRow *> rows)
{
	Datum *key = palloc_array_of<Datum>(target.keys.size);
	ChunkRow *found = nullptr;
	bool contradicting = false;

	/* A row that moves between partitions may leave its version behind: then two may differ. */
	for_each_updated_table(estate, [&](const ResultRelInfo *table) {
		TupleTableSlot *slot = table->ri_TrigOldSlot;

		if (TTS_EMPTY(slot))
			return;

		ChunkRow *row = key_of_version(target, table->ri_RelationDesc, slot, key)
							? row_with_key(target, key, rows)
							: nullptr;

		contradicting = contradicting || row == nullptr || (found != nullptr && row != found);
		found = row;
	});
	return contradicting ? nullptr : found;
}

} /* namespace bulkupdate */
