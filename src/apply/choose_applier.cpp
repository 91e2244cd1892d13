/*
 * choose_applier.cpp
 *		Choosing the applier of each chunk.
 */
#include "apply/choose_applier.h"

#include "apply/citus/citus_applier.h"
#include "apply/direct/direct_applier.h"
#include "apply/direct/direct_tree.h"
#include "apply/direct/inheritance_route.h"
#include "apply/direct/read_ahead.h"
#include "apply/direct/sort_rule.h"
#include "apply/own_plan.h"
#include "apply/sql/sql_applier.h"
#include "chunk/chunk_order.h"

namespace bulkupdate
{

namespace
{

enum ApplierSetting : int
{
	APPLIER_AUTO,
	APPLIER_SQL,
	APPLIER_DIRECT
};

const config_enum_entry applier_settings[] = {
	{"auto", APPLIER_AUTO, false},
	{"sql", APPLIER_SQL, false},
	{"direct", APPLIER_DIRECT, false},
	{nullptr, 0, false},
};

int applier_setting = APPLIER_AUTO;

struct ChoosingApplier : Applier
{
	Applier *sql;
	Applier *direct;
	Applier *citus;   /* NULL: Citus does not know the table */
	Applier *working; /* the applier of the newest rows */
};

/* With a SQLSTATE that is never a row's. */
void
refuse_direct(const Target &target, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("cannot update table \"%s\" directly",
						   RelationGetRelationName(target.relation)),
					errdetail("%s", why), errhint("Set bulk_update.applier to \"auto\".")));
}

/* Use the direct applier if it supports the target and is allowed, otherwise the SQL applier. */
template <typename Body>
void
choose(ChoosingApplier &applier, Span<ChunkRow *> rows, Body body)
{
	bool as_before = rows.size == 0 && applier.working == applier.sql;
	auto work = [&](Applier &chosen) {
		applier.working = &chosen;
		chosen.sorted = applier.sorted;
		chosen.by_place = applier.by_place;
		chosen.source_runs_code = applier.source_runs_code;
		chosen.kept = applier.kept;
		applier.name = chosen.name;

		const char *why = body(chosen);

		applier.statement_bytes = chosen.statement_bytes;
		return why;
	};

	/* Both check privileges on tables and columns, and the SQL applier those on the schema. */
	require_schema_usage(RelationGetRelid(applier.target->relation));
	if (applier.citus != nullptr && applier_setting != APPLIER_DIRECT)
		return static_cast<void>(work(*applier.citus));
	if (applier_setting != APPLIER_SQL && !as_before)
	{
		const char *why = work(*applier.direct);

		if (why == nullptr)
			return;
		if (applier_setting == APPLIER_DIRECT)
			refuse_direct(*applier.target, why);
	}

	/* The executor runs users' functions, and finds rows by any index. */
	sorted_entries_flush(applier.sorted);
	if (applier.by_place)
		forget_places(*applier.target, rows);
	(void) work(*applier.sql);
}

const char *
apply(Applier &base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	choose(static_cast<ChoosingApplier &>(base), rows,
		   [&](Applier &chosen) { return chosen.apply(chosen, rows, scratch); });
	return nullptr;
}

const char *
probe(Applier &base, Span<ChunkRow *> rows, Probe probe, MemoryContext scratch)
{
	choose(static_cast<ChoosingApplier &>(base), rows,
		   [&](Applier &chosen) { return chosen.probe(chosen, rows, probe, scratch); });
	return nullptr;
}

ChunkRow *
current_row(const Applier &base)
{
	const Applier &working = *static_cast<const ChoosingApplier &>(base).working;

	return working.current_row(working);
}

ChunkRow *
late_row(const Applier &base)
{
	const Applier &working = *static_cast<const ChoosingApplier &>(base).working;

	return working.late_row(working);
}

void
abandon(Applier &base)
{
	ChoosingApplier &applier = static_cast<ChoosingApplier &>(base);

	applier.direct->abandon(*applier.direct);
	applier.sql->abandon(*applier.sql);
	if (applier.citus != nullptr)
		applier.citus->abandon(*applier.citus); /* GCOVR_EXCL_LINE: needs Citus */
}

/* GCOVR_EXCL_START: needs Citus */

/* With "sql", no table is created for the call. */
void
announce(Applier &base, Span<Chunk *> chunks)
{
	ChoosingApplier &applier = static_cast<ChoosingApplier &>(base);

	applier.citus->at_once = applier.at_once;
	if (applier_setting != APPLIER_SQL)
		applier.citus->announce(*applier.citus, chunks);
}

void
finish(Applier &base)
{
	ChoosingApplier &applier = static_cast<ChoosingApplier &>(base);

	applier.citus->finish(*applier.citus);
}

void
use_citus(ChoosingApplier &applier, const CitusTable &citus)
{
	applier.citus = citus_applier_create(*applier.target, citus);
	applier.name = applier.citus->name;
	applier.announce = announce;
	applier.finish = finish;
}

/* GCOVR_EXCL_STOP */

} /* namespace */

void
applier_init()
{
	sql_applier_init();
	sort_rule_init();
	read_ahead_define_settings();
	sorted_entries_define_settings();
	DefineCustomEnumVariable(
		"bulk_update.applier", "Sets the applier of bulk updates.",
		"\"direct\" is faster and \"sql\" works for every table; \"auto\" uses "
		"\"direct\" if it has the same result.",
		&applier_setting, APPLIER_AUTO, applier_settings, PGC_USERSET, 0, nullptr, nullptr,
		nullptr);
}

Applier *
applier_create(const Target &target, Rechecks *rechecks /* or NULL */)
{
	const char *why = applier_setting == APPLIER_DIRECT ? why_not_direct_tree(target) : nullptr;

	if (why != nullptr)
		refuse_direct(target, why);

	ChoosingApplier *applier = palloc_one<ChoosingApplier>();

	applier->sql = sql_applier_create(target, rechecks);
	applier->direct = direct_applier_create(target, rechecks);

	const CitusTable citus = citus_table(RelationGetRelid(target.relation));

	applier->working = applier->sql;
	static_cast<Applier &>(*applier) = {
		apply,    probe,   current_row, late_row, abandon, applier->sql->name, 0, &target,
		rechecks, nullptr, false,       false,    nullptr};
	if (citus.known)
		use_citus(*applier, citus); /* GCOVR_EXCL_LINE: needs Citus */
	return applier;
}

const char *
applier_expected(const Target &target, const char **why)
{
	if (applier_setting != APPLIER_DIRECT && citus_table(RelationGetRelid(target.relation)).known)
	{
		*why = "The table is known to Citus."; /* GCOVR_EXCL_LINE: needs Citus */
		return "citus";                        /* GCOVR_EXCL_LINE: the same */
	}
	if (applier_setting == APPLIER_SQL)
		*why = "bulk_update.applier is set to it.";
	else
	{
		/* An extension may plan UPDATE but not SELECT itself; planning an UPDATE takes its lock. */
		if (planner_is_replaced())
			LockRelation(target.relation, RowExclusiveLock);
		*why = why_not_direct_tree(target);
	}
	if (*why == nullptr)
		*why = why_not_direct_partitions(target);
	return *why == nullptr ? "direct" : "sql";
}

namespace
{

/* Why the entries of no index of the target may wait, as a sentence, or NULL. */
const char *
why_not_waiting(const Target &target, SortableIndexes &sortable)
{
	return sorted_entries_enabled() ? why_not_sorted_tree(target, sortable)
									: "bulk_update.sort_index_entries is off.";
}

} /* namespace */

const char *
why_not_placed(const Target &target)
{
	SortableIndexes sortable = {};
	const char *why;

	if (has_inheritance_children(target.relation))
		return "Several tables may have rows with a key.";
	(void) applier_expected(target, &why);
	return why == nullptr ? why_not_waiting(target, sortable) : "The SQL applier is used.";
}

PlaceFinder *
applier_places(Applier &base, const Options &options)
{
	ChoosingApplier &applier = static_cast<ChoosingApplier &>(base);

	applier.by_place =
		options.ordering == Ordering::Place && why_not_placed(*applier.target) == nullptr;
	if (!applier.by_place)
		return nullptr;
	return direct_applier_places(*applier.direct,
								 options.dry_run ? AccessShareLock : RowExclusiveLock);
}

const char *
index_entries_expected(const Target &target, bool source_runs_code, bool by_place, const char *when)
{
	SortableIndexes sortable = {};
	const char *why;
	StringInfoData names;
	ListCell *cell;

	sortable.by_place = by_place;
	if (source_runs_code && sorted_entries_enabled())
		why = "The source's query may run user-defined code between two chunks.";
	else
		why = why_not_waiting(target, sortable);
	if (why == nullptr && sortable.indexes == NIL)
		return nullptr;
	if (why != nullptr)
		return psprintf("entered with each row: %s", why);
	if (sortable.tables > 1)
		return psprintf("sorted, and entered %s: %d indexes of %d tables", when,
						list_length(sortable.indexes), sortable.tables);
	initStringInfo(&names);
	foreach (cell, sortable.indexes)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 qualified_name(lfirst_oid(cell)));
	return psprintf("sorted, and entered %s: %s", when, names.data);
}

} /* namespace bulkupdate */
