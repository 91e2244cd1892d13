--
-- on_duplicate: what happens to source rows with a key that an earlier row has
--
CREATE SCHEMA on_duplicate;
SET search_path = on_duplicate, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT bulk_update_create_rejects('r');

--
-- Adjacent, distant, threefold; in chunks of any size
--
CREATE TABLE source (n int PRIMARY KEY, id int, a int);
INSERT INTO source SELECT n, id, n
  FROM unnest('{1,2,2,3,4,5,6,7,7,7,8,9,1,10,3,11}'::int[]) WITH ORDINALITY AS s (id, n);

-- 'error', the default
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n > 3 ORDER BY n', on_duplicate => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n NOT BETWEEN 2 AND 9 ORDER BY n', chunk_size => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n NOT BETWEEN 2 AND 9 ORDER BY n DESC', chunk_size => 2) $$);
SELECT count(*) FROM t WHERE a <> 0;

-- 'first'
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first');
SELECT array_agg(id || '=' || a ORDER BY id) FROM t WHERE a <> 0;

-- 'last', and which rows were skipped
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'last', rejects => 'r');
SELECT array_agg(id || '=' || a ORDER BY id) FROM t WHERE a <> 0;
SELECT source_row, reason, key, new_values, sqlstate, message, detail, constraint_name FROM r ORDER BY source_row;

--
-- check_duplicates(query): compare 'first' and 'last' with window functions, 'error' with a
-- count, for several chunk sizes; only differences are shown.  The query returns
-- n (the order), id and a.
--
CREATE FUNCTION check_duplicates(query text, target text DEFAULT 't', OUT checked int, OUT wrong text[])
LANGUAGE plpgsql AS $$
DECLARE
    size int;
    policy text;
    duplicates text;
    got text;
    expected_rows text;
    got_rows text;
BEGIN
    checked := 0;
    wrong := '{}';
    FOR size, policy IN SELECT s, p FROM unnest('{1,2,3,7,1000}'::int[]) AS s, unnest('{first,last}'::text[]) AS p LOOP
        EXECUTE format('SELECT array_agg(n ORDER BY n)::text
                          FROM (SELECT n, row_number() OVER (PARTITION BY id ORDER BY n %s) > 1 AND id IS NOT NULL AS d
                                  FROM (SELECT row_number() OVER (ORDER BY n) AS n, id FROM (%s) AS q) AS q) AS q
                         WHERE d', CASE policy WHEN 'last' THEN 'DESC' END, query) INTO duplicates;
        EXECUTE format('SELECT array_agg((t.id, q.a)::text ORDER BY t.id)
                          FROM %2$s AS t
                               JOIN (SELECT DISTINCT ON (id) id, a FROM (%1$s) AS q ORDER BY id, n %3$s) AS q USING (id)',
                       query, target, CASE policy WHEN 'last' THEN 'DESC' END) INTO expected_rows;
        EXECUTE format('UPDATE %s SET a = NULL', target);
        TRUNCATE r;
        PERFORM bulk_update_query(target, format('SELECT id, a FROM (%s) AS q ORDER BY n', query), chunk_size => size,
                                  on_duplicate => policy, rejects => 'r');
        SELECT array_agg(source_row ORDER BY source_row)::text INTO got FROM r WHERE reason = 'duplicate';
        EXECUTE format('SELECT array_agg((id, a)::text ORDER BY id) FROM %s WHERE a IS NOT NULL', target) INTO got_rows;
        IF duplicates IS DISTINCT FROM got OR expected_rows IS DISTINCT FROM got_rows THEN
            wrong := wrong || format('%s %s: expected duplicates %s rows %s, got %s %s',
                                     policy, size, duplicates, expected_rows, got, got_rows);
        END IF;
        checked := checked + 1;
        BEGIN
            PERFORM bulk_update_query(target, format('SELECT id, a FROM (%s) AS q ORDER BY n', query), chunk_size => size);
            IF duplicates IS NOT NULL THEN
                wrong := wrong || format('error %s: no error', size);
            END IF;
        EXCEPTION WHEN cardinality_violation THEN
            IF duplicates IS NULL THEN
                wrong := wrong || format('error %s: %s', size, SQLERRM);
            END IF;
        END;
    END LOOP;
END
$$;

SELECT * FROM check_duplicates('SELECT n, id, a FROM source');
SELECT * FROM check_duplicates('SELECT -n AS n, id, a FROM source');
SELECT * FROM check_duplicates('SELECT md5(n::text) AS n, id, a FROM source');
SELECT * FROM check_duplicates('SELECT id AS n, id, a FROM source WHERE n IN (1, 4, 5, 6)');
-- all with one key
SELECT * FROM check_duplicates('SELECT i AS n, 5 AS id, i AS a FROM generate_series(1, 30) AS i');
-- in order for three chunks, then a key of the first chunk, then new keys
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[1,2,3,4,5,6,7,8,9,2,10,11,12]) WITH ORDINALITY AS s (id, n)');
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[1,3,5,7,9,11,13,2,4,3,6,13,15,1]) WITH ORDINALITY AS s (id, n)');
-- the last row is the duplicate; the row that is out of order is
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[1,2,3,4,5,6,7,8,1]) WITH ORDINALITY AS s (id, n)');
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[1,2,3,2,3,1,4,4]) WITH ORDINALITY AS s (id, n)');
-- null keys are not duplicates
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[NULL,1,NULL,NULL,1,2,NULL]) WITH ORDINALITY AS s (id, n)');
-- duplicates of missing rows
SELECT * FROM check_duplicates('SELECT n, id, n AS a FROM unnest(ARRAY[99,1,99,100,98,1,99]) WITH ORDINALITY AS s (id, n)');

-- 200 random sources
SELECT sum(checked) AS checked, array_agg(w) FILTER (WHERE w IS NOT NULL) AS wrong
  FROM generate_series(1, 200) AS seed,
       LATERAL check_duplicates(format('SELECT i AS n, nullif(hashint4(i * 1000 + %1$s) & 31, 0) AS id, i AS a
                                          FROM generate_series(1, 3 + (%1$s %% 30)) AS i', seed)) AS c
       LEFT JOIN LATERAL unnest(c.wrong) AS w ON true;

-- More than fits in memory: 30,000 keys again after 30,000 others, the rest in random order
SET work_mem = '64kB';
CREATE TABLE large (id int PRIMARY KEY, a int);
INSERT INTO large SELECT i, 0 FROM generate_series(1, 60000) AS i;
\set many 'SELECT i AS id, 1 AS a FROM generate_series(1, 60000) AS i UNION ALL SELECT * FROM (SELECT i, 2 FROM generate_series(15001, 45000) AS i ORDER BY md5(i::text)) AS again'
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate, max(memory_bytes) < 2000000 AS bounded
  FROM bulk_update_query('large', :'many', on_duplicate => 'first');
SELECT a, count(*), min(id), max(id) FROM large GROUP BY a ORDER BY a;
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate, max(memory_bytes) < 2000000 AS bounded
  FROM bulk_update_query('large', :'many', on_duplicate => 'last');
SELECT a, count(*), min(id), max(id) FROM large GROUP BY a ORDER BY a;
RESET work_mem;
SELECT * FROM test_error($$ SELECT bulk_update_query('large', 'SELECT i, i FROM generate_series(1, 60000) AS i UNION ALL VALUES (7, 7)', '{id,a}') $$);

--
-- Only the key decides about duplicates, whatever happens to the row that is kept
--
ALTER TABLE t ADD CONSTRAINT below_100 CHECK (a < 100);
TRUNCATE r;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 100), (1, 1), (21, 1), (21, 2), (2, 1e12), (2, 2)', '{id,a}',
                                      on_duplicate => 'first', on_error => 'skip', rejects => 'r');
SELECT source_row, reason, key, new_values, sqlstate FROM r ORDER BY source_row;
-- they are found in a dry run and among unchanged rows
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (2, 2), (1, 3)', '{id,a}', on_duplicate => 'last', dry_run => true);
UPDATE t SET a = id;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (2, 2), (1, 3)', '{id,a}', on_duplicate => 'first', skip_unchanged => true);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 2), (1, 3)', '{id,a}', dry_run => true) $$);
-- a duplicate is not an error of a row
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 2), (1, 3)', '{id,a}', on_error => 'skip') $$);
-- a duplicate's values are not coerced
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (1, 1e12), (NULL, 1e12)', '{id,a}', on_duplicate => 'first');

-- Keys of several columns
CREATE TABLE composite (x int, y text, a int, PRIMARY KEY (x, y));
INSERT INTO composite SELECT x, y, 0 FROM generate_series(1, 3) AS x, unnest('{a,b}'::text[]) AS y;
TRUNCATE r;
SELECT :report FROM bulk_update_query('composite', $$ VALUES ('b', 1, 1), ('a', 2, 2), ('b', 1, 3), (NULL, 1, 4), (NULL, 1, 5), ('a', 1, 6), ('a', 2, 7) $$,
                                      '{y,x,a}', on_duplicate => 'last', rejects => 'r', chunk_size => 2);
SELECT * FROM composite WHERE a <> 0 ORDER BY x, y;
SELECT source_row, reason, key FROM r ORDER BY source_row;
SELECT * FROM test_error($$ SELECT bulk_update_query('composite', 'VALUES (2, ''a'', 2), (1, ''a'', 1), (2, ''a'', 3)', '{x,y,a}') $$);

--
-- Keys that are equal but not identical: the operator class decides
--
CREATE TABLE by_numeric (id numeric PRIMARY KEY, a int);
INSERT INTO by_numeric VALUES (1.0, 0), (2, 0), ('NaN', 0);
SELECT * FROM check_duplicates($$ SELECT n, id, n AS a FROM unnest('{1.00,2,1,2.0,1.000,NaN,nan}'::numeric[]) WITH ORDINALITY AS s (id, n) $$, 'by_numeric');
CREATE TABLE by_char (id char(5) PRIMARY KEY, a int);
INSERT INTO by_char VALUES ('a', 0), ('b', 0);
SELECT * FROM check_duplicates($$ SELECT n, id::char(5) AS id, n AS a FROM unnest('{"a","b","a  ","b    "}'::text[]) WITH ORDINALITY AS s (id, n) $$, 'by_char');
SELECT sum(rows_duplicate) FROM bulk_update_query('by_char', $$ VALUES ('a'::char(1), 1), ('b', 1), ('a   '::char(4), 2) $$, '{id,a}', on_duplicate => 'first');
-- as text, the last one is another key
SELECT sum(rows_duplicate) FROM bulk_update_query('by_char', $$ VALUES ('a'::text, 1), ('b', 1), ('a   ', 2) $$, '{id,a}', on_duplicate => 'first');
CREATE TABLE by_float (id float8 PRIMARY KEY, a int);
INSERT INTO by_float VALUES (0, 0), (1, 0);
SELECT * FROM check_duplicates($$ SELECT n, id, n AS a FROM unnest('{0,1,-0,NaN,NaN}'::float8[]) WITH ORDINALITY AS s (id, n) $$, 'by_float');
SET client_min_messages = warning;
CREATE EXTENSION citext SCHEMA on_duplicate;
RESET client_min_messages;
CREATE TABLE by_citext (id citext PRIMARY KEY, a int);
INSERT INTO by_citext VALUES ('One', 0), ('two', 0);
SELECT * FROM check_duplicates($$ SELECT n, id, n AS a FROM unnest('{one,TWO,ONE,Two,three,THREE}'::citext[]) WITH ORDINALITY AS s (id, n) $$, 'by_citext');
SELECT * FROM test_error($$ SELECT bulk_update_query('by_citext', 'VALUES (''one'', 1), (''ONE'', 2)', '{id,a}') $$);
-- a nondeterministic collation, if ICU is available; otherwise the same without one
SELECT count(*) > 0 AS has_icu FROM pg_collation WHERE collprovider = 'i' \gset
\if :has_icu
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE by_collation (id text COLLATE caseless PRIMARY KEY, a int);
\else
CREATE TABLE by_collation (id citext PRIMARY KEY, a int);
\endif
INSERT INTO by_collation VALUES ('Straße', 0), ('b', 0);
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate, sum(rows_missing) AS missing
  FROM bulk_update_query('by_collation', $$ VALUES ('STRAßE', 1), ('a', 0), ('B', 2), ('straße', 3), ('A', 0) $$, '{id,a}',
                         on_duplicate => 'last', chunk_size => 1);
SELECT * FROM by_collation ORDER BY a;
-- text values that only a type modifier makes equal are different keys; with a cast in the source they are equal
CREATE TABLE by_varchar (id varchar(3) PRIMARY KEY, a int);
INSERT INTO by_varchar VALUES ('abc', 0);
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate
  FROM bulk_update_query('by_varchar', $$ VALUES ('abc'::text, 1), ('abd', 0), ('abc  ', 2) $$, '{id,a}', on_duplicate => 'last');
SELECT * FROM by_varchar;
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate
  FROM bulk_update_query('by_varchar', $$ SELECT id::varchar(3), a FROM (VALUES ('abc'::text, 1), ('abd', 0), ('abc  ', 2)) AS s (id, a) $$, on_duplicate => 'last');
SELECT * FROM by_varchar;
-- a second unique index does not matter
CREATE TABLE two_keys (id int PRIMARY KEY, code text UNIQUE, a int);
INSERT INTO two_keys VALUES (1, 'x', 0), (2, 'y', 0);
SELECT sum(rows_updated) AS updated, sum(rows_duplicate) AS duplicate
  FROM bulk_update_query('two_keys', $$ VALUES ('x', 1), ('y', 2), ('x', 3) $$, '{code,a}', '{code}', on_duplicate => 'first');
SELECT * FROM two_keys ORDER BY id;

-- Row triggers see each key once
CREATE TABLE fired (id int, old int, new int);
CREATE FUNCTION log_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fired VALUES (NEW.id, OLD.a, NEW.a);
    RETURN NEW;
END
$$;
CREATE TRIGGER log BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_update();
SELECT sum(rows_updated) AS updated FROM bulk_update_query('t', 'VALUES (3, 30), (1, 10), (3, 31), (2, 20), (1, 11)', '{id,a}',
                                                           on_duplicate => 'last', chunk_size => 1);
SELECT * FROM fired ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA on_duplicate CASCADE;
