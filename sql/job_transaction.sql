--
-- Jobs: where bulk_update_job_run() can commit, and where it cannot
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_transaction CASCADE;
CREATE SCHEMA job_transaction;
RESET client_min_messages;
SET search_path = job_transaction, public;
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'old' FROM generate_series(1, 10) AS i;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 10) AS i', batch_rows => 2);
CREATE VIEW done AS SELECT state, batches_done, rows_updated FROM bulk_update_jobs WHERE name = 'j';

-- A transaction block
BEGIN;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
ROLLBACK;
-- before anything else is looked at
BEGIN;
CALL bulk_update_job_run('none', -1);
ROLLBACK;
BEGIN;
SAVEPOINT s;
CALL bulk_update_job_run('j');
ROLLBACK TO s;
SELECT * FROM done;
COMMIT;
\set AUTOCOMMIT off
CALL bulk_update_job_run('j');
ROLLBACK;
\set AUTOCOMMIT on
-- several statements in one message are one transaction, from the second on
SELECT 1 \; CALL bulk_update_job_run('j');

-- DO: inside of a transaction block, and with a handler of exceptions
BEGIN;
DO $$ BEGIN CALL bulk_update_job_run('j'); END $$;
ROLLBACK;
DO $$ BEGIN CALL bulk_update_job_run('j'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
\echo :SQLSTATE
-- a function, also one that calls a procedure
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL bulk_update_job_run('j'); END $$;
SELECT f();
\echo :SQLSTATE
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CALL bulk_update_job_run('j', 1); END $$;
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL p(); END $$;
SELECT g();
-- a trigger
CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN CALL bulk_update_job_run('j'); RETURN NEW; END $$;
CREATE TRIGGER on_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION on_row();
UPDATE t SET v = 'x' WHERE id = 1;
-- also of the job itself
\set SHOW_CONTEXT never
CALL bulk_update_job_run('j');
\echo :SQLSTATE
\set SHOW_CONTEXT errors
DROP TRIGGER on_row ON t;
-- a procedure with a SET clause, or SECURITY DEFINER
CREATE PROCEDURE with_set() LANGUAGE plpgsql SET work_mem = '1MB' AS $$ BEGIN CALL bulk_update_job_run('j'); END $$;
CALL with_set();
CREATE PROCEDURE definer() LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN CALL bulk_update_job_run('j'); END $$;
CALL definer();
-- a SQL procedure
CREATE PROCEDURE in_sql() LANGUAGE sql AS $$ CALL bulk_update_job_run('j') $$;
CALL in_sql();
\echo :SQLSTATE
-- the procedure itself with a SET clause
ALTER PROCEDURE bulk_update_job_run SET work_mem = '1MB';
CALL bulk_update_job_run('j');
ALTER PROCEDURE bulk_update_job_run RESET ALL;
SELECT * FROM done;

-- Where it can: a procedure, DO, and both nested
CALL p();
DO $$ BEGIN CALL p(); CALL bulk_update_job_run('j', 1); END $$;
SELECT * FROM done;
-- between them the transaction is that of the caller, who can end it
CREATE PROCEDURE alternates() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t VALUES (11, 'committed by the job');
    CALL bulk_update_job_run('j', 1);
    INSERT INTO t VALUES (12, 'rolled back');
    ROLLBACK;
    INSERT INTO t VALUES (13, 'committed');
    COMMIT;
    CALL bulk_update_job_run('j');
END
$$;
CALL alternates();
SELECT * FROM done;
SELECT * FROM t WHERE id > 9 ORDER BY id;
-- in a block with a handler of exceptions it cannot; nothing has been done then
SELECT bulk_update_job_create('handler', 't', 'SELECT i AS id, ''handled'' AS v FROM generate_series(1, 3) AS i', batch_rows => 1);
CREATE PROCEDURE handles() LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        CALL bulk_update_job_run('handler');
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
END
$$;
CALL handles();
\echo :SQLSTATE
SELECT state, processes FROM bulk_update_jobs WHERE name = 'handler';
SELECT bulk_update_job_drop('handler');
-- settings of the caller: SET stays, SET LOCAL ends with the first commit
DO $$
BEGIN
    SET work_mem = '1234kB';
    SET LOCAL lock_timeout = '1234ms';
    CALL bulk_update_job_run('j');
    RAISE NOTICE '% %', current_setting('work_mem'), current_setting('lock_timeout');
END
$$;
RESET work_mem;
-- lock_timeout of the job ends with its batch
SELECT bulk_update_job_create('k', 't', 'SELECT 1 AS id, current_setting(''lock_timeout'') AS v');
SELECT bulk_update_job_alter('k', lock_timeout => '4321 ms');
CREATE FUNCTION shows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := current_setting('lock_timeout'); RETURN NEW; END $$;
CREATE TRIGGER shows BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shows();
CALL bulk_update_job_run('k');
SELECT v FROM t WHERE id = 1;
SHOW lock_timeout;

SELECT bulk_update_job_drop(name) FROM bulk_update_jobs ORDER BY name;
SET client_min_messages = warning;
DROP SCHEMA job_transaction CASCADE;
