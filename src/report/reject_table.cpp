/*
 * reject_table.cpp
 *		Recording rows that were not applied.
 */
#include "report/reject_table.h"

#include "chunk/reject.h"
#include "server/fault.h"
#include "server/saved_plan.h"

namespace bulkupdate
{

struct RejectTable
{
	Oid relid;
	SavedPlan insert;
	int64 run;
	bool wants_current; /* see records_current() */
};

namespace
{

/* The columns that a table of rejects must have, and the types of their values. */
struct Column
{
	const char *name;
	Oid type;
};

constexpr Column COLUMNS[] = {
	{"run", INT8OID},         {"target", REGCLASSOID},      {"chunk", INT8OID},
	{"source_row", INT8OID},  {"reason", TEXTOID},          {"key", JSONBOID},
	{"new_values", JSONBOID}, {"sqlstate", TEXTOID},        {"message", TEXTOID},
	{"detail", TEXTOID},      {"constraint_name", TEXTOID}, {"rejected_at", TIMESTAMPTZOID},
};
constexpr int REQUIRED_COLUMNS = static_cast<int>(lengthof(COLUMNS));

/* A table may lack it.  It comes last. */
constexpr Column CURRENT_VALUES = {"current_values", JSONBOID};
constexpr int MAX_COLUMNS = REQUIRED_COLUMNS + 1;

const Column &
column_at(int i)
{
	return i < REQUIRED_COLUMNS ? COLUMNS[i] : CURRENT_VALUES;
}

/* The columns that a call inserts into. */
int
inserted_columns(bool wants_current)
{
	return wants_current ? MAX_COLUMNS : REQUIRED_COLUMNS;
}

/* Can rows be stale, and does the table have a column for their values? */
bool
records_current(const Options &options)
{
	AttrNumber attno = get_attnum(options.rejects, CURRENT_VALUES.name);

	return options.expected_columns.size > 0 && attno != InvalidAttrNumber &&
		   get_atttype(options.rejects, attno) == CURRENT_VALUES.type;
}

/* By the current name: a trigger may have renamed the table, and created another one. */
char *
insert_statement(const RejectTable &table)
{
	Oid relid = table.relid;
	int n = inserted_columns(table.wants_current);
	StringInfoData sql;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table specified in argument \"rejects\" no longer exists"),
						errdetail("It was dropped during the call."),
						errhint("Do not drop it in triggers and functions that run during the "
								"call.")));
	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (", qualified_name(relid));
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", quote_identifier(column_at(i).name));
	appendStringInfoString(&sql, ") VALUES (");
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

SPIPlanPtr
prepare_insert(RejectTable &table)
{
	Oid types[MAX_COLUMNS];

	if (saved_plan_is_current(table.insert))
		return table.insert.plan;
	for (int i = 0; i < MAX_COLUMNS; i++)
		types[i] = column_at(i).type;
	return saved_plan_get(table.insert, insert_statement(table),
						  {types, inserted_columns(table.wants_current)}, 0);
}

int64
next_run_number(Oid function)
{
	Oid sequence = get_relname_relid("bulk_update_run", get_func_namespace(function));

	if (!OidIsValid(sequence))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("sequence \"bulk_update_run\" does not exist"),
						errdetail("It belongs to extension bulk_update."),
						errhint("Use the function that CREATE EXTENSION has created.")));
	return nextval_internal(sequence, true);
}

const char *
reason_of(Outcome outcome)
{
	switch (outcome)
	{
		case Outcome::Missing:
			return "missing";
		case Outcome::Stale:
			return "stale";
		case Outcome::Duplicate:
			return "duplicate";
		default:
			return "error";
	}
}

/* The detail column: the error's detail, and the columns that could not be recorded. */
const char *
detail_of(const Reject &reject, const char *omitted_current /* or NULL */)
{
	const char *omitted = reject.omitted;

	if (omitted_current != nullptr)
		/* GCOVR_EXCL_START: values of 1 GB */
		omitted =
			omitted == nullptr ? omitted_current : psprintf("%s, %s", omitted, omitted_current);
	/* GCOVR_EXCL_STOP */
	if (omitted == nullptr)
		return reject.detail;
	return psprintf("%s%sToo large to be recorded: %s.",
					reject.detail != nullptr ? reject.detail : "",
					reject.detail != nullptr ? "\n" : "", omitted);
}

Datum
json_datum(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

void
insert_row(RejectTable &table, const Chunk &chunk, const ChunkRow &row)
{
	Size bytes = 0;
	const Reject *reject = row.reject != nullptr
							   ? row.reject
							   : reject_of_tuple(*chunk.target, row.tuple, nullptr, &bytes);
	const char *omitted = nullptr;
	const char *current =
		table.wants_current ? current_values_json(*chunk.target, row.current, &omitted) : nullptr;
	const char *texts[] = {reject->sqlstate, reject->message, detail_of(*reject, omitted),
						   reject->constraint_name};
	Datum values[MAX_COLUMNS] = {};
	char nulls[MAX_COLUMNS + 1] = "             ";
	int i = 0;

	values[i++] = Int64GetDatum(table.run);
	values[i++] = ObjectIdGetDatum(RelationGetRelid(chunk.target->relation));
	values[i++] = Int64GetDatum(chunk.number);
	values[i++] = Int64GetDatum(row.position);
	values[i++] = CStringGetTextDatum(reason_of(row.outcome));
	values[i++] = json_datum(reject->key);
	values[i++] = json_datum(reject->new_values);
	for (const char *text : texts)
	{
		nulls[i] = text == nullptr ? 'n' : ' ';
		values[i++] = text == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(text);
	}
	values[i++] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[i] = current == nullptr ? 'n' : ' ';
	values[i] = current == nullptr ? static_cast<Datum>(0) : json_datum(current);

	FAULT_POINT(reject_insert);

	SPIPlanPtr plan = prepare_insert(table);
	int result =
		keeping_memory_context([&] { return SPI_execute_plan(plan, values, nulls, false, 0); });

	if (result == SPI_OK_REWRITTEN)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot record rejected rows in relation \"%s\"",
							   get_rel_name(table.relid)),
						errdetail("The relation has an ON INSERT DO INSTEAD rule."),
						errhint("Replace the rule by a trigger, or create a table with "
								"bulk_update_create_rejects().")));
	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
}

} /* namespace */

void
reject_table_check(const Options &options)
{
	Oid relid = options.rejects;
	char relkind = get_rel_relkind(relid);
	StringInfoData missing;

	if (relkind == '\0')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid),
						errdetail("It is the table specified in argument \"rejects\"."),
						errhint("Create it with bulk_update_create_rejects().")));
	require_schema_usage(relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot record rejected rows in relation \"%s\"", get_rel_name(relid)),
				 errdetail_relkind_not_supported(relkind),
				 errhint("Create a table with bulk_update_create_rejects().")));

	initStringInfo(&missing);
	for (const Column &column : COLUMNS)
		if (get_attnum(relid, column.name) == InvalidAttrNumber)
			appendStringInfo(&missing, "%s%s", missing.len > 0 ? ", " : "", column.name);
	if (missing.len > 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("cannot record rejected rows in table \"%s\"", get_rel_name(relid)),
						errdetail("It lacks these columns: %s.", missing.data),
						errhint("Create a table with bulk_update_create_rejects().")));

	for (int i = 0; i < inserted_columns(records_current(options)); i++)
		if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK &&
			pg_attribute_aclcheck(relid, get_attnum(relid, column_at(i).name), GetUserId(),
								  ACL_INSERT) != ACLCHECK_OK)
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("permission denied for table %s", get_rel_name(relid)),
							errdetail("bulk_update needs the INSERT privilege to record rejected "
									  "rows."),
							errhint("Grant it, or omit argument \"rejects\".")));
}

RejectTable *
reject_table_open(const Options &options, Oid function)
{
	if (!OidIsValid(options.rejects))
		return nullptr;

	RejectTable *table = palloc_one<RejectTable>();

	reject_table_check(options);
	table->relid = options.rejects;
	table->wants_current = records_current(options);
	(void) prepare_insert(*table);
	table->run = next_run_number(function);
	return table;
}

Oid
reject_table_create(text *name)
{
	RangeVar *relation = makeRangeVarFromNameList(textToQualifiedNameList(name));

	/* A lookup by name could find a temporary table instead. */
	Oid schema = RangeVarGetCreationNamespace(relation);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (",
					 quote_qualified_identifier(get_namespace_name(schema), relation->relname));
	for (int i = 0; i < MAX_COLUMNS; i++)
		appendStringInfo(&sql, "%s%s %s", i > 0 ? ", " : "", quote_identifier(column_at(i).name),
						 format_type_extended(column_at(i).type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	appendStringInfoChar(&sql, ')');

	int result = keeping_memory_context([&] { return SPI_execute(sql.data, false, 0); });

	if (result != SPI_OK_UTILITY)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	return get_relname_relid(relation->relname, schema);
}

void
reject_table_record(RejectTable &table, const Chunk &chunk)
{
	MemoryContext row_context =
		AllocSetContextCreate(chunk.scratch, "bulk_update reject", ALLOCSET_DEFAULT_SIZES);

	for (const ChunkRow &row : chunk.rows)
	{
		if (row.outcome == Outcome::Updated || row.outcome == Outcome::Unchanged)
			continue;
		CHECK_FOR_INTERRUPTS();
		with_memory_context(row_context, [&] { insert_row(table, chunk, row); });
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
}

} /* namespace bulkupdate */
