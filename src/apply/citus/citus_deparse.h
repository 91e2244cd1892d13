/*
 * citus_deparse.h
 *		The text of the statements that the Citus applier prepares.
 *
 * Citus supports neither a row lock for rows of several shards nor an UPDATE in a WITH clause, so
 * each of them is one UPDATE or one SELECT.  Every name in them is quoted and qualified.
 */
#ifndef BULK_UPDATE_APPLY_CITUS_CITUS_DEPARSE_H
#define BULK_UPDATE_APPLY_CITUS_CITUS_DEPARSE_H

#include "apply/applier.h"

namespace bulkupdate
{

/*
 * Where a statement reads the source rows:
 *   arrays  $1 has the new values and $2 the expected ones, as rows of the target
 *   table   the rows from number $1 to $2 of a staging table; $3: only these numbers, or NULL
 */
struct CitusSource
{
	const char *table; /* the staging table's qualified name, or NULL */
	bool all;          /* the table has no other rows */
};

/* What an UPDATE returns: its places take as long as a quarter of it. */
enum class UpdateReturns : uint8
{
	Count,
	Places,
};

/*
 * deparse_citus_update
 *		UPDATE of the rows whose keys are in the source and which have the expected values, if
 *		there are any.
 *
 * With Places it returns for each updated row its place in the source, from 1, and, if the target
 * keeps values, those of KeptStore::Pairs.  The old ones are of the version that the UPDATE
 * replaces: a row that has a newer version than in the statement's snapshot is not updated then.
 */
char *deparse_citus_update(const Target &target, const CitusSource &source,
						   UpdateReturns returning);

/* deparse_citus_probe: SELECT of the places of rows that exist, and of what is probed. */
char *deparse_citus_probe(const Target &target, const CitusSource &source, Probe probe);

/* deparse_staging_columns: the columns of a staging table, as in CREATE TABLE. */
char *deparse_staging_columns(const Target &target);

/*
 * deparse_staging_insert
 *		INSERT into a staging table the rows of the arrays $1 and $2, with numbers above $3.
 */
char *deparse_staging_insert(const Target &target, const char *table);

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_APPLY_CITUS_CITUS_DEPARSE_H */
