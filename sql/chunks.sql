--
-- A chunk ends when its rows fill work_mem
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, 'old' FROM generate_series(1, 2000) AS i;
INSERT INTO plain TABLE t;
SET work_mem = '64kB';
BEGIN;
DECLARE c CURSOR FOR SELECT id, repeat('x', 1000) || id AS v FROM plain ORDER BY id;
CREATE TEMPORARY TABLE r AS SELECT * FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain SET v = repeat('x', 1000) || id;
SELECT * FROM test_diff('t', 'plain');
-- 64 such rows are more than 64kB; at least half of it is used
SELECT sum(rows_updated), max(rows_fetched) < 64 AS fit,
       min(rows_fetched) FILTER (WHERE chunk < 2000 / 64) > 16 AS filled,
       max(memory_bytes) < 1024 * 1024 AS bounded
  FROM r;
DROP TABLE r;
-- narrow rows count too
BEGIN;
DECLARE c CURSOR FOR SELECT id, id::text AS v FROM plain ORDER BY id;
CREATE TEMPORARY TABLE r AS SELECT * FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain SET v = id::text;
SELECT * FROM test_diff('t', 'plain');
SELECT sum(rows_updated), count(*) > 1 AS several FROM r;
DROP TABLE r;
-- chunk_size applies first if it is less
SELECT count(*), sum(rows_updated)
  FROM bulk_update_query('t', 'SELECT id, repeat(''y'', 1000) FROM plain', '{id,v}', chunk_size => 10);
-- a row larger than work_mem is alone in its chunk
BEGIN;
DECLARE c CURSOR FOR
    SELECT id, repeat('z', CASE WHEN id IN (3, 4, 8) THEN 200000 ELSE 10 END) AS v
      FROM plain WHERE id <= 10 ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
SELECT id, length(v), v = repeat('z', length(v)) AS intact FROM t WHERE id <= 11 ORDER BY id;
RESET work_mem;
DROP TABLE t, plain;
