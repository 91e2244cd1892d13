/*
 * job_tables.cpp
 *		Statements on the extension's tables.
 */
#include "job/job_tables.h"

#include "server/guc.h"
#include "target/target.h"

namespace bulkupdate
{

namespace
{

/* The owner of a relation. */
Oid
owner_of(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);

	Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;

	ReleaseSysCache(tuple);
	return owner;
}

/* Replaces the tables' short names. */
const char *
with_names(const JobTables &tables, const char *sql)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const char *c = sql; *c != '\0'; c++)
	{
		if (c[0] == '$' && c[1] == 'J')
			appendStringInfoString(&text, qualified_name(tables.jobs));
		else if (c[0] == '$' && c[1] == 'B')
			appendStringInfoString(&text, qualified_name(tables.batches));
		else
		{
			appendStringInfoChar(&text, *c);
			continue;
		}
		c++;
	}
	return text.data;
}

/*
 * The statements find their rows by an index, whatever statistics say: while a job runs, these say
 * how many batches were left when they were collected, or nothing.
 */
constexpr Setting PLAN_BY_INDEX[] = {
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"enable_sort", "off"},
	{"jit", "off"}, /* for the cost of what is off and needed all the same */
};

/* Does a query read or write a table besides these two and the catalogs? */
bool
uses_other_table(Node *node, void *context)
{
	const JobTables &tables = *static_cast<const JobTables *>(context);

	if (node == nullptr)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = castNode(RangeTblEntry, node);

		return entry->rtekind == RTE_RELATION && entry->relid != tables.jobs &&
			   entry->relid != tables.batches &&
			   get_rel_namespace(entry->relid) != PG_CATALOG_NAMESPACE;
	}
	if (IsA(node, Query))
		return walk_query_tree(castNode(Query, node), uses_other_table, context,
							   QTW_EXAMINE_RTES_BEFORE);
	return walk_expression_tree(node, uses_other_table, context);
}

/*
 * Whoever owns the schema can rename it, and create tables with the names of these two, whose
 * checks and triggers would run as the owner of the extension.  What has been parsed refers to
 * tables by their OIDs and has locked them, and a plan that is not saved is not parsed again.
 */
void
require_own_tables(const JobTables &tables, SPIPlanPtr plan)
{
	ListCell *source;
	ListCell *cell;

	foreach (source, SPI_plan_get_plan_sources(plan))
		foreach (cell, static_cast<CachedPlanSource *>(lfirst(source))->query_list)
			if (uses_other_table(static_cast<Node *>(lfirst(cell)),
								 const_cast<JobTables *>(&tables)))
				/* GCOVR_EXCL_START: a rename between the names and the parser */
				ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
								errmsg("the tables of jobs have been replaced"),
								errdetail("Other relations have the names of tables of extension "
										  "bulk_update."),
								errhint("Do not rename its schema while a job is created or "
										"run.")));
	/* GCOVR_EXCL_STOP */
}

} /* namespace */

JobTables
job_tables_of(Oid function)
{
	Oid schema = get_func_namespace(function);
	Oid jobs = get_relname_relid("bulk_update_job", schema);
	Oid batches = get_relname_relid("bulk_update_job_batch", schema);

	if (!OidIsValid(jobs) || !OidIsValid(batches))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("tables \"bulk_update_job\" and \"bulk_update_job_batch\" do not "
							   "exist"),
						errdetail("They belong to extension bulk_update."),
						errhint("Use the function that CREATE EXTENSION has created.")));

	return {function, jobs, batches, owner_of(jobs)};
}

JobArgument
text_argument(const char *string /* or NULL */)
{
	if (string == nullptr)
		return {TEXTOID, static_cast<Datum>(0), true};
	return {TEXTOID, CStringGetTextDatum(string)};
}

Datum
names_datum(Span<const char *> names)
{
	Datum *elements = palloc_array_of<Datum>(names.size);

	for (int i = 0; i < names.size; i++)
		elements[i] = DirectFunctionCall1(namein, CStringGetDatum(names[i]));
	return PointerGetDatum(
		construct_array(elements, names.size, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

uint64
job_execute(const JobTables &tables, const char *sql, Span<const JobArgument> arguments,
			void (*row)(HeapTuple tuple, TupleDesc tuple_desc, void *arg), void *arg)
{
	constexpr int MAX_ARGUMENTS = 32;
	MemoryContext caller = CurrentMemoryContext;
	Oid types[MAX_ARGUMENTS];
	Datum values[MAX_ARGUMENTS];
	char nulls[MAX_ARGUMENTS];
	Oid user;
	int security_context;

	Assert(arguments.size <= MAX_ARGUMENTS);
	for (int i = 0; i < arguments.size; i++)
	{
		types[i] = arguments[i].type;
		values[i] = arguments[i].value;
		nulls[i] = arguments[i].isnull ? 'n' : ' ';
	}

	/* After an error the end of the (sub)transaction restores the user. */
	GetUserIdAndSecContext(&user, &security_context);
	SPI_connect();
	SetUserIdAndSecContext(tables.owner, security_context | SECURITY_LOCAL_USERID_CHANGE);

	SPIPlanPtr plan = SPI_prepare(with_names(tables, sql), arguments.size, types);

	if (plan == nullptr)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	require_own_tables(tables, plan);

	int nest_level = begin_settings(PLAN_BY_INDEX);
	int result = SPI_execute_plan(plan, values, nulls, false, 0);
	uint64 rows = SPI_processed;

	end_settings(nest_level);

	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	SetUserIdAndSecContext(user, security_context);
	for (uint64 i = 0; row != nullptr && i < rows; i++)
		with_memory_context(caller,
							[&] { row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, arg); });
	SPI_finish();
	return rows;
}

} /* namespace bulkupdate */
