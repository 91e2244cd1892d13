--
-- old_values: where calls are made from, and what kinds of tables there are
--
SET client_min_messages = warning;
CREATE SCHEMA old_values_calls;
SET search_path = old_values_calls, public;
\set report 'rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale, rows_rejected AS rejected'
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v <> 666), w text DEFAULT 'w');
INSERT INTO t SELECT i, 0 FROM generate_series(1, 60) AS i;
CREATE TABLE before AS TABLE t;
CREATE TABLE other (LIKE t INCLUDING ALL);
INSERT INTO other TABLE t;
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_old_values('kept_other', 'other');
-- What does not belong together of the table, and of what is kept: nothing
CREATE VIEW wrong AS
SELECT 'not as now' AS wrong, id FROM kept JOIN t USING (id) WHERE (new_v, new_w) IS DISTINCT FROM (v, w)
UNION ALL
SELECT 'not as before', id FROM kept JOIN before USING (id) WHERE (old_v, old_w) IS DISTINCT FROM (v, w)
UNION ALL
SELECT 'changed, not kept', id FROM t JOIN before USING (id) WHERE (t.v, t.w) IS DISTINCT FROM (before.v, before.w) AND id NOT IN (SELECT id FROM kept);

-- A dry run keeps nothing, and so is possible where nothing can be written
BEGIN READ ONLY;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (99, 1)', '{id,v}', dry_run => true, old_values => 'kept');
COMMIT;
SELECT count(*) FROM kept;

-- Savepoints and exceptions: what is rolled back is not kept
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1 FROM t WHERE id <= 3', '{id,v}', old_values => 'kept');
SAVEPOINT s;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 2 FROM t WHERE id <= 5', '{id,v}', old_values => 'kept');
SELECT :report FROM bulk_update_undo('t', 'kept');
ROLLBACK TO s;
SELECT id, old_v, new_v FROM kept ORDER BY source_row;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 3 FROM t WHERE id <= 2', '{id,v}', old_values => 'kept');
RELEASE s;
COMMIT;
SELECT dense_rank() OVER (ORDER BY run) AS run, id, old_v, new_v FROM kept ORDER BY run, source_row;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT :report FROM bulk_update_undo('t', 'kept', (SELECT min(run) FROM kept));
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
TRUNCATE kept;
CREATE FUNCTION attempts(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        BEGIN
            PERFORM bulk_update_query('t', format('SELECT id, CASE WHEN id = 50 AND %s %% 2 = 1 THEN 666 ELSE v + 1 END FROM t', i), '{id,v}',
                                      old_values => 'kept', chunk_size => 20);
        EXCEPTION WHEN check_violation THEN NULL;
        END;
    END LOOP;
    RETURN (SELECT count(*) FROM kept);
END
$$;
SELECT attempts(10);
SELECT DISTINCT v FROM t;
SELECT count(DISTINCT run), min(new_v - old_v), max(new_v - old_v) FROM kept;
-- All of them taken back, the newest first, in one statement
CREATE FUNCTION undo_all() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(u.rows_updated) FROM (SELECT DISTINCT run FROM kept ORDER BY run DESC) AS r, bulk_update_undo('t', 'kept', r.run) AS u
$$;
SELECT undo_all();
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
TRUNCATE kept;

-- Prepared transactions, a prepared statement
SELECT current_setting('max_prepared_transactions')::int > 0 AS prepares \gset
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1 FROM t', '{id,v}', old_values => 'kept', chunk_size => 40);
\if :prepares
PREPARE TRANSACTION 'old values';
SELECT count(*) FROM kept;
COMMIT PREPARED 'old values';
\else
COMMIT;
\endif
SELECT count(*) FROM kept;
TABLE wrong;
PREPARE undo AS SELECT sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged FROM bulk_update_undo('t', 'kept', $1);
SELECT max(run) AS run FROM kept \gset
EXECUTE undo(NULL);
EXECUTE undo(:run);
DEALLOCATE undo;
TRUNCATE kept;

--
-- Nested calls
--
CREATE FUNCTION at_20() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 20 AND pg_trigger_depth() = 1 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
-- Returns what was kept of both tables: how many runs and rows, and what is wrong.
CREATE FUNCTION with_trigger(timing text, command text, options text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE kept, kept_other, t, other;
    INSERT INTO t TABLE before;
    INSERT INTO other TABLE before;
    EXECUTE format('CREATE OR REPLACE TRIGGER at_20 %s UPDATE ON t FOR EACH ROW EXECUTE FUNCTION at_20(%L)', timing, command);
    RETURN QUERY EXECUTE format($q$SELECT format('updated %%s, missing %%s, rejected %%s', sum(rows_updated), sum(rows_missing), sum(rows_rejected))
        FROM bulk_update_query('t', 'SELECT i AS id, i AS v FROM generate_series(1, 60) AS i', chunk_size => 7, old_values => 'kept'%s)$q$, options);
    DROP TRIGGER at_20 ON t;
    RETURN QUERY SELECT format('kept: run %s, rows %s, v %s from %s', dense_rank() OVER (ORDER BY run), count(*), sum(new_v), sum(old_v)) FROM kept GROUP BY run ORDER BY run;
    RETURN QUERY SELECT format('kept of other: rows %s, v %s from %s', count(*), sum(new_v), sum(old_v)) FROM kept_other HAVING count(*) > 0;
END
$$;
-- Another table, in each kind of trigger
SELECT with_trigger('BEFORE', 'SELECT bulk_update_query(''other'', ''SELECT id, 5 AS v FROM other'', chunk_size => 9, old_values => ''kept_other'')');
TABLE wrong;
SELECT with_trigger('AFTER', 'SELECT bulk_update_query(''other'', ''SELECT id, 5 AS v FROM other'', chunk_size => 9, old_values => ''kept_other'')', ', on_error => ''skip''');
TABLE wrong;
SELECT sum(rows_updated) FROM bulk_update_undo('other', 'kept_other');
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept');
SELECT count(*) FROM ((TABLE t EXCEPT TABLE before) UNION ALL (TABLE other EXCEPT TABLE before)) AS d;
-- The same table, and the same table of old values: rows of earlier and of later chunks. The outer call keeps what the inner one wrote.
SELECT with_trigger('BEFORE', 'SELECT bulk_update_query(''t'', ''SELECT id, -1 AS v FROM t WHERE id < 10 OR id > 50'', old_values => ''kept'')');
SELECT dense_rank() OVER (ORDER BY run) AS run, id, old_v, new_v FROM kept WHERE id IN (5, 20, 55) ORDER BY run, id;
SELECT undo_all();
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
-- An undo within the call that it undoes: of the chunks that it has finished
SELECT with_trigger('BEFORE', 'SELECT bulk_update_undo(''t'', ''kept'')');
SELECT count(*) FILTER (WHERE v = 0) AS undone, count(*) FILTER (WHERE v = id) AS updated FROM t;
-- One that fails and is caught
SELECT with_trigger('BEFORE', $c$ DO $d$ BEGIN PERFORM bulk_update_query('other', 'SELECT id, CASE WHEN id = 57 THEN 666 ELSE 1 END AS v FROM t', chunk_size => 5, old_values => 'kept_other');
    EXCEPTION WHEN check_violation THEN PERFORM bulk_update_query('other', 'SELECT id, 7 AS v FROM other WHERE id < 4', old_values => 'kept_other'); END $d$ $c$);
TABLE wrong;
-- A call in the source's query, in a cast, and in a trigger of the table of old values
CREATE FUNCTION nested(i int) RETURNS int LANGUAGE sql AS $$
    SELECT i + 0 * sum(rows_updated)::int FROM bulk_update_query('other', format('SELECT %s, %s', i, i), '{id,v}', old_values => 'kept_other')
$$;
TRUNCATE kept, kept_other, t, other;
INSERT INTO t TABLE before;
INSERT INTO other TABLE before;
SELECT :report FROM bulk_update_query('t', 'SELECT i, nested(i) FROM generate_series(1, 10) AS i', '{id,v}', old_values => 'kept', chunk_size => 3);
SELECT count(*), count(DISTINCT run), sum(new_v) FROM kept_other;
TABLE wrong;
CREATE FUNCTION in_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('other', format('SELECT %s, %s', NEW.id, NEW.new_v * 10), '{id,v}', old_values => 'kept_other');
    RETURN NEW;
END
$$;
CREATE TRIGGER in_kept BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION in_kept();
SELECT :report FROM bulk_update_query('t', 'SELECT i, i + 100 FROM generate_series(1, 10) AS i', '{id,v}', old_values => 'kept', chunk_size => 4);
SELECT count(*), count(DISTINCT run), sum(new_v) FROM kept_other WHERE new_v > 100;
DROP TRIGGER in_kept ON kept;

-- The cursor is closed during the call
TRUNCATE kept;
CREATE OR REPLACE TRIGGER at_20 AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION at_20('CLOSE c');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 77 AS v FROM before ORDER BY id;
\set VERBOSITY terse
SELECT sum(rows_updated) FROM bulk_update('t', 'c', chunk_size => 7, old_values => 'kept');
\set VERBOSITY default
ROLLBACK;
SELECT count(*) FROM kept;
DROP TRIGGER at_20 ON t;

-- Deferred triggers, and triggers that change the row again: what the call itself wrote is kept
TRUNCATE kept, t;
INSERT INTO t TABLE before;
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET w = 'again' WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER again AFTER UPDATE OF v ON t FOR EACH ROW WHEN (NEW.id < 4) EXECUTE FUNCTION again();
SELECT :report FROM bulk_update_query('t', 'SELECT id, 5 FROM t WHERE id < 6', '{id,v}', old_values => 'kept');
SELECT id, old_v, new_v, new_w FROM kept ORDER BY id;
DROP TRIGGER again ON t;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT * FROM t WHERE id < 6 ORDER BY id;

--
-- Kinds of tables: temporary, unlogged, dropped with the transaction
--
CREATE TEMPORARY TABLE temp (id int PRIMARY KEY, v int);
INSERT INTO temp SELECT i, i FROM generate_series(1, 5) AS i;
SELECT bulk_update_create_old_values('pg_temp.kept_temp', 'temp') IS NOT NULL AS created;
SELECT relpersistence FROM pg_class WHERE oid = 'kept_temp'::regclass;
SELECT :report FROM bulk_update_query('temp', 'SELECT id, v * 10 FROM temp', '{id,v}', old_values => 'kept_temp');
SELECT :report FROM bulk_update_undo('temp', 'kept_temp');
TABLE temp ORDER BY id;
-- A permanent table for a temporary one, and the other way round
SELECT bulk_update_create_old_values('kept_of_temp', 'temp');
SELECT :report FROM bulk_update_query('temp', 'SELECT id, v * 10 FROM temp', '{id,v}', old_values => 'kept_of_temp');
SELECT :report FROM bulk_update_undo('temp', 'kept_of_temp', redo_values => 'kept_temp');
SELECT count(*) FROM kept_temp;
BEGIN;
CREATE TEMPORARY TABLE kept_once (LIKE kept) ON COMMIT DROP;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 9 FROM t WHERE id < 6', '{id,v}', old_values => 'kept_once');
SELECT :report FROM bulk_update_undo('t', 'kept_once');
COMMIT;
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
CREATE UNLOGGED TABLE unlogged (LIKE t INCLUDING ALL);
INSERT INTO unlogged TABLE before;
CREATE UNLOGGED TABLE kept_unlogged (LIKE kept);
SELECT :report FROM bulk_update_query('unlogged', 'SELECT id, 9 FROM t', '{id,v}', old_values => 'kept_unlogged');
SELECT :report FROM bulk_update_undo('unlogged', 'kept_unlogged', chunk_size => 59);
SELECT count(*) FROM (TABLE unlogged EXCEPT TABLE before) AS d;

-- The target is dropped and created again, with its columns in another order
TRUNCATE kept;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 9 FROM t WHERE id < 6', '{id,v}', old_values => 'kept');
CREATE TABLE t2 (w text, dropped int, v bigint, id int);
ALTER TABLE t2 DROP COLUMN dropped, ADD PRIMARY KEY (id);
INSERT INTO t2 SELECT w, v, id FROM t;
DROP VIEW wrong;
DROP TABLE t;
ALTER TABLE t2 RENAME TO t;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT count(*) FROM (SELECT id, v, w FROM t EXCEPT TABLE before) AS d;

DROP SCHEMA old_values_calls CASCADE;
