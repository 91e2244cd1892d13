--
-- The key: primary key, other unique indexes, composite keys, NULLs
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (a int, b text COLLATE "C", c int NOT NULL, d int, v text, PRIMARY KEY (a, b));
CREATE UNIQUE INDEX ON t (c);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i % 3, chr(96 + i), i, i * 10, 'old' FROM generate_series(1, 9) AS i;
INSERT INTO plain TABLE t;

-- Composite primary key; keys are shown as row literals, columns in the source's order
BEGIN;
DECLARE c CURSOR FOR SELECT a, b, 'new ' || c AS v FROM plain ORDER BY c;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 4);
DECLARE d CURSOR FOR SELECT b, 'newer ' || c AS v, a FROM plain ORDER BY c;
SELECT :report FROM bulk_update('t', 'd', chunk_size => 4);
COMMIT;
UPDATE plain SET v = 'newer ' || c;
SELECT * FROM test_diff('t', 'plain');

-- A key with a NULL in it matches no row
BEGIN;
DECLARE c CURSOR FOR VALUES (1, 'a', 'x'), (1, NULL, 'y'), (NULL, 'a', 'z'), (2, 'b', 'w'), (1, NULL, 'y');
SELECT :report FROM bulk_update('t', 'c', '{a,b,v}');
COMMIT;
UPDATE plain SET v = CASE WHEN a = 1 THEN 'x' ELSE 'w' END WHERE (a, b) IN ((1, 'a'), (2, 'b'));
SELECT * FROM test_diff('t', 'plain');

-- The composite key twice; half of it twice is no duplicate
SELECT * FROM test_error($$ SELECT bulk_update_query('t', $q$ VALUES (1, 'a', ''), (1, 'b', ''), (2, 'a', ''), (1, 'a', '') $q$, '{a,b,v}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', $q$ VALUES ('a', '', 1), ('a', '', 1) $q$, '{b,v,a}') $$);

-- Another unique index; the primary key's columns are then values
BEGIN;
DECLARE c CURSOR FOR SELECT c, upper(b) AS b, d + 1 AS d FROM plain ORDER BY c;
SELECT :report FROM bulk_update('t', 'c', key_columns => '{c}');
COMMIT;
UPDATE plain SET b = upper(b), d = d + 1;
SELECT * FROM test_diff('t', 'plain');

-- A key with more columns than the unique index: all its columns must be equal
BEGIN;
DECLARE c CURSOR FOR VALUES (1, 11, 'match'), (2, 0, 'no match'), (3, NULL, 'null'), (4, 41, 'match');
SELECT :report FROM bulk_update('t', 'c', '{c,d,v}', key_columns => '{c,d}');
COMMIT;
UPDATE plain SET v = 'match' WHERE c IN (1, 4);
SELECT * FROM test_diff('t', 'plain');
-- different keys for the same row: at most one of them matches
BEGIN;
DECLARE c CURSOR FOR VALUES (1, 10, 'no'), (1, 11, 'yes'), (1, 12, 'no');
SELECT :report FROM bulk_update('t', 'c', '{c,d,v}', key_columns => '{c,d}');
COMMIT;
UPDATE plain SET v = 'yes' WHERE c = 1;
SELECT * FROM test_diff('t', 'plain');
-- both unique keys together, in another order than in the index
BEGIN;
DECLARE c CURSOR FOR SELECT d, v || '+' AS v, c, b, a FROM plain ORDER BY c DESC;
SELECT :report FROM bulk_update('t', 'c', key_columns => '{c,b,a}', chunk_size => 5);
COMMIT;
UPDATE plain SET v = v || '+';
SELECT * FROM test_diff('t', 'plain');

-- Unique indexes with INCLUDE columns, with DESC, with NULLS NOT DISTINCT
CREATE TABLE k (a int, b int, c int, v int);
CREATE UNIQUE INDEX ON k (a) INCLUDE (v);
CREATE UNIQUE INDEX ON k (b DESC NULLS FIRST);
CREATE UNIQUE INDEX ON k (c) NULLS NOT DISTINCT;
INSERT INTO k VALUES (1, 10, 100, 0), (2, 20, 200, 0), (NULL, NULL, NULL, 0);
SELECT :report FROM bulk_update_query('k', 'VALUES (1, 1), (2, 2), (NULL, 3)', '{a,v}', '{a}');
SELECT * FROM k ORDER BY a;
SELECT :report FROM bulk_update_query('k', 'VALUES (10, 3), (NULL, 3), (20, 4)', '{b,v}', '{b}');
SELECT * FROM k ORDER BY a;
SELECT :report FROM bulk_update_query('k', 'VALUES (100, 5), (NULL, 6), (200, 7)', '{c,v}', '{c}');
SELECT * FROM k ORDER BY a;
DROP TABLE k, t, plain;
