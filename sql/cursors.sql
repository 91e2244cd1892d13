--
-- All kinds of cursors as the source
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, v int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 8) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT i, i FROM generate_series(1, 8) AS i;

-- The kinds of DECLARE. Afterwards each cursor is open and at its end.
BEGIN;
DECLARE plain_cursor CURSOR FOR SELECT id, v + 1 AS v FROM new ORDER BY id;
DECLARE no_scroll NO SCROLL CURSOR FOR SELECT id, v + 2 AS v FROM new ORDER BY id;
DECLARE scroll SCROLL CURSOR FOR SELECT id, v + 3 AS v FROM new ORDER BY id;
DECLARE insensitive INSENSITIVE CURSOR FOR SELECT id, v + 4 AS v FROM new ORDER BY id;
DECLARE asensitive ASENSITIVE CURSOR FOR SELECT id, v + 5 AS v FROM new ORDER BY id;
DECLARE binary_cursor BINARY CURSOR FOR SELECT id, v + 6 AS v FROM new ORDER BY id;
DECLARE with_hold CURSOR WITH HOLD FOR SELECT id, v + 7 AS v FROM new ORDER BY id;
DECLARE without_hold CURSOR WITHOUT HOLD FOR SELECT id, v + 8 AS v FROM new ORDER BY id;
DECLARE for_update CURSOR FOR SELECT id, v + 9 AS v FROM new ORDER BY id FOR UPDATE;
DECLARE for_share CURSOR FOR SELECT id, v + 10 AS v FROM new ORDER BY id FOR SHARE;
DECLARE "Odd ""name" CURSOR FOR SELECT id, v + 11 AS v FROM new ORDER BY id;
CREATE TEMPORARY TABLE r AS
SELECT name, n, b.*, (SELECT sum(v) - 36 FROM t) / 8 AS added
  FROM unnest(ARRAY['plain_cursor', 'no_scroll', 'scroll', 'insensitive', 'asensitive', 'binary_cursor',
                    'with_hold', 'without_hold', 'for_update', 'for_share', 'Odd "name'])
       WITH ORDINALITY AS c(name, n),
       LATERAL bulk_update('t', name::refcursor, chunk_size => 5) AS b;
SELECT name, array_agg(rows_updated ORDER BY chunk) AS updated FROM r GROUP BY name, n ORDER BY n;
SELECT name, is_holdable, is_binary, is_scrollable FROM pg_cursors
 WHERE name IN (SELECT name FROM r) ORDER BY name COLLATE "C";
FETCH plain_cursor;
FETCH no_scroll;
FETCH scroll;
FETCH insensitive;
FETCH asensitive;
FETCH binary_cursor;
FETCH with_hold;
FETCH without_hold;
FETCH for_update;
FETCH for_share;
FETCH "Odd ""name";
-- a scrollable cursor can be moved back and used again
FETCH BACKWARD 1 FROM scroll;
SELECT :report FROM bulk_update('t', 'scroll');
MOVE ABSOLUTE 0 IN scroll;
SELECT :report FROM bulk_update('t', 'scroll', chunk_size => 5);
COMMIT;
UPDATE plain AS t SET v = new.v + 3 FROM new WHERE t.id = new.id;
SELECT * FROM test_diff('t', 'plain');
CLOSE with_hold;
DROP TABLE r;

-- A cursor WITH HOLD from an earlier transaction; its table has changed since
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT id, v * 10 AS v FROM new ORDER BY id;
FETCH 2 FROM c;
COMMIT;
UPDATE new SET v = -1;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 4);
UPDATE plain SET v = id * 10 WHERE id > 2;
SELECT * FROM test_diff('t', 'plain');
SELECT :report FROM bulk_update('t', 'c');
MOVE ABSOLUTE 0 IN c;
SELECT :report FROM bulk_update('t', 'c');
UPDATE plain SET v = id * 10;
SELECT * FROM test_diff('t', 'plain');
FETCH c;
CLOSE c;
UPDATE new SET v = id;
-- the cursor is gone
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);

-- A cursor that has been read in part: the call continues from its position
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, v + 20 AS v FROM new ORDER BY id;
FETCH 3 FROM c;
SELECT :report FROM bulk_update('t', 'c');
MOVE ABSOLUTE 6 IN c;
SELECT :report FROM bulk_update('t', 'c');
-- on the last row, before the first one
MOVE LAST IN c;
SELECT :report FROM bulk_update('t', 'c');
MOVE FIRST IN c;
MOVE BACKWARD ALL IN c;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 6);
-- at its end
SELECT :report FROM bulk_update('t', 'c');
FETCH c;
COMMIT;
UPDATE plain SET v = id + 20;
SELECT * FROM test_diff('t', 'plain');

--
-- A cursor over the target itself sees the rows as of when it was opened
--
BEGIN;
DECLARE c CURSOR FOR SELECT id, v + 1 AS v FROM t ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 3);
COMMIT;
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');
-- its condition is on the column that changes: still each row once
BEGIN;
DECLARE c CURSOR FOR SELECT id, v + 100 AS v FROM t WHERE v < 1000;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 1);
COMMIT;
UPDATE plain SET v = v + 100;
SELECT * FROM test_diff('t', 'plain');
-- in the order of an index on the column that changes
CREATE INDEX ON t (v);
SET enable_seqscan = off;
SET enable_sort = off;
BEGIN;
DECLARE c NO SCROLL CURSOR FOR SELECT id, v + 3 AS v FROM t WHERE v > 0 ORDER BY v;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 2);
COMMIT;
RESET enable_seqscan;
RESET enable_sort;
UPDATE plain SET v = v + 3;
SELECT * FROM test_diff('t', 'plain');
-- the rows are locked by the cursor
BEGIN;
DECLARE c CURSOR FOR SELECT id, v + 5 AS v FROM t ORDER BY id FOR UPDATE;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 8);
COMMIT;
UPDATE plain SET v = v + 5;
SELECT * FROM test_diff('t', 'plain');
-- the same row twice, in different chunks
BEGIN;
DECLARE c CURSOR FOR
    SELECT 1 AS id, v + (SELECT v FROM t WHERE id = 1) AS v FROM t WHERE id IN (2, 3) ORDER BY v;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 1) $$);
COMMIT;
SELECT * FROM test_diff('t', 'plain');
-- shifting the values by one row
BEGIN;
DECLARE c CURSOR FOR SELECT id, lag(v, 1, 0) OVER (ORDER BY id) AS v FROM t ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 3);
COMMIT;
UPDATE plain AS t SET v = coalesce((SELECT v FROM plain AS x WHERE x.id = t.id - 1), 0);
SELECT * FROM test_diff('t', 'plain');

--
-- PL/pgSQL
--
DO $$
DECLARE
    unbound refcursor;
    bound CURSOR (low int, plus int) FOR
        SELECT id, v + plus AS v FROM new WHERE id >= low ORDER BY id;
    named refcursor := 'my name';
    r record;
BEGIN
    OPEN unbound FOR SELECT id, v + 1000 AS v FROM new ORDER BY id;
    FOR r IN SELECT * FROM bulk_update('t', unbound, chunk_size => 5) LOOP
        RAISE INFO 'unbound: chunk %, updated %, keys % to %', r.chunk, r.rows_updated, r.first_key, r.last_key;
    END LOOP;
    FETCH unbound INTO r;
    RAISE INFO 'more: %', FOUND;
    CLOSE unbound;

    OPEN bound (5, 2000);
    MOVE bound;
    SELECT * INTO r FROM bulk_update('t', bound);
    RAISE INFO 'bound: updated %, keys % to %', r.rows_updated, r.first_key, r.last_key;
    CLOSE bound;
    OPEN bound (plus := 3000, low := 8);
    SELECT * INTO r FROM bulk_update('t', bound);
    RAISE INFO 'bound: updated %, keys % to %', r.rows_updated, r.first_key, r.last_key;
    CLOSE bound;

    OPEN named FOR EXECUTE 'SELECT id, v + $1 AS v FROM new WHERE id = $2' USING 4000, 1;
    SELECT * INTO r FROM bulk_update('t', 'my name');
    RAISE INFO 'named: updated %, keys % to %', r.rows_updated, r.first_key, r.last_key;
END
$$;
UPDATE plain SET v = id + CASE id WHEN 1 THEN 4000 WHEN 8 THEN 3000 WHEN 7 THEN 2000 WHEN 6 THEN 2000 ELSE 1000 END;
SELECT * FROM test_diff('t', 'plain');

-- The cursor of a FOR loop during the loop: the call takes the rows that the
-- loop has not read ahead (it reads 10 at first, then 50), then the loop ends
INSERT INTO t SELECT i, 0 FROM generate_series(101, 200) AS i;
INSERT INTO plain SELECT i, 0 FROM generate_series(101, 200) AS i;
DO $$
DECLARE
    c CURSOR FOR SELECT i AS id, i AS v FROM generate_series(101, 200) AS i;
    r record;
    report record;
    loops int := 0;
BEGIN
    FOR r IN c LOOP
        loops := loops + 1;
        IF loops = 3 THEN
            SELECT sum(rows_fetched) AS fetched, sum(rows_updated) AS updated
              INTO report FROM bulk_update('t', c);
        END IF;
    END LOOP;
    RAISE INFO 'each row once: %, all updated: %', loops + report.fetched = 100, report.updated = report.fetched;
END
$$;
SELECT bool_and(v = id) AS updated FROM t WHERE id > 160;
DELETE FROM t WHERE id > 100;
DELETE FROM plain WHERE id > 100;

-- A function that returns a cursor; a function that takes one
CREATE FUNCTION open_new(plus int) RETURNS refcursor LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
BEGIN
    OPEN c FOR SELECT id, v + plus AS v FROM new ORDER BY id;
    RETURN c;
END
$$;
CREATE FUNCTION apply(c refcursor) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(rows_updated)::bigint FROM bulk_update('t', c)
$$;
SELECT apply(open_new(5000));
UPDATE plain SET v = id + 5000;
SELECT * FROM test_diff('t', 'plain');
DROP FUNCTION apply;
DROP FUNCTION open_new;

-- A procedure that commits between calls: the cursor must be holdable
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS $$
DECLARE
    part int;
    updated bigint;
BEGIN
    FOR part IN 0..3 LOOP
        SELECT sum(rows_updated) INTO updated
          FROM bulk_update_query('t', format('SELECT id, v + 6000 AS v FROM new WHERE id %% 4 = %s', part));
        COMMIT;
        RAISE INFO 'part %: updated %', part, updated;
    END LOOP;
END
$$;
CALL in_parts();
UPDATE plain SET v = id + 6000;
SELECT * FROM test_diff('t', 'plain');
DROP PROCEDURE in_parts;
DO $$
DECLARE
    c refcursor;
    updated bigint;
BEGIN
    OPEN c FOR SELECT id, v + 7000 AS v FROM new ORDER BY id;
    MOVE 3 IN c;
    SELECT sum(rows_updated) INTO updated FROM bulk_update('t', c);
    RAISE INFO 'first call: updated %', updated;
    ROLLBACK;
    SELECT sum(rows_updated) INTO updated FROM bulk_update_query('t', 'SELECT id, v + 7000 AS v FROM new WHERE id > 4');
    COMMIT;
    RAISE INFO 'second call: updated %', updated;
END
$$;
UPDATE plain SET v = id + 7000 WHERE id > 4;
SELECT * FROM test_diff('t', 'plain');

--
-- Cursors that cannot be used
--
BEGIN;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'nothing') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', '') $$);
DECLARE c CURSOR FOR SELECT id, v FROM new;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'C') $$);
CLOSE c;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
COMMIT;
-- a name that must be quoted
SELECT * FROM test_error($$ SELECT bulk_update('t', 'Odd "name') $$);
-- WITHOUT HOLD, from an earlier transaction
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM new;
COMMIT;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);

-- A cursor whose own query passes it to bulk_update
CREATE FUNCTION call_with(name text) RETURNS int VOLATILE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update('t', name::refcursor);
    RETURN 1;
END
$$;
BEGIN;
DECLARE c CURSOR FOR SELECT id, call_with('c') AS v FROM new ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, call_with('c') AS v FROM new ORDER BY id;
SELECT * FROM test_error($$ FETCH c $$);
COMMIT;
-- passing another cursor is allowed
BEGIN;
DECLARE inner_cursor CURSOR FOR SELECT id, v + 1 AS v FROM new ORDER BY id;
DECLARE c CURSOR FOR SELECT id, call_with('inner_cursor') + v AS v FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 3);
COMMIT;
UPDATE plain SET v = id + 1;
SELECT * FROM test_diff('t', 'plain');
-- the cursor that reads the result of the call
BEGIN;
DECLARE c CURSOR FOR SELECT chunk FROM bulk_update('t', 'c');
SELECT * FROM test_error($$ FETCH c $$);
COMMIT;
DROP FUNCTION call_with;

-- The query fails halfway; the cursor is then unusable, the table unchanged
BEGIN;
DECLARE c CURSOR FOR SELECT id, 100 / (6 - id) AS v FROM new ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 2) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
SELECT * FROM test_diff('t', 'plain');
COMMIT;
-- the context has the number of rows read without an error
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i, 1 / (20 - i) FROM generate_series(1, 100) AS i', '{id,v}', chunk_size => 3) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i, 1 / (70 - i) FROM generate_series(1, 100) AS i', '{id,v}') $$);

-- An error in a chunk, within a savepoint: the cursor stays where the call had left it
ALTER TABLE t ADD CONSTRAINT not_60 CHECK (v <> 60);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, id * 10 AS v FROM new ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 2) $$);
SELECT * FROM test_diff('t', 'plain');
ALTER TABLE t DROP CONSTRAINT not_60;
MOVE ABSOLUTE 0 IN c;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 4);
COMMIT;
UPDATE plain SET v = id * 10;
SELECT * FROM test_diff('t', 'plain');

--
-- The cursor is changed while the call reads it. There are more rows than are
-- read ahead at once.
--
CREATE TABLE big (id int PRIMARY KEY, v int);
INSERT INTO big SELECT i, 0 FROM generate_series(1, 100) AS i;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 3 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION touch('CLOSE c');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c', chunk_size => 5) $$);
COMMIT;
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION touch('CLOSE ALL');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c', chunk_size => 5) $$);
COMMIT;
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION touch('MOVE c');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c', chunk_size => 5) $$);
COMMIT;
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW
    EXECUTE FUNCTION touch('SELECT bulk_update(''big'', ''c'')');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c', chunk_size => 5) $$);
COMMIT;
-- closed, and another one opened under its name
CREATE FUNCTION reopen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c refcursor := 'c';
BEGIN
    IF NEW.id = 3 THEN
        CLOSE c;
        OPEN c FOR SELECT 1, 'other';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION reopen();
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c', chunk_size => 5) $$);
COMMIT;
-- closed during the last chunk, when no more rows are to be read
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION touch('CLOSE c');
BEGIN;
DECLARE c CURSOR FOR SELECT id, 1 AS v FROM big WHERE id < 4 ORDER BY id;
SELECT :report FROM bulk_update('big', 'c');
SELECT count(*) AS open FROM pg_cursors WHERE name = 'c';
COMMIT;
SELECT count(*) FROM big WHERE v = 1;

-- closed before the first row: the inlined cast has a constant that the call evaluates when it begins
CREATE FUNCTION close_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CLOSE c'; RETURN 0; END $$;
CREATE FUNCTION as_constant() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.close_it(); END';
CREATE TYPE number AS (i int);
CREATE FUNCTION to_int(n number) RETURNS int LANGUAGE sql AS 'SELECT (n).i + public.as_constant()';
CREATE CAST (number AS int) WITH FUNCTION to_int(number) AS ASSIGNMENT;
DROP TRIGGER touch ON big;
BEGIN;
DECLARE c CURSOR FOR SELECT id, ROW(5)::number AS v FROM big ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update('big', 'c') $$);
COMMIT;
SELECT count(*) FROM big WHERE v = 5;

DROP CAST (number AS int);
DROP FUNCTION to_int, close_it, as_constant;
DROP TYPE number;

--
-- The cursor of a PL/pgSQL FOR loop that a COMMIT in the loop has made holdable
--
CREATE PROCEDURE held() LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT id, v + 1000 AS v FROM t ORDER BY id;
    r record;
BEGIN
    FOR r IN c LOOP
        COMMIT;
        SELECT sum(rows_fetched) AS fetched, sum(rows_updated) AS updated INTO r
          FROM bulk_update('t', c, chunk_size => 4);
        RAISE NOTICE '%', r;
    END LOOP;
END
$$;
CALL held();
UPDATE plain SET v = v + 1000 WHERE id > 1;
SELECT * FROM test_diff('t', 'plain');

DROP TABLE t, plain, new, big;
DROP PROCEDURE held;
DROP FUNCTION touch;
DROP FUNCTION reopen;

-- The name of a cursor in every type: no call is ambiguous
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 0);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT 1 AS id, 2 AS v;
CREATE TEMPORARY TABLE r (type text, updated bigint) ON COMMIT DROP;
INSERT INTO r SELECT 'unknown', rows_updated FROM bulk_update('t', 'c');
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'named unknown', rows_updated FROM bulk_update(source => 'c', target => 't', columns => '{id,v}');
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'text', rows_updated FROM bulk_update('t', 'c'::text);
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'varchar', rows_updated FROM bulk_update('t', 'c'::varchar(10));
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'char', rows_updated FROM bulk_update('t', 'c'::char(1));
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'name', rows_updated FROM bulk_update('t', 'c'::name);
MOVE ABSOLUTE 0 IN c;
INSERT INTO r SELECT 'refcursor', rows_updated FROM bulk_update('t', 'c'::refcursor);
MOVE ABSOLUTE 0 IN c;
PREPARE untyped AS INSERT INTO r SELECT 'parameter', rows_updated FROM bulk_update($1, $2);
EXECUTE untyped('t', 'c');
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
MOVE ABSOLUTE 0 IN c;
PREPARE typed(varchar, varchar) AS INSERT INTO r SELECT 'varchar parameters', rows_updated FROM bulk_update($1, $2);
EXECUTE typed('t', 'c');
MOVE ABSOLUTE 0 IN c;
DO $$
DECLARE
    variable refcursor := 'c';
    as_text text := 'c';
BEGIN
    INSERT INTO r SELECT 'variable', rows_updated FROM bulk_update('t', variable);
    MOVE ABSOLUTE 0 IN variable;
    INSERT INTO r SELECT 'variable of type text', rows_updated FROM bulk_update('t', as_text);
    MOVE ABSOLUTE 0 IN variable;
END $$;
TABLE r;
SELECT detail FROM bulk_update_explain('t', 'c') WHERE topic = 'target';
SELECT detail FROM bulk_update_explain('t', 'c'::varchar) WHERE topic = 'target';
SELECT detail FROM bulk_update_explain('t', 'c'::refcursor) WHERE topic = 'target';
COMMIT;
DEALLOCATE untyped;
DEALLOCATE typed;
SELECT bulk_update('t', NULL);
SELECT bulk_update('t', 'none'::text);
DROP TABLE t;
