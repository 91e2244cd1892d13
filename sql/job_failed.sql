--
-- Jobs: a batch that fails; the error, what is committed, and the next CALL when the cause has been removed
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_failed CASCADE;
CREATE SCHEMA job_failed;
RESET client_min_messages;
SET search_path = job_failed, public;
\set SHOW_CONTEXT never
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(0, 9);
CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, late int UNIQUE DEFERRABLE INITIALLY DEFERRED,
                ref int REFERENCES parent DEFERRABLE INITIALLY DEFERRED, v text);
INSERT INTO t SELECT i, i, i, 0, 'old' FROM generate_series(1, 10) AS i;
CREATE VIEW batches AS
SELECT batch, state, first_row AS first, last_row AS last, rows_updated AS updated, failures, failed_at IS NOT NULL AS has_failed, sqlstate, message
  FROM bulk_update_job_batches WHERE name = 'j' ORDER BY batch;
CREATE VIEW job AS
SELECT state, batches_done AS done, batches_failed AS failed, rows_done, last_sqlstate, last_message, last_failed_at IS NOT NULL AS has_failed
  FROM bulk_update_jobs WHERE name = 'j';

-- A unique violation: the batches before it stay, those after it do not begin
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, CASE i WHEN 6 THEN 100 ELSE i END AS u, ''new'' AS v FROM generate_series(1, 10) AS i', batch_rows => 2);
INSERT INTO t VALUES (11, 100, 11, 0, 'other');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT * FROM batches;
SELECT v, count(*), max(id) FROM t GROUP BY v ORDER BY v;
-- again, as long as the cause is there; and no CALL that begins no batch takes it for tried
CALL bulk_update_job_run('j');
\echo :SQLSTATE
CALL bulk_update_job_run('j', 0);
SELECT bulk_update_job_pause('j');
CALL bulk_update_job_run('j');
SELECT bulk_update_job_resume('j');
SELECT * FROM job;
DELETE FROM t WHERE id = 11;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT * FROM batches;
SELECT v, count(*), max(u) FROM t GROUP BY v ORDER BY v;
SELECT bulk_update_job_drop('j');

-- Deferred constraints are checked in the batch: the error is that of its batch
UPDATE t SET v = 'old';
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS ref, ''new'' AS v FROM generate_series(7, 12) AS i', batch_rows => 2);
INSERT INTO t VALUES (11, 111, 11, 0, 'old');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
SELECT batch, detail FROM bulk_update_job_batches WHERE detail IS NOT NULL;
SELECT id, ref, v FROM t WHERE id > 6 ORDER BY id;
INSERT INTO parent VALUES (10), (11);
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT id, ref, v FROM t WHERE id > 6 ORDER BY id;
SELECT bulk_update_job_drop('j');
-- values that only swap within a batch are no violation; a swap over two batches is one
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, 7 - i AS late FROM generate_series(1, 6) AS i', batch_rows => 6);
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT id, late FROM t WHERE id < 7 ORDER BY id;
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS late FROM generate_series(1, 6) AS i', batch_rows => 3);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
-- other batches can help: in one batch it succeeds; a batch that has failed is not divided anew before it is tried again
SELECT bulk_update_job_alter('j', batch_rows => 6);
SELECT * FROM batches;
CALL bulk_update_job_run('j', 0);
SELECT * FROM batches;
SELECT bulk_update_job_drop('j');

-- on_error => 'skip': rejected rows are no failure; errors that are not a row's are
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, CASE i WHEN 3 THEN 1 ELSE i END AS u FROM generate_series(1, 6) AS i', batch_rows => 2, on_error => 'skip');
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT rows_updated, rows_rejected FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = TG_ARGV[0]::int THEN RAISE 'not yet' USING errcode = TG_ARGV[1]; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER fails BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fails(3, 'XX000');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS u FROM generate_series(1, 6) AS i', batch_rows => 2, on_error => 'skip');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT * FROM batches;
-- a canceled or ended batch is as if it had never begun
DROP TRIGGER fails ON t;
CREATE TRIGGER fails BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fails(3, '57014');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT batch, state, failures FROM batches;
-- errors that may go away are tried again, in halves from the third time on, until max_retries
DROP TRIGGER fails ON t;
CREATE TRIGGER fails BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fails(4, '40P01');
SELECT bulk_update_job_alter('j', max_retries => 2);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
SELECT * FROM batches;
-- under 'stop' that error ends the CALL at once
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, i AS u FROM generate_series(1, 6) AS i', batch_rows => 2);
SELECT bulk_update_job_alter('j', max_retries => 0);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
-- max_retries counts from the beginning in the next CALL; and it succeeds when the cause has gone
SELECT bulk_update_job_alter('j', max_retries => 1);
DROP TRIGGER fails ON t;
CREATE SEQUENCE attempts;
CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 3 AND nextval('job_failed.attempts') < 2 THEN RAISE 'not yet' USING errcode = '40001'; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER fails BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fails();
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT * FROM batches;
DROP TRIGGER fails ON t;
SELECT bulk_update_job_drop('j');

-- The context says which batch it was
\set SHOW_CONTEXT errors
UPDATE t SET u = id;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, 100 + i AS u FROM generate_series(10, 15) AS i', batch_rows => 2, on_missing => 'error');
CALL bulk_update_job_run('j');
\set SHOW_CONTEXT never

-- Two rows of rejects and old values are gone with the batch
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_rejects('rejects');
SELECT bulk_update_job_drop('j');
CREATE FUNCTION fails_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too late' USING errcode = '40003'; END $$;
CREATE CONSTRAINT TRIGGER fails_late AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION fails_late();
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, CASE i WHEN 4 THEN 1 ELSE i END AS u, ''kept'' AS v FROM generate_series(1, 6) AS i', batch_rows => 2,
    on_error => 'skip', rejects => 'rejects', old_values => 'kept');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
SELECT source_row FROM kept ORDER BY 1;
SELECT chunk, source_row FROM rejects ORDER BY 2;
DROP TRIGGER fails_late ON t;
CALL bulk_update_job_run('j');
SELECT source_row FROM kept ORDER BY 1;
SELECT bulk_update_job_drop('j');
-- An error of the commit, which constraints that are deferred anew can raise: tried again or not, as others
CREATE TABLE log (id int, code text);
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('job_failed.attempts') = 1 THEN RAISE 'not committed' USING errcode = NEW.code; END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
CREATE FUNCTION defers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS job_failed.at_commit DEFERRED;
    INSERT INTO job_failed.log VALUES (NEW.id, TG_ARGV[0]);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER defers AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = 3) EXECUTE FUNCTION defers('40001');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''committed'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2);
ALTER SEQUENCE attempts RESTART;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT * FROM batches;
SELECT * FROM log;
SELECT bulk_update_job_drop('j');
DROP TRIGGER defers ON t;
CREATE CONSTRAINT TRIGGER defers AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = 3) EXECUTE FUNCTION defers('23514');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''again'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2);
ALTER SEQUENCE attempts RESTART;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM job;
CALL bulk_update_job_run('j');
SELECT * FROM job;
DROP TRIGGER defers ON t;
-- and of the caller's transaction
CREATE PROCEDURE inserts() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO job_failed.log VALUES (0, '40001'); CALL bulk_update_job_run('j'); END $$;
ALTER SEQUENCE attempts RESTART;
CALL inserts();
\echo :SQLSTATE
-- An error before there is a batch
SELECT bulk_update_job_drop('j');
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''again'' AS v FROM generate_series(1, 4) AS i', batch_rows => 2);
ALTER TABLE bulk_update_job_batch RENAME last_row TO other;
\set VERBOSITY sqlstate
CALL bulk_update_job_run('j');
\set VERBOSITY default
ALTER TABLE bulk_update_job_batch RENAME other TO last_row;
CALL bulk_update_job_run('j');
SELECT * FROM job;
SELECT bulk_update_job_drop('j');
SET client_min_messages = warning;
DROP SCHEMA job_failed CASCADE;
