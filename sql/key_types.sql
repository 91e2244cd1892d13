--
-- Key types of all kinds
--

-- A table has the keys in "there"; those in "given" are updated in
-- chunks of two, and by UPDATE ... FROM in a copy. "how" is added to the
-- column in the index.
CREATE FUNCTION test_key(type text, there text[], given text[], how text DEFAULT '')
RETURNS TABLE (of_type text, updated bigint, missing bigint, first text, last text, same boolean)
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    DROP TABLE IF EXISTS t, plain, new;
    EXECUTE format('CREATE TABLE new (n serial, k %s, v int)', type);
    EXECUTE format('CREATE TABLE t (k %s, v int)', type);
    CREATE TABLE plain (LIKE t);
    FOR i IN 1 .. cardinality(there) LOOP
        EXECUTE format('INSERT INTO t VALUES ((%s)::%s, 0)', there[i], type);
    END LOOP;
    FOR i IN 1 .. cardinality(given) LOOP
        EXECUTE format('INSERT INTO new (k, v) VALUES ((%s)::%s, %s)', given[i], type, i);
    END LOOP;
    EXECUTE format('CREATE UNIQUE INDEX ON t (k %s)', how);
    INSERT INTO t VALUES (NULL, 0);
    INSERT INTO new (k, v) VALUES (NULL, -1);
    INSERT INTO plain TABLE t;

    SELECT sum(rows_updated), sum(rows_missing) INTO updated, missing
      FROM bulk_update_query('t', 'SELECT k, v FROM new ORDER BY n', key_columns => '{k}', chunk_size => 2);
    UPDATE plain SET v = new.v FROM new WHERE plain.k = new.k;
    SELECT NOT EXISTS (SELECT FROM test_diff('t', 'plain')) INTO same;
    -- all in one chunk: the lowest and the highest key
    SELECT first_key, last_key INTO first, last
      FROM bulk_update_query('t', 'SELECT k, v + 1 AS v FROM new ORDER BY n DESC', key_columns => '{k}');
    UPDATE plain SET v = new.v + 1 FROM new WHERE plain.k = new.k;
    SELECT same AND NOT EXISTS (SELECT FROM test_diff('t', 'plain')) INTO same;
    of_type := concat_ws(' ', type, nullif(how, ''));
    RETURN NEXT;
    DROP TABLE t, plain, new;
END
$$;

-- Numbers
SELECT * FROM test_key('smallint', '{-32768,0,32767}', '{32767,-32768,1}');
SELECT * FROM test_key('integer', '{-2147483648,0,2147483647}', '{0,2147483647,-2147483648,7}');
SELECT * FROM test_key('bigint', '{-9223372036854775808,0,9223372036854775807}', '{9223372036854775807,-9223372036854775808,7}');
SELECT * FROM test_key('bigint', '{1,2,3}', '{2,3,4}', 'DESC NULLS LAST');
SELECT * FROM test_key('numeric', '{1.0,''NaN'',''Infinity'',''-Infinity'',1e100,-0.5}', '{1.00,''NaN'',''-Infinity'',''Infinity'',-0.50,1.01}');
SELECT * FROM test_key('numeric(6,2)', '{1.0,2.5}', '{2.50,1.004}');
SELECT * FROM test_key('double precision', '{''NaN'',''-0'',''Infinity'',''-Infinity'',0.1}', '{''Infinity'',''NaN'',0,0.1,''-Infinity'',0.2}');
SELECT * FROM test_key('real', '{''NaN'',''-0'',''Infinity'',0.1}', '{''Infinity'',''NaN'',0,0.1}');
SELECT * FROM test_key('oid', '{0,4294967295}', '{4294967295,1}');
SELECT * FROM test_key('money', '{1::numeric,-2::numeric}', '{-2::numeric,3::numeric}');
-- Characters
SELECT * FROM test_key('text COLLATE "C"', '{''a'',''B'','''',''é'',''a ''}', '{''B'',''a'',''é'','''',''b'',''a ''}');
SELECT * FROM test_key('text COLLATE "C"', '{''a'',''B''}', '{''B'',''a'',''A''}', 'text_pattern_ops');
SELECT * FROM test_key('text COLLATE "C"', '{''a'',''B''}', '{''B'',''a'',''A''}', 'DESC');
SELECT * FROM test_key('text COLLATE "C"', '{''a'',''b''}', '{''b'',''a'',''A''}', 'COLLATE "POSIX"');
SELECT * FROM test_key('text', '{''a'',''b''}', '{''b'',''a''}', 'COLLATE "C"');
SELECT * FROM test_key('varchar COLLATE "C"', '{''a'',''B''}', '{''B'',''a'',''A''}');
SELECT * FROM test_key('varchar(3) COLLATE "C"', '{''a'',''B''}', '{''B'',''a'',''A''}', 'varchar_pattern_ops');
SELECT * FROM test_key('char(3) COLLATE "C"', '{''a'',''B'',''''}', '{''B  '',''a'','''',''A''}');
SELECT * FROM test_key('char(3) COLLATE "C"', '{''a'',''B''}', '{''B  '',''a'',''A''}', 'bpchar_pattern_ops');
SELECT * FROM test_key('name', '{''a'',''B''}', '{''B'',''a'',''A''}');
SELECT * FROM test_key('"char"', '{''a'',''B'',''''}', '{''B'',''a'','''',''A''}');
SELECT * FROM test_key('bytea', ARRAY[$$'\x'$$, $$'\x00'$$, $$'\xff'$$], ARRAY[$$'\xff'$$, $$'\x00'$$, $$'\x'$$, $$'\x01'$$]);
-- Booleans and bits
SELECT * FROM test_key('boolean', '{true,false}', '{true,false}');
SELECT * FROM test_key('bit(3)', '{''101'',''000''}', '{''101'',''000'',''111''}');
SELECT * FROM test_key('varbit', '{''101'',''''}', '{''101'','''',''1''}');
-- Date and time
SELECT * FROM test_key('date', '{''infinity'',''-infinity'',''2000-01-01''}', '{''2000-01-01'',''infinity'',''-infinity'',''2000-01-02''}');
SELECT * FROM test_key('time', '{''00:00'',''24:00''}', '{''24:00'',''00:00'',''12:00''}');
SELECT * FROM test_key('timetz', '{''00:00+00'',''12:00+02''}', '{''12:00+02'',''00:00+00'',''10:00+00''}');
SELECT * FROM test_key('timestamp', '{''infinity'',''-infinity'',''2000-01-01''}', '{''2000-01-01'',''infinity'',''-infinity''}');
SELECT * FROM test_key('timestamptz', '{''infinity'',''-infinity'',''2000-01-01 00:00+00''}', '{''2000-01-01 01:00+01'',''infinity'',''-infinity''}');
-- equal intervals may look different
SELECT * FROM test_key('interval', '{''1 mon'',''1 day''}', '{''24:00'',''30 days'',''2 days''}');
-- Identifiers, networks
SELECT * FROM test_key('uuid', '{''00000000-0000-0000-0000-000000000000'',''ffffffff-ffff-ffff-ffff-ffffffffffff''}',
                       '{''ffffffff-ffff-ffff-ffff-ffffffffffff'',''00000000-0000-0000-0000-000000000000'',''00000000-0000-0000-0000-000000000001''}');
SELECT * FROM test_key('inet', '{''10.1.2.3/8'',''10.1.2.3'',''::1''}', '{''::1'',''10.1.2.3'',''10.1.2.3/8'',''10.0.0.0/8''}');
SELECT * FROM test_key('cidr', '{''10.0.0.0/8'',''::/0''}', '{''::/0'',''10.0.0.0/8'',''10.0.0.0/9''}');
SELECT * FROM test_key('macaddr', '{''08:00:2b:01:02:03''}', '{''08:00:2b:01:02:03'',''08:00:2b:01:02:04''}');
SELECT * FROM test_key('macaddr8', '{''08:00:2b:ff:fe:01:02:03''}', '{''08:00:2b:ff:fe:01:02:03''}');
SELECT * FROM test_key('pg_lsn', '{''0/10000000'',''1/11111111''}', '{''1/11111111'',''0/10000000'',''2/22222222''}');
SELECT * FROM test_key('tid', ARRAY[$$'(0,1)'$$, $$'(1,0)'$$], ARRAY[$$'(1,0)'$$, $$'(0,1)'$$, $$'(0,2)'$$]);
SELECT * FROM test_key('xid8', '{''1'',''10''}', '{''10'',''1'',''2''}');
SELECT * FROM test_key('tsvector', '{''a'',''a:1 b:2''}', '{''a:1 b:2'',''a'',''b''}');
SELECT * FROM test_key('jsonb', ARRAY[$$'1'$$, $$'"a"'$$, $$'{"a": 1.0}'$$, $$'[]'$$],
                       ARRAY[$$'{"a": 1.00}'$$, $$'"a"'$$, $$'1.0'$$, $$'2'$$]);
-- Ranges
SELECT * FROM test_key('int4range', ARRAY[$$'empty'$$, $$'[1,5)'$$, $$'(,)'$$], ARRAY[$$'(,)'$$, $$'[1,4]'$$, $$'empty'$$, $$'[1,6)'$$]);
SELECT * FROM test_key('numrange', ARRAY[$$'[1.0,2)'$$], ARRAY[$$'[1.00,2.0)'$$, $$'[1,2]'$$]);
SELECT * FROM test_key('int4multirange', ARRAY[$$'{}'$$, $$'{[1,2),[5,6)}'$$], ARRAY[$$'{[1,2),[5,6)}'$$, $$'{}'$$]);
-- Enums, domains, composites
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'bored' BEFORE 'ok';
SELECT * FROM test_key('mood', '{''sad'',''bored'',''happy''}', '{''happy'',''bored'',''ok'',''sad''}');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 100);
CREATE DOMAIN word AS varchar(5) COLLATE "C";
SELECT * FROM test_key('small', '{1,99}', '{99,1,50}');
SELECT * FROM test_key('word', '{''a'',''B''}', '{''B'',''a'',''A''}');
CREATE TYPE pair AS (a int, b text COLLATE "C");
SELECT * FROM test_key('pair', '{"ROW(1, ''a'')","ROW(1, NULL)","ROW(NULL, NULL)"}', '{"ROW(1, NULL)","ROW(1, ''a'')","ROW(NULL, NULL)","ROW(2, ''a'')"}');
-- Arrays
SELECT * FROM test_key('int[]', '{"''{}''","''{1}''","''{1,NULL}''","''{{1}}''","''[0:0]={1}''"}', '{"''{{1}}''","''{1}''","''{1,NULL}''","''{}''","''[0:0]={1}''","''{2}''"}');
SELECT * FROM test_key('text[] COLLATE "C"', '{"''{}''","''{a,b}''","''{B}''"}', '{"''{B}''","''{a,b}''","''{}''","''{a}''"}');
SELECT * FROM test_key('mood[]', '{"''{sad,happy}''"}', '{"''{sad,happy}''","''{sad}''"}');
SELECT * FROM test_key('pair[]', '{"ARRAY[ROW(1, ''a'')]::pair[]"}', '{"ARRAY[ROW(1, ''a'')]::pair[]","ARRAY[ROW(2, ''a'')]::pair[]"}');
SELECT * FROM test_key('small[]', '{"''{1}''"}', '{"''{1}''","''{2}''"}');
SELECT * FROM test_key('oidvector', '{"''1 2''"}', '{"''1 2''","''1''"}');
-- Domains over those
CREATE DOMAIN mood_domain AS mood;
CREATE DOMAIN ints AS int[];
CREATE DOMAIN range_domain AS int4range;
CREATE DOMAIN pair_domain AS pair;
CREATE DOMAIN char_domain AS char(4) COLLATE "C";
SELECT * FROM test_key('ints', '{"''{1,2}''"}', '{"''{1,2}''","''{1}''"}');
SELECT * FROM test_key('range_domain', ARRAY[$$'[1,3)'$$], ARRAY[$$'[1,2]'$$, $$'[1,2)'$$]);
SELECT * FROM test_key('pair_domain', '{"ROW(1, ''a'')"}', '{"ROW(1, ''a'')","ROW(2, ''a'')"}');
SELECT * FROM test_key('char_domain', '{''a'',''b''}', '{''b   '',''a''}');
-- for a domain over an enum there is no operator = without a cast
CREATE TABLE t (k mood_domain PRIMARY KEY, v int);
INSERT INTO t VALUES ('sad', 0), ('ok', 0);
SELECT rows_updated, rows_missing, first_key, last_key
  FROM bulk_update_query('t', 'VALUES (''happy''::mood_domain, 3), (''sad'', 1)', '{k,v}');
SELECT * FROM t ORDER BY k::mood;
DROP TABLE t;

-- Collations in which different strings are equal. Without ICU there is
-- nothing to test.
CREATE FUNCTION test_icu() RETURNS TABLE (collations text, updated bigint, missing bigint, duplicate boolean, keys text[])
LANGUAGE plpgsql AS $$
BEGIN
    CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    FOREACH collations IN ARRAY ARRAY['ci,ci', '"C",ci', 'ci,"C"'] LOOP
        EXECUTE format('CREATE TABLE t (k text COLLATE %s, v int)', split_part(collations, ',', 1));
        EXECUTE format('CREATE UNIQUE INDEX ON t (k COLLATE %s)', split_part(collations, ',', 2));
        INSERT INTO t VALUES ('a', 0), ('B', 0), ('c', 0);
        SELECT sum(rows_updated), sum(rows_missing) INTO updated, missing
          FROM bulk_update_query('t', $q$ VALUES ('A', 1), ('B', 2), ('D', 3) $q$, '{k,v}', '{k}', 2);
        keys := ARRAY(SELECT k || v FROM t ORDER BY k COLLATE "C");
        duplicate := EXISTS (SELECT FROM test_error(
            $q$ SELECT bulk_update_query('t', 'VALUES (''a'', 5), (''b'', 5), (''A'', 5)', '{k,v}', '{k}') $q$) AS line
            WHERE line LIKE 'ERROR 21000%');
        RETURN NEXT;
        DROP TABLE t;
    END LOOP;
    DROP COLLATION ci;
EXCEPTION WHEN feature_not_supported THEN
    RETURN QUERY VALUES ('ci,ci', 2::bigint, 1::bigint, true, '{B2,a1,c0}'::text[]),
                        ('"C",ci', 2, 1, true, '{B2,a1,c0}'), ('ci,"C"', 1, 2, false, '{B2,a0,c0}');
END
$$;
SELECT * FROM test_icu();
DROP FUNCTION test_icu;

-- Types of extensions, in a schema that is not in the search path
SET client_min_messages = warning;
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
RESET client_min_messages;
CREATE TABLE c (k ext.citext COLLATE "C" PRIMARY KEY, v int);
INSERT INTO c VALUES ('One', 0), ('two', 0);
SELECT rows_updated, rows_missing, first_key, last_key
  FROM bulk_update_query('c', 'VALUES (''TWO'', 2), (''oNE'', 1), (''three'', 3)', '{k,v}');
SELECT * FROM c ORDER BY v;
SELECT * FROM test_error($$ SELECT bulk_update_query('c', 'VALUES (''two'', 2), (''one'', 1), (''Two'', 3)', '{k,v}') $$);
-- an index with the operator class of text
CREATE TABLE c2 (k ext.citext COLLATE "C", v int);
CREATE UNIQUE INDEX ON c2 (k text_ops);
INSERT INTO c2 VALUES ('One', 0), ('two', 0), ('TWO', 0);
SELECT rows_updated, rows_missing, first_key, last_key
  FROM bulk_update_query('c2', 'VALUES (''TWO'', 2), (''one'', 1)', '{k,v}', '{k}');
SELECT * FROM c2 ORDER BY v, k::text COLLATE "C";
DROP TABLE c, c2;
SET client_min_messages = warning;
DROP SCHEMA ext CASCADE;
RESET client_min_messages;

-- A user-defined operator class: its index decides which keys are equal
CREATE SCHEMA ops;
CREATE FUNCTION ops.lt(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) < abs($2)';
CREATE FUNCTION ops.le(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) <= abs($2)';
CREATE FUNCTION ops.eq(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) = abs($2)';
CREATE FUNCTION ops.ge(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) >= abs($2)';
CREATE FUNCTION ops.gt(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1) > abs($2)';
CREATE FUNCTION ops.cmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp(abs($1), abs($2))';
CREATE OPERATOR ops.<# (FUNCTION = ops.lt, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR ops.<=# (FUNCTION = ops.le, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR ops.=# (FUNCTION = ops.eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR ops.>=# (FUNCTION = ops.ge, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR ops.># (FUNCTION = ops.gt, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR CLASS ops.abs_ops FOR TYPE int USING btree AS
    OPERATOR 1 ops.<#, OPERATOR 2 ops.<=#, OPERATOR 3 ops.=#, OPERATOR 4 ops.>=#, OPERATOR 5 ops.>#,
    FUNCTION 1 ops.cmp(int, int);
CREATE TABLE t (k int NOT NULL, v int);
CREATE UNIQUE INDEX ON t (k ops.abs_ops);
INSERT INTO t VALUES (1, 0), (-2, 0), (3, 0);
SELECT rows_updated, rows_missing, first_key, last_key
  FROM bulk_update_query('t', 'VALUES (-4, 4), (2, 2), (-1, 1)', '{k,v}', '{k}');
SELECT * FROM t ORDER BY abs(k);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (-1, 1), (2, 2), (1, 3)', '{k,v}', '{k}') $$);
-- with an index that has = as its equality operator, the other one is not used
CREATE UNIQUE INDEX ON t (k);
SELECT rows_updated, rows_missing FROM bulk_update_query('t', 'VALUES (-1, 10), (-2, 20), (3, 30)', '{k,v}', '{k}');
SELECT * FROM t ORDER BY abs(k);
DROP TABLE t;
-- the same for an operator class of another type
CREATE TABLE t (k text COLLATE "C" NOT NULL, v int);
CREATE UNIQUE INDEX ON t (k bpchar_ops);
INSERT INTO t VALUES ('a', 0), ('b ', 0), ('c', 0);
SELECT rows_updated, rows_missing FROM bulk_update_query('t', 'VALUES (''a  '', 1), (''b'', 2), (''d'', 4)', '{k,v}', '{k}');
SELECT * FROM t ORDER BY k;
CREATE UNIQUE INDEX ON t (k);
SELECT rows_updated, rows_missing FROM bulk_update_query('t', 'VALUES (''a  '', 10), (''b '', 20), (''d'', 40)', '{k,v}', '{k}');
SELECT * FROM t ORDER BY k;
DROP TABLE t;
SET client_min_messages = warning;
DROP SCHEMA ops CASCADE;
RESET client_min_messages;

-- Keys that are equal but not identical stay as they are in the table
CREATE TABLE t (k numeric PRIMARY KEY, v text);
INSERT INTO t VALUES (1.50, 'old');
SELECT rows_updated, first_key FROM bulk_update_query('t', 'VALUES (1.5, ''new'')', '{k,v}');
SELECT * FROM t;
-- and are duplicates of each other
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1.500, ''x''), (2, ''''), (1.5, ''y'')', '{k,v}') $$);
DROP TABLE t;
CREATE TABLE t (k double precision PRIMARY KEY, v text);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (''-0''::float8, ''x''), (0, ''y'')', '{k,v}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (''NaN''::float8, ''x''), (''NaN'', ''y'')', '{k,v}') $$);
DROP TABLE t;
CREATE TABLE t (k char(5) COLLATE "C" PRIMARY KEY, v text);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (''a''::char(1), ''x''), (''a  ''::char(3), ''y'')', '{k,v}') $$);
DROP TABLE t;
CREATE TABLE t (k timestamptz PRIMARY KEY, v text);
SELECT left(line, 65) FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (''2000-01-01 00:00+00''::timestamptz, ''x''), (''2000-01-01 01:00+01'', ''y'')', '{k,v}') $$) AS line
 WHERE line LIKE 'ERROR%';
DROP TABLE t;

-- Composite keys of different types
CREATE TABLE t (a text COLLATE "C", b int, c date, d mood, v int, PRIMARY KEY (c, a, d, b));
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT chr(97 + i % 3), i % 4, '2000-01-01'::date + i % 2, (enum_range(NULL::mood))[1 + i % 4], 0
  FROM generate_series(0, 11) AS i;
INSERT INTO plain TABLE t;
CREATE TABLE new AS SELECT a, b, c, d, b + 1 AS v FROM t;
INSERT INTO new SELECT a, b, c, 'ok', -1 FROM new WHERE d = 'sad';
SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing
  FROM bulk_update_query('t', 'SELECT b, a, v, c, d FROM new ORDER BY b DESC, a', chunk_size => 4);
UPDATE plain AS t SET v = new.v FROM new WHERE (t.a, t.b, t.c, t.d) = (new.a, new.b, new.c, new.d);
SELECT * FROM test_diff('t', 'plain');
SELECT first_key, last_key FROM bulk_update_query('t', 'SELECT a, b, c::timestamp, d, v FROM new', '{a,b,c,d,v}');
DROP TABLE t, plain, new;

DROP FUNCTION test_key;
DROP DOMAIN small, positive, word, mood_domain, ints, range_domain, pair_domain, char_domain;
DROP TYPE mood, pair;
