/*
 * direct_applier.cpp
 *		A chunk as one statement without a plan.
 */
#include "direct_applier.h"

#include "compare.h"
#include "direct_rule.h"
#include "direct_table.h"
#include "inheritance_route.h"
#include "late_row.h"

namespace bulkupdate
{

/* The statement of which the rows are done and the after-row triggers run, or none. */
struct Finishing
{
	const DirectStatement *statement;
	Span<ChunkRow *> rows;
};

struct DirectApplier
{
	const Target *target;
	ChunkRow *current;
	Finishing finishing;
	Datum *values; /* of the current row, by target attribute */
	bool *nulls;
	Datum *key;
	WalkHabit habit;
	Size statement_bytes; /* what the newest statement held when its rows were done */
};

namespace
{

/* Where the rows of a chunk are. */
struct Routed
{
	PartitionRoute route;
	Partition **partitions; /* for each row; NULL where there is none */
	Holder **holders;       /* in their place where the target has inheritance children, or NULL */
};

DirectRow
load_row(DirectApplier *applier, const ChunkRow *row)
{
	const Target *target = applier->target;
	HeapTupleData image = tuple_of_image(row->image);

	heap_deform_tuple(&image, RelationGetDescr(target->relation), applier->values, applier->nulls);
	for (int i = 0; i < target->keys.size; i++)
		applier->key[i] = applier->values[target->keys[i].target - 1];
	return {applier->key, applier->values, applier->nulls};
}

template <typename Body>
void
for_each_table(const Routed *routed, Body body)
{
	for (Partition *partition = routed->route.opened; partition != NULL;
		 partition = partition->next)
		if (partition->used)
			body(partition);
}

/* The row's key alone. */
const Datum *
load_key(const DirectApplier *applier, const ChunkRow *row)
{
	const Target *target = applier->target;
	HeapTupleData image = tuple_of_image(row->image);
	bool isnull;

	for (int i = 0; i < target->keys.size; i++)
		applier->key[i] = heap_getattr(&image, target->keys[i].target,
									   RelationGetDescr(target->relation), &isnull);
	return applier->key;
}

/* Find the tables that may have the rows, where more than one can. */
void
find_holders(DirectApplier *applier, Span<ChunkRow *> rows, Routed *routed)
{
	Size width = sizeof(Datum) * static_cast<Size>(applier->target->keys.size);
	Datum *keys = palloc_array_of<Datum>(rows.size * applier->target->keys.size);

	for (int i = 0; i < rows.size; i++)
		memcpy(keys + static_cast<Size>(i) * applier->target->keys.size, load_key(applier, rows[i]),
			   width);
	routed->holders = inheritance_route_find(&routed->route, keys, rows.size, GetActiveSnapshot());
}

/* Find the one table that may have each row. */
void
find_partitions(DirectApplier *applier, Span<ChunkRow *> rows, Routed *routed)
{
	Partition *root = routed->route.root;

	routed->partitions = palloc_array_of<Partition *>(rows.size);
	for (int i = 0; i < rows.size; i++)
	{
		CHECK_FOR_INTERRUPTS();
		routed->partitions[i] =
			root->key == NULL ? root : partition_of_key(&routed->route, load_key(applier, rows[i]));
	}
	root->used = root->key == NULL;
}

/* Find the tables of all rows; returns why some row cannot be applied directly, or NULL. */
const char *
route_rows(DirectApplier *applier, Span<ChunkRow *> rows, LOCKMODE lock, Routed *routed)
{
	const char *why = why_not_direct(applier->target);

	if (why != NULL)
		return why;
	partition_route_begin(&routed->route, applier->target, lock);
	if (has_inheritance_children(applier->target->relation))
	{
		why = inheritance_route_open(&routed->route);
		if (why == NULL)
			find_holders(applier, rows, routed);
	}
	else
	{
		find_partitions(applier, rows, routed);
		for_each_table(routed, [&](const Partition *partition) {
			if (why == NULL && partition != routed->route.root)
				why = why_not_direct_partition(partition->relation, partition->index);
		});
	}
	if (why != NULL)
		partition_route_end(&routed->route);
	return why;
}

/* What becomes of a row that has been done in one more table. */
Outcome
combined(Outcome before, Outcome now)
{
	if (before == Outcome::Missing || (before == Outcome::Unchanged && now != Outcome::Missing))
		return now;
	return before;
}

/* Run a statement that does body(table, row) for each row that may be in a table. */
template <typename Body>
void
run_statement(DirectApplier *applier, DirectStatement *statement, Span<ChunkRow *> rows,
			  Routed *routed, Body body)
{
	DirectTable *newest = NULL;
	auto do_row = [&](const Partition *partition, const DirectRow &row) {
		if (newest != NULL && newest != partition->table)
			direct_table_leave(newest);
		newest = partition->table;
		return body(newest, row);
	};

	/* All of them now: what is wrong with a table is no fault of the first row that is in it. */
	for_each_table(routed, [&](Partition *partition) {
		partition->table = direct_table_open(statement, partition->relation, partition->index);
	});
	direct_statement_fire_before(statement);
	for (int i = 0; i < rows.size; i++)
	{
		Outcome outcome = Outcome::Missing;

		CHECK_FOR_INTERRUPTS();
		applier->current = rows[i];
		if (routed->holders == NULL)
		{
			if (routed->partitions[i] != NULL)
				outcome = do_row(routed->partitions[i], load_row(applier, rows[i]));
		}
		else
			for (const Holder *holder = routed->holders[i]; holder != NULL; holder = holder->next)
				outcome = combined(outcome, do_row(holder->table, load_row(applier, rows[i])));
		rows[i]->outcome = outcome;
	}
	applier->current = NULL;
	applier->finishing = {statement, rows};
	applier->statement_bytes = MemoryContextMemAllocated(statement->estate->es_query_cxt, true);
	for_each_table(routed,
				   [](const Partition *partition) { direct_table_close(partition->table); });
	late_row_begin(statement->estate);
	direct_statement_end(statement);
	applier->finishing = {};
	partition_route_end(&routed->route);
}

/* Has the found version the row's values? */
bool
has_values(const DirectTable *table, const DirectRow &row)
{
	const Target *target = table->statement->target;
	int i = 0;

	for (const MappedColumn &column : target->columns)
	{
		if (column.is_key)
			continue;

		const ValueColumn &value = table->value_columns[i++];
		bool isnull;
		Datum found = slot_getattr(table->found, static_cast<AttrNumber>(value.to + 1), &isnull);

		if (!same_value(target, column, found, isnull, row.values[value.from],
						row.nulls[value.from]))
			return false;
	}
	return true;
}

/* Run body with the snapshot and the command counter of a new statement. */
template <typename Body>
const char *
as_statement(MemoryContext scratch, Body body)
{
	MemoryContextReset(scratch);

	/* No new lock makes us hear of partitions that others attach meanwhile. */
	AcceptInvalidationMessages();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());

	const char *why = with_memory_context(scratch, body);

	PopActiveSnapshot();
	return why;
}

} /* namespace */

DirectApplier *
direct_applier_create(const Target *target)
{
	DirectApplier *applier = palloc_one<DirectApplier>();
	int natts = RelationGetDescr(target->relation)->natts;

	applier->target = target;
	applier->values = palloc_array_of<Datum>(natts);
	applier->nulls = palloc_array_of<bool>(natts);
	applier->key = palloc_array_of<Datum>(target->keys.size);
	return applier;
}

const char *
direct_apply(DirectApplier *applier, Span<ChunkRow *> rows, MemoryContext scratch)
{
	return as_statement(scratch, [&] {
		Routed routed = {};
		const char *why = route_rows(applier, rows, RowExclusiveLock, &routed);

		if (why == NULL)
			run_statement(applier,
						  direct_statement_begin(applier->target, false, false, &applier->habit),
						  rows, &routed, [](DirectTable *table, const DirectRow &row) {
							  return direct_table_update(table, row);
						  });
		return why;
	});
}

const char *
direct_look(DirectApplier *applier, Span<ChunkRow *> rows, bool compare_values,
			MemoryContext scratch)
{
	return as_statement(scratch, [&] {
		Routed routed = {};
		const char *why = route_rows(applier, rows, AccessShareLock, &routed);

		if (why == NULL)
			run_statement(
				applier,
				direct_statement_begin(applier->target, true, compare_values, &applier->habit),
				rows, &routed, [&](DirectTable *table, const DirectRow &row) {
					if (!direct_table_find(table, row))
						return Outcome::Missing;
					return compare_values && has_values(table, row) ? Outcome::Unchanged
																	: Outcome::Pending;
				});
		return why;
	});
}

ChunkRow *
direct_current_row(const DirectApplier *applier)
{
	return applier->current;
}

Size
direct_statement_bytes(const DirectApplier *applier)
{
	return applier->statement_bytes;
}

ChunkRow *
direct_late_row(const DirectApplier *applier)
{
	const Finishing &finishing = applier->finishing;

	return finishing.statement == NULL
			   ? NULL
			   : late_row_find(applier->target, finishing.statement->estate, finishing.rows);
}

void
direct_abandon(DirectApplier *applier)
{
	applier->current = NULL;
	applier->finishing = {};
}

} /* namespace bulkupdate */
