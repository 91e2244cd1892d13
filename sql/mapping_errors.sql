--
-- Invalid arguments and sources: each raises one clear error
--
CREATE TABLE t (id int PRIMARY KEY, a int, gone int, g int GENERATED ALWAYS AS (a * 2) STORED,
                always int GENERATED ALWAYS AS IDENTITY, b text, d date);
ALTER TABLE t DROP COLUMN gone;
INSERT INTO t (id, a) SELECT i, i FROM generate_series(1, 3) AS i;
CREATE TABLE before AS TABLE t;

-- The error of a call with this query and these arguments
CREATE FUNCTION error_of(query text, arguments text DEFAULT '', target text DEFAULT 't') RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT test_error(format('SELECT * FROM bulk_update_query(%L, %L%s)', target, query,
                             CASE WHEN arguments = '' THEN '' ELSE ', ' || arguments END))
$$;

--
-- Arguments
--
BEGIN;
DECLARE c CURSOR FOR SELECT id, a FROM t;
SELECT * FROM test_error($$ SELECT bulk_update(NULL, 'c') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update(NULL, NULL, NULL, NULL, NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => -1) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => -2147483648) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', columns => '{}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', key_columns => '{}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', columns => '{id,NULL}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', key_columns => '{NULL}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', columns => '{{id,a}}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', key_columns => '{{id},{a}}') $$);
-- nothing was read from the cursor
FETCH c;
COMMIT;
-- an array may have any lower bound
SELECT rows_updated FROM bulk_update_query('t', 'SELECT a, id FROM t', '[5:6]={a,id}', '[-1:-1]={id}');
-- no such relation
SELECT * FROM error_of('SELECT id, a FROM t', target => 'nothing');
SELECT * FROM test_error($$ SELECT bulk_update_query(0::oid::regclass, 'SELECT id, a FROM t') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query(4000000000::oid::regclass, 'SELECT id, a FROM t') $$);
-- arguments are checked before the cursor, and the cursor before the target
SELECT * FROM test_error($$ SELECT bulk_update(4000000000::oid::regclass, 'nothing', chunk_size => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update(4000000000::oid::regclass, 'nothing') $$);

--
-- Columns
--
-- their number
SELECT * FROM error_of('SELECT id, a FROM t', $$'{id}'$$);
SELECT * FROM error_of('SELECT id, a FROM t', $$'{id,a,b}'$$);
SELECT * FROM error_of('SELECT FROM t', $$'{id}'$$);
SELECT * FROM error_of('SELECT FROM t');
-- unknown
SELECT * FROM error_of('SELECT id, a AS nothing FROM t');
SELECT * FROM error_of('SELECT id, a + 1 FROM t');
SELECT * FROM error_of('SELECT id, a FROM t', $$'{id,nothing}'$$);
SELECT * FROM error_of('SELECT id, a FROM t', $$key_columns => '{nothing}'$$);
-- names are used as they are, without case folding
SELECT * FROM error_of('SELECT id, a AS "A" FROM t');
SELECT * FROM error_of('SELECT id, a FROM t', $$'{ID,a}'$$);
SELECT * FROM error_of('SELECT id, a FROM t', $$key_columns => '{ID}'$$);
SELECT * FROM error_of('SELECT id, a AS "" FROM t', $$'{id,""}'$$);
-- repeated
SELECT * FROM error_of('SELECT id, a, a FROM t');
SELECT * FROM error_of('SELECT id, a, id FROM t');
SELECT * FROM error_of('SELECT id, a, d FROM t', $$'{id,a,a}'$$);
SELECT * FROM error_of('SELECT id, a FROM t', $$key_columns => '{id,id}'$$);
-- dropped
SELECT * FROM error_of('SELECT id, a AS gone FROM t');
SELECT * FROM error_of('SELECT id, a AS "........pg.dropped.3........" FROM t');
-- system columns, also as keys
SELECT * FROM error_of('SELECT id, ctid FROM t');
SELECT * FROM error_of('SELECT id, a FROM t', $$'{tableoid,a}'$$);
SELECT * FROM error_of('SELECT ctid, a FROM t', $$key_columns => '{ctid}'$$);
SELECT * FROM error_of('SELECT id, a FROM t', $$key_columns => '{xmin}'$$);
-- columns whose values the server generates
SELECT * FROM error_of('SELECT id, a AS g FROM t');
SELECT * FROM error_of('SELECT id, a AS always FROM t');
-- no column to update
SELECT * FROM error_of('SELECT id FROM t');
SELECT * FROM error_of('SELECT id FROM t', $$key_columns => '{id}'$$);
-- a key column that the source does not have
SELECT * FROM error_of('SELECT a, b FROM t');
SELECT * FROM error_of('SELECT a, id FROM t', $$'{a,b}'$$);
SELECT * FROM error_of('SELECT a, id FROM t', $$key_columns => '{id,b}'$$);
-- types without an assignment cast
SELECT * FROM error_of('SELECT id, d AS a FROM t');
SELECT * FROM error_of('SELECT id, point(1, 2) AS d FROM t');
SELECT * FROM error_of('SELECT id > 0 AS id, a FROM t');
SELECT * FROM error_of('SELECT id, ROW(1, 2) AS b FROM t', $$'{id,a}'$$);
SELECT * FROM error_of('SELECT id, ARRAY[a] AS a FROM t');
-- text is read, an array of text is not
SELECT * FROM error_of('SELECT id, ARRAY[''1''] AS a FROM t');
SELECT * FROM error_of('SELECT id, ''one'' AS a FROM t');

--
-- Keys
--
CREATE TABLE no_key (a int, b int, c text, p point, j json, v int);
INSERT INTO no_key (a, b, c) VALUES (1, 1, 'x');
SELECT * FROM error_of('SELECT a, v FROM no_key', target => 'no_key');
-- no index
SELECT * FROM error_of('SELECT a, v FROM no_key', $$key_columns => '{a}'$$, 'no_key');
-- indexes that cannot be used
CREATE INDEX not_unique ON no_key (a);
CREATE INDEX hashed ON no_key USING hash (a);
CREATE UNIQUE INDEX partial ON no_key (a) WHERE a > 0;
CREATE UNIQUE INDEX expression ON no_key (abs(a));
CREATE UNIQUE INDEX half_expression ON no_key (a, abs(b));
CREATE UNIQUE INDEX two_columns ON no_key (a, b);
CREATE UNIQUE INDEX included ON no_key (b, c) INCLUDE (a);
ALTER TABLE no_key ADD EXCLUDE (a WITH =);
SELECT * FROM error_of('SELECT a, v FROM no_key', $$key_columns => '{a}'$$, 'no_key');
SELECT * FROM error_of('SELECT a, c, v FROM no_key', $$key_columns => '{c,a}'$$, 'no_key');
-- an invalid one
INSERT INTO no_key (a, b, c, v) VALUES (2, 2, 'x', 7), (3, 3, 'x', 7);
\set VERBOSITY sqlstate
CREATE UNIQUE INDEX CONCURRENTLY invalid ON no_key (v);
\set VERBOSITY default
SELECT indisvalid FROM pg_index WHERE indexrelid = 'invalid'::regclass;
SELECT * FROM error_of('SELECT a, v FROM no_key', $$key_columns => '{v}'$$, 'no_key');
DROP INDEX invalid;
-- a type without an ordering, where the index is on other columns
SELECT * FROM error_of('SELECT a, b, p, v FROM no_key', $$key_columns => '{a,b,p}'$$, 'no_key');
SELECT * FROM error_of('SELECT a, b, j, v FROM no_key', $$key_columns => '{a,b,j}'$$, 'no_key');
-- these can be used
SELECT rows_updated FROM bulk_update_query('no_key', 'SELECT a, b, 1 AS v FROM no_key', key_columns => '{a,b}');
SELECT rows_updated FROM bulk_update_query('no_key', 'SELECT a, b, c, 1 AS v FROM no_key', key_columns => '{b,c,a}');
SELECT rows_updated FROM bulk_update_query('no_key', 'SELECT b, c, 1 AS v FROM no_key', key_columns => '{b,c}');
-- a primary key that is not among the source's columns
ALTER TABLE no_key ADD PRIMARY KEY (b);
SELECT * FROM error_of('SELECT a, v FROM no_key', target => 'no_key');
DROP TABLE no_key;

--
-- Read-only transactions
--
CREATE TEMPORARY TABLE temp (id int PRIMARY KEY, a int);
INSERT INTO temp VALUES (1, 1);
BEGIN READ ONLY;
SELECT * FROM error_of('SELECT id, a + 1 AS a FROM t');
SELECT * FROM error_of('SELECT id, a + 1 AS a FROM t WHERE false');
-- temporary tables can be changed there
SELECT rows_updated FROM bulk_update_query('temp', 'SELECT id, a + 1 AS a FROM temp');
SELECT * FROM temp;
COMMIT;

-- The cases above with a cursor instead of a query: the cursor is unchanged
BEGIN;
DECLARE c CURSOR FOR SELECT id, a, d AS nothing FROM t ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', '{id,d,a}') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', '{id,a}') $$);
SELECT rows_updated FROM bulk_update('t', 'c', '{id,a,d}');
COMMIT;

-- Nothing has been changed by all this
SELECT * FROM test_diff('t', 'before');

DROP TABLE t, before, temp;
DROP FUNCTION error_of;
