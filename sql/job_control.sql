--
-- Jobs: changing settings, dividing anew, pausing, cancelling, dropping
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_control CASCADE;
CREATE SCHEMA job_control;
RESET client_min_messages;
SET search_path = job_control, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0);
INSERT INTO t SELECT generate_series(1, 40);
CREATE VIEW batches AS
SELECT batch, state, first_row AS first, last_row AS last, rows_updated AS updated FROM bulk_update_job_batches WHERE name = 'j' ORDER BY batch;
CREATE VIEW job AS
SELECT state, batches, batches_done AS done, batch_rows, rows_total, rows_done, rows_updated AS updated FROM bulk_update_jobs WHERE name = 'j';
CREATE VIEW settings AS
SELECT batch_rows, pause, max_rows_per_second, lock_timeout, max_retries, max_replica_lag, max_slot_lag_bytes, throttle_query, max_throttle FROM bulk_update_jobs WHERE name = 'j';

SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS n FROM generate_series(1, 40) AS i', batch_rows => 10);
SELECT * FROM settings;
SELECT bulk_update_job_alter('j');
SELECT bulk_update_job_alter('j', pause => '1 ms', rows_per_second => 1000000, lock_timeout => '5 s', max_retries => 7, max_replica_lag => '10 s',
    max_slot_lag_bytes => 1000000000, throttle_query => 'SELECT false', max_throttle => '1 min');
SELECT * FROM settings;
SELECT bulk_update_job_alter('j', max_retries => NULL, throttle_query => NULL);
SELECT bulk_update_job_alter('j', rows_per_second => 0, pause => '0', max_throttle => '90 min');
SELECT * FROM settings;
CALL bulk_update_job_run('j', 1);
-- the rest is divided anew, larger and smaller; numbers are not used twice
SELECT bulk_update_job_alter('j', batch_rows => 25);
SELECT * FROM batches;
CALL bulk_update_job_run('j', 1);
SELECT * FROM batches;
SELECT bulk_update_job_alter('j', batch_rows => 2);
SELECT * FROM batches;
SELECT bulk_update_job_alter('j', batch_rows => 2147483647);
SELECT * FROM batches;
SELECT bulk_update_job_alter('j', batch_rows => 3);
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM job;
SELECT sum(last - first + 1) FROM batches WHERE batch > 0;
SELECT count(*) FROM t WHERE n = id;
-- nothing is left to divide
SELECT bulk_update_job_alter('j', batch_rows => 1);
SELECT count(*) FROM batches;
SELECT bulk_update_job_drop('j');
-- ranges between which batches are done, or have failed, are not joined
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 13 = 0 THEN RAISE 'no'; END IF; RETURN NEW; END $$;
CREATE TRIGGER fails BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fails();
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, -i AS n FROM generate_series(1, 40) AS i', batch_rows => 5);
CALL bulk_update_job_run('j');
SELECT bulk_update_job_alter('j', batch_rows => 8);
SELECT * FROM batches;
DROP TRIGGER fails ON t;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT sum(last - first + 1) FROM batches WHERE batch > 0;
SELECT count(*) FROM t WHERE n = -id;
SELECT bulk_update_job_drop('j');

-- Pausing and resuming
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS n FROM generate_series(1, 40) AS i', batch_rows => 10);
SELECT bulk_update_job_pause('j');
SELECT * FROM job;
CALL bulk_update_job_run('j');
SELECT bulk_update_job_pause('j');
SELECT bulk_update_job_resume('j');
SELECT bulk_update_job_resume('j');
SELECT * FROM job;
CALL bulk_update_job_run('j', 1);
SELECT bulk_update_job_pause('j');
SELECT * FROM job;
CALL bulk_update_job_run('j');
SELECT * FROM job;
-- by the job itself: heard after the batch
SELECT bulk_update_job_resume('j');
CREATE FUNCTION pauses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM bulk_update_job_pause('j'); RETURN NULL; END $$;
CREATE TRIGGER pauses AFTER UPDATE ON t EXECUTE FUNCTION pauses();
CALL bulk_update_job_run('j');
SELECT * FROM job;
DROP TRIGGER pauses ON t;
-- it is part of a transaction
BEGIN;
SELECT bulk_update_job_resume('j');
ROLLBACK;
CALL bulk_update_job_run('j');

-- Cancelling: what is done stays done; only the drop is left
SELECT bulk_update_job_cancel('j');
SELECT * FROM job;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_resume('j');
CALL bulk_update_job_run('j', 0);
SELECT * FROM job;
SELECT count(*) FROM t WHERE n = id;
BEGIN;
SELECT bulk_update_job_drop('j');
SELECT * FROM job;
ROLLBACK;
SELECT * FROM job;
SELECT bulk_update_job_drop('j');
SELECT to_regclass('j_rows');
-- the name is free again
SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 1 AS n');
-- a drop by the job itself
CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM bulk_update_job_drop('j'); RETURN NULL; END $$;
CREATE TRIGGER drops AFTER UPDATE ON t EXECUTE FUNCTION drops();
\set VERBOSITY sqlstate
CALL bulk_update_job_run('j');
\set VERBOSITY default
SELECT * FROM job;
DROP TRIGGER drops ON t;
-- and a drop of its table, with what depends on it
CREATE VIEW depends AS SELECT * FROM j_rows;
SELECT bulk_update_job_drop('j');
\echo :SQLSTATE
DROP VIEW depends;
SELECT bulk_update_job_drop('j');
-- a table that has been dropped or renamed before
SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 1 AS n');
DROP TABLE j_rows;
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 7 AS n');
ALTER TABLE j_rows RENAME TO renamed;
ALTER TABLE renamed SET SCHEMA public;
CALL bulk_update_job_run('j');
SELECT n FROM t WHERE id = 1;
SELECT bulk_update_job_drop('j');
SELECT to_regclass('public.renamed');

-- A job whose table has been restored from a dump has another OID, and waits for somebody to accept it
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, -i AS n FROM generate_series(1, 40) AS i', batch_rows => 20);
CALL bulk_update_job_run('j', 1);
UPDATE bulk_update_job SET rows_table_oid = 1;
SELECT * FROM job;
CALL bulk_update_job_run('j');
CREATE TABLE kept AS TABLE j_rows;
DELETE FROM j_rows WHERE job_row > 30;
SELECT bulk_update_job_resume('j');
\echo :SQLSTATE
INSERT INTO j_rows SELECT * FROM kept WHERE job_row > 30;
SELECT bulk_update_job_resume('j');
SELECT * FROM job;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT count(*) FROM t WHERE n = -id;
UPDATE bulk_update_job SET rows_table_oid = 1;
DROP TABLE j_rows;
SELECT bulk_update_job_resume('j');
\echo :SQLSTATE
SELECT bulk_update_job_drop('j');
SET client_min_messages = warning;
DROP SCHEMA job_control CASCADE;
