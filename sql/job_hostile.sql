--
-- Code that runs in the middle of a job tries to take it over
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_hostile CASCADE;
CREATE SCHEMA job_hostile;
CREATE ROLE regress_job_mallory;
GRANT CREATE, USAGE ON SCHEMA job_hostile TO regress_job_mallory;
SELECT current_database() AS database \gset
GRANT CREATE ON DATABASE :"database" TO regress_job_mallory;

-- Whoever owns the extension's schema replaces its tables by others, whose checks would run as their owner
CREATE SCHEMA regress_job_mine AUTHORIZATION regress_job_mallory;
SELECT n.nspname AS home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'bulk_update' \gset
ALTER EXTENSION bulk_update SET SCHEMA regress_job_mine;
SET SESSION AUTHORIZATION regress_job_mallory;
SET search_path = job_hostile;
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 0), (2, 0);
CREATE FUNCTION evil() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'regress_job_mallory' THEN
        EXECUTE 'ALTER ROLE regress_job_mallory SUPERUSER';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION swap() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'ALTER SCHEMA regress_job_mine RENAME TO regress_job_mine2';
    EXECUTE 'CREATE SCHEMA regress_job_mine';
    EXECUTE 'CREATE TABLE regress_job_mine.bulk_update_job (run bigint, name text CONSTRAINT bulk_update_job_name_key UNIQUE,
        owner regrole, target regclass, rows_table regclass, rows_table_oid oid, rows_xmin xid, rows_total bigint,
        rows_to_apply bigint, undoes bigint, columns name[], key_columns name[], expected_columns name[], on_missing text,
        on_duplicate text, on_error text, on_stale text, skip_unchanged boolean, dry_run boolean, rejects regclass,
        reject_limit bigint, old_values regclass, batch_rows integer, created_at timestamptz, CHECK (job_hostile.evil()))';
    EXECUTE 'CREATE TABLE regress_job_mine.bulk_update_job_batch (run bigint)';
    RETURN 1;
END $$;
SELECT regress_job_mine.bulk_update_job_create('j', 't', 'SELECT id, job_hostile.swap() AS v FROM job_hostile.t WHERE id = 1',
                                               rows_table => 'job_hostile.j_rows') AS replaced;
RESET SESSION AUTHORIZATION;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_job_mallory';
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'regress_job_mine%' ORDER BY 1;
ALTER EXTENSION bulk_update SET SCHEMA :"home";
DROP SCHEMA regress_job_mine, regress_job_mine2 CASCADE;
RESET search_path;
SET SESSION AUTHORIZATION regress_job_mallory;
SELECT name, state, rows_total FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
RESET SESSION AUTHORIZATION;

-- A trigger divides or drops the job whose batch fires it
CREATE TABLE job_hostile.u (id int PRIMARY KEY, v int);
INSERT INTO job_hostile.u SELECT g, 0 FROM generate_series(1, 20) g;
CREATE TABLE job_hostile.action (statement text);
CREATE FUNCTION job_hostile.act() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    action text;
BEGIN
    IF new.id = 7 THEN
        FOR action IN SELECT statement FROM job_hostile.action LOOP
            EXECUTE action;
        END LOOP;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER act BEFORE UPDATE ON job_hostile.u FOR EACH ROW EXECUTE FUNCTION job_hostile.act();
SELECT bulk_update_job_create('own', 'job_hostile.u', 'SELECT id, v + 1 AS v FROM job_hostile.u', batch_rows => 5,
                              rows_table => 'job_hostile.own_rows');
INSERT INTO job_hostile.action VALUES ($$SELECT bulk_update_job_alter('own', batch_rows => 3)$$);
CALL bulk_update_job_run('own');
SELECT state, batches_done, rows_done, rows_updated FROM bulk_update_jobs WHERE name = 'own';
UPDATE job_hostile.action SET statement = $$SELECT bulk_update_job_drop('own')$$;
\set VERBOSITY sqlstate
CALL bulk_update_job_run('own');
\set VERBOSITY terse
SELECT state, batches_done, rows_done, rows_updated FROM bulk_update_jobs WHERE name = 'own';

-- Another role goes on with the job
UPDATE job_hostile.action SET statement = $$SELECT set_config('role', 'regress_job_mallory', false)$$;
GRANT ALL ON job_hostile.u, job_hostile.action, job_hostile.own_rows TO regress_job_mallory;
CALL bulk_update_job_run('own');
RESET ROLE;
TRUNCATE job_hostile.action;
CALL bulk_update_job_run('own');
SELECT state, batches_done, rows_done, rows_updated FROM bulk_update_jobs WHERE name = 'own';
SELECT count(*) FROM job_hostile.u WHERE v = 1;

SELECT bulk_update_job_drop('own');

-- A job that has been dropped is not continued with another one of its name
CREATE FUNCTION job_hostile.twin() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_job_drop('twin');
    PERFORM bulk_update_job_create('twin', 'job_hostile.u', 'SELECT 1 AS id, 9 AS v', rows_table => 'job_hostile.twin_rows');
    RETURN true;
END $$;
SELECT bulk_update_job_create('twin', 'job_hostile.u', 'SELECT 1 AS id, 8 AS v', rows_table => 'job_hostile.twin_rows');
SELECT bulk_update_job_alter('twin', throttle_query => 'SELECT job_hostile.twin()');
CALL bulk_update_job_run('twin');
CALL bulk_update_job_run('twin');
SELECT v FROM job_hostile.u WHERE id = 1;
SELECT bulk_update_job_drop('twin');
REVOKE CREATE ON DATABASE :"database" FROM regress_job_mallory;
DROP SCHEMA job_hostile CASCADE;
DROP OWNED BY regress_job_mallory;
DROP ROLE regress_job_mallory;
