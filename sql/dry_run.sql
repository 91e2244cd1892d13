--
-- dry_run: the same report, no change
--
CREATE SCHEMA dry_run;
SET search_path = dry_run, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a < 100), b text);
INSERT INTO t SELECT i, i, 'old' FROM generate_series(1, 10) AS i;
CREATE TABLE before AS SELECT ctid AS place, xmin AS creator, xmax AS locker, * FROM t;
CREATE TABLE source (n int PRIMARY KEY, id text, a numeric);
INSERT INTO source VALUES (1, 1, 1), (2, 2, -2), (3, 3, 3e9), (4, 4, 100), (5, 11, 5), (6, NULL, 6), (7, 2, 7), (8, 'three', 8), (9, 9, -9);
SELECT bulk_update_create_rejects('r');
-- no trigger fires
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fired';
END
$$;
CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER b BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION fire();
CREATE TRIGGER c AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION fire();

-- Rows that would be updated, unchanged, missing, duplicate, rejected by coercion; row 4, which a constraint
-- would reject, counts as updated
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first', on_error => 'skip', dry_run => true);
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'last', on_error => 'skip', skip_unchanged => true,
                                      dry_run => true, chunk_size => 4);
-- and these rows are recorded
SELECT sum(rows_fetched) FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first', on_error => 'skip', rejects => 'r', dry_run => true);
SELECT source_row, reason, key, new_values, sqlstate FROM r ORDER BY source_row;

-- The same errors, where there are any
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n NOT IN (3, 8) ORDER BY n', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n < 3 OR n = 5 ORDER BY n', on_missing => 'error', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first', on_error => 'skip', reject_limit => 1, dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT n AS id, a AS nothing FROM source', dry_run => true) $$);

-- Nothing was written, no row was locked
SELECT count(*) FROM t JOIN before AS b USING (id)
 WHERE (t.ctid::text, t.xmin::text, t.xmax::text, t.a) = (b.place::text, b.creator::text, b.locker::text, b.a);

-- The weakest lock on the table, no row locks
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source WHERE n < 3', dry_run => true);
SELECT relation::regclass, mode FROM pg_locks
 WHERE pid = pg_backend_pid() AND relation IN ('t'::regclass, 't_pkey'::regclass) ORDER BY 1, 2;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;

-- In a read-only transaction; with a table of rejects it is a command that writes
BEGIN READ ONLY;
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM source ORDER BY n', on_duplicate => 'first', on_error => 'skip', dry_run => true);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n = 5', rejects => 'r', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM source WHERE n = 5') $$);
COMMIT;

-- A cursor is read to its end, as in a real run
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, a FROM source WHERE n < 3 ORDER BY n;
SELECT :report FROM bulk_update('t', 'c', dry_run => true);
FETCH c;
MOVE ABSOLUTE 0 IN c;
SELECT :report FROM bulk_update('t', 'c', dry_run => true);
COMMIT;

-- Privileges are those of the real run
CREATE ROLE regress_bulk_update_dry_run;
GRANT USAGE ON SCHEMA dry_run TO regress_bulk_update_dry_run;
GRANT SELECT ON t TO regress_bulk_update_dry_run;
SET ROLE regress_bulk_update_dry_run;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', dry_run => true) $$);
RESET ROLE;
GRANT UPDATE (a) ON t TO regress_bulk_update_dry_run;
SET ROLE regress_bulk_update_dry_run;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', dry_run => true);
RESET ROLE;
-- rows hidden by a policy are missing
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (id < 3);
SET ROLE regress_bulk_update_dry_run;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (2, 1), (3, 1)', '{id,a}', dry_run => true);
RESET ROLE;

-- Partitions and children
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1, 1), (11, 11);
SELECT :report FROM bulk_update_query('parts', 'VALUES (1, 1), (2, 1), (11, 1), (30, 1)', '{id,v}', skip_unchanged => true, dry_run => true);
TABLE parts;

-- A dry run reports the same as the run that follows, if no constraint or trigger interferes
CREATE TABLE large (id int PRIMARY KEY, v int);
INSERT INTO large SELECT i, i % 7 FROM generate_series(1, 3000) AS i WHERE i % 5 <> 0;
SELECT 'SELECT (hashint4(i) & 4095) AS id, CASE WHEN i % 11 = 0 THEN 3e9 ELSE i % 3 END AS v FROM generate_series(1, 4000) AS i' AS awkward \gset
CREATE FUNCTION account(query text, policy text, skip bool, dry bool)
RETURNS TABLE (fetched numeric, updated numeric, unchanged numeric, missing numeric, duplicate numeric, rejected numeric)
LANGUAGE sql AS $$
    SELECT sum(rows_fetched), sum(rows_updated), sum(rows_unchanged), sum(rows_missing), sum(rows_duplicate), sum(rows_rejected)
      FROM bulk_update_query('large', query, on_duplicate => policy, on_error => 'skip', skip_unchanged => skip,
                             dry_run => dry, chunk_size => 512)
$$;
CREATE TABLE told AS SELECT policy, skip, a.* FROM unnest('{first,last}'::text[]) AS policy, unnest('{f,t}'::bool[]) AS skip,
                                                   account(:'awkward', policy, skip, true) AS a;
BEGIN;
SELECT * FROM account(:'awkward', 'first', false, false) EXCEPT
SELECT fetched, updated, unchanged, missing, duplicate, rejected FROM told WHERE policy = 'first' AND NOT skip;
ROLLBACK;
SELECT * FROM account(:'awkward', 'last', true, false) EXCEPT
SELECT fetched, updated, unchanged, missing, duplicate, rejected FROM told WHERE policy = 'last' AND skip;
SELECT bool_and(updated > 100 AND missing > 100 AND duplicate > 100 AND rejected > 100) AS a_bit_of_everything,
       bool_and(unchanged > 100 OR NOT skip) AS and_unchanged FROM told;

SET client_min_messages = warning;
DROP SCHEMA dry_run CASCADE;
DROP ROLE regress_bulk_update_dry_run;
