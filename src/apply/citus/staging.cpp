/*
 * staging.cpp
 *		A table of source rows that is distributed like the target.
 */
#include "apply/citus/staging.h"

#include "apply/citus/citus_deparse.h"
#include "apply/citus/row_arrays.h"
#include "server/command.h"
#include "server/subtransaction.h"

namespace bulkupdate
{

namespace
{

/*
 * Below this, the table costs more than it saves: creating and dropping 32 shards takes 0.3 s,
 * and so does an UPDATE from arrays of this many rows.
 */
constexpr int MIN_ROWS = 4000;

/* The rows of a chunk: the first ones of it, in its order. */
struct StagedChunk
{
	const ChunkRow *rows;
	int size;
	int64 first; /* number of the first one */
};

} /* namespace */

struct Staging
{
	const Target *target;
	bool usable;              /* the target has a distribution column, and nothing has failed */
	const char *table;        /* qualified and quoted, or NULL */
	TransactionId created_in; /* subtransaction, with which it vanishes */
	int64 last;               /* number of the newest row */
	int64 first;              /* number of the oldest one that the table has */
	Span<StagedChunk> chunks;
	int capacity;
};

namespace
{

bool
exists(const Staging &staging)
{
	return staging.table != nullptr && TransactionIdIsCurrentTransactionId(staging.created_in);
}

/* The target's schema, or the first one of the search path, in which a table may be created. */
Oid
creation_schema(const Target &target)
{
	List *schemas = lcons_oid(RelationGetNamespace(target.relation), fetch_search_path(false));
	ListCell *cell;

	foreach (cell, schemas)
		if (!isAnyTempNamespace(lfirst_oid(cell)) &&
			schema_aclcheck(lfirst_oid(cell), ACL_CREATE) == ACLCHECK_OK)
			return lfirst_oid(cell);
	return InvalidOid;
}

/* Unique in the cluster: no other session can have its name, and this one has it once. */
const char *
new_name(const Target &target, Oid schema)
{
	const char *name = psprintf("bulk_update_%d_%u", MyProcPid, RelationGetRelid(target.relation));
	int n = 0;

	while (OidIsValid(get_relname_relid(name, schema)))
		name = psprintf("bulk_update_%d_%u_%d", MyProcPid, RelationGetRelid(target.relation), ++n);
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

void
create_table(Staging &staging, const char *table, AttrNumber distribution_column, StagedFor purpose)
{
	run_command(
		psprintf("CREATE UNLOGGED TABLE %s (%s)", table, deparse_staging_columns(*staging.target)));
	if (purpose == StagedFor::Chunks)
		run_command(psprintf("CREATE INDEX ON %s (n)", table));
	run_command(
		psprintf("SELECT pg_catalog.create_distributed_table(%s, 'c%d', colocate_with => %s)",
				 quote_literal_cstr(table), distribution_column,
				 quote_literal_cstr(qualified_name(RelationGetRelid(staging.target->relation)))),
		SPI_OK_SELECT);
	staging.created_in = GetCurrentTransactionId();
}

/* What ends a call in any case.  Other errors are reasons to do without the table. */
bool
is_reason(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_CONNECTION_EXCEPTION:
			return false;
		default:
			return error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/* Create an empty table, or empty the one that exists; returns whether there is one. */
bool
begin_table(Staging &staging, StagedFor purpose)
{
	if (exists(staging))
	{
		/* With an index, older rows do no harm. */
		if (purpose == StagedFor::AllAtOnce)
		{
			run_command(psprintf("TRUNCATE %s", staging.table));
			staging.first = staging.last + 1;
		}
		return true;
	}
	staging.first = staging.last + 1;

	Oid schema = creation_schema(*staging.target);
	AttrNumber column = citus_table(RelationGetRelid(staging.target->relation)).column;

	staging.usable = false;
	if (!OidIsValid(schema) || column == InvalidAttrNumber)
		return false;
	staging.table = with_memory_context(GetMemoryChunkContext(&staging),
										[&] { return new_name(*staging.target, schema); });
	staging.usable =
		try_in_subtransaction([&] { create_table(staging, staging.table, column, purpose); },
							  is_reason) == nullptr;
	return staging.usable;
}

void
insert_rows(Staging &staging, Span<ChunkRow *> rows)
{
	SPIExecuteOptions options = {};

	options.params = row_arrays(*staging.target, rows, 3);
	options.params->params[2] = {Int64GetDatum(staging.last), false, PARAM_FLAG_CONST, INT8OID};

	const char *sql = deparse_staging_insert(*staging.target, staging.table);
	int result = keeping_memory_context([&] { return SPI_execute_extended(sql, &options); });

	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
}

/* Remember where the rows of chunks are; they have consecutive numbers. */
void
note_chunks(Staging &staging, Span<Chunk *> chunks)
{
	if (staging.capacity < chunks.size)
	{
		staging.chunks.data = with_memory_context(GetMemoryChunkContext(&staging), [&] {
			return palloc_array_of<StagedChunk>(chunks.size);
		});
		staging.capacity = chunks.size;
	}
	for (const Chunk *chunk : chunks)
	{
		staging.chunks[staging.chunks.size++] = {chunk->rows.data, chunk->applicable,
												 staging.last + 1};
		staging.last += chunk->applicable;
	}
}

/* The number of a row, or 0; at: the chunk of the one before. */
int64
number_of(const Staging &staging, const ChunkRow &row, int &at)
{
	for (int i = 0; i < staging.chunks.size; i++)
	{
		const StagedChunk &chunk = staging.chunks[(at + i) % staging.chunks.size];

		if (&row >= chunk.rows && &row < chunk.rows + chunk.size)
		{
			at = (at + i) % staging.chunks.size;
			return chunk.first + (&row - chunk.rows);
		}
	}
	return 0;
}

/* The numbers of rows as a multirange: "{[1,3),[5,9)}". */
Datum
numbers_of(Span<ChunkRow *> places, int64 low)
{
	StringInfoData text;
	Oid input;
	Oid parameter;

	initStringInfo(&text);
	for (int i = 0; i < places.size; i++)
	{
		int first = i;

		while (i < places.size && places[i] != nullptr)
			i++;
		if (i > first)
			appendStringInfo(&text, "%s[" INT64_FORMAT "," INT64_FORMAT ")",
							 text.len > 0 ? "," : "{", low + first, low + i);
	}
	appendStringInfoChar(&text, '}');
	getTypeInputInfo(INT8MULTIRANGEOID, &input, &parameter);
	return OidInputFunctionCall(input, text.data, parameter, -1);
}

} /* namespace */

Staging *
staging_create(const Target &target, const CitusTable &table)
{
	Staging *staging = palloc_one<Staging>();

	staging->target = &target;
	/* Nothing but a dry run is read-only. */
	staging->usable = table.by_hash && table.column != InvalidAttrNumber && !XactReadOnly;
	return staging;
}

bool
staging_fill(Staging &staging, Span<Chunk *> chunks, Span<ChunkRow *> rows, StagedFor purpose)
{
	staging.chunks.size = 0;
	if (rows.size < MIN_ROWS || !staging.usable || !begin_table(staging, purpose))
		return false;
	insert_rows(staging, rows);
	note_chunks(staging, chunks);
	return true;
}

StagedRows
staging_find(const Staging &staging, Span<ChunkRow *> rows)
{
	StagedRows found = {};
	int64 low = staging.last;
	int64 high = 0;
	int at = 0;

	if (rows.size == 0 || !exists(staging))
		return found;
	for (const ChunkRow *row : rows)
	{
		int64 number = number_of(staging, *row, at);

		if (number == 0)
			return found;
		low = Min(low, number);
		high = Max(high, number);
	}

	int size = static_cast<int>(high - low) + 1;

	found.table = staging.table;
	found.all = rows.size == staging.last - staging.first + 1;
	found.places = {palloc_array_of<ChunkRow *>(size), size};
	for (ChunkRow *row : rows)
		found.places[static_cast<int>(number_of(staging, *row, at) - low)] = row;
	found.params = makeParamList(3);
	found.params->params[0] = {Int64GetDatum(low), false, PARAM_FLAG_CONST, INT8OID};
	found.params->params[1] = {Int64GetDatum(high), false, PARAM_FLAG_CONST, INT8OID};
	found.params->params[2] = {static_cast<Datum>(0), true, PARAM_FLAG_CONST, INT8MULTIRANGEOID};
	if (size > rows.size)
		found.params->params[2] = {numbers_of(found.places, low), false, PARAM_FLAG_CONST,
								   INT8MULTIRANGEOID};
	return found;
}

void
staging_drop(Staging &staging)
{
	staging.chunks.size = 0;
	if (exists(staging))
		run_command(psprintf("DROP TABLE %s", staging.table));
	staging.table = nullptr;
}

} /* namespace bulkupdate */
