--
-- A key is compared, not assigned: a key that its cast changes matches no row
--
CREATE SCHEMA key_casts;
SET search_path = key_casts, public;
SET timezone = 'UTC';

-- Apply keys that the query has in another type, by bulk_update in two orders and by UPDATE with
-- SQL's "=" operator, or an equivalent if there is none
CREATE FUNCTION test_cast(type text, there text, given text, equal text DEFAULT 'plain.k = s.k')
RETURNS TABLE (of_type text, updated bigint, missing bigint, rejected bigint, same boolean)
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    DROP TABLE IF EXISTS t, plain, s;
    EXECUTE format('CREATE TABLE t (k %s PRIMARY KEY, v int)', type);
    CREATE TABLE plain (LIKE t);
    EXECUTE format('INSERT INTO t SELECT k, 0 FROM (%s) AS r (k)', there);
    INSERT INTO plain TABLE t;
    EXECUTE format('CREATE TABLE s AS SELECT k, row_number() OVER ()::int AS v FROM (%s) AS g (k)', given);
    SELECT sum(rows_updated), sum(rows_missing), sum(rows_rejected) INTO updated, missing, rejected
      FROM bulk_update_query('t', 'SELECT k, v FROM s ORDER BY v', chunk_size => 2);
    EXECUTE format('UPDATE plain SET v = s.v FROM s WHERE %s', equal);
    same := NOT EXISTS (SELECT FROM test_diff('t', 'plain'));
    SELECT same AND (sum(rows_updated), sum(rows_missing)) = (updated, missing) INTO same
      FROM bulk_update_query('t', 'SELECT k, v FROM s ORDER BY v DESC', on_error => 'skip', on_duplicate => 'last');
    same := same AND NOT EXISTS (SELECT FROM test_diff('t', 'plain'));
    of_type := type;
    RETURN NEXT;
    DROP TABLE t, plain, s;
END
$$;

-- Numbers
SELECT * FROM test_cast('int', 'VALUES (1), (2), (3)', 'VALUES (2.5), (2.4), (3), (1.0), (1e12), (''NaN''), (''Infinity''), (''-Infinity''), (NULL)',
                        'plain.k = s.k AND s.k < 10');
SELECT * FROM test_cast('int', 'VALUES (1), (2)', 'VALUES (2.5::float8), (1.5), (1), (1e12), (''NaN''), (''Infinity'')');
SELECT * FROM test_cast('int', 'VALUES (1), (-1)', 'VALUES (1::bigint), (2147483648), (-2147483649), (4294967297), (1099511627777), (NULL)');
SELECT * FROM test_cast('smallint', 'VALUES (1), (-32768)', 'VALUES (1), (32768), (65537), (-32768), (-32769)');
SELECT * FROM test_cast('smallint', 'VALUES (1), (32767)', 'VALUES (1::bigint), (32767), (4294967297)');
SELECT * FROM test_cast('bigint', 'VALUES (1), (2)', 'VALUES (1), (3)');
SELECT * FROM test_cast('bigint', 'VALUES (1), (9007199254740993)', 'VALUES (1.5), (9223372036854775808), (9007199254740993.0)');
SELECT * FROM test_cast('numeric(6,2)', 'VALUES (1.00), (1.01)', 'VALUES (1.005), (1.004), (1e10), (1.010)');
SELECT * FROM test_cast('numeric(6,2)', 'VALUES (1.00), (2)', 'VALUES (1), (3), (1000000)');
SELECT * FROM test_cast('numeric', 'VALUES (0.1), (0.5)', 'VALUES (0.1::float8), (0.5), (0.25)');
SELECT * FROM test_cast('real', 'VALUES (0.1), (0.5), (''NaN'')', 'VALUES (0.1::float8), (0.5), (1e300), (1e-300), (''NaN'')');
SELECT * FROM test_cast('real', 'VALUES (0.1), (0.5)', 'VALUES (0.1), (0.5), (1e300)', 'plain.k = s.k AND s.k < 1e30');
SELECT * FROM test_cast('float8', 'VALUES (0.1), (1)', 'VALUES (0.1::real), (1)');
SELECT * FROM test_cast('oid', 'VALUES (1::oid), (4294967295::oid)', 'VALUES (1::bigint), (-1), (4294967296)', 'plain.k::bigint = s.k');
SELECT * FROM test_cast('money', 'VALUES (1.24::numeric)', 'VALUES (1.239), (1.24), (1e30)', 'plain.k::numeric = s.k');
-- Characters
SELECT * FROM test_cast('varchar(3)', 'VALUES (''abc''), (''a'')', 'VALUES (''abc   ''), (''abcd''), (''a''), (''a '')');
SELECT * FROM test_cast('varchar(3)', 'VALUES (''abc''), (''a'')', 'VALUES (''abc''::char(5)), (''abcde''), (''b'')');
SELECT * FROM test_cast('char(3)', 'VALUES (''abc''), (''a'')', 'VALUES (''abc''), (''a''), (''a  ''), (''abcd''), (''abc '')');
SELECT * FROM test_cast('char(3)', 'VALUES (''abc''), (''a'')', 'VALUES (''abc  ''::char(5)), (''a''), (''abcd'')');
SELECT * FROM test_cast('text', 'VALUES (''a''), (''1'')', 'VALUES (1), (2)', 'plain.k = s.k::text');
SELECT * FROM test_cast('name', 'VALUES (repeat(''x'', 63)), (''a'')', 'VALUES (repeat(''x'', 70)), (''a'')');
SELECT * FROM test_cast('"char"', 'VALUES (''a''), (''b'')', 'VALUES (''ab''), (''b''), ('''')');
-- Date and time
SELECT * FROM test_cast('date', 'VALUES (date ''2020-01-01''), (''2020-01-02'')', 'VALUES (timestamp ''2020-01-01 23:59''), (''2020-01-02''), (''infinity'')');
SELECT * FROM test_cast('date', 'VALUES (date ''2020-01-01''), (''2020-01-02'')', 'VALUES (timestamptz ''2020-01-01 00:00+01''), (''2020-01-02 00:00+00'')');
SELECT * FROM test_cast('timestamptz(0)', 'VALUES (timestamptz ''2020-01-01'')', 'VALUES (timestamptz ''2020-01-01 00:00:00.4''), (''2020-01-01 00:00'')');
SELECT * FROM test_cast('timestamptz', 'VALUES (timestamptz ''2020-01-01'')', 'VALUES (date ''2020-01-01''), (''2020-01-02''), (''5000000-01-01'')', 'plain.k = s.k');
SELECT * FROM test_cast('time', 'VALUES (time ''12:00'')', 'VALUES (interval ''36:00''), (''12:00'')');
SELECT * FROM test_cast('interval second(0)', 'VALUES (interval ''1 s'')', 'VALUES (interval ''1.2 s''), (''1 s'')');
-- Others
SELECT * FROM test_cast('bit(3)', 'VALUES (B''101'')', 'VALUES (B''1010''), (B''101'')');
SELECT * FROM test_cast('cidr', 'VALUES (cidr ''10.0.0.0/8'')', 'VALUES (inet ''10.1.2.3/8''), (''10.0.0.0/8'')');
-- Arrays have no "=" for other element types: the result is cast back
SELECT * FROM test_cast('int[]', 'VALUES (''{1,2}''::int[]), (''{3}'')', 'VALUES (''{1,2.4}''::numeric[]), (''{3}''), (''{1e12}'')',
                        'plain.k::numeric[] = s.k');
SELECT * FROM test_cast('real[]', 'VALUES (''{0.1}''::real[]), (''{0.5}'')', 'VALUES (''{0.1}''::float8[]), (''{0.5}'')', 'plain.k::float8[] = s.k');
SELECT * FROM test_cast('varchar(2)[]', 'VALUES (''{ab}''::varchar(2)[])', 'VALUES (''{ab}''::text[]), (''{"ab "}''), (''{abc}'')', 'plain.k::text[] = s.k');
-- Domains
CREATE DOMAIN price AS numeric(6,2) CHECK (VALUE > 0);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE DOMAIN code AS varchar(3);
SELECT * FROM test_cast('price', 'VALUES (1.00), (1.01)', 'VALUES (1.005), (1.01), (1e10)');
SELECT * FROM test_cast('small', 'VALUES (1), (2)', 'VALUES (1::bigint), (-5000000000), (3)');
SELECT * FROM test_cast('small', 'VALUES (1), (2)', 'VALUES (1.5), (2)');
SELECT * FROM test_cast('code', 'VALUES (''abc'')', 'VALUES (''abc   ''), (''abc''), (''abcd'')');
SELECT * FROM test_cast('int', 'VALUES (1), (2)', 'VALUES (1::small), (3)');
-- The source has another collation
SELECT * FROM test_cast('char(3) COLLATE "C"', 'VALUES (''a'')', 'SELECT x COLLATE "POSIX" FROM (VALUES (''a''), (''a '')) AS s (x)', 'plain.k = s.k COLLATE "C"');

-- Duplicates are equal keys, not keys that are only rounded to the same value
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE plain (LIKE t);
INSERT INTO t VALUES (1, 'old'), (2, 'old'), (3, 'old');
INSERT INTO plain TABLE t;
SELECT rows_updated, rows_missing, rows_duplicate FROM bulk_update_query('t', 'VALUES (1.5, ''a''), (2.4, ''b''), (2, ''c'')', '{id,v}');
SELECT rows_updated, rows_missing, rows_duplicate FROM bulk_update_query('t', 'VALUES (3, ''a''), (2.4, ''b''), (3.0, ''c'')', '{id,v}', on_duplicate => 'last');
UPDATE plain SET v = 'c' WHERE id > 1;
SELECT * FROM test_diff('t', 'plain');

-- Reported with the value that the source has
SELECT bulk_update_create_rejects('r');
SELECT rows_updated, rows_missing, rows_rejected
  FROM bulk_update_query('t', 'VALUES (2.5, ''a''), (1, ''d''), (1e12, ''b''), (7, ''c''), (NULL, ''d'')', '{id,v}', on_error => 'skip', rejects => 'r');
SELECT source_row, reason, key, new_values, sqlstate FROM r ORDER BY source_row;
-- also in the error for a missing key, which names the first one in the order of the source
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''x''), (2.5, ''y''), (7, ''z'')', '{id,v}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (7, ''x''), (2.5, ''y''), (1, ''z'')', '{id,v}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (3, ''x''), (1e12, ''y''), (1.5, ''z'')', '{id,v}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''x''), (NULL, ''y''), (1.5, ''z'')', '{id,v}', on_missing => 'error') $$);
CREATE TABLE two (a int, b date, v int, PRIMARY KEY (a, b));
SELECT * FROM test_error($$ SELECT bulk_update_query('two', 'VALUES (date ''2020-01-01'', 1, 1.5)', '{b,v,a}', on_missing => 'error') $$);
-- a value that is an empty string has its place in the key
CREATE TABLE empty_value (a text, b int, v text, PRIMARY KEY (a, b));
SELECT * FROM test_error($$ SELECT bulk_update_query('empty_value', 'VALUES ('''', 2.5, ''x'')', '{a,b,v}', on_missing => 'error') $$);
DROP TABLE empty_value;
-- An error of the cast other than "out of range" is an error as before
CREATE FUNCTION to_int(point) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', $1; END $$;
CREATE CAST (point AS int) WITH FUNCTION to_int(point) AS ASSIGNMENT;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (point(1, 2), ''x'')', '{id,v}') $$);
DROP CAST (point AS int);

-- Explain shows which key columns are compared so
SELECT detail FROM bulk_update_explain_query('two', 'SELECT 1.5 AS a, date ''2020-01-01'' AS b, 1::smallint AS v') WHERE topic LIKE '%column';
SELECT detail FROM bulk_update_explain_query('two', 'SELECT 1::bigint AS a, ''2020-01-01'' AS b, ''1'' AS v') WHERE topic LIKE '%column';

--
-- A key is cast once
--
CREATE TYPE moody AS (n int);
CREATE SEQUENCE casts;
CREATE TABLE seen (id int);
-- -1: null the first time, and 1 from then on; -2: an error and then 2
CREATE FUNCTION to_int(moody) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('casts') = 0 THEN
        RETURN 0;
    ELSIF $1.n = -1 AND NOT EXISTS (SELECT FROM seen WHERE id = -1) THEN
        INSERT INTO seen VALUES (-1);
        RETURN NULL;
    ELSIF $1.n = -2 AND currval('casts') % 2 = 0 THEN
        RAISE EXCEPTION 'not now';
    END IF;
    RETURN abs($1.n);
END
$$;
CREATE CAST (moody AS int) WITH FUNCTION to_int(moody) AS ASSIGNMENT;
SELECT rows_updated, rows_missing, rows_rejected
  FROM bulk_update_query('t', 'SELECT ROW(n)::moody, v FROM (VALUES (3, ''x''), (-1, ''y''), (1, ''z'')) AS s (n, v)', '{id,v}');
SELECT * FROM t ORDER BY id;
SELECT last_value AS casts FROM casts;
ALTER SEQUENCE casts RESTART;
SELECT rows_updated, rows_missing, rows_rejected
  FROM bulk_update_query('t', 'SELECT ROW(n)::moody, v FROM (VALUES (3, ''x''), (-2, ''y''), (2, ''z'')) AS s (n, v)', '{id,v}', on_error => 'skip', rejects => 'r');
SELECT * FROM t ORDER BY id;
SELECT last_value AS casts FROM casts;
SELECT reason, key, sqlstate, message FROM r ORDER BY run DESC LIMIT 1;
-- also in a source in key order
ALTER SEQUENCE casts RESTART;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT ROW(n)::moody, ''w'' FROM generate_series(1, 3) AS n', '{id,v}', chunk_size => 2);
SELECT last_value AS casts FROM casts;
SELECT * FROM t ORDER BY id;
-- and in one that is read ahead, and then sorted
ALTER SEQUENCE casts RESTART;
SELECT rows_updated, ordering FROM bulk_update_query('t', 'SELECT ROW(n)::moody, ''v'' || n FROM unnest(''{2,3,1}''::int[]) AS n', '{id,v}');
SELECT last_value AS casts FROM casts;
SELECT * FROM t ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA key_casts CASCADE;
