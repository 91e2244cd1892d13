/*
 * job_tables.cpp
 *		Statements on the extension's tables.
 */
#include "job/job_tables.h"

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
			appendStringInfoString(&text, tables.jobs_name);
		else if (c[0] == '$' && c[1] == 'B')
			appendStringInfoString(&text, tables.batches_name);
		else
		{
			appendStringInfoChar(&text, *c);
			continue;
		}
		c++;
	}
	return text.data;
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

	const char *name = get_namespace_name(schema);

	return {function, jobs, owner_of(jobs), quote_qualified_identifier(name, "bulk_update_job"),
			quote_qualified_identifier(name, "bulk_update_job_batch")};
}

JobArgument
text_argument(const char *string /* or NULL */)
{
	if (string == nullptr)
		return {TEXTOID, static_cast<Datum>(0), true}; /* GCOVR_EXCL_LINE: no message */
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

	int result = SPI_execute_with_args(with_names(tables, sql), arguments.size, types, values,
									   nulls, false, 0);
	uint64 rows = SPI_processed;

	if (result < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
	SetUserIdAndSecContext(user, security_context);
	for (uint64 i = 0; row != nullptr && i < rows; i++)
		with_memory_context(caller,
							[&] { row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, arg); });
	SPI_finish();
	return rows;
}

} /* namespace bulkupdate */
