--
-- Jobs: a table of rows that is changed by hand, and a target that is changed between batches
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_changes CASCADE;
CREATE SCHEMA job_changes;
RESET client_min_messages;
SET search_path = job_changes, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
CREATE TABLE before AS SELECT i AS id, 'old' AS v, 0 AS n FROM generate_series(1, 10) AS i;
CREATE VIEW job AS SELECT state, batches_done AS done, rows_done, rows_updated AS updated, last_sqlstate FROM bulk_update_jobs WHERE name = 'j';
-- Ten rows in batches of four, of which one is done
CREATE PROCEDURE begin_job() LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM bulk_update_jobs WHERE name = 'j') THEN
        PERFORM bulk_update_job_drop('j');
    END IF;
    IF to_regclass('t') IS NOT NULL THEN
        DROP TABLE t CASCADE;
    END IF;
    CREATE TABLE t (id int PRIMARY KEY, v text, n int);
    INSERT INTO t TABLE before;
    PERFORM bulk_update_job_create('j', 't', 'SELECT i AS id, ''new'' AS v, i AS n FROM generate_series(1, 10) AS i', batch_rows => 4);
    CALL bulk_update_job_run('j', 1);
END
$$;

-- The rows: what was changed, deleted, copied or is gone is an error, and is not applied
CALL begin_job();
UPDATE j_rows SET new_v = 'forged' WHERE job_row = 6;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT count(*) FROM t WHERE v <> 'old';
CALL begin_job();
UPDATE j_rows SET new_v = new_v;
CALL bulk_update_job_run('j');
CALL begin_job();
DELETE FROM j_rows WHERE job_row = 10;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
DELETE FROM j_rows WHERE job_row <= 4;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
DELETE FROM j_rows WHERE job_row = 7;
INSERT INTO j_rows VALUES (7, 7, 7, 'forged', 7);
CALL bulk_update_job_run('j');
CALL begin_job();
TRUNCATE j_rows;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
INSERT INTO j_rows VALUES (11, 1, 1, 'added', 1), (0, 1, 1, 'added', 1), (-1, 1, 1, 'added', 1);
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT count(*) FROM t WHERE v = 'new';
-- rows twice, without the primary key
CALL begin_job();
ALTER TABLE j_rows DROP CONSTRAINT j_rows_pkey;
INSERT INTO j_rows SELECT * FROM j_rows WHERE job_row = 6;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT count(*), count(DISTINCT id) FROM t WHERE v = 'new';
-- Its definition: dropped, renamed, with other columns
CALL begin_job();
DROP TABLE j_rows;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT rows_table_bytes FROM bulk_update_jobs;
SELECT bulk_update_job_resume('j');
CREATE TABLE j_rows AS SELECT 5::bigint AS job_row, 1::bigint AS source_row, 1 AS id, 'forged' AS new_v, 1 AS new_n;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
DROP TABLE j_rows;
CALL begin_job();
ALTER TABLE j_rows DROP COLUMN new_v;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL begin_job();
ALTER TABLE j_rows DROP COLUMN source_row;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL begin_job();
ALTER TABLE j_rows RENAME new_n TO other;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
ALTER TABLE j_rows RENAME other TO new_n;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE j_rows ALTER COLUMN new_n TYPE bigint;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE j_rows ALTER COLUMN new_v TYPE int USING 1;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE j_rows ALTER COLUMN source_row TYPE text;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL begin_job();
ALTER TABLE j_rows RENAME COLUMN job_row TO other;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
-- What leaves the rows as they are is fine: VACUUM FULL, CLUSTER, FREEZE, an index, a view of another name
CALL begin_job();
VACUUM (FREEZE) j_rows;
VACUUM FULL j_rows;
CLUSTER j_rows USING j_rows_pkey;
REINDEX TABLE j_rows;
ANALYZE j_rows;
CREATE INDEX ON j_rows (id);
ALTER TABLE j_rows ADD COLUMN more int DEFAULT 7;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT count(*) FROM t WHERE v = 'new' AND n = id;
-- its rules, triggers and policies are the owner's own
CALL begin_job();
ALTER TABLE j_rows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CALL bulk_update_job_run('j');
SELECT * FROM job;
-- a table in its place, with the rows of the batch from a query
CALL begin_job();
ALTER TABLE j_rows RENAME TO moved;
CREATE VIEW j_rows AS SELECT job_row, source_row, id, 'forged' AS new_v, new_n FROM moved;
CALL bulk_update_job_run('j');
SELECT DISTINCT v FROM t;
DROP VIEW j_rows;

-- The target: followed, or the error of the batch
CALL begin_job();
ALTER TABLE t RENAME TO renamed;
ALTER TABLE renamed ADD COLUMN more int DEFAULT 7;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT target FROM bulk_update_jobs;
DROP TABLE renamed;
CALL begin_job();
ALTER TABLE t RENAME v TO w;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
ALTER TABLE t RENAME w TO v;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE t DROP COLUMN n;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL begin_job();
ALTER TABLE t ALTER COLUMN n TYPE text;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT n FROM t WHERE id IN (1, 9) ORDER BY id;
CALL begin_job();
ALTER TABLE t ALTER COLUMN n TYPE bytea USING '';
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL begin_job();
ALTER TABLE t ALTER COLUMN id TYPE bigint;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE t ALTER COLUMN n TYPE smallint, ADD CHECK (n < 7);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
-- keys in another order: the rows of the job are in that of the type they had
CALL begin_job();
ALTER TABLE t ALTER COLUMN id TYPE text;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
CALL begin_job();
ALTER TABLE t DROP CONSTRAINT t_pkey;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CREATE UNIQUE INDEX ON t (id);
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
DROP TABLE t;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT state, rows_total, rows_done FROM bulk_update_jobs;
CALL begin_job();
TRUNCATE t;
CALL bulk_update_job_run('j');
SELECT * FROM job;
CALL begin_job();
ALTER TABLE t RENAME TO gone;
ALTER TABLE gone SET SCHEMA public;
CREATE TRIGGER no BEFORE UPDATE ON public.gone FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
UPDATE public.gone SET v = 'new', n = 5 WHERE id = 5;
CALL bulk_update_job_run('j');
SELECT state, rows_updated, rows_unchanged FROM bulk_update_jobs;
DROP TABLE public.gone;

-- The tables of rejects and of old values
CALL begin_job();
SELECT bulk_update_job_drop('j');
SELECT bulk_update_create_rejects('rejects');
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''newer'' AS v, i AS n FROM generate_series(1, 12) AS i', batch_rows => 4, rejects => 'rejects', old_values => 'kept');
CALL bulk_update_job_run('j', 1);
ALTER TABLE rejects RENAME TO other_rejects;
ALTER TABLE kept RENAME COLUMN old_v TO other;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
ALTER TABLE kept RENAME COLUMN other TO old_v;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT count(*) FROM kept;
SELECT count(*) FROM other_rejects;
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''newest'' AS v, i AS n FROM generate_series(1, 12) AS i', batch_rows => 4, rejects => 'other_rejects', old_values => 'kept');
DROP TABLE other_rejects, kept;
\set VERBOSITY sqlstate
CALL bulk_update_job_run('j');
\set VERBOSITY default
SELECT state, rejects_bytes, old_values_bytes FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');

SET client_min_messages = warning;
DROP SCHEMA job_changes CASCADE;
