--
-- ordering: how the rows get into key order
--
CREATE SCHEMA ordering;
SET search_path = ordering, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key, ordering, spilled_bytes'

CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT bulk_update_create_rejects('r');

-- source(keys): rows with these keys, in this order; a is the position
CREATE FUNCTION source(keys anyarray) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT id, n::int AS a FROM unnest(%L::%s) WITH ORDINALITY AS s (id, n)', keys, pg_typeof(keys))
$$;

--
-- The argument
--
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1}'::int[]), ordering => 'none') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1}'::int[]), ordering => 'SORT') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1}'::int[]), ordering => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1}'::int[]), ordering => NULL) $$);

--
-- Values in the report
--
-- in key order
SELECT :report FROM bulk_update_query('t', source('{1,2,3,4,5}'::int[]), chunk_size => 2);
SELECT :report FROM bulk_update_query('t', source('{1,2,3,4,5}'::int[]), chunk_size => 2, ordering => 'sort');
SELECT :report FROM bulk_update_query('t', source('{1,2,3,4,5}'::int[]), chunk_size => 2, ordering => 'stream');
-- out of order from the first chunk on
SELECT :report FROM bulk_update_query('t', source('{5,4,3,2,1}'::int[]), chunk_size => 2, ordering => 'auto');
SELECT :report FROM bulk_update_query('t', source('{5,4,3,2,1}'::int[]), chunk_size => 2, ordering => 'sort');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{5,4,3,2,1}'::int[]), chunk_size => 2, ordering => 'stream') $$);
-- in order for a chunk and a half; the rest is sorted, and a chunk with one sorted row is reported as sorted
SELECT :report FROM bulk_update_query('t', source('{1,2,3,9,4,8,5,7}'::int[]), chunk_size => 3, ordering => 'auto');
SELECT :report FROM bulk_update_query('t', source('{1,2,3,9,4,8,5,7}'::int[]), chunk_size => 3, ordering => 'sort');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1,2,3,9,4,8,5,7}'::int[]), chunk_size => 3, ordering => 'stream') $$);
-- the last row is out of order; the default is 'auto'
SELECT :report FROM bulk_update_query('t', source('{2,3,4,5,1}'::int[]), chunk_size => 2);
SELECT :report FROM bulk_update_query('t', source('{2,3,4,5,1}'::int[]), chunk_size => 4);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{2,3,4,5,1}'::int[]), chunk_size => 2, ordering => 'stream') $$);
-- names are quoted where necessary
CREATE TABLE "a b" ("Id" int, b int, v int, PRIMARY KEY ("Id", b));
SELECT * FROM test_error($$ SELECT bulk_update_query('"a b"', 'VALUES (1, 2, 0), (1, 1, 0)', '{Id,b,v}', ordering => 'stream') $$);
DROP TABLE "a b";
-- 'last' under 'auto' has to read all rows first
SELECT :report FROM bulk_update_query('t', source('{1,2,2,3}'::int[]), chunk_size => 2, on_duplicate => 'last');
SELECT :report FROM bulk_update_query('t', source('{1,2,2,3}'::int[]), chunk_size => 2, on_duplicate => 'last', ordering => 'stream');
SELECT :report FROM bulk_update_query('t', source('{1,2,2,3}'::int[]), chunk_size => 2, on_duplicate => 'first', ordering => 'stream');
-- the applier; none if no row has a key, or if all are duplicates
SET bulk_update.applier = 'sql';
SELECT chunk, applier, ordering FROM bulk_update_query('t', source('{NULL,NULL,1,1,1,1}'::int[]), chunk_size => 2, on_duplicate => 'first');
SET bulk_update.applier = 'direct';
SELECT chunk, applier, ordering FROM bulk_update_query('t', source('{NULL,NULL,1,1,1,1}'::int[]), chunk_size => 2, on_duplicate => 'first');
RESET bulk_update.applier;
-- one row or none
SELECT :report FROM bulk_update_query('t', source('{}'::int[]), ordering => 'sort');
SELECT :report FROM bulk_update_query('t', source('{}'::int[]), ordering => 'stream', on_duplicate => 'last');
SELECT :report FROM bulk_update_query('t', source('{NULL,NULL,NULL}'::int[]), ordering => 'stream', on_duplicate => 'last', chunk_size => 2);

--
-- Rows without a key are not out of order, and do not separate equal keys
--
SELECT :report FROM bulk_update_query('t', source('{NULL,1,NULL,2,NULL,NULL,3}'::int[]), chunk_size => 3, ordering => 'stream');
TRUNCATE r;
SELECT :report FROM bulk_update_query('t', source('{1,NULL,1,one,1,2,NULL}'::text[]), chunk_size => 2, ordering => 'stream',
                                      on_duplicate => 'last', on_error => 'skip', rejects => 'r');
SELECT id, a FROM t WHERE id < 3 ORDER BY id;
SELECT source_row, reason, key, sqlstate FROM r ORDER BY source_row;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{NULL,2,NULL,1}'::int[]), ordering => 'stream') $$);
-- not a row's error, so it is not skipped, even if the rows are missing or are not written
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{102,101}'::int[]), ordering => 'stream', on_error => 'skip') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{2,1}'::int[]), ordering => 'stream', dry_run => true) $$);
-- the first of two errors
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1,2,2,1}'::int[]), ordering => 'stream') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1,2,1,1}'::int[]), ordering => 'stream') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', source('{1,2,2,1}'::int[]), ordering => 'stream', on_duplicate => 'last') $$);

--
-- problem(keys, way, policy, size): NULL if the call is right: which
-- rows are updated and which are duplicates, the error if there must be one,
-- the order of the chunks, and the report's column "ordering"
--
CREATE TABLE s (n bigint, id int, lower boolean, again boolean, skipped boolean);
CREATE TABLE report AS SELECT * FROM bulk_update_query('t', source('{}'::int[]));
CREATE FUNCTION problem(keys int[], way text, policy text, size int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    disorder bigint;   -- the first row whose key is lower than one before it
    duplicate bigint;  -- the first row whose key came before
    expected_error text;
    expected text;
    got text;
    wrong text;
BEGIN
    UPDATE t SET a = 0 WHERE a <> 0;
    DELETE FROM r;
    DELETE FROM s;
    DELETE FROM report;
    INSERT INTO s
        SELECT n, id,
               id < max(id) OVER (ORDER BY n) AS lower,
               id IS NOT NULL AND row_number() OVER (PARTITION BY id ORDER BY n) > 1 AS again,
               id IS NOT NULL AND CASE policy WHEN 'last' THEN lead(n) OVER (PARTITION BY id ORDER BY n)
                                              ELSE lag(n) OVER (PARTITION BY id ORDER BY n) END IS NOT NULL AS skipped
          FROM unnest(keys) WITH ORDINALITY AS u (id, n);
    SELECT min(n) FILTER (WHERE lower), min(n) FILTER (WHERE again) INTO disorder, duplicate FROM s;
    IF way = 'stream' AND disorder IS NOT NULL AND (policy <> 'error' OR duplicate >= disorder IS NOT FALSE) THEN
        expected_error := '22023';
    ELSIF policy = 'error' AND duplicate IS NOT NULL THEN
        expected_error := '21000';
    END IF;

    BEGIN
        INSERT INTO report
            SELECT * FROM bulk_update_query('t', 'SELECT id, n::int AS a FROM s ORDER BY n', ordering => way,
                                            chunk_size => size, on_duplicate => policy, rejects => 'r');
    EXCEPTION WHEN invalid_parameter_value OR cardinality_violation THEN
        RETURN CASE WHEN SQLSTATE = expected_error IS NOT TRUE THEN format('%s instead of %s', SQLSTATE, expected_error)
                    WHEN EXISTS (SELECT FROM t WHERE a <> 0) THEN 'something was changed' END;
    END;

    SELECT array_agg((s.id, s.n) ORDER BY s.id) INTO expected FROM s JOIN t USING (id) WHERE NOT skipped;
    SELECT array_agg((id, a::bigint) ORDER BY id) INTO got FROM t WHERE a <> 0;
    IF expected_error IS NOT NULL THEN
        wrong := 'no error instead of ' || expected_error;
    ELSIF got IS DISTINCT FROM expected THEN
        wrong := format('rows %s instead of %s', got, expected);
    ELSIF (SELECT array_agg(n ORDER BY n) FROM s WHERE skipped) IS DISTINCT FROM
          (SELECT array_agg(source_row ORDER BY source_row) FROM r WHERE reason = 'duplicate') THEN
        wrong := 'other duplicates';
    ELSIF (SELECT coalesce(sum(rows_fetched), 0) FROM report) <> cardinality(keys) THEN
        wrong := 'rows are lost';
    ELSIF EXISTS (SELECT FROM report WHERE ordering <> CASE WHEN way <> 'auto' THEN way
                                                            WHEN policy = 'last' THEN 'sort'
                                                            WHEN disorder IS NULL THEN 'stream'
                                                            WHEN disorder <= size OR chunk = (SELECT max(chunk) FROM report) THEN 'sort'
                                                            ELSE ordering END) THEN
        wrong := format('not that way: %s', (SELECT array_agg(ordering ORDER BY chunk) FROM report));
    -- 'auto' changes to the sort once; then, and with the other values, the chunks' keys ascend
    ELSIF EXISTS (SELECT FROM (SELECT first_key::int, ordering, lag(ordering) OVER w AS ordering_before,
                                      max(last_key::int) OVER (ORDER BY chunk ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS before
                                 FROM report WINDOW w AS (ORDER BY chunk)) AS report
                   WHERE first_key <= before AND (way <> 'auto' OR disorder IS NULL OR disorder <= size)
                      OR ordering < ordering_before AND way = 'auto' AND ordering <> 'sort') THEN
        wrong := 'not in key order';
    ELSIF EXISTS (SELECT FROM report WHERE spilled_bytes <> 0) THEN
        wrong := 'spilled';
    END IF;
    RETURN wrong;
END
$$;

-- try(keys): the problems with all ways, policies and sizes
CREATE FUNCTION try(keys int[], OUT calls int, OUT wrong text[]) LANGUAGE plpgsql AS $$
DECLARE
    way text;
    policy text;
    size int;
    problem text;
BEGIN
    calls := 0;
    FOR way, policy, size IN SELECT * FROM unnest('{auto,sort,stream}'::text[]) AS w, unnest('{error,first,last}'::text[]) AS p,
                                           unnest('{1,2,3,1000}'::int[]) AS s LOOP
        calls := calls + 1;
        problem := problem(keys, way, policy, size);
        IF problem IS NOT NULL THEN
            wrong := wrong || format('%s, %s, %s, chunks of %s: %s', keys, way, policy, size, problem);
        END IF;
    END LOOP;
END
$$;

SELECT name, c.* FROM (VALUES
    ('in order', '{1,2,3,4,5,6,7,8,9}'::int[]),
    ('reversed', '{9,8,7,6,5,4,3,2,1}'),
    ('random', '{4,9,1,7,3,8,2,6,5}'),
    ('the last row is out of order', '{2,3,4,5,6,7,8,9,1}'),
    ('the first chunk is in order', '{1,2,3,9,4,8,5,7,6}'),
    ('nulls, in order', '{NULL,1,NULL,2,3,NULL,NULL,4,NULL}'),
    ('nulls, not in order', '{NULL,3,NULL,2,4,NULL,NULL,1,NULL}'),
    ('nulls alone', '{NULL,NULL,NULL}'),
    ('adjacent duplicates', '{1,1,2,3,3,3,4,5,5}'),
    ('duplicates with nulls between them', '{1,NULL,1,NULL,NULL,1,2,NULL,2}'),
    ('one key', '{5,5,5,5,5,5,5}'),
    ('duplicates that are far away', '{1,2,3,4,5,1,5,9,3}'),
    ('the last row is a duplicate', '{1,2,3,4,5,6,7,8,1}'),
    ('duplicates in reversed order', '{4,4,3,2,2,1}'),
    ('missing keys', '{-2,-2,-1,5,99,99,100}'),
    ('one row', '{7}'),
    ('no rows', '{}')) AS shape (name, keys), try(keys) AS c;

-- 60 random sources, ordered, almost ordered and unordered, each in its own transaction
CREATE TABLE tried (calls int, wrong text[]);
DO $$
BEGIN
    FOR seed IN 1 .. 60 LOOP
        INSERT INTO tried
            SELECT c.* FROM (SELECT array_agg(id ORDER BY CASE seed % 3 WHEN 0 THEN id WHEN 1 THEN nullif(id, seed % 9) ELSE i END, i) AS keys
                               FROM generate_series(1, 2 + seed % 14) AS i,
                                    LATERAL (SELECT nullif(hashint4(i * 1000 + seed) & 15, 0) AS id) AS key) AS s,
                            try(keys) AS c;
        COMMIT;
    END LOOP;
END
$$;
SELECT sum(calls) AS calls, array_agg(wrong) FILTER (WHERE wrong IS NOT NULL) AS wrong FROM tried;

--
-- Key order is that of the index's operator class and collation, ascending
--
CREATE TABLE by_text (id text COLLATE "C" PRIMARY KEY, a int);
INSERT INTO by_text VALUES ('B', 0), ('a', 0), ('c', 0);
SELECT :report FROM bulk_update_query('by_text', source('{B,a,c}'::text[]), ordering => 'stream');
SELECT * FROM test_error($$ SELECT bulk_update_query('by_text', source('{a,B,c}'::text[]), ordering => 'stream') $$);
SELECT :report FROM bulk_update_query('by_text', source('{a,B,c}'::text[]));
SELECT * FROM by_text ORDER BY id;
-- whatever the collation of the source
SELECT :report FROM bulk_update_query('by_text', 'SELECT id COLLATE "POSIX", 7 AS a FROM by_text ORDER BY id DESC', chunk_size => 2);

CREATE TABLE composite (x int, y text COLLATE "C", a int, PRIMARY KEY (x, y));
INSERT INTO composite SELECT x, y, 0 FROM generate_series(1, 2) AS x, unnest('{a,b}'::text[]) AS y;
SELECT :report FROM bulk_update_query('composite', $$ VALUES ('a', 1, 1), ('b', 1, 2), ('a', 2, 3), ('b', 2, 4) $$, '{y,x,a}',
                                      ordering => 'stream', chunk_size => 3);
SELECT * FROM test_error($$ SELECT bulk_update_query('composite', 'VALUES (''a'', 1, 1), (''a'', 2, 2), (''b'', 1, 3)', '{y,x,a}', ordering => 'stream') $$);
SELECT :report FROM bulk_update_query('composite', $$ VALUES ('a', 1, 5), ('a', 2, 6), ('b', 1, 7), ('b', 2, 8) $$, '{y,x,a}', chunk_size => 2);
SELECT * FROM composite ORDER BY x, y;

CREATE TABLE descending (id int, a int);
CREATE UNIQUE INDEX ON descending (id DESC);
INSERT INTO descending VALUES (1, 0), (2, 0), (3, 0);
SELECT :report FROM bulk_update_query('descending', source('{1,2,3}'::int[]), key_columns => '{id}', ordering => 'stream');
SELECT * FROM test_error($$ SELECT bulk_update_query('descending', source('{3,2,1}'::int[]), key_columns => '{id}', ordering => 'stream') $$);

-- Keys are compared after their cast
CREATE TABLE by_real (id real PRIMARY KEY, a int);
INSERT INTO by_real VALUES (16777216, 0), (2, 0);
SELECT :report FROM bulk_update_query('by_real', source('{2,16777216.0,16777216}'::numeric[]), ordering => 'stream', on_duplicate => 'last');
SELECT * FROM by_real ORDER BY id;

-- A cursor in descending order
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS a FROM t ORDER BY id DESC;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 12);
DECLARE d CURSOR FOR SELECT id, 1 AS a FROM t ORDER BY id DESC;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'd', ordering => 'stream') $$);
ROLLBACK;

--
-- Rows are updated, and so locked, in key order over the whole source
--
CREATE TABLE fired (n int GENERATED ALWAYS AS IDENTITY, id int);
CREATE FUNCTION log_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fired (id) VALUES (NEW.id);
    RETURN NEW;
END
$$;
CREATE TRIGGER log BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_update();
SELECT FROM bulk_update_query('t', source('{7,3,9,1,5,8,2,6,4}'::int[]), chunk_size => 2);
SELECT array_agg(id ORDER BY n) FROM fired;
TRUNCATE fired;
SELECT FROM bulk_update_query('t', source('{1,2,3,4,9,8,7,6,5,4,3}'::int[]), chunk_size => 2, ordering => 'sort', on_duplicate => 'first');
SELECT array_agg(id ORDER BY n) FROM fired;
TRUNCATE fired;
-- under 'auto', from the row on that is out of order
SELECT FROM bulk_update_query('t', source('{3,4,5,9,8,1,2}'::int[]), chunk_size => 2);
SELECT array_agg(id ORDER BY n) FROM fired;
DROP TRIGGER log ON t;

--
-- Temporary files: only if memory is not enough, and never under 'stream'
--
CREATE TABLE large (id int PRIMARY KEY, a int);
INSERT INTO large SELECT i, 0 FROM generate_series(1, 20000) AS i;
CREATE TABLE temporary_files (number bigint);
CREATE FUNCTION count_temporary_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO temporary_files SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE format('pgsql\_tmp%s.%%', pg_backend_pid());
    RETURN NULL;
END
$$;
CREATE TRIGGER count_temporary_files AFTER UPDATE ON large FOR EACH STATEMENT EXECUTE FUNCTION count_temporary_files();

CREATE FUNCTION spill(query text, way text, policy text, OUT ordering text, OUT spilled boolean, OUT never_less boolean, OUT files boolean)
LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE temporary_files;
    SELECT string_agg(DISTINCT b.ordering, ', '), bool_or(b.spilled_bytes > 0), bool_and(b.more >= 0)
      INTO ordering, spilled, never_less
      FROM (SELECT b.ordering, b.spilled_bytes, b.spilled_bytes - lag(b.spilled_bytes, 1, 0::bigint) OVER (ORDER BY chunk) AS more
              FROM bulk_update_query('large', query, chunk_size => 500, ordering => way, on_duplicate => policy) AS b) AS b;
    files := (SELECT bool_or(number > 0) FROM temporary_files);
END
$$;

\set in_order 'SELECT generate_series(1, 20000) AS id, 1 AS a'
\set reversed 'SELECT generate_series(20000, 1, -1) AS id, 1 AS a'
CREATE TABLE cases (n int, source text, query text, way text, policy text);
INSERT INTO cases VALUES
    (1, 'in order', :'in_order', 'auto', 'error'),
    (2, 'in order', :'in_order', 'auto', 'last'),
    (3, 'in order', :'in_order', 'sort', 'error'),
    (4, 'in order', :'in_order', 'stream', 'error'),
    (5, 'in order', :'in_order', 'stream', 'last'),
    (6, 'reversed', :'reversed', 'auto', 'first'),
    (7, 'reversed', :'reversed', 'sort', 'last');
SET work_mem = '64kB';
SELECT source, way, policy, s.* FROM cases, spill(query, way, policy) AS s ORDER BY n;
SET work_mem = '64MB';
SELECT source, way, policy, s.* FROM cases, spill(query, way, policy) AS s ORDER BY n;
-- a short row needs more than twice its length in memory
CREATE TABLE short (id bigint PRIMARY KEY, a bigint, b int);
INSERT INTO short SELECT i, 0, 0 FROM generate_series(1, 5000) AS i;
CREATE TRIGGER count_temporary_files AFTER UPDATE ON short FOR EACH STATEMENT EXECUTE FUNCTION count_temporary_files();
SET work_mem = '64kB';
TRUNCATE temporary_files;
SELECT sum(rows_updated) AS updated FROM bulk_update_query('short', 'SELECT generate_series(1::bigint, 5000) AS id, 1::bigint AS a, 1 AS b', ordering => 'stream', chunk_size => 500);
SELECT bool_or(number > 0) AS files FROM temporary_files;
-- the list of keys does not fit in memory: it is read back from its file
SET work_mem = '64kB';
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate, string_agg(DISTINCT ordering, ', ') AS ordering,
       max(spilled_bytes) BETWEEN 100000 AND 4000000 AS plausible
  FROM bulk_update_query('large', :'in_order' || ' UNION ALL (SELECT generate_series(30000, 1, -3), 2)', on_duplicate => 'first');
SELECT a, count(*) FROM large GROUP BY a;
-- keys that are long, and of several columns
CREATE TABLE long_keys (x text, y bigint, a int, PRIMARY KEY (y, x));
INSERT INTO long_keys SELECT repeat('x', i % 300), i, 0 FROM generate_series(1, 3000) AS i;
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate, max(spilled_bytes) > 300000 AS spilled
  FROM bulk_update_query('long_keys', $$ (SELECT x, y, 1 AS a FROM long_keys ORDER BY y) UNION ALL
                                         (SELECT x, y + 2 * (y % 3), 2 FROM long_keys ORDER BY y DESC) $$,
                         on_duplicate => 'first', chunk_size => 100);
SELECT a, count(*) FROM long_keys GROUP BY a;
-- rows that are read ahead
CREATE TABLE wide (id int PRIMARY KEY, v text);
INSERT INTO wide SELECT i, '' FROM generate_series(1, 6) AS i;
\set wide_rows 'SELECT i AS id, repeat(chr(64 + n::int), 30000) AS v FROM unnest(''{1,2,2,3,4,4,4,5,6}''::int[]) WITH ORDINALITY AS s (i, n)'
SELECT chunk, rows_updated AS updated, rows_duplicate AS duplicate, ordering, spilled_bytes > 60000 AS spilled
  FROM bulk_update_query('wide', :'wide_rows', on_duplicate => 'first');
SELECT id, left(v, 1) AS v, length(v) FROM wide ORDER BY id;
SELECT chunk, rows_updated AS updated, ordering, spilled_bytes > 200000 AS spilled
  FROM bulk_update_query('wide', $$SELECT i AS id, repeat('x', 200000) AS v FROM generate_series(1, 2) AS i$$);
-- the row that is held back is a copy
SELECT chunk, rows_updated AS updated, rows_duplicate AS duplicate, ordering, spilled_bytes
  FROM bulk_update_query('wide', :'wide_rows', on_duplicate => 'last', ordering => 'stream');
SELECT id, left(v, 1) AS v, length(v) FROM wide ORDER BY id;
RESET work_mem;

--
-- In the view, as the call itself sees it while it applies its first chunk
--
CREATE FUNCTION look_at_progress() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    p bulk_update_progress;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT * INTO p FROM bulk_update_progress WHERE pid = pg_backend_pid();
    IF p.chunk = 0 THEN
        RAISE NOTICE '%, ordering %, spilled %', p.phase, p.ordering, p.spilled_bytes > 0;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER look AFTER UPDATE ON large FOR EACH STATEMENT EXECUTE FUNCTION look_at_progress();
SET work_mem = '64kB';
SELECT count(*) > 1 AS chunks FROM bulk_update_query('large', :'in_order', ordering => 'stream');
SELECT count(*) > 1 AS chunks FROM bulk_update_query('large', :'in_order', ordering => 'sort');
SELECT count(*) > 1 AS chunks FROM bulk_update_query('large', :'reversed');
RESET work_mem;

SET client_min_messages = warning;
DROP SCHEMA ordering CASCADE;
