--
-- Values are coerced as by INSERT ... SELECT, with the same errors; see sql/text_source.sql for the exception
--

-- Put the values of a query, of any type, into a column of the type in both
-- ways. Both have the same values or the same error.
CREATE FUNCTION test_coercion(type text, query text)
RETURNS TABLE (result text, same boolean)
LANGUAGE plpgsql AS $$
DECLARE
    bulk text[];
    plain text[];
BEGIN
    SET LOCAL client_min_messages = warning;
    DROP TABLE IF EXISTS t, plain, new;
    EXECUTE format('CREATE TABLE new AS SELECT row_number() OVER ()::int AS id, q.* FROM (%s) AS q (v)', query);
    EXECUTE format('CREATE TABLE t (id int PRIMARY KEY, v %s)', type);
    EXECUTE format('CREATE TABLE plain (id int, v %s)', type);
    INSERT INTO t (id) SELECT id FROM new;
    bulk := ARRAY(SELECT test_error($q$ SELECT bulk_update_query('t', 'SELECT id, v FROM new ORDER BY id') $q$));
    plain := ARRAY(SELECT test_error('INSERT INTO plain SELECT id, v FROM new ORDER BY id'));
    IF bulk = ARRAY['no error'] THEN
        SELECT string_agg(coalesce(quote_literal(v::text), 'NULL'), ', ' ORDER BY id) INTO result FROM t;
    ELSE
        result := bulk[1];
    END IF;
    same := bulk[1] = plain[1] AND NOT EXISTS
        (SELECT FROM t FULL JOIN plain USING (id) WHERE bulk[1] = 'no error' AND
         (t.v::text IS DISTINCT FROM plain.v::text OR pg_column_size(t.v) IS DISTINCT FROM pg_column_size(plain.v)));
    RETURN NEXT;
    DROP TABLE t, plain, new;
END
$$;

-- Between number types
SELECT * FROM test_coercion('smallint', 'VALUES (1::bigint), (-32768), (NULL)');
SELECT * FROM test_coercion('smallint', 'VALUES (1::bigint), (32768), (2)');
SELECT * FROM test_coercion('int', 'VALUES (1::bigint), (2147483648)');
SELECT * FROM test_coercion('int', 'VALUES (1.4::numeric), (1.5), (2.5), (-1.5)');
SELECT * FROM test_coercion('int', 'VALUES (1.5::float8), (2.5), (-0.4)');
SELECT * FROM test_coercion('int', 'VALUES (1e10::float8)');
SELECT * FROM test_coercion('bigint', 'VALUES (1::smallint), (NULL)');
SELECT * FROM test_coercion('real', 'VALUES (0.1::float8), (1e30)');
SELECT * FROM test_coercion('real', 'VALUES (1e300::float8)');
SELECT * FROM test_coercion('numeric', 'VALUES (0.1::float8), (''Infinity'')');
SELECT * FROM test_coercion('int', 'VALUES (''NaN''::numeric)');
SELECT * FROM test_coercion('money', 'VALUES (1.239::numeric)');
-- Type modifiers
SELECT * FROM test_coercion('numeric(5,2)', 'VALUES (1.005), (-1.005), (999.994), (NULL)');
SELECT * FROM test_coercion('numeric(5,2)', 'VALUES (999.995)');
SELECT * FROM test_coercion('numeric(5,2)', 'VALUES (1), (100000)');
SELECT * FROM test_coercion('varchar(3)', 'VALUES (''abc''), (''''), (''abc   ''), (''a  '')');
SELECT * FROM test_coercion('varchar(3)', 'VALUES (''abc''), (''abcd'')');
SELECT * FROM test_coercion('varchar(3)', 'VALUES (''åéî''), (''åé îx'')');
SELECT * FROM test_coercion('char(4)', 'VALUES (''abc''), (''''), (''abcd   ''), (''é'')');
SELECT * FROM test_coercion('char(4)', 'VALUES (''abcde'')');
SELECT * FROM test_coercion('text', 'VALUES (''abc''::char(5)), (''  ''::char(5))');
SELECT * FROM test_coercion('varchar(4)', 'VALUES (''abc''::char(5))');
SELECT * FROM test_coercion('bit(3)', 'VALUES (B''101'')');
SELECT * FROM test_coercion('bit(3)', 'VALUES (B''10'')');
SELECT * FROM test_coercion('varbit(3)', 'VALUES (B''1011'')');
SELECT * FROM test_coercion('timestamp(0)', 'VALUES (''2000-01-01 00:00:00.5''::timestamp), (''2000-01-01 23:59:59.6'')');
SELECT * FROM test_coercion('time(1)', 'VALUES (''12:00:00.16''::time)');
SELECT * FROM test_coercion('interval(0)', 'VALUES (''1.6 s''::interval)');
SELECT * FROM test_coercion('interval month', 'VALUES (''1 mon 5 days''::interval)');
-- Date and time; the time zone is the session's
SET timezone = 'Asia/Kolkata';
SELECT * FROM test_coercion('timestamptz', 'VALUES (''2000-01-01''::date)');
SELECT * FROM test_coercion('date', 'VALUES (''2000-01-01 23:00+00''::timestamptz)');
SELECT * FROM test_coercion('time', 'VALUES (''2000-01-01 23:00+00''::timestamptz)');
SELECT * FROM test_coercion('timestamp', 'VALUES (''2000-01-01 23:00+00''::timestamptz)');
RESET timezone;
-- To text, which every type may be assigned to
SELECT * FROM test_coercion('text', 'VALUES (1.50)');
SELECT * FROM test_coercion('varchar(2)', 'VALUES (1.50)');
SELECT * FROM test_coercion('text', 'VALUES (ARRAY[1, NULL])');
SELECT * FROM test_coercion('text', 'VALUES (true)');
SELECT * FROM test_coercion('char(4)', 'VALUES (12)');
SELECT * FROM test_coercion('name', 'VALUES (repeat(''x'', 70))');
-- The other way only if there is an assignment cast
SELECT * FROM test_coercion('boolean', 'VALUES (1)');
SELECT * FROM test_coercion('jsonb', 'VALUES (''{"a": 1, "a": 2}''::json)');
SELECT * FROM test_coercion('json', 'VALUES (''{"a": 1, "a": 2}''::jsonb)');
SELECT * FROM test_coercion('inet', 'VALUES (''10.0.0.0/8''::cidr)');
SELECT * FROM test_coercion('cidr', 'VALUES (''10.1.2.3/8''::inet)');
SELECT * FROM test_coercion('regclass', 'VALUES (''pg_class''::text)');
SELECT * FROM test_coercion('oid', 'VALUES (1::bigint)');
-- Arrays: element by element
SELECT * FROM test_coercion('int[]', 'VALUES (ARRAY[1, 2]::bigint[]), (''{{1},{NULL}}''), (''[5:6]={1,2}''), (''{}''), (NULL)');
SELECT * FROM test_coercion('smallint[]', 'VALUES (ARRAY[1, 70000])');
SELECT * FROM test_coercion('numeric(4,1)[]', 'VALUES (ARRAY[1.25, NULL, 999.94])');
SELECT * FROM test_coercion('numeric(4,1)[]', 'VALUES (ARRAY[1000])');
SELECT * FROM test_coercion('varchar(2)[]', 'VALUES (ARRAY[''ab'', ''abc''])');
SELECT * FROM test_coercion('text[]', 'VALUES (ARRAY[1, 2])');
SELECT * FROM test_coercion('int[]', 'VALUES (ARRAY[''1''])');
-- Composite types
CREATE TYPE pair AS (a smallint, b varchar(3));
SELECT * FROM test_coercion('pair', 'VALUES (ROW(1::smallint, ''abc''::varchar(3))::pair), (NULL)');
CREATE TYPE other AS (a smallint, b varchar(3));
SELECT * FROM test_coercion('pair', 'SELECT ROW(1, ''abc'')::other');
SELECT * FROM test_coercion('pair[]', 'SELECT ARRAY[ROW(1, ''abc'')::pair]');
-- rows of an anonymous type
CREATE TABLE t (id int PRIMARY KEY, v text, p pair, i int);
INSERT INTO t VALUES (1);
SELECT rows_updated FROM bulk_update_query('t', 'SELECT 1, ROW(1, ''a b'')', '{id,v}');
SELECT * FROM t;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 1, ROW(1, ''abc'')', '{id,p}') $$);
SELECT * FROM test_error($$ INSERT INTO t (id, p) SELECT 1, ROW(1, 'abc') FROM t $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 1, ROW(1, ''abc'')', '{id,i}') $$);
SELECT * FROM test_error($$ INSERT INTO t (id, i) SELECT 1, ROW(1, 'abc') FROM t $$);
DROP TABLE t;
-- Ranges and enums
CREATE TYPE mood AS ENUM ('sad', 'ok');
SELECT * FROM test_coercion('text', 'VALUES (''sad''::mood)');
SELECT * FROM test_coercion('int8range', 'VALUES (''[1,2)''::int4range)');
SELECT * FROM test_coercion('int4multirange', 'VALUES (''[1,2)''::int4range)');

--
-- Domains
--
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN required AS int NOT NULL;
CREATE DOMAIN small AS positive CHECK (VALUE < 100) CONSTRAINT no_seven CHECK (VALUE <> 7);
CREATE DOMAIN word AS varchar(4) CHECK (VALUE <> lower(VALUE));
CREATE DOMAIN positives AS positive[];
CREATE DOMAIN few AS int[] CHECK (cardinality(VALUE) < 3);
CREATE DOMAIN good_pair AS pair CHECK ((VALUE).a > 0);
SELECT * FROM test_coercion('positive', 'VALUES (1), (NULL), (2147483647)');
SELECT * FROM test_coercion('positive', 'VALUES (1), (0)');
SELECT * FROM test_coercion('positive', 'VALUES (1::bigint), (3000000000)');
SELECT * FROM test_coercion('small', 'VALUES (1), (99), (NULL)');
SELECT * FROM test_coercion('small', 'VALUES (100)');
SELECT * FROM test_coercion('small', 'VALUES (-1)');
SELECT * FROM test_coercion('small', 'VALUES (7.4)');
SELECT * FROM test_coercion('int', 'VALUES (5::small)');
SELECT * FROM test_coercion('smallint', 'VALUES (5::positive)');
SELECT * FROM test_coercion('positive', 'VALUES (5::small)');
SELECT * FROM test_coercion('small', 'VALUES (100::positive)');
SELECT * FROM test_coercion('word', 'VALUES (''ABC ''), (NULL)');
SELECT * FROM test_coercion('word', 'VALUES (''abc'')');
SELECT * FROM test_coercion('word', 'VALUES (''ABCDE'')');
SELECT * FROM test_coercion('positives', 'VALUES (ARRAY[1, NULL]), (''{}'')');
SELECT * FROM test_coercion('positives', 'VALUES (ARRAY[1, -1])');
SELECT * FROM test_coercion('few', 'VALUES (ARRAY[1, 2]::bigint[])');
SELECT * FROM test_coercion('few', 'VALUES (ARRAY[1, 2, 3])');
SELECT * FROM test_coercion('good_pair', 'VALUES (ROW(1, ''x'')::pair), (NULL)');
SELECT * FROM test_coercion('good_pair', 'VALUES (ROW(0, ''x'')::pair)');
SELECT * FROM test_coercion('pair', 'VALUES (ROW(1, ''x'')::pair::good_pair)');
-- a domain that forbids NULL: in a column of the source, and in one that is not in the source
CREATE TABLE t (id int PRIMARY KEY, v required DEFAULT 1, w int);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2);
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, w * 10 AS w FROM t');
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 5::bigint)', '{id,v}');
SELECT * FROM t ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 6), (2, NULL)', '{id,v}') $$);
DROP TABLE t;
-- the domain of a key, also of a key that no row has
CREATE TABLE t (id small PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1);
SELECT rows_updated, rows_missing FROM bulk_update_query('t', 'VALUES (1::bigint, 10), (2, 20), (NULL, 30)', '{id,v}');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 10), (100, 20)', '{id,v}') $$);
DROP TABLE t;

--
-- Keys are coerced too, and a key that changes by this matches no row: sql/key_casts.sql has more cases
--
CREATE TABLE t (id int PRIMARY KEY, code char(3) UNIQUE, n numeric(4,1) UNIQUE, v text);
INSERT INTO t VALUES (1, 'a', 1.2, ''), (2, 'b', 2.5, '');
SELECT rows_updated, first_key, last_key FROM bulk_update_query('t', 'VALUES (0.6, ''x''), (1.7, ''y'')', '{id,v}');
SELECT rows_updated, rows_missing, first_key || '|' AS first_key FROM bulk_update_query('t', 'VALUES (''a    '', ''z''), (''c'', '''')', '{code,v}', '{code}');
SELECT rows_updated, first_key FROM bulk_update_query('t', 'VALUES (1.24, ''u'')', '{n,v}', '{n}');
SELECT * FROM t ORDER BY id;
-- different before the cast and equal after it; out of range
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (0.6, ''x''), (1.2, ''y'')', '{id,v}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''''), (2147483648, '''')', '{id,v}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (''a'', ''''), (''abcd'', '''')', '{code,v}', '{code}') $$);
DROP TABLE t;

--
-- User-defined casts
--
CREATE TYPE size AS (n int);
CREATE FUNCTION size_to_int(size) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.n * 1000';
SELECT * FROM test_coercion('int', 'SELECT ROW(1)::size');
CREATE CAST (size AS int) WITH FUNCTION size_to_int(size);
SELECT * FROM test_coercion('int', 'SELECT ROW(1)::size');
DROP CAST (size AS int);
CREATE CAST (size AS int) WITH FUNCTION size_to_int(size) AS ASSIGNMENT;
SELECT * FROM test_coercion('int', 'SELECT ROW(1)::size');
DROP CAST (size AS int);
CREATE CAST (size AS int) WITH FUNCTION size_to_int(size) AS IMPLICIT;
SELECT * FROM test_coercion('int', 'SELECT ROW(1)::size');
SELECT * FROM test_coercion('positive', 'SELECT ROW(1)::size');
DROP CAST (size AS int);
CREATE CAST (text AS mood) WITH INOUT AS ASSIGNMENT;
SELECT * FROM test_coercion('mood', 'VALUES (''sad''::text)');
SELECT * FROM test_coercion('mood', 'VALUES (''sad''::text), (''angry'')');
DROP CAST (text AS mood);
-- a cast that calls bulk_update
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 4) AS i;
CREATE TABLE inner_target (id int PRIMARY KEY, v int);
INSERT INTO inner_target VALUES (1, 0);
CREATE FUNCTION size_sum(size) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM bulk_update_query('inner_target', format('SELECT 1 AS id, %s AS v', $1.n));
    RETURN $1.n;
END
$$;
CREATE CAST (size AS int) WITH FUNCTION size_sum(size) AS ASSIGNMENT;
SELECT chunk, rows_updated FROM bulk_update_query('t', 'SELECT id, ROW(id)::size AS v FROM t ORDER BY id', chunk_size => 3);
SELECT * FROM t ORDER BY id;
SELECT * FROM inner_target;
DROP CAST (size AS int);
DROP TABLE t, inner_target;

--
-- The context of an error names the source row and the column
--
CREATE TABLE t (id int PRIMARY KEY, "A column" smallint, b varchar(2));
INSERT INTO t SELECT i FROM generate_series(1, 9) AS i;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i, 32760 + i, ''x'' FROM generate_series(1, 9) AS i', '{id,"A column",b}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i, 32760 + i, ''x'' FROM generate_series(1, 9) AS i', '{id,"A column",b}', chunk_size => 3) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT repeat(''x'', i), i FROM generate_series(1, 9) AS i', '{b,id}') $$);
BEGIN;
DECLARE c CURSOR FOR SELECT i AS id, repeat('x', i / 3) AS b FROM generate_series(1, 9) AS i;
MOVE 4 IN c;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 2) $$);
COMMIT;
SELECT count(*) AS changed FROM t WHERE b IS NOT NULL OR "A column" IS NOT NULL;
DROP TABLE t;

SET client_min_messages = warning;
DROP FUNCTION test_coercion, size_to_int, size_sum;
DROP DOMAIN few, positives, good_pair, word, small, positive, required;
DROP TYPE size, mood, other, pair;
