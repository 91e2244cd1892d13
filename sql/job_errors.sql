--
-- Jobs: wrong arguments, sources, and places where a job cannot be run
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_errors CASCADE;
CREATE SCHEMA job_errors;
RESET client_min_messages;
SET search_path = job_errors, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'old' FROM generate_series(1, 10) AS i;
CREATE TABLE no_key (id int, v text);
CREATE VIEW a_view AS SELECT * FROM t;

-- Creating: the name, the batches, the table of rows
SELECT * FROM test_error($$ SELECT bulk_update_job_create(NULL, 't', 'SELECT 1 AS id') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('', 't', 'SELECT 1 AS id') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', batch_rows => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', batch_rows => -1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', batch_rows => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 't') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 'no_schema.t') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 'pg_temp.r') $$);
CREATE TABLE j_rows ();
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v') $$);
DROP TABLE j_rows;
-- the target, the source, the columns: the errors of a call
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', NULL, 'SELECT 1 AS id, ''x'' AS v') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', ' ') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'UPDATE t SET v = 1') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1; SELECT 2') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 / 0 AS id, ''x'' AS v') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS w') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 'no_key', 'SELECT 1 AS id, 2 AS v') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 'a_view', 'SELECT 1 AS id, 2 AS v', key_columns => '{id}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v', on_duplicate => 'x') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v', reject_limit => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v', rejects => 'no_key') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v', old_values => 'no_key') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v, 3', '{id,v}', expected_columns => '{w}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, 2 AS v UNION ALL SELECT 1, 3') $$);
-- nothing of these remains
SELECT count(*) FROM bulk_update_jobs;
SELECT relname FROM pg_class WHERE relnamespace = 'job_errors'::regnamespace AND relkind = 'r' ORDER BY 1;
-- a name that is taken
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 20) AS i', batch_rows => 2);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 / 0 AS id, ''x'' AS v') $$);
-- also by the source itself
CREATE FUNCTION makes_job() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_job_create('k', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 'other_rows');
    RETURN 1;
END
$$;
SELECT * FROM test_error($$ SELECT bulk_update_job_create('k', 't', 'SELECT makes_job() AS id, ''x'' AS v') $$);
-- in a read-only transaction, and in a function that must not write
BEGIN READ ONLY;
SELECT bulk_update_job_create('k', 't', 'SELECT 1 AS id, ''x'' AS v');
ROLLBACK;

-- Names of no job
SELECT * FROM test_error($$ SELECT bulk_update_job_alter('none', batch_rows => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_job_alter(NULL, batch_rows => 1) $$);
SELECT line FROM unnest('{pause,resume,cancel,drop}'::text[]) AS f, test_error(format('SELECT bulk_update_job_%s(%L)', f, 'none')) AS line;
SELECT line FROM unnest('{pause,resume,cancel,drop}'::text[]) AS f, test_error(format('SELECT bulk_update_job_%s(NULL)', f)) AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('none', 'k') $$);
CALL bulk_update_job_run('none');
\echo :SQLSTATE
CALL bulk_update_job_run(NULL);
\echo :SQLSTATE
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('j', 'k') $$);

-- Limits of a CALL
CALL bulk_update_job_run('j', -1);
\echo :SQLSTATE
CALL bulk_update_job_run('j', max_time => '-1 second');
CALL bulk_update_job_run('j', max_time => '1 day -25 hours');

-- Settings
SELECT line FROM unnest('{batch_rows,rows_per_second,max_retries,max_slot_lag_bytes}'::text[]) AS setting,
    test_error(format('SELECT bulk_update_job_alter(%L, %s => -1)', 'j', setting)) AS line;
SELECT line FROM unnest('{pause,lock_timeout,max_replica_lag,max_throttle}'::text[]) AS setting,
    test_error(format('SELECT bulk_update_job_alter(%L, %s => ''-1 ms'')', 'j', setting)) AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error($$ SELECT bulk_update_job_alter('j', batch_rows => 0) $$);
-- durations have the limit of lock_timeout
SELECT line FROM unnest('{pause,lock_timeout,max_replica_lag,max_throttle}'::text[]) AS setting,
    test_error(format('SELECT bulk_update_job_alter(%L, %s => ''25 days'')', 'j', setting)) AS line;
SELECT * FROM test_error($$ SELECT bulk_update_job_alter('j', pause => '170000000 years') $$) AS line WHERE line LIKE 'ERROR%';
-- and of one millisecond, in which they are counted
SELECT line FROM unnest('{pause,lock_timeout,max_replica_lag,max_throttle}'::text[]) AS setting,
    test_error(format('SELECT bulk_update_job_alter(%L, %s => ''999 us'')', 'j', setting)) AS line;
-- as they are counted when they are used: a year has 365.25 days
SELECT line FROM unnest('{-1 year 361 days,1 year -336 days}'::text[]) AS value,
    test_error(format('SELECT bulk_update_job_alter(%L, lock_timeout => %L)', 'j', value)) AS line WHERE line LIKE 'ERROR%';
CALL bulk_update_job_run('j', max_time => '-999 us');
SELECT bulk_update_job_alter('j', pause => '1 ms', max_throttle => '1 ms', lock_timeout => '1 ms', max_replica_lag => '1 ms');
SELECT bulk_update_job_alter('j', pause => '24 days', max_throttle => '24 days', lock_timeout => '24 days', max_replica_lag => '24 days');
SELECT bulk_update_job_alter('j', pause => '0', max_replica_lag => '0', lock_timeout => '0');
CALL bulk_update_job_run('j', 1, '170000000 years');
SELECT state, batches_done, pause, lock_timeout, max_throttle FROM bulk_update_jobs;
-- what a job waits for
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT 1');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT true, false');
CALL bulk_update_job_run('j');
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT true WHERE false', batch_rows => 1);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT true FROM t');
CALL bulk_update_job_run('j');
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT NULL::boolean');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'CREATE TABLE waits ()');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'COMMIT');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT true; SELECT false');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'SET ROLE none');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT 1 / 0 > 0');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
-- a job with a false answer goes on, one that waits for too long ends the CALL
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT true', max_throttle => '0');
SELECT count(*) > 0 AS has_rest FROM bulk_update_job_batches WHERE state = 'pending';
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT throttle_query, max_throttle FROM bulk_update_jobs;
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT false');
CALL bulk_update_job_run('j');
SELECT state, rows_done, rows_total FROM bulk_update_jobs;
SELECT bulk_update_job_alter('j', throttle_query => '');
SELECT throttle_query FROM bulk_update_jobs;
-- what a job waits for is not asked when nothing is left to do
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT 1 / 0 > 0');
CALL bulk_update_job_run('j');
-- cancelled
SELECT bulk_update_job_cancel('j');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_drop('j');
SET client_min_messages = warning;
DROP SCHEMA job_errors CASCADE;
