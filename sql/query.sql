--
-- bulk_update_query(): the same from the text of a query
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, a int, b text);
INSERT INTO t SELECT i, i, 'old ' || i FROM generate_series(1, 6) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT i, -i, 'new ' || i FROM generate_series(2, 8) AS i;

-- By name, by position, several chunks, another key
SELECT :report FROM bulk_update_query('t', 'SELECT b, id, a FROM new ORDER BY id');
UPDATE plain AS t SET a = new.a, b = new.b FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT :report FROM bulk_update_query('t', 'SELECT 10 * a, id FROM new ORDER BY id', columns => '{a,id}', chunk_size => 3);
UPDATE plain AS t SET a = 10 * new.a FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
CREATE UNIQUE INDEX ON t (b);
SELECT :report FROM bulk_update_query('t', 'SELECT b, a FROM new ORDER BY id', key_columns => '{b}');
UPDATE plain AS t SET a = new.a FROM new WHERE t.b = new.b;
SELECT * FROM test_diff('t', 'plain');

-- Other commands that return rows
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''one''), (2, ''two'')', '{id,b}');
SELECT :report FROM bulk_update_query('t', 'TABLE new');
SELECT :report FROM bulk_update_query('t', 'WITH w AS (SELECT id, a + 1 AS a FROM new) SELECT * FROM w ORDER BY id;');
SELECT :report FROM bulk_update_query('t', '  -- a comment
    SELECT id, b /* another */ FROM new ORDER BY id ;  ');
UPDATE plain SET b = 'one' WHERE id = 1;
UPDATE plain AS t SET a = new.a + 1, b = new.b FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');

-- No rows, no chunks
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM new WHERE false');

-- A query over the target itself
SELECT :report FROM bulk_update_query('t', 'SELECT id, a + 1000 AS a FROM t WHERE a < 1000 ORDER BY id', chunk_size => 2);
UPDATE plain SET a = a + 1000 WHERE a < 1000;
SELECT * FROM test_diff('t', 'plain');

-- Rows that a data-modifying command returns
SELECT :report FROM bulk_update_query('t', 'DELETE FROM new WHERE id = 8 RETURNING id, a');
SELECT :report FROM bulk_update_query('t', 'UPDATE new SET a = id RETURNING id, a', chunk_size => 4);
SELECT :report FROM bulk_update_query('t', 'INSERT INTO new VALUES (1, 1, ''one'') RETURNING id, a');
SELECT :report FROM bulk_update_query('t', 'WITH w AS (UPDATE new SET a = a + 1 RETURNING id, a) SELECT * FROM w ORDER BY id', chunk_size => 4);
SELECT :report FROM bulk_update_query('t', 'UPDATE t SET a = 5 WHERE id = 5 RETURNING id, a + 1 AS a');
UPDATE plain SET a = id + 1;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM new ORDER BY id;

-- The query sees what the transaction has done before
BEGIN;
INSERT INTO t VALUES (7, 7, '');
INSERT INTO plain VALUES (7, 8, '');
SELECT :report FROM bulk_update_query('t', 'SELECT id, a + 1 AS a FROM t WHERE id = 7');
COMMIT;
SELECT * FROM test_diff('t', 'plain');

-- The cursor is closed afterwards, also after an error, and others stay open
BEGIN;
DECLARE mine CURSOR FOR SELECT 1 AS one;
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM t WHERE id = 7');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a / 0 FROM t', '{id,a}') $$);
SELECT name, statement FROM pg_cursors WHERE name <> '' ORDER BY name;
FETCH mine;
COMMIT;

-- Two calls in one statement
SELECT x.rows_updated, y.rows_updated
  FROM bulk_update_query('t', 'VALUES (1, 101)', '{id,a}') AS x,
       bulk_update_query('t', 'VALUES (1, 102), (2, 202)', '{id,a}') AS y;
SELECT id, a FROM t WHERE id IN (1, 2) ORDER BY id;

-- Errors of the query itself
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, nothing FROM t') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELEC id FROM t') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, $1 FROM t') $$);
-- in the middle of the rows
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i AS id, 10 / (4 - i) AS a FROM generate_series(1, 9) AS i', chunk_size => 2) $$);

-- Not a query, or more than one
SELECT * FROM test_error($$ SELECT bulk_update_query('t', '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', ' ; ') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', '-- nothing') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'TABLE new; TABLE new') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'DELETE FROM new; TABLE new') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'UPDATE new SET a = 1') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'INSERT INTO new VALUES (1, 1)') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'WITH w AS (TABLE new) DELETE FROM new') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'CREATE TABLE x (id int, a int)') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SET work_mem = 1000') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'COMMIT') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a INTO x FROM t') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'DECLARE d CURSOR FOR TABLE new') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'COPY new TO STDOUT') $$);

-- Utility commands that return rows: their columns do not match
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'EXPLAIN TABLE new') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SHOW work_mem') $$);
-- if they match, the command can be the source
CREATE TABLE settings (value text PRIMARY KEY, seen text);
INSERT INTO settings VALUES ('64kB');
SET work_mem = '64kB';
SELECT * FROM test_error($$ SELECT bulk_update_query('settings', 'SHOW work_mem', '{value}') $$);
RESET work_mem;
DROP TABLE settings;

-- SELECT without columns
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT FROM new') $$);

DROP TABLE t, plain, new;
