--
-- The contract of bulk_update() on ordinary tables
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'
\set SHOW_CONTEXT never

CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, a int, b text);
INSERT INTO t SELECT i, i, 'old ' || i FROM generate_series(1, 10) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT i, -i, 'new ' || i FROM generate_series(1, 10) AS i;

-- One chunk
BEGIN;
DECLARE c CURSOR FOR SELECT id, a, b FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain AS t SET a = new.a, b = new.b FROM new WHERE t.id = new.id;
\echo rows of plain UPDATE: :ROW_COUNT
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;

-- The columns that differ between runs; the types of all columns
BEGIN;
DECLARE c CURSOR FOR SELECT id, a, b FROM new ORDER BY id;
SELECT elapsed_ms >= 0 AS elapsed, elapsed_ms < 60000 AS sane, memory_bytes > 0 AS memory,
       memory_bytes < 64 * 1024 * 1024 AS bounded
  FROM bulk_update('t', 'c', chunk_size => 5);
COMMIT;
CREATE VIEW result AS SELECT * FROM bulk_update_query('t', '');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = 'result'::regclass AND attnum > 0 ORDER BY attnum;
DROP VIEW result;

-- Chunk sizes: all rows are updated, each once
CREATE TABLE sizes AS
SELECT size, r.* FROM unnest(ARRAY[1, 2, 3, 5, 7, 9, 10, 11, 1000, 2147483647]) AS size,
       LATERAL bulk_update_query('t', format('SELECT id, a + %s AS a FROM new ORDER BY id', size),
                                 chunk_size => size) AS r;
SELECT size, count(*) AS chunks, array_agg(rows_fetched ORDER BY chunk) AS fetched,
       sum(rows_updated) AS updated, array_agg(chunk ORDER BY chunk) = array_agg(n ORDER BY n) AS numbered,
       array_agg(first_key || '-' || last_key ORDER BY chunk) AS keys
  FROM (SELECT *, row_number() OVER (PARTITION BY size ORDER BY chunk) AS n FROM sizes) AS s
 GROUP BY size ORDER BY size;
SELECT count(*) FROM t JOIN new USING (id) WHERE t.a <> new.a + 2147483647;
SELECT count(*) AS bad_sums FROM sizes
 WHERE rows_fetched <> rows_updated + rows_unchanged + rows_missing + rows_stale + rows_duplicate + rows_rejected;
DROP TABLE sizes;

-- An empty source has no chunks
BEGIN;
DECLARE c CURSOR FOR SELECT id, a, b FROM new WHERE false;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;

-- An empty target
CREATE TABLE empty (LIKE t INCLUDING ALL);
SELECT :report FROM bulk_update_query('empty', 'TABLE new', chunk_size => 4);
SELECT count(*) FROM empty;
DROP TABLE empty;

-- The order of the source does not matter; the report has the lowest and the highest key
BEGIN;
DECLARE c CURSOR FOR SELECT id, a * 2 AS a FROM new ORDER BY id DESC;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 4);
COMMIT;
UPDATE plain AS t SET a = new.a * 2 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');

-- Columns by name in any order: the key need not come first
BEGIN;
DECLARE c CURSOR FOR SELECT b || '!' AS b, id FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain AS t SET b = new.b || '!' FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');

-- Columns by position, whatever their names are
BEGIN;
DECLARE c CURSOR FOR SELECT b AS id, a AS b, id AS a FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', columns => '{b, a, id}');
COMMIT;
UPDATE plain AS t SET a = new.a, b = new.b FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');

-- Columns without names, positional arguments
BEGIN;
DECLARE c CURSOR FOR VALUES (1, 100), (2, 200);
SELECT :report FROM bulk_update('t', 'c', '{id,a}', '{id}', 1);
COMMIT;
UPDATE plain SET a = id * 100 WHERE id <= 2;
SELECT * FROM test_diff('t', 'plain');

-- Missing rows are counted, in every chunk
BEGIN;
DECLARE c CURSOR FOR SELECT i AS id, i * 7 AS a FROM generate_series(-2, 14) AS i;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 5);
COMMIT;
UPDATE plain SET a = id * 7;
SELECT * FROM test_diff('t', 'plain');

-- A row that already has its new values is updated, as by UPDATE
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM t');
SELECT count(*) AS new_versions FROM t WHERE xmin = pg_current_xact_id()::xid;
COMMIT;

-- NULL is a value; a NULL key matches no row
BEGIN;
DECLARE c CURSOR FOR VALUES (1, NULL, 'one'), (NULL, 5, 'nothing'), (3, 3, NULL), (NULL, 6, NULL), (99, 0, '');
SELECT :report FROM bulk_update('t', 'c', columns => '{id,a,b}');
COMMIT;
UPDATE plain SET a = NULL, b = 'one' WHERE id = 1;
UPDATE plain SET a = 3, b = NULL WHERE id = 3;
SELECT * FROM test_diff('t', 'plain');

-- A chunk with only NULL keys has no first and last key
BEGIN;
DECLARE c CURSOR FOR VALUES (2, 22), (NULL, 5), (NULL, 6), (NULL, 7), (NULL, 8), (4, 44);
SELECT :report, first_key IS NULL AS no_key
  FROM bulk_update('t', 'c', columns => '{id,a}', chunk_size => 2);
COMMIT;
UPDATE plain SET a = id * 11 WHERE id IN (2, 4);
SELECT * FROM test_diff('t', 'plain');

-- The same key twice in a chunk is an error that names it and both source rows
BEGIN;
DECLARE c CURSOR FOR VALUES (5, 1), (3, 2), (9, 3), (3, 4), (1, 5);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', '{id,a}') $$);
COMMIT;
-- also when the rows are adjacent, also when no row has the key
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 2), (2, 3)', '{id,a}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (77, 1), (77, 2)', '{id,a}') $$);
-- in a later chunk; row numbers count from the first row of the call
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 2), (3, 3), (3, 4)', '{id,a}', chunk_size => 2) $$);
-- two NULL keys are not the same key
SELECT :report FROM bulk_update_query('t', 'VALUES (NULL::int, 1), (NULL, 1)', '{id,a}');
SELECT * FROM test_diff('t', 'plain');

-- The call is complete before it returns
BEGIN;
DECLARE c CURSOR FOR SELECT id, a * 3 AS a FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 2) LIMIT 1;
COMMIT;
UPDATE plain AS t SET a = new.a * 3 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
BEGIN;
DECLARE c CURSOR FOR SELECT id, a * 4 AS a FROM new ORDER BY id;
SELECT EXISTS (SELECT FROM bulk_update('t', 'c', chunk_size => 2)) AS any;
COMMIT;
UPDATE plain AS t SET a = new.a * 4 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
-- through a cursor over the call itself
BEGIN;
DECLARE c CURSOR FOR SELECT id, a * 5 AS a FROM new ORDER BY id;
DECLARE call CURSOR FOR SELECT :report FROM bulk_update('t', 'c', chunk_size => 2);
FETCH 1 FROM call;
CLOSE call;
COMMIT;
UPDATE plain AS t SET a = new.a * 5 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
-- in the select list
BEGIN;
DECLARE c CURSOR FOR SELECT id, a * 6 AS a FROM new ORDER BY id;
SELECT (bulk_update('t', 'c', chunk_size => 2)).first_key LIMIT 1;
COMMIT;
UPDATE plain AS t SET a = new.a * 6 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');

-- Rolled back to a savepoint
BEGIN;
DECLARE c CURSOR FOR SELECT id, 0 AS a FROM new ORDER BY id;
SAVEPOINT s;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 6);
ROLLBACK TO s;
SELECT * FROM test_diff('t', 'plain');
COMMIT;
SELECT * FROM test_diff('t', 'plain');

-- An error in a later chunk undoes the whole call
ALTER TABLE t ADD CHECK (a <> 13);
BEGIN;
DECLARE c CURSOR FOR SELECT id, id + 5 AS a FROM new ORDER BY id;
SAVEPOINT s;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 3);
ROLLBACK TO s;
SELECT * FROM test_diff('t', 'plain');
COMMIT;

DROP TABLE t, plain, new;
