/*
 * direct_table.cpp
 *		Finding rows in one table.
 */
#include "apply/direct/direct_table.h"

#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* A walk needs some 75 kB. */
constexpr int MAX_KEPT_WALKS = 64;

void
map_attributes(DirectTable &table)
{
	const Target &target = *table.statement->target;

	table.key_attributes = {palloc_array_of<AttrNumber>(target.keys.size), target.keys.size};
	for (int i = 0; i < target.keys.size; i++)
		table.key_attributes[i] = attribute_in(table.relation, target, target.keys[i].target);

	table.value_columns = {palloc_array_of<ValueColumn>(target.columns.size), 0};
	for (const MappedColumn &column : target.columns)
		if (!column.is_key)
			table.value_columns[table.value_columns.size++] = {
				column.target - 1, attribute_in(table.relation, target, column.target) - 1};

	table.expected_attributes = {palloc_array_of<AttrNumber>(target.expected.size),
								 target.expected.size};
	for (int i = 0; i < target.expected.size; i++)
		table.expected_attributes[i] =
			attribute_in(table.relation, target, target.expected[i].target);

	table.kept_attributes = {palloc_array_of<AttrNumber>(target.kept.size), target.kept.size};
	for (int i = 0; i < target.kept.size; i++)
		table.kept_attributes[i] = attribute_in(table.relation, target, target.kept[i].target);

	TupleDesc tuple_desc = RelationGetDescr(table.relation);

	table.dropped = {palloc_array_of<int>(tuple_desc->natts), 0};
	for (int i = 0; i < tuple_desc->natts; i++)
		if (TupleDescAttr(tuple_desc, i)->attisdropped)
			table.dropped[table.dropped.size++] = i;
}

} /* namespace */

DirectTable *
direct_table_open(DirectStatement &statement, Relation relation, Oid index)
{
	EState *estate = statement.estate;
	const Target &target = *statement.target;

	return with_memory_context(estate->es_query_cxt, [&] {
		DirectTable *table = palloc_one<DirectTable>();

		table->statement = &statement;
		table->relation = relation;
		table->number = statement.tables++;
		table->blocks = statement.by_place ? RelationGetNumberOfBlocks(relation) : 0;
		table->keeps_walk = table->number < MAX_KEPT_WALKS;
		map_attributes(*table);
		table->found = table_slot_create(relation, &estate->es_tupleTable);
		table->updated = table_slot_create(relation, &estate->es_tupleTable);
		table->index = index_open(index, AccessShareLock);
		index_walk_begin(table->walk, relation, table->index,
						 {target.keys.data, target.index_columns}, estate->es_snapshot,
						 *statement.stats);
		if (statement.root == nullptr)
			return table;

		CheckCmdReplicaIdentity(relation, CMD_UPDATE);
		table->result = relation == target.relation
							? statement.root
							: add_result_relation(estate, relation, statement.root);
		init_eval_plan_qual(&table->epqstate, estate);
		return table;
	});
}

bool
direct_table_has_key(const DirectTable &table, const DirectRow &row, int first)
{
	const Target &target = *table.statement->target;

	for (int i = first; i < target.keys.size; i++)
	{
		bool isnull;
		Datum value = slot_getattr(table.found, table.key_attributes[i], &isnull);

		if (isnull ||
			ApplySortComparator(value, false, row.key[i], false, target.keys[i].sort) != 0)
			return false;
	}
	return true;
}

namespace
{

/*
 * The place of the row, if it has one.  The table may have fewer blocks by now: user code between
 * two chunks may have truncated the partition.
 */
bool
place_of(const DirectTable &table, const ChunkRow &row, ItemPointer version)
{
	if (row.place == NO_PLACE)
		return false;
	*version = row_place_version(row.place);
	return ItemPointerGetBlockNumber(version) < table.blocks;
}

/* Is the row still in its place?  Another one with the key would be the row all the same. */
bool
find_in_place(DirectTable &table, const DirectRow &row)
{
	ItemPointerData version;

	if (!place_of(table, *row.source, &version) ||
		!index_walk_fetch(table.walk, version, table.found) || !direct_table_has_key(table, row, 0))
		return false;
	table.statement->stats->rows++;
	return true;
}

} /* namespace */

bool
direct_table_find(DirectTable &table, const DirectRow &row)
{
	FAULT_POINT(find);
	return with_read_stats(*table.statement->reads, [&] {
		if (find_in_place(table, row))
			return true;
		if (table.statement->by_place)
			index_walk_restart(table.walk);
		return index_walk_find(table.walk, row.key, table.found) &&
			   direct_table_has_key(table, row, table.statement->target->index_columns);
	});
}

void
direct_table_prefetch(DirectTable &table, const ChunkRow &row)
{
	ItemPointerData version;

	if (row.place != NO_PLACE)
	{
		if (place_of(table, row, &version))
			(void) PrefetchBuffer(table.relation, MAIN_FORKNUM,
								  ItemPointerGetBlockNumber(&version));
		return;
	}
	if (table.ahead == nullptr)
		with_memory_context(table.statement->estate->es_query_cxt, [&] {
			const Target &target = *table.statement->target;

			table.ahead = palloc_one<IndexWalk>();
			index_walk_begin(*table.ahead, table.relation, table.index,
							 {target.keys.data, target.index_columns},
							 table.statement->estate->es_snapshot, *table.statement->stats);
		});
	index_walk_prefetch(*table.ahead, row.key);
}

Outcome
direct_table_outcome(const DirectTable &table, const DirectRow &row)
{
	return outcome_of_found(
		*table.statement->target, row.probe, *row.source, row.values, row.nulls,
		[&](int i, bool *isnull) {
			return slot_getattr(table.found, table.value_columns[i].to + 1, isnull);
		},
		[&](int i, bool *isnull) {
			return slot_getattr(table.found, table.expected_attributes[i], isnull);
		});
}

void
direct_table_leave(DirectTable &table)
{
	ExecClearTuple(table.found);
	ExecClearTuple(table.updated);
	if (table.keeps_walk)
		index_walk_leave(table.walk);
	else
		index_walk_end(table.walk); /* GCOVR_EXCL_LINE: more than 64 partitions, in test/pins */
}

void
direct_table_close(DirectTable &table)
{
	index_walk_end(table.walk);
	if (table.ahead != nullptr)
		index_walk_end(*table.ahead);
	index_entries_end(table.entries);
	index_close(table.index, NoLock);
	ExecClearTuple(table.found);
	ExecClearTuple(table.updated);
}

} /* namespace bulkupdate */
