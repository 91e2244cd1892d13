--
-- Triggers: each chunk is a statement
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int, b int DEFAULT 0);
CREATE TABLE plain (LIKE t INCLUDING ALL);
CREATE TABLE new (id int, a int);
CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY, relation text, line text);
INSERT INTO t SELECT i, i FROM generate_series(1, 5) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT i, i * 10 FROM generate_series(1, 6) AS i;

-- Logs an event of any trigger. The order of rows in a statement is not recorded.
CREATE FUNCTION log_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (relation, line)
    VALUES (TG_TABLE_NAME, concat_ws(' ', TG_WHEN, TG_OP, TG_LEVEL,
            CASE WHEN TG_LEVEL = 'ROW' THEN OLD::text || '->' || NEW::text END));
    RETURN CASE WHEN TG_LEVEL = 'ROW' THEN NEW END;
END
$$;
CREATE FUNCTION log_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (relation, line)
    SELECT TG_TABLE_NAME, 'old ' || (SELECT array_agg(o ORDER BY o) FROM old_rows AS o)::text ||
                          ' new ' || (SELECT array_agg(n ORDER BY n) FROM new_rows AS n)::text;
    RETURN NULL;
END
$$;
-- Lines that are logged for only one of t and plain, except for the number of statements
CREATE FUNCTION log_diff() RETURNS TABLE (side text, line text) LANGUAGE sql AS $$
    SELECT * FROM (
        (SELECT 't', line FROM log WHERE relation = 't' AND line LIKE '%ROW%'
         EXCEPT ALL SELECT 't', line FROM log WHERE relation = 'plain' AND line LIKE '%ROW%')
        UNION ALL
        (SELECT 'plain', line FROM log WHERE relation = 'plain' AND line LIKE '%ROW%'
         EXCEPT ALL SELECT 'plain', line FROM log WHERE relation = 't' AND line LIKE '%ROW%')) AS d (side, line)
    ORDER BY side, line COLLATE "C"
$$;

-- Row and statement triggers
CREATE TRIGGER before_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER before_statement BEFORE UPDATE ON t EXECUTE FUNCTION log_event();
CREATE TRIGGER after_statement AFTER UPDATE ON t EXECUTE FUNCTION log_event();
CREATE TRIGGER before_row BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER after_row AFTER UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION log_event();
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id', chunk_size => 4);
UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM log_diff();
SELECT line FROM log WHERE relation = 't' ORDER BY n;
TRUNCATE log;
-- statement triggers fire for a chunk of missing rows too
SELECT :report FROM bulk_update_query('t', 'VALUES (7, 0), (8, 0)', '{id,a}');
SELECT line FROM log ORDER BY n;
TRUNCATE log;
-- but a chunk in which no row has a key runs no statement
SELECT :report FROM bulk_update_query('t', 'VALUES (NULL::int, 0), (NULL, 0), (7, 0)', '{id,a}', chunk_size => 2);
SELECT line FROM log ORDER BY n;
TRUNCATE log;
-- triggers for other commands do not fire
DROP TRIGGER before_row ON t;
DROP TRIGGER after_row ON t;
DROP TRIGGER before_statement ON t;
DROP TRIGGER after_statement ON t;
DROP TRIGGER before_row ON plain;
DROP TRIGGER after_row ON plain;
CREATE TRIGGER other AFTER INSERT OR DELETE OR TRUNCATE ON t EXECUTE FUNCTION log_event();
SELECT :report FROM bulk_update_query('t', 'SELECT id, a + 1 AS a FROM new');
UPDATE plain AS t SET a = new.a + 1 FROM new WHERE t.id = new.id;
SELECT line FROM log ORDER BY n;
DROP TRIGGER other ON t;

-- Transition tables hold the rows of one chunk
CREATE TRIGGER transition AFTER UPDATE ON t REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    EXECUTE FUNCTION log_transition();
SELECT :report FROM bulk_update_query('t', 'SELECT id, a + 2 AS a FROM new ORDER BY id', chunk_size => 4);
UPDATE plain AS t SET a = new.a + 2 FROM new WHERE t.id = new.id;
SELECT line FROM log ORDER BY n;
TRUNCATE log;
DROP TRIGGER transition ON t;

-- WHEN, UPDATE OF
CREATE TRIGGER when_more BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.a > OLD.a) EXECUTE FUNCTION log_event();
CREATE TRIGGER of_a AFTER UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER of_b AFTER UPDATE OF b ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER of_id AFTER UPDATE OF id ON t FOR EACH ROW EXECUTE FUNCTION log_event();
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 0), (2, 99)', '{id,a}');
SELECT line FROM log ORDER BY line COLLATE "C";
TRUNCATE log;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (2, 2)', '{id,b}');
SELECT line FROM log ORDER BY line COLLATE "C";
TRUNCATE log;
UPDATE plain SET a = CASE id WHEN 1 THEN 0 ELSE 99 END, b = id WHERE id <= 2;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER when_more ON t;
DROP TRIGGER of_a ON t;
DROP TRIGGER of_b ON t;
DROP TRIGGER of_id ON t;

--
-- A BEFORE trigger that changes the row, that skips it, that does both
--
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.a % 20 = 0 THEN
        RETURN NULL;
    END IF;
    NEW.b := OLD.b + NEW.a;
    NEW.a := -NEW.a;
    RETURN NEW;
END
$$;
CREATE TRIGGER change BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER change BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER after_row AFTER UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION log_event();
-- rows that exist and were skipped are unchanged, others are missing
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id', chunk_size => 3);
UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM log_diff();
TRUNCATE log;
DROP TRIGGER change ON t;
DROP TRIGGER change ON plain;
DROP FUNCTION change;
-- all rows are skipped
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION skip_row();
SELECT :report FROM bulk_update_query('t', 'SELECT id, 0 AS a FROM new ORDER BY id', chunk_size => 4);
-- with NULL keys and missing keys
SELECT :report FROM bulk_update_query('t', 'VALUES (NULL, 1), (2, 2), (99, 3)', '{id,a}');
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER skip_row ON t;
DROP FUNCTION skip_row;
-- core's trigger that skips rows that stay the same
CREATE TRIGGER suppress BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT :report FROM bulk_update_query('t', 'SELECT id, CASE WHEN id > 3 THEN a ELSE a + 1 END AS a FROM t ORDER BY id');
UPDATE plain SET a = a + 1 WHERE id <= 3;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER suppress ON t;
DROP TRIGGER after_row ON t;
DROP TRIGGER after_row ON plain;
TRUNCATE log;

-- A BEFORE trigger that changes the key, also to a later key of the same chunk:
-- the statement's snapshot has no such row
CREATE FUNCTION change_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := NEW.id + 100;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_key BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION change_key();
CREATE TRIGGER change_key BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION change_key();
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 11), (2, 12), (101, 111), (102, 112)', '{id,a}');
UPDATE plain AS t SET a = v.a FROM (VALUES (1, 11), (2, 12), (101, 111), (102, 112)) AS v (id, a) WHERE t.id = v.id;
SELECT * FROM test_diff('t', 'plain');
-- the same with one snapshot for the transaction
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT :report FROM bulk_update_query('t', 'VALUES (4, 14), (104, 114)', '{id,a}');
ROLLBACK;
-- the next chunk finds it by its new key
SELECT :report FROM bulk_update_query('t', 'VALUES (3, 13), (103, 113)', '{id,a}', chunk_size => 1);
SELECT * FROM t ORDER BY id;
DROP TRIGGER change_key ON t;
DROP TRIGGER change_key ON plain;
UPDATE t SET id = id % 100;
TRUNCATE plain;
INSERT INTO plain TABLE t;

--
-- Triggers that read the table see what they see with UPDATE
--
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sum bigint;
BEGIN
    EXECUTE format('SELECT sum(a) FROM %I', TG_TABLE_NAME) INTO sum;
    INSERT INTO log (relation, line) VALUES (TG_TABLE_NAME, concat_ws(' ', TG_WHEN, TG_LEVEL, 'sum', sum));
    RETURN CASE WHEN TG_LEVEL = 'ROW' THEN NEW END;
END
$$;
UPDATE t SET a = id;
UPDATE plain SET a = id;
CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER after_row AFTER UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER before_statement BEFORE UPDATE ON t EXECUTE FUNCTION look();
CREATE TRIGGER after_statement AFTER UPDATE ON t EXECUTE FUNCTION look();
CREATE TRIGGER before_statement BEFORE UPDATE ON plain EXECUTE FUNCTION look();
CREATE TRIGGER after_statement AFTER UPDATE ON plain EXECUTE FUNCTION look();
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id');
UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id;
SELECT line, count(*) FILTER (WHERE relation = 't') AS t, count(*) FILTER (WHERE relation = 'plain') AS plain
  FROM log GROUP BY line ORDER BY line COLLATE "C";
TRUNCATE log;
-- each chunk sees the chunks before
SELECT :report FROM bulk_update_query('t', 'SELECT id, 0 AS a FROM new ORDER BY id', chunk_size => 2);
SELECT line FROM log ORDER BY n;
UPDATE plain SET a = 0;
TRUNCATE log;
DROP TRIGGER after_row ON t;
DROP TRIGGER after_row ON plain;
DROP TRIGGER before_statement ON t;
DROP TRIGGER after_statement ON t;
DROP TRIGGER before_statement ON plain;
DROP TRIGGER after_statement ON plain;
-- a BEFORE row trigger that reads the table sees the rows that the statement has already updated
CREATE TRIGGER before_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION look();
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1 AS a FROM new ORDER BY id');
SELECT line FROM log ORDER BY line COLLATE "C";
UPDATE plain SET a = 1;
TRUNCATE log;
DROP TRIGGER before_row ON t;

--
-- A trigger that raises an error: nothing is changed, the context names the place
--
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 4 THEN
        RAISE EXCEPTION 'row % is refused', NEW.id USING ERRCODE = 'BU001', DETAIL = 'A detail.', HINT = 'A hint.';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, 7 AS a FROM t ORDER BY id', chunk_size => 2) $$);
DROP TRIGGER refuse ON t;
CREATE TRIGGER refuse AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, 7 AS a FROM t ORDER BY id', chunk_size => 2) $$);
DROP TRIGGER refuse ON t;
SELECT * FROM test_diff('t', 'plain');
-- a deferred constraint trigger: its error comes at the end of the transaction
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 7 AS a FROM t ORDER BY id', chunk_size => 4);
SELECT * FROM test_error('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK;
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 7 AS a FROM t WHERE id < 4 ORDER BY id');
COMMIT;
UPDATE plain SET a = 7 WHERE id < 4;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER refuse ON t;
DROP FUNCTION refuse;

--
-- session_replication_role, disabled triggers
--
CREATE TRIGGER normal AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE TRIGGER always AFTER UPDATE ON t EXECUTE FUNCTION log_event();
ALTER TABLE t ENABLE ALWAYS TRIGGER always;
SET session_replication_role = replica;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 8)', '{id,a}');
RESET session_replication_role;
SELECT line FROM log ORDER BY n;
TRUNCATE log;
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 9)', '{id,a}');
SELECT line FROM log ORDER BY n;
DROP TRIGGER normal ON t;
DROP TRIGGER always ON t;
-- a disabled trigger that skips rows
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION skip_row();
ALTER TABLE t DISABLE TRIGGER skip_row;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 10), (6, 0)', '{id,a}');
DROP TRIGGER skip_row ON t;
DROP FUNCTION skip_row;
UPDATE plain SET a = 10 WHERE id = 1;
SELECT * FROM test_diff('t', 'plain');

--
-- bulk_update in a trigger of a bulk_update
--
CREATE TABLE totals (id int PRIMARY KEY, a bigint);
INSERT INTO totals VALUES (0, 0), (1, 0);
CREATE FUNCTION keep_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('totals', 'SELECT id % 2 AS id, sum(a) AS a FROM t GROUP BY 1', chunk_size => 1);
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_totals AFTER UPDATE ON t EXECUTE FUNCTION keep_totals();
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id', chunk_size => 2);
UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM totals ORDER BY id;
-- an error in the inner call
ALTER TABLE totals ADD CHECK (a < 100);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a * 2 AS a FROM new ORDER BY id', chunk_size => 2) $$);
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER keep_totals ON t;
DROP FUNCTION keep_totals;
DROP TABLE totals;
-- of the same table: other rows, from a BEFORE trigger of the first one
CREATE FUNCTION others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 AND NEW.id = 1 THEN
        PERFORM bulk_update_query('t', 'SELECT id, -1 AS b FROM t WHERE id > 3');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER others BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION others();
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 77), (4, 77)', '{id,a}', chunk_size => 1);
UPDATE plain SET b = -1 WHERE id > 3;
UPDATE plain SET a = 77 WHERE id IN (1, 4);
SELECT * FROM test_diff('t', 'plain');
-- a row of the same statement that the trigger has changed before: core's error
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78), (4, 78)', '{id,a}') $$);
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER others ON t;
DROP FUNCTION others;
-- the row that is being updated
CREATE FUNCTION itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        EXECUTE TG_ARGV[0] USING NEW.id;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER itself BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('UPDATE t SET b = 5 WHERE id = $1');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$);
CREATE OR REPLACE TRIGGER itself BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('DELETE FROM t WHERE id = $1');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$);
-- DDL on the table
CREATE OR REPLACE TRIGGER itself BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('TRUNCATE t');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$);
CREATE OR REPLACE TRIGGER itself BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('DROP TABLE t');
SELECT left(line, 11) AS error FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$) AS line WHERE line LIKE 'ERROR%';
CREATE OR REPLACE TRIGGER itself BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('ALTER TABLE t ADD COLUMN c int');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$);
DROP TRIGGER itself ON t;
CREATE TRIGGER itself AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION itself('ALTER TABLE t ADD COLUMN c int');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 78)', '{id,a}') $$);
DROP TRIGGER itself ON t;
DROP FUNCTION itself;
-- by the source's query, or a function in it, while the call has the table open
CREATE FUNCTION run(command text) RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE command; RETURN 1; END';
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 1 AS id, run(''ALTER TABLE t DROP COLUMN a'') AS a') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 1 AS id, run(''DROP TABLE t'') AS a') $$);
DROP FUNCTION run;
SELECT * FROM test_diff('t', 'plain');

-- A foreign key is checked between the other triggers of the row, in the order of their names, as by UPDATE. If the server
-- checked several rows together, the wrong row would be blamed.
CREATE TABLE referenced (a int PRIMARY KEY);
INSERT INTO referenced VALUES (1), (2);
CREATE TABLE referring (id int PRIMARY KEY, a int REFERENCES referenced);
INSERT INTO referring SELECT i, 1 FROM generate_series(1, 4) AS i;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''% %'', TG_NAME, NEW.id; RETURN NULL; END';
CREATE TRIGGER "Before the key" AFTER UPDATE ON referring FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER "after the key" AFTER UPDATE ON referring FOR EACH ROW EXECUTE FUNCTION tell();
SELECT * FROM test_error($$ UPDATE referring SET a = CASE id WHEN 3 THEN 3 ELSE 2 END $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('referring', 'SELECT i AS id, CASE i WHEN 3 THEN 3 ELSE 2 END AS a FROM generate_series(1, 4) AS i') $$);
DROP TABLE referring, referenced;
DROP FUNCTION tell;

DROP TABLE t, plain, new, log;
DROP FUNCTION log_event, log_transition, log_diff, change_key, look;
