--
-- Nested calls; a call's triggers that change the table of rejects, settings and the cursor
--
SET client_min_messages = warning;
CREATE SCHEMA nested;
SET search_path = nested, public;
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v <> 666), w int DEFAULT 0);
CREATE TABLE plain (LIKE t INCLUDING ALL);
CREATE TABLE other (id int PRIMARY KEY, v int);
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
    TRUNCATE t, plain, other;
    INSERT INTO t SELECT i, 0, 0 FROM generate_series(1, 60) AS i;
    INSERT INTO plain TABLE t;
    INSERT INTO other SELECT i, 0 FROM generate_series(1, 60) AS i;
$$;
-- Runs its argument before row 20, once in each transaction, at nesting depth 1
CREATE FUNCTION at_20() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 20 AND pg_trigger_depth() = 1 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION with_trigger(timing text, command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fill();
    EXECUTE format('CREATE OR REPLACE TRIGGER at_20 %s UPDATE ON t FOR EACH ROW EXECUTE FUNCTION at_20(%L)', timing, command);
END
$$;
-- The totals of a call that updates all rows of t
CREATE FUNCTION call(more text DEFAULT '', value text DEFAULT 'i') RETURNS TABLE (updated numeric, missing numeric, rejected numeric) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT sum(rows_updated), sum(rows_missing), sum(rows_rejected)
        FROM bulk_update_query(''t'', ''SELECT i AS id, %s AS v FROM generate_series(1, 60) AS i'', chunk_size => 7 %s)', value, more);
END
$$;

--
-- Nested calls
--
-- another table, in each kind of trigger
SELECT with_trigger('BEFORE', 'SELECT bulk_update_query(''other'', ''SELECT id, 5 AS v FROM other'', chunk_size => 9)');
SELECT * FROM call();
SELECT sum(v) FROM t;
SELECT DISTINCT v FROM other;
SELECT with_trigger('AFTER', 'SELECT bulk_update_query(''other'', ''SELECT id, v + 1 AS v FROM other'', chunk_size => 9)');
SELECT * FROM call();
SELECT DISTINCT v FROM other;
-- the same table: rows of earlier and of later chunks
SELECT with_trigger('BEFORE', 'SELECT bulk_update_query(''t'', ''SELECT id, w + 1 AS w, -1 AS v FROM t WHERE id < 10 OR id > 50 ORDER BY id DESC'')');
SELECT * FROM call();
SELECT count(*) FILTER (WHERE v = id) AS ours, count(*) FILTER (WHERE v = -1) AS theirs, sum(w) FROM t;
SELECT with_trigger('AFTER', 'SELECT bulk_update_query(''t'', ''SELECT id, w + 1 AS w FROM t ORDER BY id'')');
SELECT * FROM call();
UPDATE plain SET v = id, w = 1;
SELECT * FROM test_diff('t', 'plain');
-- one that fails and is caught: nothing of it remains, the outer call continues
SELECT with_trigger('BEFORE', $c$ DO $d$ BEGIN PERFORM bulk_update_query('t', 'SELECT id, CASE WHEN id = 57 THEN 666 ELSE 1 END AS v FROM t ORDER BY id', chunk_size => 5);
    EXCEPTION WHEN check_violation THEN PERFORM bulk_update_query('other', 'SELECT id, 7 AS v FROM other'); END $d$ $c$);
SELECT * FROM call();
SELECT * FROM call(', on_error => ''skip''', 'CASE WHEN i % 20 < 2 THEN 666 ELSE i END');
SELECT count(*) FILTER (WHERE v = id) AS ours, sum(v) FROM t;
SELECT DISTINCT v FROM other;
-- one that skips rows, within a call that skips rows, with the same table of rejects
SELECT bulk_update_create_rejects('r');
SELECT with_trigger('BEFORE', $c$ SELECT bulk_update_query('other', 'SELECT id - 50, CASE WHEN id = 57 THEN 5000000000 ELSE 1 END FROM other ORDER BY id', '{id,v}', on_error => 'skip', rejects => 'r', chunk_size => 5) $c$);
SELECT * FROM call(', on_error => ''skip'', rejects => ''r''', 'CASE WHEN i = 30 THEN 666 ELSE i END');
SELECT target, reason, count(*), count(DISTINCT run) AS runs FROM r GROUP BY 1, 2 ORDER BY 1, 2;
TRUNCATE r;
-- in the cursor's query, and in a cast: of the same table, and of another one
CREATE FUNCTION nested_call(i int, target text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF i = 20 THEN
        PERFORM bulk_update_query(target::regclass, format('SELECT id, -5 AS v FROM %s', target), chunk_size => 8);
    END IF;
    RETURN i;
END
$$;
DROP TRIGGER at_20 ON t;
SELECT fill();
SELECT * FROM call('', 'nested_call(i, ''''other'''')');
SELECT sum(v) AS other, (SELECT sum(v) FROM t) AS t FROM other;
SELECT fill();
SELECT * FROM call('', 'nested_call(i, ''''t'''')');
SELECT sum(v) FROM t;
CREATE TYPE source AS (i int, target text);
CREATE FUNCTION source_to_int(s source) RETURNS int LANGUAGE sql AS 'SELECT nested.nested_call(s.i, s.target)';
CREATE CAST (source AS int) WITH FUNCTION source_to_int(source) AS ASSIGNMENT;
SELECT fill();
SELECT * FROM call('', 'row(i, ''''other'''')::source');
SELECT * FROM call('', 'row(i, ''''t'''')::source');
SELECT * FROM call(', on_error => ''skip''', 'row(i, ''''t'''')::source');
SELECT sum(v) AS other, (SELECT sum(v) FROM t) AS t FROM other;
-- three levels, each in the query of the one above
SELECT fill();
SELECT sum(rows_updated) FROM bulk_update_query('t', $q$ SELECT chunk AS id, rows_updated AS v FROM bulk_update_query('other', $p$ SELECT chunk AS id, rows_updated AS v
    FROM bulk_update_query('plain', 'SELECT id, 9 AS v FROM plain', chunk_size => 10) $p$, chunk_size => 4) $q$);
SELECT 't' AS relation, sum(v) FROM t UNION ALL SELECT 'other', sum(v) FROM other UNION ALL SELECT 'plain', sum(v) FROM plain;
-- the outer call's cursor passed to the nested one
SELECT with_trigger('BEFORE', 'SELECT bulk_update(''other'', ''c'')');
BEGIN;
DECLARE c CURSOR FOR SELECT i AS id, i AS v FROM generate_series(1, 300) AS i;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 7) $$);
COMMIT;
SELECT sum(v) AS other, (SELECT sum(v) FROM t) AS t FROM other;
DROP TRIGGER at_20 ON t;

-- Endless recursion: an error, and the session can continue
CREATE FUNCTION endless() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('nested.t', 'SELECT 1 AS id, 1 AS v');
    RETURN NEW;
END
$$;
CREATE TRIGGER endless BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION endless();
SET max_stack_depth = '200kB';
SELECT line FROM test_error($$ SELECT call() $$) AS line WHERE line LIKE 'ERROR%';
SELECT line FROM test_error($$ SELECT call(', on_error => ''skip''') $$) AS line WHERE line LIKE 'ERROR%';
CREATE OR REPLACE TRIGGER endless AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION endless();
SELECT line FROM test_error($$ SELECT call() $$) AS line WHERE line LIKE 'ERROR%';
SELECT line FROM test_error($$ SELECT call(', on_error => ''skip''') $$) AS line WHERE line LIKE 'ERROR%';
DROP TRIGGER endless ON t;
CREATE FUNCTION endless_query() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('nested.t', 'SELECT nested.endless_query() AS id, 1 AS v');
    RETURN 1;
END
$$;
SELECT line FROM test_error($$ SELECT endless_query() $$) AS line WHERE line LIKE 'ERROR%';
RESET max_stack_depth;
SELECT fill();
SELECT * FROM call();

--
-- Settings that a trigger changes during a call stay as the trigger set them
--
SELECT with_trigger('BEFORE', 'SET search_path = pg_catalog');
SELECT * FROM call();
SHOW search_path;
SET search_path = nested, public;
SELECT with_trigger('BEFORE', 'SET work_mem = ''64kB''');
SELECT * FROM call();
SELECT with_trigger('BEFORE', 'SET work_mem = ''100MB''');
SELECT * FROM call(', on_duplicate => ''last''', 'i AS v FROM generate_series(60, 1, -1) AS i UNION ALL SELECT i, i');
SHOW work_mem;
RESET work_mem;
SELECT current_setting('bulk_update.applier') AS applier \gset
SELECT with_trigger('BEFORE', 'SET bulk_update.applier = direct');
SELECT * FROM call();
SELECT with_trigger('BEFORE', 'SET bulk_update.applier = sql');
SELECT * FROM call();
SELECT * FROM call(', skip_unchanged => true', 'i % 2');
SET bulk_update.applier = :applier;
SELECT with_trigger('BEFORE', 'SET enable_indexscan = off');
SELECT * FROM call();
SHOW enable_indexscan;
RESET enable_indexscan;
SELECT with_trigger('BEFORE', 'DISCARD PLANS');
SELECT * FROM call(', on_error => ''skip''');
SELECT with_trigger('BEFORE', 'CLOSE ALL');
SELECT regexp_replace(line, 'portal \d+', 'portal N') AS line FROM test_error($$ SELECT call('', 'i AS v FROM generate_series(1, 300) AS i UNION ALL SELECT 300 + i, i') $$) AS line WHERE line !~ 'CONTEXT';

--
-- Savepoints and locks: EXCEPTION blocks in triggers, then a row that fails
--
CREATE FUNCTION careful() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        LOCK TABLE nested.other IN SHARE ROW EXCLUSIVE MODE;
        UPDATE nested.other SET v = v + 1 WHERE id = NEW.id;
        IF NEW.id % 3 = 0 THEN
            RAISE EXCEPTION 'caught';
        END IF;
    EXCEPTION WHEN raise_exception THEN
        NEW.w := -1;
    END;
    IF NEW.id % 20 = 19 THEN
        RAISE EXCEPTION 'not caught at %', NEW.id;
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER at_20 ON t;
SELECT fill();
CREATE TRIGGER careful BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION careful();
SELECT * FROM test_error($$ SELECT call() $$);
SELECT sum(v) AS other, (SELECT sum(v) FROM t) AS t FROM other;
SELECT * FROM call(', on_error => ''skip'', rejects => ''r''');
SELECT source_row, sqlstate, message FROM r ORDER BY 1;
TRUNCATE r;
-- each updated row was counted once there, unless the trigger undid it
SELECT sum(v) AS other, (SELECT count(*) FROM t WHERE v <> 0 AND id % 3 <> 0) AS t FROM other;
SELECT count(*) FILTER (WHERE w = -1) AS caught, count(*) FILTER (WHERE v = 0) AS failed FROM t;
DROP TRIGGER careful ON t;
CREATE TRIGGER careful AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION careful();
SELECT fill();
SELECT * FROM test_error($$ SELECT call() $$);
SELECT * FROM call(', on_error => ''skip''');
SELECT sum(v) AS other, (SELECT count(*) FROM t WHERE v <> 0 AND id % 3 <> 0) AS t FROM other;
DROP TRIGGER careful ON t;

--
-- The table of rejects changes during the call
--
CREATE FUNCTION with_rejects(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS r, r_other;
    PERFORM bulk_update_create_rejects('r');
    PERFORM with_trigger('BEFORE', command);
    DELETE FROM t WHERE id % 10 = 2;
    RETURN QUERY SELECT regexp_replace(line, '<unnamed portal [0-9]+>', '<unnamed portal>') FROM test_error($q$ SELECT call(', on_error => ''skip'', rejects => ''nested.r''', 'CASE WHEN i % 10 = 3 THEN 666 ELSE i END') $q$) AS line
                  WHERE line NOT LIKE 'DETAIL: Failing row%';
END
$$;
CREATE FUNCTION count_rejects(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n text;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', relation) INTO n;
    RETURN n;
EXCEPTION WHEN undefined_table THEN
    RETURN 'no table';
END
$$;
\set counts 'count_rejects(''r'') AS r, count_rejects(''r_other'') AS r_other'
SELECT with_rejects('SELECT 1');
SELECT :counts;
SELECT with_rejects('DROP TABLE nested.r');
SELECT :counts;
SELECT with_rejects('ALTER TABLE nested.r RENAME TO r_other');
SELECT :counts;
-- nothing is recorded in another table of that name
SELECT with_rejects('ALTER TABLE nested.r RENAME TO r_other; CREATE TABLE nested.r (LIKE nested.r_other)');
SELECT :counts;
SELECT with_rejects('ALTER TABLE nested.r RENAME TO r_other; CREATE VIEW nested.r AS SELECT * FROM nested.r_other');
SELECT :counts;
DROP VIEW r;
SELECT with_rejects('DROP TABLE nested.r; CREATE TABLE nested.r (x int)');
SELECT :counts;
SELECT with_rejects('ALTER TABLE nested.r DROP COLUMN message');
SELECT with_rejects('TRUNCATE nested.r; ALTER TABLE nested.r ADD COLUMN must int NOT NULL');
SELECT with_rejects('ALTER TABLE nested.r ADD COLUMN may int, ALTER COLUMN key TYPE text, ALTER COLUMN source_row TYPE text');
SELECT :counts;
SELECT with_rejects('ALTER TABLE nested.r RENAME COLUMN key TO keys');
SELECT with_rejects('TRUNCATE nested.r');
SELECT :counts;
SELECT with_rejects('LOCK TABLE nested.r; CREATE RULE nothing AS ON INSERT TO nested.r DO INSTEAD NOTHING');
-- by the triggers of the table of rejects
CREATE FUNCTION at_reject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.source_row::int = 23 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION at_reject(command text) RETURNS text LANGUAGE sql AS $$
    SELECT format('CREATE TRIGGER at_reject BEFORE INSERT ON nested.r FOR EACH ROW EXECUTE FUNCTION nested.at_reject(%L)', command)
$$;
SELECT with_rejects(at_reject('ALTER TABLE nested.r RENAME TO r_other; CREATE TABLE nested.r (LIKE nested.r_other)'));
SELECT :counts;
SELECT with_rejects(at_reject('DROP TABLE nested.r'));
SELECT with_rejects(at_reject('ALTER TABLE nested.t ADD COLUMN x int'));
SELECT with_rejects(at_reject('CLOSE ALL'));
SELECT :counts;
SELECT with_rejects(at_reject('SELECT bulk_update_query(''nested.t'', ''SELECT id, 666 AS v FROM nested.t WHERE id < 5'', on_error => ''skip'', rejects => ''nested.r'')'));
SELECT count(*), count(DISTINCT run) AS runs FROM r;
DROP SCHEMA nested CASCADE;
