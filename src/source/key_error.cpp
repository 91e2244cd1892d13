/*
 * key_error.cpp
 *		Errors that name the two rows in question.
 */
#include "source/key_error.h"

#include "target/key_text.h"

namespace bulkupdate
{

namespace
{

/* The key's column names, in the order of significance. */
const char *
index_order(const Target &target)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const KeyColumn &key : target.keys)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 quote_identifier(attribute_name(target, key.target)));
	return names.data;
}

} /* namespace */

void
refuse_duplicate(const Target &target, const Datum *key, int64 a, int64 b)
{
	ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
					errmsg("bulk_update cannot update the same row a second time"),
					errdetail("Key %s is in source rows %lld and %lld.", key_detail(target, key),
							  static_cast<long long>(Min(a, b)), static_cast<long long>(Max(a, b))),
					errhint("Make sure that the source returns each key only once, or set "
							"on_duplicate to \"first\" or \"last\"."),
					errcontext("bulk_update of table %s", target.display_name)));
}

/*
 * 22023, because the argument "ordering" does not match: with another value the
 * same source is valid.
 */
void
refuse_order(const KeyCopy &before, const Datum *key, int64 position)
{
	const Target &target = *before.target;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("source row %lld is out of key order", static_cast<long long>(position)),
			 errdetail("Source row %lld has key %s, and source row %lld has key %s.",
					   static_cast<long long>(before.position), key_detail(target, before.key),
					   static_cast<long long>(position), key_detail(target, key)),
			 errhint("Order the source's query by the columns for (%s), or let "
					 "bulk_update sort it with ordering => 'auto'.",
					 index_order(target)),
			 errcontext("bulk_update of table %s", target.display_name)));
}

} /* namespace bulkupdate */
