/*
 * applier.cpp
 *		Choosing, for each chunk, what applies it.
 */
#include "applier.h"

#include "direct_applier.h"
#include "direct_rule.h"
#include "inheritance_route.h"
#include "own_plan.h"

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
	{NULL, 0, false},
};

int applier_setting = APPLIER_AUTO;

struct ChoosingApplier
{
	Applier base;
	const Target *target;
	Applier *sql;
	DirectApplier *direct;
	bool direct_is_working; /* it has the newest chunk */
};

ChoosingApplier *
choosing(Applier *base)
{
	return reinterpret_cast<ChoosingApplier *>(base);
}

/* Not of a SQLSTATE that rows can be blamed for. */
void
refuse_direct(const Target *target, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("cannot update table \"%s\" directly",
						   RelationGetRelationName(target->relation)),
					errdetail("%s", why), errhint("Set bulk_update.applier to \"auto\".")));
}

/* Let the direct applier do it if it can and may, otherwise the SQL applier. */
template <typename Direct, typename Sql>
void
choose(ChoosingApplier *applier, Span<ChunkRow *> rows, Direct direct, Sql sql)
{
	const char *why = NULL;
	bool as_before = rows.size == 0 && !applier->direct_is_working;

	/* Privileges on tables and columns are checked by both, on the schema by the SQL applier. */
	require_schema_usage(RelationGetRelid(applier->target->relation));
	applier->direct_is_working = true;
	applier->base.name = "direct";
	if (applier_setting != APPLIER_SQL && !as_before)
	{
		why = direct();
		applier->base.statement_bytes = direct_statement_bytes(applier->direct);
		if (why == NULL)
			return;
		if (applier_setting == APPLIER_DIRECT)
			refuse_direct(applier->target, why);
	}
	applier->direct_is_working = false;
	applier->base.name = "sql";
	sql();
	applier->base.statement_bytes = applier->sql->statement_bytes;
}

void
apply(Applier *base, Span<ChunkRow *> rows, MemoryContext scratch)
{
	ChoosingApplier *applier = choosing(base);

	choose(
		applier, rows, [&] { return direct_apply(applier->direct, rows, scratch); },
		[&] { applier->sql->apply(applier->sql, rows, scratch); });
}

void
look(Applier *base, Span<ChunkRow *> rows, bool compare_values, MemoryContext scratch)
{
	ChoosingApplier *applier = choosing(base);

	choose(
		applier, rows, [&] { return direct_look(applier->direct, rows, compare_values, scratch); },
		[&] { applier->sql->look(applier->sql, rows, compare_values, scratch); });
}

ChunkRow *
current_row(const Applier *base)
{
	const ChoosingApplier *applier = reinterpret_cast<const ChoosingApplier *>(base);

	return applier->direct_is_working ? direct_current_row(applier->direct)
									  : applier->sql->current_row(applier->sql);
}

ChunkRow *
late_row(const Applier *base)
{
	const ChoosingApplier *applier = reinterpret_cast<const ChoosingApplier *>(base);

	return applier->direct_is_working ? direct_late_row(applier->direct)
									  : applier->sql->late_row(applier->sql);
}

void
abandon(Applier *base)
{
	ChoosingApplier *applier = choosing(base);

	direct_abandon(applier->direct);
	applier->sql->abandon(applier->sql);
}

const char *
why_not_direct_children(const Target *target)
{
	PartitionRoute route;

	if (!has_inheritance_children(target->relation))
		return NULL;
	partition_route_begin(&route, target, AccessShareLock);

	const char *why = inheritance_route_open(&route);

	partition_route_end(&route);
	return why;
}

/* Of the partitions of a table, at any depth.  index: the one of the table that covers the key. */
const char *
why_not_direct_below(Relation relation, Oid index)
{
	ListCell *cell;

	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return NULL;

	List *partitions = find_inheritance_children(RelationGetRelid(relation), AccessShareLock);

	foreach (cell, partitions)
	{
		Relation partition = relation_open(lfirst_oid(cell), NoLock);
		Oid partition_index = index_get_partition(partition, index);
		const char *why = partition->rd_rel->relkind == RELKIND_PARTITIONED_TABLE
							  ? why_not_direct_below(partition, partition_index)
							  : why_not_direct_partition(partition, partition_index);

		relation_close(partition, NoLock);
		if (why != NULL)
			return why;
	}
	return NULL;
}

} /* namespace */

void
applier_define_settings()
{
	DefineCustomEnumVariable(
		"bulk_update.applier", "Chooses what applies the rows of a bulk update.",
		"\"direct\" is faster and \"sql\" works for every table; \"auto\" takes "
		"\"direct\" wherever it gives the same result.",
		&applier_setting, APPLIER_AUTO, applier_settings, PGC_USERSET, 0, NULL, NULL, NULL);
}

const char *
applier_expected(const Target *target, const char **why)
{
	if (applier_setting == APPLIER_SQL)
		*why = "bulk_update.applier is set to it.";
	else
	{
		/* An UPDATE may be planned elsewhere where a SELECT is not; planning it takes its lock. */
		if (planner_is_replaced())
			LockRelation(target->relation, RowExclusiveLock);
		*why = why_not_direct(target);
	}
	if (*why == NULL)
		*why = why_not_direct_children(target);
	if (*why == NULL)
		*why = why_not_direct_below(target->relation, RelationGetRelid(target->key_index));
	return *why == NULL ? "direct" : "sql";
}

Applier *
applier_create(const Target *target)
{
	ChoosingApplier *applier = palloc_one<ChoosingApplier>();
	if (applier_setting == APPLIER_DIRECT)
	{
		const char *why = why_not_direct(target);

		if (why == NULL)
			why = why_not_direct_children(target);
		if (why != NULL)
			refuse_direct(target, why);
	}
	applier->base = {"sql", 0, apply, look, current_row, late_row, abandon};
	applier->target = target;
	applier->sql = sql_applier_create(target);
	applier->direct = direct_applier_create(target);
	return &applier->base;
}

} /* namespace bulkupdate */
