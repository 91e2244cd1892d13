/*
 * reject_table.cpp
 *		Recording rows that were not applied.
 */
#include "report/reject_table.h"

#include "chunk/reject.h"
#include "report/side_table.h"
#include "server/fault.h"
#include "server/saved_plan.h"

namespace bulkupdate
{

struct RejectTable
{
	SideTable side;
	SavedPlan insert;
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

SideTable
side_of(const Options &options)
{
	return {options.rejects, "rejects", "record rejected rows", "bulk_update_create_rejects"};
}

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

	return can_be_stale(options) && attno != InvalidAttrNumber &&
		   get_atttype(options.rejects, attno) == CURRENT_VALUES.type;
}

char *
insert_statement(const RejectTable &table)
{
	int n = inserted_columns(table.wants_current);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (", side_table_name(table.side));
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
insert_row(RejectTable &table, int64 run, const Chunk &chunk, const ChunkRow &row)
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

	values[i++] = Int64GetDatum(run);
	values[i++] = ObjectIdGetDatum(RelationGetRelid(chunk.target->relation));
	values[i++] = Int64GetDatum(chunk.options->batch >= 0 ? chunk.options->batch : chunk.number);
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

	side_table_check_inserted(table.side, result);
}

} /* namespace */

void
reject_table_check(const Options &options)
{
	const SideTable side = side_of(options);
	StringInfoData missing;

	side_table_check(side);
	initStringInfo(&missing);
	for (const Column &column : COLUMNS)
		if (get_attnum(side.relid, column.name) == InvalidAttrNumber)
			appendStringInfo(&missing, "%s%s", missing.len > 0 ? ", " : "", column.name);
	if (missing.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("cannot record rejected rows in table \"%s\"", get_rel_name(side.relid)),
				 errdetail("It lacks these columns: %s.", missing.data),
				 errhint("Create a table with bulk_update_create_rejects().")));

	for (int i = 0; i < inserted_columns(records_current(options)); i++)
		side_table_check_insert(side, column_at(i).name);
}

RejectTable *
reject_table_open(const Options &options)
{
	if (!OidIsValid(options.rejects))
		return nullptr;

	RejectTable *table = palloc_one<RejectTable>();

	reject_table_check(options);
	table->side = side_of(options);
	table->wants_current = records_current(options);
	(void) prepare_insert(*table);
	return table;
}

Oid
reject_table_create(text *name)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < MAX_COLUMNS; i++)
		appendStringInfo(&columns, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(column_at(i).name),
						 format_type_extended(column_at(i).type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	return side_table_create(name, columns.data);
}

void
reject_table_record(RejectTable &table, int64 run, const Chunk &chunk)
{
	MemoryContext row_context =
		AllocSetContextCreate(chunk.scratch, "bulk_update reject", ALLOCSET_DEFAULT_SIZES);

	for (const ChunkRow &row : chunk.rows)
	{
		if (row.outcome == Outcome::Updated || row.outcome == Outcome::Unchanged)
			continue;
		CHECK_FOR_INTERRUPTS();
		with_memory_context(row_context, [&] { insert_row(table, run, chunk, row); });
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
}

} /* namespace bulkupdate */
