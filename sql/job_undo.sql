--
-- Jobs: taking one back by another one
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_undo CASCADE;
CREATE SCHEMA job_undo;
RESET client_min_messages;
SET search_path = job_undo, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
CREATE TABLE before AS SELECT i AS id, 'old ' || i AS v, i AS n FROM generate_series(1, 20) AS i;
INSERT INTO t TABLE before;
CREATE VIEW jobs AS
SELECT j.name, state, batches_done AS done, rows_total, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing,
       rows_stale AS stale, rows_rejected AS rejected, rows_done = rows_total AS adds_up, dry_run,
       (SELECT name FROM bulk_update_jobs AS o WHERE o.run = j.undoes) AS undoes, batch_rows
  FROM bulk_update_jobs AS j ORDER BY run;
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_old_values('redo', 't');
SELECT bulk_update_create_rejects('rejects');
SELECT bulk_update_job_create('do', 't', 'SELECT i AS id, ''new'' AS v, -i AS n FROM generate_series(1, 22) AS i', batch_rows => 6, old_values => 'kept');

-- Nothing has been done yet: nothing to take back
SELECT line FROM test_error($$ SELECT bulk_update_job_undo('do', 'too early') $$) AS t (line) WHERE line NOT LIKE 'ERROR%';
-- half of it is done
CALL bulk_update_job_run('do', 2);
BEGIN;
SELECT bulk_update_job_undo('do', 'half');
ROLLBACK;
CALL bulk_update_job_run('do');
SELECT * FROM jobs;

-- A dry run of the undo
SELECT bulk_update_job_undo('do', 'dry', dry_run => true);
CALL bulk_update_job_run('dry');
SELECT count(*) FROM t WHERE v = 'new';
-- Rows that have changed since are spared, and those that are gone; the new values are kept
UPDATE t SET v = 'newer' WHERE id = 3;
DELETE FROM t WHERE id = 9;
UPDATE t SET v = 'old 12', n = 12 WHERE id = 12;
SELECT bulk_update_job_undo('do', 'undo', 4, rejects => 'rejects', redo_values => 'redo', rows_table => 'job_undo.rows of undo');
SELECT bulk_update_job_undo('do', 'undo', 4, rejects => 'rejects', redo_values => 'redo', rows_table => 'job_undo."rows of undo"');
CALL bulk_update_job_run('undo', 1);
SELECT * FROM jobs;
SELECT bulk_update_job_pause('undo');
SELECT bulk_update_job_resume('undo');
CALL bulk_update_job_run('undo');
SELECT * FROM jobs;
SELECT b.batch, first_row, last_row, rows_updated, rows_missing, rows_stale FROM bulk_update_job_batches AS b WHERE name = 'undo' ORDER BY 1;
SELECT chunk, source_row, reason, key FROM rejects ORDER BY source_row;
SELECT * FROM t AS a FULL JOIN before AS b USING (id) WHERE a IS DISTINCT FROM b ORDER BY id;
SELECT count(*), min(new_v), max(old_v) FROM redo;
-- An undo of the undo does it again
SELECT bulk_update_job_undo('undo', 'redo');
CALL bulk_update_job_run('redo');
SELECT * FROM jobs WHERE name = 'redo';
SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
-- A second undo of the same job finds everything as it was
UPDATE t SET v = b.v, n = b.n FROM before AS b WHERE b.id = t.id;
SELECT bulk_update_job_undo('do', 'again', on_stale => 'error');
CALL bulk_update_job_run('again');
\echo :SQLSTATE
SELECT batch, state, sqlstate FROM bulk_update_job_batches WHERE name = 'again' AND batch > 0;

-- Errors
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('again', 'x') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'do') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'x', batch_rows => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'x', on_stale => 'x') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'x', dry_run => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'x', redo_values => 'rejects') $$) AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('do', 'x', redo_values => 'kept') $$) AS line WHERE line LIKE 'ERROR%';
SELECT bulk_update_job_drop('redo');
SELECT bulk_update_job_drop('again');
-- The job that is undone may be gone, its table of old values may not
SELECT bulk_update_job_undo('do', 'last');
SELECT bulk_update_job_drop('do');
SELECT name, undoes IS NOT NULL AS undoes FROM bulk_update_jobs ORDER BY run;
CALL bulk_update_job_run('last');
SELECT * FROM jobs WHERE name = 'last';
ALTER TABLE redo RENAME TO renamed;
SELECT bulk_update_job_undo('undo', 'of renamed');
DROP TABLE renamed;
SELECT line ~ '^ERROR 42P01' FROM test_error($$ SELECT bulk_update_job_undo('undo', 'y') $$) AS t (line);
SELECT bulk_update_job_drop(name) FROM bulk_update_jobs;
SET client_min_messages = warning;
DROP SCHEMA job_undo CASCADE;
