/*
 * explain_catalog.cpp
 *		SQL queries about the catalogs.
 *
 * They run with search_path = pg_catalog, so that no other object precedes
 * those of pg_catalog, and names are qualified in the output.
 */
#include "explain/explain_catalog.h"

#include <initializer_list>

#include "server/guc.h"

namespace bulkupdate
{

namespace
{

/*
 * $1 is the target, $2 the names of its value columns, $3 whether the call stops at an error.  tree
 * is the target and the tables below it.
 */
constexpr const char *TREE = R"(
WITH RECURSIVE tree(relid) AS (
    SELECT $1
    UNION
    SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = relid
))";

/* A partition has copies of its parent's triggers; only the target's statement triggers fire. */
constexpr const char *TRIGGERS = R"(
SELECT 'trigger',
       format('%I on %s: %s %s, executes %s%s%s%s', tgname, tgrelid::regclass,
              CASE WHEN tgtype & 2 <> 0 THEN 'before' ELSE 'after' END,
              CASE WHEN tgtype & 1 <> 0 THEN 'each row' ELSE 'each chunk' END,
              tgfoid::regproc,
              CASE WHEN tgqual IS NOT NULL THEN ', if its condition is true' END,
              CASE WHEN tgoldtable IS NOT NULL OR tgnewtable IS NOT NULL
                   THEN ', with the rows of one chunk in its transition tables' END,
              CASE WHEN tginitdeferred THEN ', deferred until commit' END)
FROM pg_trigger JOIN tree ON tgrelid = relid
WHERE NOT tgisinternal AND tgparentid = 0 AND tgtype & 16 <> 0
      AND (tgrelid = $1 OR tgtype & 1 <> 0)
      AND tgenabled IN ('A', CASE current_setting('session_replication_role')
                                  WHEN 'replica' THEN 'R' ELSE 'O' END)
      AND (tgattr = ''
           OR EXISTS (SELECT FROM pg_attribute
                      WHERE attrelid = tgrelid AND attnum = ANY (tgattr) AND attname = ANY ($2)))
ORDER BY CASE WHEN tgtype & 2 <> 0 THEN tgtype & 1 ELSE 3 - (tgtype & 1) END,
         tgname, tgrelid::regclass::text)";

/* Check constraints are always checked; the others if their columns are updated. */
constexpr const char *CONSTRAINTS = R"(
SELECT 'constraint',
       format('%I on %s: %s%s', conname, conrelid::regclass, pg_get_constraintdef(c.oid),
              CASE WHEN condeferred THEN ', deferred until commit'
                   WHEN contype = 'f'
                        AND conrelid IN (TABLE tree) AND confrelid IN (TABLE tree)
                   THEN ', checked after each chunk, before rows of later ones are updated'
                   WHEN contype = 'f' OR condeferrable AND NOT $3 THEN ', checked after each chunk'
                   WHEN condeferrable THEN ', checked at the end of the call' END)
FROM pg_constraint AS c JOIN tree ON relid IN (conrelid, CASE contype WHEN 'f' THEN confrelid END)
WHERE conparentid = 0 AND coninhcount = 0
      AND CASE WHEN contype = 'c' OR 0 = ANY (conkey) THEN true
               WHEN contype IN ('p', 'u', 'x') OR contype = 'f' AND conrelid = relid
               THEN EXISTS (SELECT FROM pg_depend JOIN pg_attribute
                                        ON attrelid = relid AND attnum = refobjsubid
                            WHERE classid = 'pg_constraint'::regclass AND objid = c.oid
                                  AND refclassid = 'pg_class'::regclass AND refobjid = relid
                                  AND attname = ANY ($2))
               WHEN contype = 'f'
               THEN EXISTS (SELECT FROM pg_attribute
                            WHERE attrelid = relid AND attnum = ANY (confkey)
                                  AND attname = ANY ($2))
               ELSE false END
GROUP BY c.oid, conname, conrelid, confrelid, condeferrable, condeferred, contype
ORDER BY contype = 'f', conname, conrelid::regclass::text)";

constexpr const char *COLUMNS = R"(
SELECT 'constraint', format('%I NOT NULL', attname)
FROM pg_attribute
WHERE attrelid = $1 AND attname = ANY ($2) AND attnotnull
UNION ALL
SELECT 'constraint', format('domain %s of %I: %s', t.oid::regtype, attname,
                            pg_get_constraintdef(c.oid))
FROM pg_attribute JOIN pg_type AS t ON t.oid = atttypid JOIN pg_constraint AS c ON contypid = t.oid
WHERE attrelid = $1 AND attname = ANY ($2) AND contype = 'c'
UNION ALL
SELECT 'rule', format('%I: runs for each chunk', rulename)
FROM pg_rewrite
WHERE ev_class = $1 AND ev_type = '2' AND ev_enabled <> 'D'
UNION ALL
SELECT 'generated column', format('%I: recomputed', attname)
FROM pg_attribute
WHERE attrelid = $1 AND attgenerated = 's' AND NOT attisdropped
ORDER BY 1, 2)";

/* Up to 15, a BRIN index with an updated column also prevents heap-only versions. */
constexpr const char *INDEXES = R"(,
index_columns AS (
    SELECT indexrelid, amname, attname = ANY ($2) AS updated
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
         JOIN pg_attribute ON attrelid = indrelid AND attnum > 0
    WHERE indrelid = $1 AND indislive
          AND (attnum = ANY (indkey)
               OR EXISTS (SELECT FROM pg_depend
                          WHERE classid = 'pg_class'::regclass AND objid = indexrelid
                                AND refclassid = 'pg_class'::regclass AND refobjid = indrelid
                                AND refobjsubid = attnum))
), indexes AS (
    SELECT indexrelid::regclass::text AS name, bool_or(updated) AS updated,
           bool_or(updated AND (amname <> 'brin'
                                OR current_setting('server_version_num')::int < 160000)) AS blocks
    FROM index_columns
    GROUP BY indexrelid
)
SELECT 'indexes',
       CASE WHEN bool_or(blocks)
            THEN format('%s; each updated row needs an entry in all of them, because these have'
                        ' updated columns: %s', count(*),
                        string_agg(name, ', ' ORDER BY name) FILTER (WHERE blocks))
            ELSE format('%s; a row whose new version fits on its page needs no entry, because no'
                        ' index has an updated column', count(*)) END
FROM indexes
HAVING count(*) > 0)";

constexpr const char *LIMITS = R"(
SELECT 'limit', text
FROM (VALUES
    (1, 'row-level security applies: rows that the policies hide count as missing',
     row_security_active($1)),
    (2, 'errors of deferred triggers and constraints are raised at commit: they are not in the'
        ' report, and on_error => ''skip'' does not skip them',
     EXISTS (SELECT FROM pg_trigger JOIN tree ON tgrelid = relid
             WHERE tginitdeferred AND tgtype & 16 <> 0)),
    (3, 'a BEFORE row trigger can suppress the update of a row, which then counts as unchanged',
     EXISTS (SELECT FROM pg_trigger JOIN tree ON tgrelid = relid
             WHERE tgtype & 19 = 19 AND tgenabled <> 'D')),
    (4, 'a row whose partition key a trigger changes moves to another partition',
     EXISTS (SELECT FROM pg_partitioned_table JOIN tree ON partrelid = relid)
     AND EXISTS (SELECT FROM pg_trigger JOIN tree ON tgrelid = relid
                 WHERE tgtype & 19 = 19 AND tgenabled <> 'D')),
    (5, 'updated rows stay locked, and their old versions in the table, until the transaction ends',
     true)
) AS l(n, text, holds)
WHERE holds
ORDER BY n)";

void
append_result(const ReturnSetInfo *result)
{
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_freetuptable(SPI_tuptable);
}

Datum
value_column_names(const Target &target)
{
	Datum *names = palloc_array_of<Datum>(target.columns.size);
	int n = 0;

	for (const MappedColumn &column : target.columns)
		if (!column.is_key)
			names[n++] =
				DirectFunctionCall1(namein, CStringGetDatum(attribute_name(target, column.target)));
	return PointerGetDatum(construct_array(names, n, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

} /* namespace */

void
explain_catalog(const Options &options, const Target &target, const ReturnSetInfo *result)
{
	/* If the caller disables plan types, costs are so high that JIT would compile the queries. */
	static const Setting settings[] = {{"search_path", "pg_catalog, pg_temp"}, {"jit", "off"}};
	Oid types[] = {OIDOID, NAMEARRAYOID, BOOLOID};
	Datum values[] = {ObjectIdGetDatum(RelationGetRelid(target.relation)),
					  value_column_names(target), BoolGetDatum(options.on_error == OnError::Stop)};
	int nest_level = begin_settings(settings);

	for (const char *query : {TRIGGERS, CONSTRAINTS, COLUMNS, INDEXES, LIMITS})
	{
		int code = keeping_memory_context([&] {
			return SPI_execute_with_args(psprintf("%s%s", TREE, query), lengthof(types), types,
										 values, nullptr, true, 0);
		});

		if (code != SPI_OK_SELECT)
			elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(code));
		append_result(result);
	}
	end_settings(nest_level);
}

} /* namespace bulkupdate */
