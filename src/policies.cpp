/*
 * policies.cpp
 *		The errors of the policies.
 */
#include "policies.h"

#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* As in messages about a failing row. */
constexpr int MAX_VALUE_BYTES = 64;

constexpr const char *IGNORE_MISSING = "Set on_missing to \"ignore\" to count such rows.";

/* What to do about a missing row, and a possible reason why it is missing. */
const char *
missing_hint(const Target &target)
{
	if (check_enable_rls(RelationGetRelid(target.relation), InvalidOid, true) == RLS_ENABLED)
		return psprintf("Row-level security applies, and a policy may hide the row. %s",
						IGNORE_MISSING);
	return IGNORE_MISSING;
}

/* The first row with this outcome in the order of the source, or NULL. */
const ChunkRow *
first_row_with(const Chunk &chunk, Outcome outcome)
{
	const ChunkRow *first = nullptr;

	for (const ChunkRow &row : chunk.rows)
		if (row.outcome == outcome && (first == nullptr || row.position < first->position))
			first = &row;
	return first;
}

/* A value of a column. */
const char *
value_text(const Target &target, AttrNumber attno, const NullableDatum &value)
{
	Oid function;
	bool is_varlena;
	FmgrInfo output;

	if (value.isnull)
		return "null";
	getTypeOutputInfo(attribute_of(target, attno).atttypid, &function, &is_varlena);
	fmgr_info(function, &output);
	return clipped(text_of_value(target, attno, &output, value.value), MAX_VALUE_BYTES);
}

/* "Key (id)=(1) has (version)=(3), and the source expects (2)." */
const char *
stale_detail(const Target &target, const ChunkRow &row)
{
	StringInfoData names;
	StringInfoData found;
	StringInfoData expected;
	const char *separator = "";

	initStringInfo(&names);
	initStringInfo(&found);
	initStringInfo(&expected);
	for (int i = 0; i < target.expected.size; i++)
	{
		AttrNumber attno = target.expected[i].target;

		appendStringInfo(&names, "%s%s", separator,
						 quote_identifier(attribute_name(target, attno)));
		appendStringInfo(&found, "%s%s", separator, value_text(target, attno, row.current[i]));
		appendStringInfo(&expected, "%s%s", separator, value_text(target, attno, row.expected[i]));
		separator = ", ";
	}
	return psprintf("Key %s has (%s)=(%s), and the source expects (%s).",
					key_detail(target, row.key), names.data, found.data, expected.data);
}

} /* namespace */

void
check_missing(const Target &target, const Chunk &chunk)
{
	const ChunkRow *first = first_row_with(chunk, Outcome::Missing);

	if (first == nullptr)
		return;

	const char *table = RelationGetRelationName(target.relation);

	if (first->tuple == nullptr && chunk.impossible_key == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("key of source row %lld is null", static_cast<long long>(first->position)),
				 errdetail("There is a null in columns (%s).", key_names(target)),
				 errhint("%s", IGNORE_MISSING)));
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("table \"%s\" has no row for source row %lld", table,
						   static_cast<long long>(first->position)),
					errdetail("Key %s is missing.", first->tuple == nullptr
														? chunk.impossible_key
														: key_detail(target, first->key)),
					errhint("%s", missing_hint(target))));
}

void
check_stale(const Target &target, const Chunk &chunk)
{
	const ChunkRow *first = first_row_with(chunk, Outcome::Stale);

	if (first == nullptr)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("row of table \"%s\" does not have the values that source row %lld expects",
				RelationGetRelationName(target.relation), static_cast<long long>(first->position)),
		 errdetail("%s", stale_detail(target, *first)),
		 errhint("Compute the new values again from the row as it is now, or set on_stale to "
				 "\"ignore\" to count such rows.")));
}

void
check_reject_limit(const Options &options, int64 rejected)
{
	if (options.reject_limit < 0 || rejected <= options.reject_limit)
		return;
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("bulk_update rejected more rows than reject_limit allows"),
					errdetail_plural("%lld row was rejected, and the limit is %lld.",
									 "%lld rows were rejected, and the limit is %lld.",
									 static_cast<unsigned long>(rejected),
									 static_cast<long long>(rejected),
									 static_cast<long long>(options.reject_limit)),
					errhint("To see the errors, use dry_run or no limit, and a table of rejects "
							"in argument \"rejects\".")));
}

bool
has_rejects(const int64 (&counts)[OUTCOMES])
{
	return counts[static_cast<int>(Outcome::Missing)] > 0 ||
		   counts[static_cast<int>(Outcome::Stale)] > 0 ||
		   counts[static_cast<int>(Outcome::Duplicate)] > 0 ||
		   counts[static_cast<int>(Outcome::Rejected)] > 0;
}

} /* namespace bulkupdate */
