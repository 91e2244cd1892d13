--
-- on_missing: what happens to source rows with a key that no row has
--
CREATE SCHEMA on_missing;
SET search_path = on_missing, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, i FROM generate_series(1, 10) AS i;
CREATE TABLE source (n int PRIMARY KEY, id int, a int);
INSERT INTO source VALUES (1, 1, -1), (2, 12, -12), (3, 3, -3), (4, NULL, 0), (5, 5, -5), (6, 11, -11), (7, NULL, 0), (8, 8, -8);
SELECT bulk_update_create_rejects('r');

-- 'ignore', the default: they are counted, and recorded if there is a table of rejects
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', chunk_size => 3);
SELECT :report FROM bulk_update_query('t', 'SELECT id, a - 100 AS a FROM source ORDER BY n', on_missing => 'ignore', rejects => 'r');
SELECT * FROM t ORDER BY id;
SELECT target, chunk, source_row, reason, key, new_values, sqlstate, message, detail, constraint_name
  FROM r ORDER BY source_row;

-- 'error': the first one of the chunk in the order of the source
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a - 200 AS a FROM source ORDER BY n', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a - 200 AS a FROM source ORDER BY n DESC', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a - 200 AS a FROM source WHERE id <> 12 ORDER BY id', on_missing => 'error', chunk_size => 2) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a - 200 AS a FROM source WHERE n > 3 ORDER BY n', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a - 200 AS a FROM source WHERE n IN (2, 6) ORDER BY n', on_missing => 'error', chunk_size => 1) $$);
-- nothing was changed, in the chunks before either
SELECT count(*) FROM t WHERE a < -200;
-- none is missing
SELECT :report FROM bulk_update_query('t', 'SELECT s.id, s.a FROM source AS s JOIN t USING (id) ORDER BY n', on_missing => 'error', chunk_size => 2);
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source WHERE false', on_missing => 'error');

-- The other policies do not affect this
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n > 5 ORDER BY n', on_missing => 'error', on_error => 'skip', rejects => 'r') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n < 4 ORDER BY n', on_missing => 'error', skip_unchanged => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n < 4 ORDER BY n', on_missing => 'error', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n = 7', on_missing => 'error', dry_run => true) $$);
-- a duplicate of a missing row is a duplicate; the error names the row that is kept
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 0), (99, 1), (99, 2)', '{id,a}', on_missing => 'error', on_duplicate => 'last') $$);
-- a row that cannot be applied is not missing
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > -1000);
SELECT :report FROM bulk_update_query('t', 'VALUES (1, -5), (2, -1000)', '{id,a}', on_missing => 'error', on_error => 'skip');
-- nor is a row whose update a trigger suppresses
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER suppress BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 3) EXECUTE FUNCTION suppress();
SELECT :report FROM bulk_update_query('t', 'VALUES (3, -5), (4, -5)', '{id,a}', on_missing => 'error');

-- After a caught error the session can continue
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT id, a FROM source ORDER BY n;
SELECT * FROM bulk_update('t', 'c', on_missing => 'error');
ROLLBACK TO s;
SELECT :report FROM bulk_update_query('t', 'VALUES (10, 10)', '{id,a}', on_missing => 'error');
COMMIT;

--
-- Keys of several columns: the message has all of them; one null is enough
--
CREATE TABLE composite (a int, b text, "Value" int, PRIMARY KEY (b, a));
INSERT INTO composite VALUES (1, 'x', 1), (1, 'y', 1);
SELECT :report FROM bulk_update_query('composite', $$ VALUES (1, 'x', 2), (2, 'x', 2), (NULL, 'x', 2), (1, NULL, 2), (NULL, NULL, 2) $$,
                                      '{a,b,Value}', rejects => 'r');
SELECT chunk, source_row, reason, key, new_values FROM r WHERE target = 'composite'::regclass ORDER BY source_row;
SELECT * FROM test_error($$ SELECT bulk_update_query('composite', 'VALUES (2, ''x, y'', 2)', '{a,b,Value}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('composite', 'VALUES (2, NULL::text, 2)', '{a,b,Value}', on_missing => 'error') $$);

-- Rows hidden by row-level security are missing
CREATE ROLE regress_bulk_update_missing;
GRANT USAGE ON SCHEMA on_missing TO regress_bulk_update_missing;
GRANT SELECT, UPDATE ON t TO regress_bulk_update_missing;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY below_5 ON t USING (id < 5);
SET ROLE regress_bulk_update_missing;
SELECT :report FROM bulk_update_query('t', 'VALUES (4, 4), (5, 5)', '{id,a}');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (4, 5), (5, 5)', '{id,a}', on_missing => 'error') $$);
RESET ROLE;

-- Partitions and children: missing in all of them
CREATE TABLE parts (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1, 1), (11, 11);
SELECT :report FROM bulk_update_query('parts', 'VALUES (1, 2), (2, 2), (11, 2), (12, 2), (25, 2)', '{id,a}');
SELECT * FROM test_error($$ SELECT bulk_update_query('parts', 'VALUES (1, 2), (11, 2), (25, 2)', '{id,a}', on_missing => 'error') $$);

SET client_min_messages = warning;
DROP SCHEMA on_missing CASCADE;
DROP ROLE regress_bulk_update_missing;
