/*
 * citus_applier.cpp
 *		Applying rows to a table whose rows are on the nodes of Citus.
 *
 * One UPDATE for all shards, from a staging table if there are many rows, otherwise from arrays.
 * Rows cannot be locked before, so the UPDATE itself compares expected values, and the rows that it
 * did not return are looked up afterwards.
 */
#include "apply/citus/citus_applier.h"

#include "apply/citus/citus_deparse.h"
#include "apply/citus/row_arrays.h"
#include "apply/citus/staging.h"
#include "apply/sql/outcome_receiver.h"
#include "apply/sql/suppression.h"
#include "server/fault.h"

namespace bulkupdate
{

namespace
{

/* Rows that others keep changing, so that they are never as they have just been seen. */
constexpr int MAX_TRIES = 20;

struct CitusApplier : Applier
{
	Staging *staging;
	OutcomeReceiver receiver;
};

/* The source of a statement for rows, and its parameters. */
StagedRows
source_of(const CitusApplier &applier, Span<ChunkRow *> rows)
{
	StagedRows source = staging_find(*applier.staging, rows);

	if (source.table == nullptr)
		source = {nullptr, false, row_arrays(*applier.target, rows, 2), rows};
	return source;
}

/*
 * Execute a statement; returns the number of rows.
 *
 * It is parsed and planned for its parameters, whatever plan_cache_mode is: Citus cannot plan a
 * join for parameters without values.
 */
int64
execute(const char *sql, const StagedRows &source, DestReceiver *receiver /* or NULL */)
{
	SPIExecuteOptions options = {};

	options.params = source.params;
	options.dest = receiver;
	FAULT_POINT(statement_before);

	int result = keeping_memory_context([&] { return SPI_execute_extended(sql, &options); });

	FAULT_POINT(statement_after);
	if (result != SPI_OK_UPDATE && result != SPI_OK_UPDATE_RETURNING && result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
	return static_cast<int64>(SPI_processed);
}

/* Execute a statement that returns places, and set the outcomes of their rows. */
void
execute_returning(CitusApplier &applier, const char *sql, const StagedRows &source, Outcome outcome,
				  Returns returns, Probe probe)
{
	outcome_receiver_init(applier.receiver, applier, source.places, outcome, returns, probe,
						  returns == Returns::Pairs);
	(void) execute(sql, source, &applier.receiver.base);
	outcome_receiver_finished(applier.receiver);
	applier.statement_bytes = applier.receiver.statement_bytes;
}

Span<ChunkRow *>
rows_with(Span<ChunkRow *> rows, Outcome outcome)
{
	Span<ChunkRow *> found = {palloc_array_of<ChunkRow *>(rows.size), 0};

	for (ChunkRow *row : rows)
		if (row->outcome == outcome)
			found[found.size++] = row;
	return found;
}

void
set_outcome(Span<ChunkRow *> rows, Outcome outcome)
{
	for (ChunkRow *row : rows)
		row->outcome = outcome;
}

void
update(CitusApplier &applier, Span<ChunkRow *> rows)
{
	const Target &target = *applier.target;
	StagedRows source = source_of(applier, rows);
	Returns returns = target.kept.size > 0 ? Returns::Pairs : Returns::Nothing;

	execute_returning(
		applier, deparse_citus_update(target, {source.table, source.all}, UpdateReturns::Places),
		source, Outcome::Updated, returns, Probe::Row);
}

void
look_up(CitusApplier &applier, Span<ChunkRow *> rows, Probe probe)
{
	StagedRows source = source_of(applier, rows);
	Returns returns = probe == Probe::Row ? Returns::Nothing : Returns::Probed;

	execute_returning(applier,
					  deparse_citus_probe(*applier.target, {source.table, source.all}, probe),
					  source, Outcome::Pending, returns, probe);
}

/* Can an UPDATE leave a row that exists? */
bool
may_leave_rows(const Target &target)
{
	return target.expected.size > 0 || target.kept.size > 0 || may_suppress_update(target);
}

/*
 * Why the UPDATE did not return these rows, which are Missing so far.  Returns those that can be
 * updated now: another transaction has changed them in the meantime.
 */
Span<ChunkRow *>
explain_left(CitusApplier &applier, Span<ChunkRow *> rows)
{
	const Target &target = *applier.target;

	if (rows.size == 0)
		return {};
	look_up(applier, rows, probe_of_locked(target));

	Span<ChunkRow *> left = rows_with(rows, Outcome::Pending);

	/* As if a trigger had suppressed each of them; some may be of the other kind. */
	if (may_suppress_update(target))
		set_outcome(left, Outcome::Unchanged);

	/* A policy for UPDATE may hide rows that one for SELECT shows. */
	else if (check_enable_rls(RelationGetRelid(target.relation), InvalidOid, true) == RLS_ENABLED)
		set_outcome(left, Outcome::Missing);
	else
	{
		set_outcome(left, Outcome::Missing);
		return left;
	}
	return {};
}

/*
 * Update rows all of which that exist are updated.  If the number of updated rows is that of the
 * rows, that is their outcome, and otherwise, if it is the number of those that exist.  Returns
 * those that are not updated: another transaction has inserted them in the meantime.
 */
Span<ChunkRow *>
update_counting(CitusApplier &applier, Span<ChunkRow *> rows)
{
	const Target &target = *applier.target;
	StagedRows source = source_of(applier, rows);
	int64 updated =
		execute(deparse_citus_update(target, {source.table, source.all}, UpdateReturns::Count),
				source, nullptr);

	if (updated == rows.size)
	{
		set_outcome(rows, Outcome::Updated);
		return {};
	}
	look_up(applier, rows, Probe::Row);

	Span<ChunkRow *> found = rows_with(rows, Outcome::Pending);

	if (found.size == updated)
	{
		set_outcome(found, Outcome::Updated);
		return {};
	}

	/* The new ones are those without the new values; whoever has them counts as updated. */
	set_outcome(found, Outcome::Missing);
	look_up(applier, found, Probe::Values);

	Span<ChunkRow *> left = rows_with(found, Outcome::Pending);

	set_outcome(rows_with(found, Outcome::Unchanged), Outcome::Updated);
	set_outcome(left, Outcome::Missing);
	return left;
}

void
begin_statement(Span<ChunkRow *> rows, MemoryContext scratch)
{
	set_outcome(rows, Outcome::Missing);
	MemoryContextReset(scratch);
	AcceptInvalidationMessages();
}

/* Update rows, which are Missing, and set the outcome of each. */
void
apply_rows(CitusApplier &applier, Span<ChunkRow *> rows)
{
	bool may_leave = may_leave_rows(*applier.target);

	for (int i = 0; i < MAX_TRIES; i++)
	{
		if (i == 0 && !may_leave)
			rows = update_counting(applier, rows);
		else
		{
			update(applier, rows);
			rows = may_leave ? explain_left(applier, rows_with(rows, Outcome::Missing))
							 : Span<ChunkRow *>{nullptr, 0};
		}
		if (rows.size == 0)
			return;
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not update rows of table \"%s\" due to concurrent updates",
						   RelationGetRelationName(applier.target->relation)),
					errdetail("Other transactions have changed them %d times.", MAX_TRIES),
					errhint("Retry the transaction.")));
}

const char *
apply(Applier &base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] { apply_rows(static_cast<CitusApplier &>(base), rows); });
	return nullptr;
}

const char *
probe(Applier &base, Span<ChunkRow *> rows, Probe probe, MemoryContext scratch)
{
	begin_statement(rows, scratch);
	with_memory_context(scratch, [&] { look_up(static_cast<CitusApplier &>(base), rows, probe); });
	return nullptr;
}

ChunkRow *
current_row(const Applier &base)
{
	return outcome_receiver_current_row(static_cast<const CitusApplier &>(base).receiver);
}

ChunkRow *
late_row(const Applier &base)
{
	return outcome_receiver_late_row(static_cast<const CitusApplier &>(base).receiver);
}

void
abandon(Applier &base)
{
	outcome_receiver_finished(static_cast<CitusApplier &>(base).receiver);
}

Span<ChunkRow *>
rows_to_apply(Span<Chunk *> chunks)
{
	int n = 0;

	for (const Chunk *chunk : chunks)
		n += chunk->applicable;

	Span<ChunkRow *> rows = {palloc_array_of<ChunkRow *>(n), 0};

	for (const Chunk *chunk : chunks)
		for (int i = 0; i < chunk->applicable; i++)
			rows[rows.size++] = &chunk->rows[i];
	return rows;
}

/* The chunks that are applied at once. */
void
announced_context(void *arg)
{
	const Span<Chunk *> &chunks = *static_cast<const Span<Chunk *> *>(arg);
	const Chunk &first = *chunks[0];
	const Chunk &last = *chunks[chunks.size - 1];

	errcontext("bulk_update of table %s, chunks %lld to %lld", first.target->display_name,
			   static_cast<long long>(first.number), static_cast<long long>(last.number));
}

void
announce(Applier &base, Span<Chunk *> chunks)
{
	CitusApplier &applier = static_cast<CitusApplier &>(base);
	bool at_once = applier.at_once && !may_leave_rows(*applier.target);
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "bulk_update staging", ALLOCSET_DEFAULT_SIZES);

	with_memory_context(memory, [&] {
		with_error_context(announced_context, &chunks, [&] {
			Span<ChunkRow *> rows = rows_to_apply(chunks);

			if (!staging_fill(*applier.staging, chunks, rows,
							  at_once ? StagedFor::AllAtOnce : StagedFor::Chunks) ||
				!at_once)
				return;
			set_outcome(rows, Outcome::Missing);
			apply_rows(applier, rows);
		});
	});
	MemoryContextDelete(memory);
}

void
finish(Applier &base)
{
	staging_drop(*static_cast<CitusApplier &>(base).staging);
}

} /* namespace */

Applier *
citus_applier_create(const Target &target, const CitusTable &table)
{
	CitusApplier *applier = palloc_one<CitusApplier>();

	applier->apply = apply;
	applier->probe = probe;
	applier->current_row = current_row;
	applier->late_row = late_row;
	applier->abandon = abandon;
	applier->announce = announce;
	applier->finish = finish;
	applier->name = "citus";
	applier->target = &target;
	applier->staging = staging_create(target, table);
	return applier;
}

} /* namespace bulkupdate */
