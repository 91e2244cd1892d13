/*
 * recheck.cpp
 *		Events of deferrable constraints, kept until the call ends.
 */
#include "apply/recheck.h"

#include "apply/recheck_queue.h"
#include "server/fault.h"
#include "server/subtransaction.h"
#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* What an event does. */
enum class Phase : uint8
{
	Holding,
	Firing,
	Ignoring
};

/* A table with such constraints: the target, a partition or a child of it. */
struct CheckedTable
{
	Oid oid; /* hash key */
	Rechecks *rechecks;
	Relation relation;               /* if it has a row that is due: it must not be dropped */
	Span<AttrNumber> key_attributes; /* this table's attribute for each key column */
	ResultRelInfo *result;           /* during firing */
};

/* Number of events that are queued and fired at a time. */
constexpr int BATCH = 10000;

/* Keys can be long; the error context shows at most this many bytes. */
constexpr int CONTEXT_KEY_BYTES = 100;

} /* namespace */

struct Rechecks
{
	const Target *target;
	MemoryContext memory;
	Phase phase;
	HTAB *tables;                     /* NULL while there is none */
	RecheckQueue due;                 /* rows remembered */
	const CheckedTable *firing_table; /* of the event that is firing, for the error context */
	TupleTableSlot *firing_row;
};

namespace
{

void
open_table(CheckedTable &table)
{
	const Target &target = *table.rechecks->target;

	table.relation = table_open(table.oid, NoLock);
	table.key_attributes = {palloc_array_of<AttrNumber>(target.keys.size), target.keys.size};
	for (int i = 0; i < target.keys.size; i++)
		table.key_attributes[i] = attribute_in(table.relation, target, target.keys[i].target);
}

void
remember(CheckedTable &table, Oid index, ItemPointer tid)
{
	Rechecks &rechecks = *table.rechecks;
	PendingRecheck due;

	memset(&due, 0, sizeof(due));
	due.table = table.oid;
	due.index = index;
	due.tid = *tid;
	with_memory_context(rechecks.memory, [&] {
		if (table.relation == nullptr)
			open_table(table);
		recheck_queue_add(rechecks.due, due);
	});
}

/* Called by the executor instead of unique_key_recheck. */
Datum
on_event(FunctionCallInfo fcinfo)
{
	const TriggerData *event = reinterpret_cast<TriggerData *>(fcinfo->context);
	CheckedTable &table = *static_cast<CheckedTable *>(fcinfo->flinfo->fn_extra);
	Rechecks &rechecks = *table.rechecks;

	/* A row that has moved to another partition was inserted there. */
	TupleTableSlot *row =
		TRIGGER_FIRED_BY_UPDATE(event->tg_event) ? event->tg_newslot : event->tg_trigslot;

	CHECK_FOR_INTERRUPTS();
	switch (rechecks.phase)
	{
		case Phase::Holding:
			remember(table, event->tg_trigger->tgconstrindid, &row->tts_tid);
			break;
		case Phase::Firing:
			rechecks.firing_table = &table;
			rechecks.firing_row = row;
			(void) unique_key_recheck(fcinfo);
			rechecks.firing_row = nullptr;
			break;
		/* GCOVR_EXCL_START: in an error's search for its row */
		case Phase::Ignoring:
			break;
			/* GCOVR_EXCL_STOP */
	}
	return Datum{0};
}

CheckedTable &
find_table(Rechecks &rechecks, Oid oid)
{
	bool found;

	if (rechecks.tables == nullptr)
	{
		HASHCTL control;

		memset(&control, 0, sizeof(control));
		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(CheckedTable);
		control.hcxt = rechecks.memory;
		rechecks.tables = hash_create("bulk_update tables with deferrable constraints", 16,
									  &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}

	CheckedTable &table =
		*static_cast<CheckedTable *>(hash_search(rechecks.tables, &oid, HASH_ENTER, &found));

	if (!found)
		table = {oid, &rechecks, nullptr, {}, nullptr};
	return table;
}

bool
is_recheck(const Trigger &trigger)
{
	return trigger.tgfoid == F_UNIQUE_KEY_RECHECK;
}

/* A trigger in the executor's copy has its own function, which is looked up when it fires. */
void
replace_functions(const ResultRelInfo *result, EState *estate, CheckedTable &table)
{
	const TriggerDesc *triggers = result->ri_TrigDesc;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		FmgrInfo *function = &result->ri_TrigFunctions[i];

		if (!is_recheck(triggers->triggers[i]))
			continue;
		fmgr_info_cxt(F_UNIQUE_KEY_RECHECK, function, estate->es_query_cxt);
		function->fn_addr = on_event;
		function->fn_extra = &table;
	}
}

void
hold_events_of(Rechecks &rechecks, EState *estate, const ResultRelInfo *result)
{
	const TriggerDesc *triggers = result->ri_TrigDesc;

	if (triggers == nullptr || !triggers->trig_update_after_row)
		return;
	for (int i = 0; i < triggers->numtriggers; i++)
		if (is_recheck(triggers->triggers[i]))
		{
			Oid oid = RelationGetRelid(result->ri_RelationDesc);

			/* Events of a partition fire with a separate ResultRelInfo, which has no root. */
			replace_functions(ExecGetTriggerResultRel(estate, oid, nullptr), estate,
							  find_table(rechecks, oid));
			return;
		}
}

/* A ResultRelInfo without other triggers, whose events have already fired. */
ResultRelInfo *
result_for_firing(CheckedTable &table, EState *estate)
{
	if (table.result != nullptr)
		return table.result;

	ResultRelInfo *result = ExecGetTriggerResultRel(estate, table.oid, nullptr);
	TriggerDesc *triggers = result->ri_TrigDesc;

	if (triggers != nullptr)
	{
		int kept = 0;

		for (int i = 0; i < triggers->numtriggers; i++)
			if (is_recheck(triggers->triggers[i]))
				triggers->triggers[kept++] = triggers->triggers[i];
		triggers->numtriggers = kept;
		replace_functions(result, estate, table);
	}
	table.result = result;
	return result;
}

/*
 * Queue the next events and end their query level, which fires those that are due.  They are
 * queued as for an inserted row: this needs only the new version, and is the same for the function.
 */
void
fire_batch(Rechecks &rechecks, EState *estate, List *index)
{
	AfterTriggerBeginQuery();
	for (int i = 0; i < BATCH && rechecks.due.rows > 0; i++)
	{
		PendingRecheck due = recheck_queue_next(rechecks.due);
		ResultRelInfo *result = result_for_firing(find_table(rechecks, due.table), estate);
		TupleTableSlot *slot = ExecGetTriggerNewSlot(estate, result);

		CHECK_FOR_INTERRUPTS();
		index->elements[0].oid_value = due.index;
		slot->tts_tid = due.tid;
		ExecARInsertTriggers(estate, result, slot, index, nullptr);
	}
	AfterTriggerEndQuery(estate);
}

void
firing_error_context(void *arg)
{
	const Rechecks &rechecks = *static_cast<const Rechecks *>(arg);
	const Target &target = *rechecks.target;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "bulk_update of table %s, constraints checked at the end of the call",
					 target.display_name);

	/* After out of memory or a cancel, computing the key's text would be a risk. */
	if (rechecks.firing_row != nullptr && is_row_error_code(geterrcode()))
	{
		Datum *key = palloc_array_of<Datum>(target.keys.size);
		bool isnull = false;

		for (int i = 0; i < target.keys.size && !isnull; i++)
			key[i] = slot_getattr(rechecks.firing_row, rechecks.firing_table->key_attributes[i],
								  &isnull);
		if (!isnull)
			appendStringInfo(&text, ", at the row with key %s",
							 key_detail(target, key, CONTEXT_KEY_BYTES));
	}
	errcontext("%s", text.data);
}

/* Fire all events, as in a statement after those of the chunks. */
void
fire(Rechecks &rechecks)
{
	EState *estate = CreateExecutorState();
	List *index = list_make1_oid(InvalidOid);

	recheck_queue_rewind(rechecks.due);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rechecks.phase = Phase::Firing;
	FAULT_POINT(recheck);
	while (rechecks.due.rows > 0)
		fire_batch(rechecks, estate, index);
	PopActiveSnapshot();
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
}

void
close_tables(const Rechecks &rechecks)
{
	HASH_SEQ_STATUS all;

	hash_seq_init(&all, rechecks.tables);
	while (const CheckedTable *table = static_cast<CheckedTable *>(hash_seq_search(&all)))
		if (table->relation != nullptr)
			table_close(table->relation, NoLock);
}

} /* namespace */

Rechecks *
rechecks_create(const Target &target)
{
	Rechecks *rechecks = palloc_one<Rechecks>();

	rechecks->target = &target;
	rechecks->memory = CurrentMemoryContext;
	rechecks->phase = Phase::Holding;
	return rechecks;
}

void
rechecks_hold(Rechecks *rechecks /* or NULL */, EState *estate)
{
	ListCell *cell;

	if (rechecks == nullptr)
		return;
	foreach (cell, estate->es_opened_result_relations)
		hold_events_of(*rechecks, estate, static_cast<ResultRelInfo *>(lfirst(cell)));
	/* A row that moves to a partition with such a constraint, in test/differential. */
	foreach (cell, estate->es_tuple_routing_result_relations)
		/* GCOVR_EXCL_START */
		hold_events_of(*rechecks, estate, static_cast<ResultRelInfo *>(lfirst(cell)));
	/* GCOVR_EXCL_STOP */
}

bool
rechecks_due(const Rechecks *rechecks /* or NULL */)
{
	return rechecks != nullptr && rechecks->due.rows > 0;
}

void
rechecks_fire(Rechecks &rechecks)
{
	with_error_context(firing_error_context, &rechecks, [&] { fire(rechecks); });
	recheck_queue_end(rechecks.due);
	close_tables(rechecks);
}

void
rechecks_ignore(Rechecks *rechecks /* or NULL */)
{
	if (rechecks != nullptr)
		rechecks->phase = Phase::Ignoring;
}

} /* namespace bulkupdate */
