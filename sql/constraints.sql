--
-- Constraints of the target: the same errors as with UPDATE, and where they occur
--
CREATE TABLE new (id int, a int, b int);

-- Compare the error of bulk_update with that of UPDATE ... FROM
CREATE FUNCTION same_error(target text, value text) RETURNS TABLE (as_by_update boolean, error text)
LANGUAGE plpgsql AS $$
DECLARE
    bulk text[];
    plain text[];
BEGIN
    bulk := ARRAY(SELECT test_error(format('SELECT * FROM bulk_update_query(%L, %L)', target,
                                           'SELECT id, ' || value || ' FROM new ORDER BY id')));
    plain := ARRAY(SELECT test_error(format('UPDATE %s AS t SET %2$s = new.%2$s FROM new WHERE t.id = new.id',
                                            target, value)));
    RETURN QUERY SELECT ARRAY(SELECT e FROM unnest(bulk) AS e WHERE e NOT LIKE 'CONTEXT:%') = plain, u
                   FROM unnest(bulk) AS u;
END
$$;

--
-- CHECK and NOT NULL; the context names the chunk
--
CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a < 100), b int NOT NULL, c int,
                CONSTRAINT sum CHECK (a + b < 150));
INSERT INTO t SELECT i, i, i FROM generate_series(1, 9) AS i;
CREATE TABLE before AS TABLE t;
INSERT INTO new SELECT i, CASE i WHEN 5 THEN 100 ELSE i END, CASE i WHEN 4 THEN NULL ELSE i END
  FROM generate_series(1, 9) AS i;
SELECT * FROM same_error('t', 'a');
SELECT * FROM same_error('t', 'b');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id', chunk_size => 2) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id DESC', chunk_size => 4) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 80, 80)', '{id,a,b}') $$);
-- source rows count from the position of the cursor
BEGIN;
DECLARE c CURSOR FOR SELECT id, b FROM new ORDER BY id;
MOVE 2 IN c;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 1) $$);
COMMIT;
-- long keys in the context are cut off
CREATE TABLE long (id text COLLATE "C" PRIMARY KEY, v int NOT NULL);
INSERT INTO long VALUES (repeat('a', 300), 1), (repeat('é', 300), 1);
SELECT replace(replace(line, repeat('a', 50), '<50 a>'), repeat('é', 25), '<25 é>') AS line
  FROM test_error($$ SELECT bulk_update_query('long', 'SELECT id, NULL::int AS v FROM long') $$) AS line
 WHERE line LIKE 'CONTEXT%';
DROP TABLE long;
-- the table's name is quoted where necessary
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."Odd ""table""" (id int, "Key" text, v int NOT NULL, PRIMARY KEY (id, "Key"));
INSERT INTO "Odd schema"."Odd ""table""" VALUES (1, 'x y', 1);
SELECT * FROM test_error($$ SELECT bulk_update_query('"Odd schema"."Odd ""table"""', 'VALUES (NULL::int, 1, ''x y'')', '{v,id,Key}') $$);
SET client_min_messages = warning;
DROP SCHEMA "Odd schema" CASCADE;
RESET client_min_messages;
-- errors leave nothing behind
SELECT * FROM test_diff('t', 'before');
DROP TABLE t, before;
TRUNCATE new;

--
-- UNIQUE on a value column
--
CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b int);
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO t SELECT i, i, i FROM generate_series(1, 4) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new VALUES (1, 10), (2, 3);
SELECT * FROM same_error('t', 'a');
-- values that are swapped in one statement: an immediate constraint does not allow it, as with UPDATE
TRUNCATE new;
INSERT INTO new VALUES (1, 2), (2, 1);
SELECT * FROM same_error('t', 'a');
SELECT * FROM test_diff('t', 'plain');

-- A deferrable constraint is checked at the end of the call: rows may swap, in one chunk or in two
ALTER TABLE t DROP CONSTRAINT t_a_key, ADD UNIQUE (a) DEFERRABLE;
ALTER TABLE plain DROP CONSTRAINT plain_a_key, ADD UNIQUE (a) DEFERRABLE;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id');
UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT chunk, rows_updated FROM bulk_update_query('t', 'VALUES (1, 1), (2, 2)', '{id,a}', chunk_size => 1);
UPDATE plain SET a = id WHERE id < 3;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 2), (2, 2)', '{id,a}', chunk_size => 1) $$);
SELECT * FROM test_diff('t', 'plain');
-- unless it is deferred: then it is checked at the end of the transaction
BEGIN;
SET CONSTRAINTS t_a_key DEFERRED;
SELECT chunk, rows_updated FROM bulk_update_query('t', 'VALUES (1, 2), (2, 2)', '{id,a}', chunk_size => 1);
SELECT chunk, rows_updated FROM bulk_update_query('t', 'VALUES (1, 1), (2, 2)', '{id,a}', chunk_size => 1);
COMMIT;
ALTER TABLE t DROP CONSTRAINT t_a_key, ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;
SELECT chunk, rows_updated FROM bulk_update_query('t', 'VALUES (1, 4), (2, 3), (3, 2), (4, 1)', '{id,a}', chunk_size => 1);
UPDATE plain SET a = 5 - id;
SELECT * FROM test_diff('t', 'plain');
BEGIN;
SELECT chunk, rows_updated FROM bulk_update_query('t', 'VALUES (1, 3)', '{id,a}');
SELECT * FROM test_error('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK;
SELECT * FROM test_diff('t', 'plain');

-- A deferrable key; when two rows have the same key, both are updated, as by UPDATE
CREATE TABLE k (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, a int);
INSERT INTO k VALUES (1, 1), (2, 2), (3, 3);
SELECT rows_updated FROM bulk_update_query('k', 'VALUES (1, 11), (3, 33)', '{id,a}');
SELECT * FROM k ORDER BY id;
BEGIN;
INSERT INTO k VALUES (1, 0);
SELECT rows_fetched, rows_updated FROM bulk_update_query('k', 'VALUES (1, 12)', '{id,a}');
SELECT * FROM k ORDER BY id;
ROLLBACK;
DROP TABLE k;
DROP TABLE t, plain;
TRUNCATE new;

--
-- Exclusion constraints
--
CREATE TABLE t (id int PRIMARY KEY, a int4range, EXCLUDE USING gist (a WITH &&));
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, int4range(i * 10, i * 10 + 10) FROM generate_series(1, 3) AS i;
INSERT INTO plain TABLE t;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, int4range(25, 26))', '{id,a}') $$);
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, int4range(5, 15)), (3, int4range(35, 55)), (2, int4range(15, 35))', '{id,a}', chunk_size => 1);
UPDATE plain SET a = '[5,15)' WHERE id = 1;
UPDATE plain SET a = '[15,35)' WHERE id = 2;
UPDATE plain SET a = '[35,55)' WHERE id = 3;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

--
-- Foreign keys: the target refers to another table
--
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 5);
CREATE TABLE t (id int PRIMARY KEY, a int REFERENCES parent, b int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, 1, 1 FROM generate_series(1, 5) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new VALUES (1, 2, 2), (2, 6, 6), (3, NULL, NULL);
SELECT * FROM same_error('t', 'a');
SELECT * FROM test_diff('t', 'plain');
INSERT INTO parent VALUES (6);
SELECT rows_updated FROM bulk_update_query('t', 'TABLE new', chunk_size => 2);
UPDATE plain AS t SET a = new.a, b = new.b FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
-- the deferred one: no error before the end of the transaction
BEGIN;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 7)', '{id,b}');
SAVEPOINT s;
SELECT * FROM test_error('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK TO s;
INSERT INTO parent VALUES (7);
COMMIT;
UPDATE plain SET b = 7 WHERE id = 1;
SELECT * FROM test_diff('t', 'plain');
BEGIN;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 8)', '{id,b}');
\set SHOW_CONTEXT never
COMMIT;
\set SHOW_CONTEXT errors
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain, parent;

--
-- Foreign keys: other tables refer to the target's value column
--
CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE DEFERRABLE);
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO t SELECT i, i, i FROM generate_series(1, 5) AS i;
INSERT INTO plain TABLE t;
CREATE TABLE child (action text, a int DEFAULT 5);
CREATE TABLE child_plain (LIKE child INCLUDING ALL);
TRUNCATE new;
INSERT INTO new VALUES (1, 100), (2, 200), (3, 3), (5, 5);
-- each action, compared with plain UPDATE
CREATE FUNCTION try_action(action text, OUT error text) LANGUAGE plpgsql AS $$
DECLARE
    bulk text;
    plain text;
BEGIN
    TRUNCATE child, child_plain;
    EXECUTE 'ALTER TABLE child ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES t (a) ON UPDATE ' || action;
    EXECUTE 'ALTER TABLE child_plain ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES plain (a) ON UPDATE ' || action;
    INSERT INTO child SELECT try_action.action, i FROM generate_series(2, 4) AS i;
    INSERT INTO child_plain TABLE child;
    bulk := (SELECT string_agg(substr(e, 7, 5), '') FROM test_error(
        $q$ SELECT bulk_update_query('t', 'SELECT id, a FROM new ORDER BY id', chunk_size => 3) $q$) AS e WHERE e LIKE 'ERROR%');
    plain := (SELECT string_agg(substr(e, 7, 5), '') FROM test_error(
        $q$ UPDATE plain AS t SET a = new.a FROM new WHERE t.id = new.id $q$) AS e WHERE e LIKE 'ERROR%');
    -- later versions have another code for RESTRICT
    error := CASE WHEN bulk IS DISTINCT FROM plain THEN concat_ws(' ', 'differs:', bulk, plain)
                  WHEN bulk IS NULL THEN 'none' ELSE 'the same' END;
END
$$;
CREATE FUNCTION undo_action() RETURNS void LANGUAGE sql AS $$
    ALTER TABLE child DROP CONSTRAINT fk;
    ALTER TABLE child_plain DROP CONSTRAINT fk;
    UPDATE t SET a = id;
    UPDATE plain SET a = id;
$$;
SELECT * FROM try_action('NO ACTION');
SELECT * FROM test_diff('t', 'plain');
SELECT undo_action();
SELECT * FROM try_action('RESTRICT');
SELECT * FROM test_diff('t', 'plain');
SELECT undo_action();
SELECT * FROM try_action('CASCADE');
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_diff('child', 'child_plain');
SELECT * FROM child ORDER BY a;
SELECT undo_action();
SELECT * FROM try_action('SET NULL');
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM child ORDER BY a;
SELECT * FROM test_diff('child', 'child_plain');
SELECT undo_action();
SELECT * FROM try_action('SET DEFAULT');
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM child ORDER BY a;
SELECT * FROM test_diff('child', 'child_plain');
SELECT undo_action();
DROP FUNCTION try_action, undo_action;
DROP TABLE child, child_plain;
-- a table that refers to itself
ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t (a) ON UPDATE CASCADE;
ALTER TABLE plain ADD FOREIGN KEY (b) REFERENCES plain (a) ON UPDATE CASCADE;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, a + 10 AS a FROM t ORDER BY id', chunk_size => 5);
UPDATE plain SET a = a + 10;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;
DROP TABLE t, plain, new;
DROP FUNCTION same_error;
