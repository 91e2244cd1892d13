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

} /* namespace */

void
check_missing(const Target &target, const Chunk &chunk)
{
	const ChunkRow *first = nullptr;

	for (const ChunkRow &row : chunk.rows)
		if (row.outcome == Outcome::Missing && (first == nullptr || row.position < first->position))
			first = &row;
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
		   counts[static_cast<int>(Outcome::Duplicate)] > 0 ||
		   counts[static_cast<int>(Outcome::Rejected)] > 0;
}

} /* namespace bulkupdate */
