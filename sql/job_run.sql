--
-- Jobs: creating one, running its batches, going on after an interruption, the account
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_run CASCADE;
CREATE SCHEMA job_run;
RESET client_min_messages;
SET search_path = job_run, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'old', 0 FROM generate_series(1, 30) AS i;
CREATE TABLE twin (LIKE t);
INSERT INTO twin TABLE t;
CREATE VIEW batches AS
SELECT name, batch, state, first_row AS first, last_row AS last, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected,
       first_key, last_key, failures
  FROM bulk_update_job_batches ORDER BY name, batch;
CREATE VIEW jobs AS
SELECT name, state, batches, batches_done AS done, batches_failed AS failed, rows_total, rows_done,
       rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale,
       rows_duplicate AS duplicate, rows_rejected AS rejected, last_sqlstate AS sqlstate, last_message AS message
  FROM bulk_update_jobs ORDER BY name;

-- Nothing is applied yet; keys that are missing are known when a batch has run, except those that no integer can be
SELECT bulk_update_job_create('all', 't', 'SELECT 36 - i AS id, ''new'' AS v, i AS n FROM generate_series(1, 35) AS i', batch_rows => 10);
SELECT * FROM jobs;
SELECT * FROM batches;
SELECT count(*) FILTER (WHERE v = 'new') AS applied FROM t;
\d all_rows
SELECT * FROM all_rows ORDER BY job_row LIMIT 3;

-- No batch, some batches, no time, and the rest
CALL bulk_update_job_run('all', max_batches => 0);
CALL bulk_update_job_run('all', max_time => '0');
SELECT state, done, rows_done FROM jobs;
CALL bulk_update_job_run('all', max_batches => 1);
SELECT * FROM jobs;
SELECT count(*) FILTER (WHERE v = 'new') AS applied, max(id) FILTER (WHERE v = 'new') FROM t;
CALL bulk_update_job_run('all', 2, '1 hour');
SELECT * FROM batches;
SELECT state, finished_at IS NULL AS unfinished FROM bulk_update_jobs;
CALL bulk_update_job_run(name => 'all');
SELECT * FROM jobs;
SELECT * FROM batches;
UPDATE twin SET v = 'new', n = 36 - id;
SELECT * FROM test_diff('t', 'twin');
-- A job that is done does nothing
UPDATE t SET v = 'newer' WHERE id = 1;
CALL bulk_update_job_run('all');
SELECT v FROM t WHERE id = 1;
SELECT state, processes, waits_for, estimated_end, rows_table::text, rejects, old_values, batch_rows, pause, max_rows_per_second,
       lock_timeout, max_retries, max_replica_lag, max_slot_lag_bytes, throttle_query, max_throttle, dry_run, undoes
  FROM bulk_update_jobs;
SELECT created_at <= started_at AS a, started_at <= finished_at AS b, finished_at <= clock_timestamp() AS c,
       rows_table_bytes > 0 AS d, rows_per_second > 0 AS e, rejects_bytes, old_values_bytes, run > 0 AS f,
       owner = current_user AS g, target
  FROM bulk_update_jobs;
SELECT bool_and(started_at <= finished_at) FROM bulk_update_job_batches;
SELECT bulk_update_job_drop('all');
SELECT to_regclass('all_rows'), (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM batches) AS batches;

-- Creating is part of the caller's transaction
BEGIN;
SELECT bulk_update_job_create('undone', 't', 'SELECT 1 AS id, ''x'' AS v');
ROLLBACK;
SELECT to_regclass('undone_rows'), (SELECT count(*) FROM jobs) AS jobs;
-- and the rows are those of its snapshot
CREATE TABLE source AS SELECT i AS id, 'then' AS v FROM generate_series(1, 3) AS i;
BEGIN;
SELECT bulk_update_job_create('frozen', 't', 'SELECT id, v FROM source', rows_table => 'job_run."Rows of frozen"');
UPDATE source SET v = 'now';
COMMIT;
DROP TABLE source;
CALL bulk_update_job_run('frozen');
SELECT id, v FROM t WHERE id <= 4 ORDER BY id;
SELECT name, rows_table::text, state FROM bulk_update_jobs;
SELECT bulk_update_job_drop('frozen');

-- No rows at all: nothing is left to do
SELECT bulk_update_job_create('empty', 't', 'SELECT 1 AS id, ''x'' AS v WHERE false');
SELECT * FROM jobs;
CALL bulk_update_job_run('empty');
SELECT * FROM jobs;
SELECT bulk_update_job_drop('empty');

-- One row, one batch for each row, batches larger than the source
SELECT bulk_update_job_create('one', 't', 'SELECT 1 AS id, ''one'' AS v', batch_rows => 1);
SELECT bulk_update_job_create('each', 't', 'SELECT i AS id, ''each'' AS v FROM generate_series(1, 3) AS i', batch_rows => 1);
SELECT bulk_update_job_create('large', 't', 'SELECT i AS id, ''large'' AS v FROM generate_series(1, 3) AS i', batch_rows => 2147483647);
CALL bulk_update_job_run('each');
CALL bulk_update_job_run('large');
CALL bulk_update_job_run('one');
SELECT name, state, done, updated FROM jobs;
SELECT name, batch, first, last, updated FROM batches;
SELECT id, v FROM t WHERE id <= 3 ORDER BY id;

-- Many batches: the sum over them is that of the source, and each row was written once
CREATE TABLE many (id int PRIMARY KEY, n int);
INSERT INTO many SELECT i, 0 FROM generate_series(1, 5000) AS i;
SELECT bulk_update_job_create('many', 'many', 'SELECT i AS id, i AS n FROM generate_series(5100, 1, -1) AS i', batch_rows => 7);
CALL bulk_update_job_run('many', 300);
CALL bulk_update_job_run('many', 300);
CALL bulk_update_job_run('many');
SELECT * FROM jobs WHERE name = 'many';
SELECT count(*), count(DISTINCT b.batch), sum(b.last - b.first + 1), sum(updated), sum(missing), max(batch)
  FROM batches AS b WHERE name = 'many' AND batch > 0;
SELECT count(*) FROM many WHERE n = id;

-- A cursor that is open stays open, also one of a procedure that calls
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM many ORDER BY id LIMIT 2;
COMMIT;
SELECT bulk_update_job_create('in a procedure', 't', 'SELECT i AS id, ''procedure'' AS v FROM generate_series(1, 9) AS i', batch_rows => 3);
CREATE PROCEDURE runs(jobs text[]) LANGUAGE plpgsql AS $$
DECLARE
    job text;
BEGIN
    FOR job IN SELECT j FROM unnest(jobs) AS j LOOP
        CALL public.bulk_update_job_run(job, 1);
        CALL public.bulk_update_job_run(job);
    END LOOP;
END
$$;
CALL runs('{in a procedure,one}');
FETCH ALL FROM held;
CLOSE held;
SELECT name, state, done, updated FROM jobs WHERE name IN ('in a procedure', 'one');
DO $$ BEGIN CALL public.bulk_update_job_run('in a procedure'); END $$;

-- Arguments that are computed, named and null; a prepared CALL
PREPARE again AS SELECT 1;
CALL bulk_update_job_run('in a ' || 'procedure', NULL, NULL);
CALL bulk_update_job_run(max_time => NULL, name => lower('IN A PROCEDURE'), max_batches => 3);

-- Names of jobs are any text, and the table is named after them
SELECT bulk_update_job_create(name, 't', 'SELECT 2 AS id, ''name'' AS v', batch_rows => 1)
  FROM unnest(ARRAY['a"b', 'a''b', 'A.B', repeat('ä', 40), repeat('x', 200), ' ', '$J $B %s %d']) AS name;
SELECT name, rows_table::text FROM bulk_update_jobs WHERE batch_rows = 1 AND target = 't'::regclass ORDER BY name COLLATE "C";
CALL bulk_update_job_run('a"b');
CALL bulk_update_job_run('a''b');
CALL bulk_update_job_run('A.B');
CALL bulk_update_job_run(repeat('ä', 40));
CALL bulk_update_job_run(repeat('x', 200));
CALL bulk_update_job_run(' ');
CALL bulk_update_job_run('$J $B %s %d');
SELECT count(*), bool_and(state = 'done') FROM bulk_update_jobs WHERE batch_rows = 1;
SELECT bulk_update_job_drop(name) FROM bulk_update_jobs;
SELECT relname FROM pg_class WHERE relnamespace = 'job_run'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";

SET client_min_messages = warning;
DROP SCHEMA job_run CASCADE;
