--
-- Examples for each policy
--
CREATE SCHEMA readme_policies;
SET search_path = readme_policies, public;

CREATE TABLE objects (id int PRIMARY KEY, field1 int CONSTRAINT objects_field1_check CHECK (field1 >= 0), field2 text);
INSERT INTO objects SELECT i, i, 'old' FROM generate_series(1, 10) AS i;
CREATE TABLE staging (line int GENERATED ALWAYS AS IDENTITY, id int, field1 int, field2 text);
INSERT INTO staging (id, field1, field2) SELECT i, i * 10, 'new' FROM generate_series(1, 5) AS i;

-- A key that occurs twice: an error by default
INSERT INTO staging (id, field1, field2) VALUES (3, 33, 'newer');
BEGIN;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT * FROM bulk_update('objects', 'c');
ROLLBACK;
-- or the last of them
BEGIN;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT rows_fetched, rows_updated, rows_duplicate FROM bulk_update('objects', 'c', on_duplicate => 'last');
COMMIT;
SELECT * FROM objects WHERE id <= 5 ORDER BY id;

-- A key that no row has: counted by default, or an error
INSERT INTO staging (id, field1, field2) VALUES (11, 110, 'new');
BEGIN;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT rows_fetched, rows_updated, rows_missing, rows_duplicate FROM bulk_update('objects', 'c', on_duplicate => 'last');
DECLARE d CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT * FROM bulk_update('objects', 'd', on_duplicate => 'last', on_missing => 'error');
ROLLBACK;

-- What would happen?
BEGIN READ ONLY;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing, sum(rows_duplicate) AS duplicate
  FROM bulk_update('objects', 'c', on_duplicate => 'last', dry_run => true);
COMMIT;

-- Rows that already have these values are not written
BEGIN;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate
  FROM bulk_update('objects', 'c', on_duplicate => 'last', skip_unchanged => true);
COMMIT;

-- A row that cannot be applied: an error that names it
INSERT INTO staging (id, field1, field2) VALUES (6, 60, 'new'), (7, -7, 'new'), (8, 80, 'new');
\set SHOW_CONTEXT never
SELECT * FROM bulk_update_query('objects', 'SELECT id, field1, field2 FROM staging WHERE id > 5 ORDER BY id');
\set SHOW_CONTEXT errors
SELECT * FROM test_error($$ SELECT bulk_update_query('objects', 'SELECT id, field1, field2 FROM staging WHERE id > 5 ORDER BY id') $$);
-- or set aside, with all rows that were not applied
SELECT bulk_update_create_rejects('objects_rejects');
BEGIN;
DECLARE c CURSOR FOR SELECT id, field1, field2 FROM staging ORDER BY line;
SELECT rows_fetched, rows_updated, rows_missing, rows_duplicate, rows_rejected
  FROM bulk_update('objects', 'c', on_duplicate => 'last', on_error => 'skip', reject_limit => 1000, rejects => 'objects_rejects');
COMMIT;
SELECT source_row, reason, key, new_values, sqlstate, constraint_name FROM objects_rejects ORDER BY source_row;

-- Repair the rows in place, and replay them
SELECT max(run) AS run FROM objects_rejects \gset
UPDATE objects_rejects SET new_values = jsonb_set(new_values, '{field1}', '0')
 WHERE run = :run AND constraint_name = 'objects_field1_check';
SELECT format($query$
    SELECT r.id, r.field1, r.field2
    FROM objects_rejects AS j
         CROSS JOIN jsonb_populate_record(NULL::objects, j.key || j.new_values) AS r
    WHERE j.run = %s AND j.reason = 'error' $query$, :run) AS replay \gset
SELECT rows_fetched, rows_updated, rows_rejected FROM bulk_update_query('objects', :'replay');
SELECT * FROM objects ORDER BY id;

-- Following the progress
SELECT pid, target, phase, rows_fetched, rows_estimated, rows_per_second, elapsed FROM bulk_update_progress;

SET client_min_messages = warning;
DROP SCHEMA readme_policies CASCADE;
