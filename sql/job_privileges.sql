--
-- Jobs: who may create, run, change and see them
--
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_job_owner, regress_job_member, regress_job_other, regress_job_reader;
DROP SCHEMA IF EXISTS job_privileges CASCADE;
CREATE ROLE regress_job_owner;
CREATE ROLE regress_job_member IN ROLE regress_job_owner;
CREATE ROLE regress_job_other;
CREATE ROLE regress_job_reader IN ROLE pg_read_all_stats;
CREATE SCHEMA job_privileges AUTHORIZATION regress_job_owner;
GRANT USAGE ON SCHEMA job_privileges TO PUBLIC;
RESET client_min_messages;
SET search_path = job_privileges, public;
\set SHOW_CONTEXT never
SET ROLE regress_job_owner;
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, 'old', 0 FROM generate_series(1, 12) AS i;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''secret'' AS v FROM generate_series(1, 14) AS i', batch_rows => 2);
CALL bulk_update_job_run('j', 1);

-- Others see that there is a job, and whose
SET ROLE regress_job_other;
SELECT jsonb_strip_nulls(to_jsonb(j)) FROM bulk_update_jobs AS j;
SELECT count(*) FROM bulk_update_job_batches;
-- also through their own functions: these see no row that they may not see
CREATE FUNCTION pg_temp.leaks(text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
SELECT count(*) FROM bulk_update_job_batches WHERE pg_temp.leaks(last_key);
SELECT count(*) FROM bulk_update_jobs WHERE pg_temp.leaks(rows_table::text) AND pg_temp.leaks(target::text);
SELECT * FROM test_error('TABLE bulk_update_job');
SELECT * FROM test_error('TABLE bulk_update_job_batch');
SELECT * FROM test_error('UPDATE bulk_update_job SET paused = true');
SELECT * FROM test_error('DELETE FROM bulk_update_job_batch');
SELECT * FROM test_error('INSERT INTO bulk_update_job_batch (run, batch, first_row, last_row) VALUES (1, 1, 1, 1)');
SELECT * FROM test_error('TRUNCATE bulk_update_job');
SELECT * FROM test_error('UPDATE bulk_update_job_batches SET state = ''done''') AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error('DELETE FROM bulk_update_jobs') AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error('LOCK TABLE bulk_update_job') AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error('TABLE j_rows');
-- and cannot touch it
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM test_error($$ SELECT bulk_update_job_alter('j', batch_rows => 1) $$);
SELECT line FROM unnest('{pause,resume,cancel,drop}'::text[]) AS f, test_error(format('SELECT bulk_update_job_%s(%L)', f, 'j')) AS line;
SELECT * FROM test_error($$ SELECT bulk_update_job_undo('j', 'undo') $$);
-- nor take its name
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 'pg_temp.r') $$) AS line WHERE line LIKE 'ERROR%';

-- A member of pg_read_all_stats sees it
SET ROLE regress_job_reader;
SELECT name, owner, state, batches, batches_done, rows_done, rows_table::text FROM bulk_update_jobs;
SELECT count(*), max(last_key) FROM bulk_update_job_batches;
SELECT * FROM test_error($$ SELECT bulk_update_job_pause('j') $$);

-- A member of the owner sees and changes it, but does not run it
SET ROLE regress_job_member;
SELECT name, state, batches, batches_done, rows_done FROM bulk_update_jobs;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', batch_rows => 3);
SELECT bulk_update_job_pause('j');
SELECT state FROM bulk_update_jobs;
SELECT bulk_update_job_resume('j');
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j', 1);
-- a superuser, too, must become the owner
RESET ROLE;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_pause('j');
SELECT bulk_update_job_resume('j');
SELECT name, owner, state, batches, batches_done, rows_done FROM bulk_update_jobs;
SELECT count(*) > 0 FROM bulk_update_job;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j', 1);
-- not by a procedure of the owner's, either: SECURITY DEFINER cannot commit
CREATE PROCEDURE as_owner() LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN CALL public.bulk_update_job_run('j'); END $$;
SET ROLE regress_job_other;
CALL as_owner();
\echo :SQLSTATE

-- The batches have the privileges that the owner has then
RESET ROLE;
ALTER TABLE t OWNER TO regress_job_other;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT state, last_sqlstate FROM bulk_update_jobs;
RESET ROLE;
GRANT SELECT (id), UPDATE (v) ON t TO regress_job_owner;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
SELECT state, rows_total, rows_updated, rows_missing FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
-- and its policies
SET ROLE regress_job_other;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON t USING (id % 2 = 1) WITH CHECK (v <> 'forbidden');
SET ROLE regress_job_owner;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''policy'' AS v FROM generate_series(1, 8) AS i', batch_rows => 4);
CALL bulk_update_job_run('j', 1);
SELECT rows_updated, rows_missing FROM bulk_update_jobs;
SET ROLE regress_job_other;
DROP POLICY odd ON t;
CREATE POLICY none ON t USING (id < 8) WITH CHECK (id < 5);
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT rows_updated, rows_missing FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
-- Creating needs the privileges of a call, and CREATE in the schema of the rows
RESET ROLE;
REVOKE CREATE ON SCHEMA job_privileges FROM regress_job_owner;
CREATE SCHEMA job_rows AUTHORIZATION regress_job_other;
GRANT USAGE, CREATE ON SCHEMA job_rows TO regress_job_owner;
REVOKE ALL ON t FROM regress_job_owner;
ALTER SCHEMA job_privileges OWNER TO regress_job_other;
SET ROLE regress_job_owner;
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v', rows_table => 'job_rows.r') $$);
RESET ROLE;
GRANT SELECT, UPDATE ON t TO regress_job_owner;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
SET ROLE regress_job_owner;
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 't', 'SELECT 1 AS id, ''x'' AS v') $$);
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''x'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2, rows_table => 'job_rows.r');
SELECT relowner::regrole, relacl FROM pg_class WHERE oid = 'job_rows.r'::regclass;
CALL bulk_update_job_run('j', 1);
-- without the schema the rows cannot be read
RESET ROLE;
REVOKE ALL ON SCHEMA job_rows FROM regress_job_owner;
SET ROLE regress_job_owner;
\set VERBOSITY terse
CALL bulk_update_job_run('j');
\echo :SQLSTATE
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA job_rows TO regress_job_owner;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
SELECT state, rows_updated FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
RESET ROLE;
GRANT CREATE ON SCHEMA job_rows TO regress_job_owner;

-- What a job waits for: a signal that the role may not see is an error
SET ROLE regress_job_owner;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''y'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2, rows_table => 'job_rows.r');
SELECT bulk_update_job_alter('j', max_replica_lag => '1 s');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
RESET ROLE;
GRANT pg_read_all_stats TO regress_job_owner;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j', 1);
RESET ROLE;
REVOKE pg_read_all_stats FROM regress_job_owner;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', max_replica_lag => '0', max_slot_lag_bytes => 1000000000000);
-- the query runs as the owner, with nothing of the extension's
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT current_user <> ''regress_job_owner''');
CALL bulk_update_job_run('j', 1);
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''z'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2, rows_table => 'job_rows.r');
SELECT bulk_update_job_alter('j', throttle_query => 'SELECT count(*) > 99 FROM public.bulk_update_job');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT bulk_update_job_alter('j', throttle_query => '');
RESET ROLE;

-- A job belongs to the owner of its table of rows
ALTER TABLE job_rows.r OWNER TO regress_job_other;
SET ROLE regress_job_owner;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM test_error($$ SELECT bulk_update_job_drop('j') $$);
SELECT name, owner, state FROM bulk_update_jobs;
SET ROLE regress_job_other;
SELECT name, owner, state, batches FROM bulk_update_jobs;
SELECT count(*) FROM bulk_update_job_batches;
-- who accepts it, before the query of another role is run
CALL bulk_update_job_run('j', 1);
SELECT bulk_update_job_resume('j');
SELECT name, owner, state, batches FROM bulk_update_jobs;
CALL bulk_update_job_run('j', 1);
SELECT bulk_update_job_pause('j');
-- and to the last of them when that has been dropped
DROP TABLE job_rows.r;
SET ROLE regress_job_owner;
SELECT * FROM test_error($$ SELECT bulk_update_job_drop('j') $$);
SET ROLE regress_job_other;
SELECT name, owner, state FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
SET ROLE regress_job_owner;

-- A role that is gone
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''z'' AS v FROM generate_series(1, 4) AS i', rows_table => 'job_rows.r');
SELECT bulk_update_job_create('dropped', 't', 'SELECT i AS id, ''z'' AS v FROM generate_series(1, 4) AS i', rows_table => 'job_rows.dropped');
DROP TABLE job_rows.dropped;
RESET ROLE;
SELECT * FROM test_error('DROP ROLE regress_job_owner') AS line WHERE line LIKE 'ERROR%';
REASSIGN OWNED BY regress_job_owner TO regress_job_other;
DROP OWNED BY regress_job_owner;
DROP ROLE regress_job_owner;
SELECT name, regexp_replace(owner, '\d+', 'N') AS owner FROM bulk_update_jobs;
CALL bulk_update_job_run('dropped');
\echo :SQLSTATE
SET ROLE regress_job_other;
SELECT * FROM test_error($$ SELECT bulk_update_job_pause('dropped') $$);
SELECT bulk_update_job_resume('j');
CALL bulk_update_job_run('j');
SELECT name, state, rows_updated FROM bulk_update_jobs WHERE name = 'j';
RESET ROLE;
SELECT bulk_update_job_drop('dropped');
SELECT bulk_update_job_drop('j');
SET client_min_messages = warning;
DROP SCHEMA job_privileges, job_rows CASCADE;
DROP OWNED BY regress_job_other;
DROP ROLE regress_job_member, regress_job_other, regress_job_reader;
