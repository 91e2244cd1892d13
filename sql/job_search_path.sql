--
-- Jobs: nothing in a search_path replaces what the extension uses, least of all with the rights of its owner
--
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_job_owner;
DROP SCHEMA IF EXISTS job_search_path, job_target CASCADE;
CREATE ROLE regress_job_owner;
CREATE SCHEMA job_target AUTHORIZATION regress_job_owner;
CREATE SCHEMA job_search_path AUTHORIZATION regress_job_owner;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET ROLE regress_job_owner;
SET search_path = job_target, public;
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'old' FROM generate_series(1, 20) AS i;
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_rejects('rejects');

-- Operators and functions with the names of those that the module uses, types and tables with the names of its own
CREATE FUNCTION job_search_path.trap(what text) RETURNS void SET search_path = pg_catalog LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% was called as %', what, current_user;
END
$$;
DO $do$
DECLARE
    type text;
    operator text;
    result text;
    f text;
    n int := 0;
BEGIN
    FOREACH type IN ARRAY '{int8,int4,text,oid,name,bool,timestamptz,interval,xid,float8,regclass}'::text[] LOOP
        FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=,-,+,/,*}'::text[] LOOP
            n := n + 1;
            result := CASE WHEN operator IN ('-', '+', '/', '*') THEN type ELSE 'bool' END;
            EXECUTE format('CREATE FUNCTION job_search_path.f%1$s(%2$s, %2$s) RETURNS %3$s LANGUAGE plpgsql AS %4$L', n, type, result,
                           format('BEGIN PERFORM job_search_path.trap(%L); RETURN NULL; END', operator));
            EXECUTE format('CREATE OPERATOR job_search_path.%s (FUNCTION = job_search_path.f%s, LEFTARG = %s, RIGHTARG = %s)', operator, n, type, type);
        END LOOP;
    END LOOP;
    FOREACH f IN ARRAY ARRAY['now()', 'clock_timestamp()', 'date_part(text, interval)', 'generate_series(bigint, bigint, bigint)', 'pg_wal_lsn_diff(pg_lsn, pg_lsn)',
                             'current_database()', 'pg_current_wal_lsn()', 'row_number()', 'count()'] LOOP
        EXECUTE format('CREATE FUNCTION job_search_path.%s RETURNS bigint LANGUAGE plpgsql AS %L', f, format('BEGIN PERFORM job_search_path.trap(%L); END', f));
    END LOOP;
END
$do$;
CREATE AGGREGATE job_search_path.max(bigint) (SFUNC = job_search_path.f8, STYPE = bigint);
CREATE AGGREGATE job_search_path.sum(bigint) (SFUNC = job_search_path.f8, STYPE = bigint);
CREATE AGGREGATE job_search_path.min(bigint) (SFUNC = job_search_path.f8, STYPE = bigint);
CREATE DOMAIN job_search_path.int8 AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN job_search_path.interval AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN job_search_path.oid AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE TABLE job_search_path.bulk_update_job (run pg_catalog.int8, name pg_catalog.text);
CREATE TABLE job_search_path.bulk_update_job_batch (LIKE job_search_path.bulk_update_job);
CREATE TABLE job_search_path.pg_locks (x pg_catalog.int4);
CREATE TABLE job_search_path.pg_stat_replication (x pg_catalog.int4);
CREATE TABLE job_search_path.pg_replication_slots (x pg_catalog.int4);
RESET ROLE;
GRANT pg_read_all_stats TO regress_job_owner;
SET ROLE regress_job_owner;

SET search_path = job_search_path, pg_catalog, job_target, public;
-- they do work
SELECT 1::pg_catalog.int8 = 2::pg_catalog.int8;
SELECT 1::pg_catalog.int8 IS DISTINCT FROM 2::pg_catalog.int8;
-- and none of them is called
SELECT bulk_update_job_create('j', 'job_target.t', 'SELECT i AS id, ''new'' AS v FROM pg_catalog.generate_series(1, 22) AS i', batch_rows => 4, rows_table => 'job_target.j_rows',
    on_error => 'skip', on_duplicate => 'last', rejects => 'rejects', reject_limit => 5, expected_columns => NULL, old_values => 'kept', skip_unchanged => true);
CALL bulk_update_job_run('j', 1);
SELECT bulk_update_job_alter('j', batch_rows => 3, pause => '1 ms', rows_per_second => 1000000, lock_timeout => '10 s', max_replica_lag => '1 hour',
    max_slot_lag_bytes => 1000000000000, max_throttle => '1 min');
SELECT bulk_update_job_alter('j', batch_rows => 5);
SELECT bulk_update_job_pause('j');
CALL bulk_update_job_run('j');
SELECT bulk_update_job_resume('j');
CALL bulk_update_job_run('j', 2);
SET bulk_update.progress_interval = 0;
CALL bulk_update_job_run('j');
SELECT name, state, batches, batches_done, rows_total, rows_done, rows_updated, rows_missing FROM bulk_update_jobs;
SELECT batch, state, first_row, last_row, rows_updated, rows_missing FROM bulk_update_job_batches ORDER BY batch USING OPERATOR(pg_catalog.<);
-- a failed batch, that is divided
CREATE FUNCTION job_target.fails() RETURNS trigger SET search_path = pg_catalog LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 3 THEN RAISE 'not yet' USING errcode = '40001'; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER fails BEFORE UPDATE ON job_target.t FOR EACH ROW EXECUTE FUNCTION job_target.fails();
SELECT bulk_update_job_undo('j', 'undo', batch_rows => 10, rejects => 'rejects', rows_table => 'job_target.undo_rows');
SELECT bulk_update_job_alter('undo', max_retries => 2);
CALL bulk_update_job_run('undo');
\echo :SQLSTATE
DROP TRIGGER fails ON job_target.t;
SELECT bulk_update_job_alter('undo', batch_rows => 3);
CALL bulk_update_job_run('undo');
SELECT name, state, rows_total, rows_done, rows_updated, rows_missing FROM bulk_update_jobs ORDER BY run USING OPERATOR(pg_catalog.<);
SELECT v, pg_catalog.count(*) FROM job_target.t GROUP BY v ORDER BY 1 USING OPERATOR(pg_catalog.<);
SELECT bulk_update_job_cancel('undo');
SELECT bulk_update_job_drop('undo');
SELECT bulk_update_job_drop('j');

-- Temporary objects first: the rows of a job are not temporary
SET search_path = pg_temp, job_target, public;
CREATE TEMPORARY TABLE bulk_update_job (run bigint);
CREATE TEMPORARY TABLE bulk_update_job_batch (run bigint);
SELECT * FROM test_error($$ SELECT bulk_update_job_create('j', 'job_target.t', 'SELECT 1 AS id, ''x'' AS v') $$);
SELECT bulk_update_job_create('j', 'job_target.t', 'SELECT i AS id, ''temp'' AS v FROM generate_series(1, 5) AS i', batch_rows => 2, rows_table => 'job_target.j_rows');
CREATE TEMPORARY TABLE j_rows AS SELECT 1::bigint AS job_row, 1::bigint AS source_row, 1 AS id, 'forged' AS new_v;
CREATE TEMPORARY TABLE t (id int PRIMARY KEY, v text);
CALL bulk_update_job_run('j');
SELECT count(*) FROM bulk_update_job_batch;
SELECT v, count(*) FROM job_target.t GROUP BY v ORDER BY v;
SELECT bulk_update_job_drop('j');
SELECT to_regclass('job_target.j_rows'), to_regclass('pg_temp.j_rows') IS NOT NULL AS temporary;
DROP TABLE pg_temp.bulk_update_job, pg_temp.bulk_update_job_batch, pg_temp.j_rows, pg_temp.t;
-- An empty one
SET search_path = '';
SELECT public.bulk_update_job_create('j', 'job_target.t', 'SELECT i AS id, ''empty'' AS v FROM generate_series(1, 5) AS i', batch_rows => 2, rows_table => 'job_target.j_rows');
SELECT * FROM public.test_error($$ SELECT public.bulk_update_job_create('k', 'job_target.t', 'SELECT 1 AS id, ''x'' AS v') $$);
CALL public.bulk_update_job_run('j');
SELECT public.bulk_update_job_drop('j');

-- The extension in another schema, with jobs that go on there
SET search_path = job_target, public;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''moved'' AS v FROM generate_series(1, 8) AS i', batch_rows => 2);
CALL bulk_update_job_run('j', 1);
RESET ROLE;
CREATE SCHEMA "Other schema";
ALTER EXTENSION bulk_update SET SCHEMA "Other schema";
GRANT USAGE ON SCHEMA "Other schema" TO regress_job_owner;
SET ROLE regress_job_owner;
CALL "Other schema".bulk_update_job_run('j', 1);
SELECT "Other schema".bulk_update_job_alter('j', batch_rows => 3);
CALL "Other schema".bulk_update_job_run('j');
SELECT state, rows_total, rows_updated, processes FROM "Other schema".bulk_update_jobs;
SELECT count(*) FROM "Other schema".bulk_update_job_batches;
SELECT "Other schema".bulk_update_job_drop('j');
RESET ROLE;
ALTER EXTENSION bulk_update SET SCHEMA public;
-- a function that is not the extension's
CREATE FUNCTION "Other schema".pause(name text) RETURNS void AS '$libdir/bulk_update', 'bulk_update_job_pause' LANGUAGE C;
SELECT * FROM test_error($$ SELECT "Other schema".pause('j') $$);
SET client_min_messages = warning;
DROP SCHEMA "Other schema", job_search_path, job_target CASCADE;
DROP ROLE regress_job_owner;
