--
-- The extension, and helpers for the other tests.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bulk_update;
RESET client_min_messages;

-- Its members
SELECT pg_describe_object(classid, objid, 0) AS object,
       obj_description(objid, 'pg_proc') AS comment
  FROM pg_depend
 WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bulk_update')
   AND deptype = 'e' AND classid = 'pg_proc'::regclass
 ORDER BY pg_describe_object(classid, objid, 0) COLLATE "C";

-- Everything has a comment, also the view's columns; its row type, a member from 17 on, is the view's
SELECT pg_describe_object(d.classid, d.objid, coalesce(a.attnum, 0)) AS without_comment
  FROM pg_depend AS d
       LEFT JOIN pg_attribute AS a ON d.classid = 'pg_class'::regclass AND a.attrelid = d.objid AND a.attnum > 0
                                      AND d.objid = 'bulk_update_progress'::regclass
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bulk_update')
   AND d.deptype = 'e'
   AND NOT EXISTS (SELECT FROM pg_type AS t
                        LEFT JOIN pg_class AS r ON r.oid = t.typrelid
                   WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (r.relkind <> 'c' OR t.typelem <> 0))
   AND NOT EXISTS (SELECT FROM pg_description AS c
                   WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = coalesce(a.attnum, 0))
 ORDER BY 1;
SELECT count(*) FILTER (WHERE col_description(attrelid, attnum) IS NULL) AS without_comment, count(*) > 10 AS many
  FROM pg_attribute WHERE attrelid = 'bulk_update_progress'::regclass AND attnum > 0;
SELECT count(*) FILTER (WHERE col_description(attrelid, attnum) IS NULL) AS without_comment, count(*) > 10 AS many
  FROM pg_attribute WHERE attrelid = 'bulk_update_chunk'::regclass AND attnum > 0;
SELECT obj_description('bulk_update_chunk'::regtype, 'pg_type');

SELECT proname, provolatile, proparallel, prosecdef, proisstrict, proretset
  FROM pg_proc WHERE proname IN ('bulk_update', 'bulk_update_query')
 ORDER BY proname COLLATE "C";

SELECT proname, proargnames[i] AS name, format_type(proargtypes[i - 1], NULL) AS type
  FROM pg_proc, generate_subscripts(proargnames, 1) AS i
 WHERE proname = 'bulk_update' AND proargtypes[1] = 'refcursor'::regtype
 ORDER BY i;
SELECT attname, format_type(atttypid, atttypmod) AS type
  FROM pg_attribute WHERE attrelid = 'bulk_update_chunk'::regclass AND attnum > 0
 ORDER BY attnum;

SELECT proname, pg_get_expr(proargdefaults, 0) AS defaults
  FROM pg_proc WHERE proname IN ('bulk_update', 'bulk_update_query')
 ORDER BY proname COLLATE "C";

-- The name of a cursor may be text.
SELECT proname, array_agg(format_type(proargtypes[1], NULL) ORDER BY proargtypes[1]) AS sources
  FROM pg_proc WHERE proname ~ '^bulk_update(_query|_explain|_explain_query)?$'
 GROUP BY proname
 ORDER BY proname COLLATE "C";

-- All functions have the same arguments except for the source, and those that update have the same result
SELECT count(DISTINCT (proargnames[4:], (proargtypes::oid[])[3:], prorettype::regtype, pg_get_expr(proargdefaults, 0))) AS kinds
  FROM pg_proc WHERE proname IN ('bulk_update', 'bulk_update_query');
SELECT count(DISTINCT (proargnames[4:], (proargtypes::oid[])[3:], prorettype::regtype)) AS kinds
  FROM pg_proc WHERE proname IN ('bulk_update', 'bulk_update_query', 'bulk_update_arrays');
SELECT count(DISTINCT (proargnames[4:14], (proargtypes::oid[])[3:], regexp_replace(pg_get_expr(proargdefaults, 0), '^(NULL::name\[\], )+', ''))) AS kinds
  FROM pg_proc WHERE proname ~ '^bulk_update(_query|_arrays|_explain|_explain_query)?$';

--
-- test_error(command)
--		Run a command that is expected to fail and show its error as psql
--		would, with the SQLSTATE. Of the context only the lines of bulk_update
--		are shown: the others depend on how rows are applied.
--
CREATE FUNCTION test_error(command text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    -- qualified: some tests have a search_path with other types of this name
    code pg_catalog.text;
    message pg_catalog.text;
    detail pg_catalog.text;
    hint pg_catalog.text;
    context pg_catalog.text;
BEGIN
    EXECUTE command;
    RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS
        code = RETURNED_SQLSTATE,
        message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT,
        context = PG_EXCEPTION_CONTEXT;
    RETURN NEXT format('ERROR %s: %s', code, message);
    IF detail <> '' THEN
        RETURN NEXT 'DETAIL: ' || detail;
    END IF;
    IF hint <> '' THEN
        RETURN NEXT 'HINT: ' || hint;
    END IF;
    RETURN QUERY
        SELECT 'CONTEXT: ' || regexp_replace(line, '<unnamed portal [0-9]+>', '<unnamed portal>')
          FROM string_to_table(context, E'\n') WITH ORDINALITY AS c(line, n)
         WHERE line LIKE 'bulk_update %'
         ORDER BY n;
END
$$;

--
-- test_diff(a, b)
--		The rows that two tables with the same columns do not have in common. Their
--		text is compared: not every type has an equality operator, and for some
--		types equal values can differ.
--
CREATE FUNCTION test_diff(a regclass, b regclass)
RETURNS TABLE (relation text, only_there text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT %1$L, r FROM (SELECT x::text AS r FROM %1$s AS x
                              EXCEPT ALL SELECT x::text FROM %2$s AS x) AS only_a
         UNION ALL
         SELECT %2$L, r FROM (SELECT x::text AS r FROM %2$s AS x
                              EXCEPT ALL SELECT x::text FROM %1$s AS x) AS only_b
         ORDER BY 1, 2', a, b);
END
$$;

-- The helpers themselves
SELECT * FROM test_error('SELECT 1/0');
SELECT * FROM test_error('SELECT 1');
CREATE TABLE a (i int, j json);
CREATE TABLE b (LIKE a);
INSERT INTO a VALUES (1, '{}'), (1, '{}'), (2, NULL);
INSERT INTO b VALUES (1, '{}'), (2, NULL), (3, '[]');
SELECT * FROM test_diff('a', 'b');
SELECT * FROM test_diff('a', 'a');
DROP TABLE a, b;
