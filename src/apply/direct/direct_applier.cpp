/*
 * direct_applier.cpp
 *		Applying a chunk as one statement without a plan.
 */
#include "apply/direct/direct_applier.h"

#include "apply/direct/direct_rule.h"
#include "apply/direct/direct_update.h"
#include "apply/direct/inheritance_route.h"
#include "apply/direct/place_walk.h"
#include "apply/direct/sort_rule.h"
#include "apply/late_row.h"
#include "chunk/chunk_order.h"
#include "chunk/row_tuple.h"

namespace bulkupdate
{

namespace
{

/* The statement whose rows have been applied and whose after-row triggers run, or none. */
struct Finishing
{
	const DirectStatement *statement;
	Span<ChunkRow *> rows;
};

struct DirectApplier : Applier
{
	ChunkRow *current;
	Finishing finishing;
	Datum *values; /* of the current row, by target attribute */
	bool *nulls;
	WalkStats stats;
	ReadStats reads;
	PlannedElsewhere planned_elsewhere; /* determined once for the call */
	SortRule sort_rule;
};

/* The tables of a chunk's rows. */
struct Routed
{
	PartitionRoute route;
	Partition **partitions; /* for each row; NULL if there is none */
	Holder **holders;       /* instead, if the target has inheritance children, or NULL */
};

DirectRow
load_row(const DirectApplier &applier, ChunkRow &row, Probe probe)
{
	HeapTupleData tuple = row_tuple(row.tuple);

	heap_deform_tuple(&tuple, RelationGetDescr(applier.target->relation), applier.values,
					  applier.nulls);
	return {row.key, applier.values, applier.nulls, &row, probe};
}

template <typename Body>
void
for_each_table(const Routed &routed, Body body)
{
	for (Partition *partition = routed.route.opened; partition != nullptr;
		 partition = partition->next)
		if (partition->used)
			body(*partition);
}

/* Find the one table of each row. */
void
find_partitions(Span<ChunkRow *> rows, Routed &routed)
{
	Partition &root = *routed.route.root;

	routed.partitions = palloc_array_of<Partition *>(rows.size);
	for (int i = 0; i < rows.size; i++)
	{
		CHECK_FOR_INTERRUPTS();
		routed.partitions[i] =
			root.key == nullptr ? &root : partition_of_key(routed.route, rows[i]->key);
	}
	root.used = root.key == nullptr;
}

/* Find the tables of all rows; returns why some row cannot be applied directly, or NULL. */
const char *
route_rows(DirectApplier &applier, Span<ChunkRow *> rows, LOCKMODE lock, Routed &routed)
{
	const char *why = why_not_direct(*applier.target, applier.planned_elsewhere);

	if (why != nullptr)
		return why;
	partition_route_begin(routed.route, *applier.target, lock);
	if (has_inheritance_children(applier.target->relation))
	{
		why = inheritance_route_open(routed.route);
		if (why == nullptr)
		{
			/* The first child appeared after the places had been found; it does not have them. */
			if (applier.by_place)
				forget_places(*applier.target, rows);
			routed.holders = inheritance_route_find(routed.route, rows, GetActiveSnapshot());
		}
	}
	else
	{
		find_partitions(rows, routed);
		for_each_table(routed, [&](const Partition &partition) {
			if (why == nullptr && &partition != routed.route.root)
				why = why_not_direct_partition(partition.relation, partition.index);
		});
	}
	if (why != nullptr)
		partition_route_end(routed.route);
	return why;
}

/* Are rows with this key in several tables, of which none is updated if one is stale? */
bool
is_decided_for_all(const DirectStatement &statement, Probe probe, const Holder *first /* or NULL */)
{
	return statement.root != nullptr && probes_expected(probe) && first != nullptr &&
		   first->next != nullptr;
}

/* Decide whether the index entries of the statement wait. */
void
choose_sorting(DirectApplier &applier, DirectStatement &statement, const Routed &routed)
{
	const Target &target = *applier.target;
	bool sorted =
		applier.sorted != nullptr && !applier.source_runs_code && why_not_sorted(target) == nullptr;

	/* A partitioned table has triggers for the statement, and its key. */
	for (const Partition *partition = routed.route.opened; partition != nullptr;
		 partition = partition->next)
		sorted = sorted && ((!partition->used && partition->key == nullptr) ||
							may_sort(applier.sort_rule, target, partition->relation));
	if (sorted)
		statement.sorted = applier.sorted;
	else
		sorted_entries_flush(applier.sorted);
}

/* Have pages of the rows after the i-th one read; done: rows for which this has been done. */
void
read_ahead(const DirectApplier &applier, Span<ChunkRow *> rows, const Routed &routed, int i,
		   int &done)
{
	/* The search for holders has read the pages of the index, and there are few such targets. */
	if (routed.holders != nullptr || routed.partitions[i] == nullptr)
		return;

	int window = read_ahead_window(applier.reads, routed.partitions[i]->relation);

	/* Several at once, as long as half of the window has been read. */
	done = Max(done, i + 1);
	if (done - i - 1 >= (window + 1) / 2)
		return;
	for (; done < rows.size && done <= i + window; done++)
		if (routed.partitions[done] != nullptr)
			direct_table_prefetch(*routed.partitions[done]->table, *rows[done]);
}

/* Run a statement that calls body(table, row) for each row and each of its tables. */
template <typename Body>
void
run_statement(DirectApplier &applier, DirectStatement &statement, Span<ChunkRow *> rows,
			  Routed &routed, Probe probe, Body body)
{
	DirectTable *newest = nullptr;
	int read = 0;
	auto do_row = [&](const Partition &partition, const DirectRow &row, auto action) {
		if (newest != nullptr && newest != partition.table)
			direct_table_leave(*newest);
		newest = partition.table;
		return action(*newest, row);
	};
	auto do_holders = [&](const Holder *first /* or NULL */, ChunkRow &row, Probe of_each,
						  auto action) {
		Outcome outcome = Outcome::Missing;

		for (const Holder *holder = first; holder != nullptr; holder = holder->next)
			outcome =
				combined(outcome, do_row(*holder->table, load_row(applier, row, of_each), action));
		return outcome;
	};

	/* All of them now: an error about a table is not an error of its first row. */
	for_each_table(routed, [&](Partition &partition) {
		partition.table = direct_table_open(statement, partition.relation, partition.index);
	});
	if (statement.root != nullptr)
		choose_sorting(applier, statement, routed);
	direct_statement_fire_before(statement);
	for (int i = 0; i < rows.size; i++)
	{
		Outcome outcome = Outcome::Missing;

		CHECK_FOR_INTERRUPTS();
		applier.current = rows[i];
		read_ahead(applier, rows, routed, i, read);
		if (routed.holders == nullptr)
		{
			if (routed.partitions[i] != nullptr)
				outcome = do_row(*routed.partitions[i], load_row(applier, *rows[i], probe), body);
		}
		else if (is_decided_for_all(statement, probe, routed.holders[i]))
		{
			outcome = do_holders(routed.holders[i], *rows[i], probe, direct_table_lock);
			if (outcome == Outcome::Pending)
				outcome = do_holders(routed.holders[i], *rows[i], Probe::Row, body);
		}
		else
			outcome = do_holders(routed.holders[i], *rows[i], probe, body);
		rows[i]->outcome = outcome;
	}
	applier.current = nullptr;
	applier.finishing = {&statement, rows};
	applier.statement_bytes = MemoryContextMemAllocated(statement.estate->es_query_cxt, true);
	for_each_table(routed,
				   [](const Partition &partition) { direct_table_close(*partition.table); });
	if (statement.checks_references)
		sorted_entries_flush(applier.sorted);
	late_row_begin(statement.estate);
	direct_statement_end(statement);
	applier.finishing = {};
	partition_route_end(routed.route);
}

/* Run body with the snapshot and the command counter of a new statement. */
template <typename Body>
const char *
as_statement(MemoryContext scratch, Body body)
{
	MemoryContextReset(scratch);

	/* Otherwise no new lock would process invalidations for partitions attached in the meantime. */
	AcceptInvalidationMessages();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());

	const char *why = with_memory_context(scratch, body);

	PopActiveSnapshot();
	return why;
}

const char *
apply(Applier &base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	DirectApplier &applier = static_cast<DirectApplier &>(base);
	Probe of_locked = probe_of_locked(*applier.target);

	return as_statement(scratch, [&] {
		Routed routed = {};
		const char *why = route_rows(applier, rows, RowExclusiveLock, routed);

		if (why == nullptr)
			run_statement(applier,
						  *direct_statement_begin(applier, Access::Update, of_locked, applier.stats,
												  applier.reads),
						  rows, routed, of_locked, [](DirectTable &table, const DirectRow &row) {
							  return direct_table_update(table, row);
						  });
		return why;
	});
}

const char *
probe(Applier &base, Span<ChunkRow *> rows, Probe probe, MemoryContext scratch)
{
	DirectApplier &applier = static_cast<DirectApplier &>(base);

	return as_statement(scratch, [&] {
		Routed routed = {};
		const char *why = route_rows(applier, rows, AccessShareLock, routed);

		if (why == nullptr)
			run_statement(applier,
						  *direct_statement_begin(applier, Access::Probe, probe, applier.stats,
												  applier.reads),
						  rows, routed, probe, [](DirectTable &table, const DirectRow &row) {
							  return direct_table_find(table, row)
										 ? direct_table_outcome(table, row)
										 : Outcome::Missing;
						  });
		return why;
	});
}

ChunkRow *
current_row(const Applier &base)
{
	return static_cast<const DirectApplier &>(base).current;
}

ChunkRow *
late_row(const Applier &base)
{
	const Finishing &finishing = static_cast<const DirectApplier &>(base).finishing;

	/* A table with a trigger was attached after the places had been found. */
	if (base.by_place)
		forget_places(*base.target, finishing.rows);
	return finishing.statement == nullptr
			   ? nullptr
			   : late_row_find(*base.target, finishing.statement->estate, finishing.rows);
}

void
abandon(Applier &base)
{
	DirectApplier &applier = static_cast<DirectApplier &>(base);

	applier.current = nullptr;
	applier.finishing = {};
}

} /* namespace */

Applier *
direct_applier_create(const Target &target, Rechecks *rechecks /* or NULL */)
{
	DirectApplier *applier = palloc_one<DirectApplier>();
	int natts = RelationGetDescr(target.relation)->natts;

	static_cast<Applier &>(*applier) = {apply,    probe, current_row, late_row, abandon,
										"direct", 0,     &target,     rechecks, nullptr,
										false,    false, nullptr};
	applier->sort_rule.memory = CurrentMemoryContext;
	applier->values = palloc_array_of<Datum>(natts);
	applier->nulls = palloc_array_of<bool>(natts);
	return applier;
}

PlaceFinder *
direct_applier_places(Applier &base, LOCKMODE lock)
{
	DirectApplier &applier = static_cast<DirectApplier &>(base);

	return place_walk_create(applier, lock, applier.stats, applier.reads);
}

} /* namespace bulkupdate */
