--
-- Errors that name the row: the context names the source row that cannot be applied
--
CREATE SCHEMA error_row;
SET search_path = error_row, public;

CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT a_below_100 CHECK (a < 100), b text NOT NULL, u int UNIQUE);
INSERT INTO t SELECT i, i, 'old', i FROM generate_series(1, 20) AS i;

-- stop(query): the error of a call, with its context
CREATE FUNCTION stop(query text, target text DEFAULT 't', arguments text DEFAULT '') RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT test_error(format('SELECT bulk_update_query(%L, %L%s)', target, query, arguments))
$$;

-- CHECK, NOT NULL, UNIQUE: the position in the source, and the key; in any order and chunk
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE -i END AS a FROM generate_series(1, 20) AS i');
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE -i END AS a FROM generate_series(1, 20) AS i', 't', ', chunk_size => 5');
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE -i END AS a FROM generate_series(1, 20) AS i ORDER BY i DESC');
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE -i END AS a FROM generate_series(1, 20) AS i ORDER BY md5(i::text)', 't', ', chunk_size => 5');
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 1 THEN NULL ELSE ''new'' END AS b FROM generate_series(1, 20) AS i');
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 20 THEN 1 ELSE i END AS u FROM generate_series(1, 20) AS i');
-- of several bad rows the first one in key order, not counting missing rows
SELECT * FROM stop('SELECT i AS id, CASE WHEN i % 6 = 0 THEN 100 ELSE -i END AS a FROM generate_series(25, 1, -1) AS i');
-- positions count from the position of the cursor
BEGIN;
DECLARE c CURSOR FOR SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE -i END AS a FROM generate_series(1, 20) AS i;
MOVE 3 IN c;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
COMMIT;

-- When the rows are probed first
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 100 ELSE i END AS a FROM generate_series(1, 20) AS i', 't', ', skip_unchanged => true');

-- Row triggers: BEFORE triggers run at their row
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.a = 13 AND TG_ARGV[0] = TG_WHEN || ' ' || TG_LEVEL OR TG_LEVEL = 'STATEMENT' THEN
        RAISE EXCEPTION 'refused' USING ERRCODE = TG_ARGV[1], DETAIL = 'Detail.', HINT = 'Hint.';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse('BEFORE ROW', 'RR001');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i', 't', ', on_error => ''skip'', reject_limit => 0');
DROP TRIGGER refuse ON t;
-- AFTER triggers run when all rows of the chunk have been written
CREATE TRIGGER refuse AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse('AFTER ROW', 'RR002');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i', 't', ', chunk_size => 4');
DROP TRIGGER refuse ON t;
-- statement triggers have no row
CREATE TRIGGER refuse BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION refuse('', 'RR003');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i');
DROP TRIGGER refuse ON t;
CREATE TRIGGER refuse AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION refuse('', 'RR004');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i');
DROP TRIGGER refuse ON t;
-- foreign keys are checked after the rows, too
CREATE TABLE referenced (a int PRIMARY KEY);
INSERT INTO referenced SELECT generate_series(1, 99);
ALTER TABLE t ADD CONSTRAINT a_is_known FOREIGN KEY (a) REFERENCES referenced;
SELECT * FROM stop('VALUES (1, 1), (2, -2), (3, 3)', 't', ', ''{id,a}''');
-- a row that needs changes of an earlier chunk is not taken for the bad row
CREATE TABLE tree (id int PRIMARY KEY, code int UNIQUE, parent int CONSTRAINT parent_is_known REFERENCES tree (code));
INSERT INTO tree SELECT i, i FROM generate_series(1, 9) AS i;
SELECT * FROM stop('VALUES (1, 100, NULL), (2, 200, NULL), (3, 300, NULL), (4, 4, 100), (5, 5, 999), (6, 6, 200)',
                   'tree', ', ''{id,code,parent}'', chunk_size => 3');
SELECT * FROM stop('VALUES (1, 100, NULL), (2, 200, NULL), (3, 300, NULL), (4, 4, 100), (5, 5, 999), (6, 6, NULL)',
                   'tree', ', ''{id,code,parent}'', chunk_size => 3');
DROP TABLE tree;
-- an error in another table after a foreign key's action: the row that caused it
CREATE TABLE coded (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE child (code int CONSTRAINT follows REFERENCES coded (code) ON UPDATE CASCADE CONSTRAINT not_1002 CHECK (code <> 1002));
INSERT INTO coded SELECT i, i FROM generate_series(1, 3) AS i;
INSERT INTO child VALUES (1), (2), (3);
SELECT * FROM stop('VALUES (1, 1001), (2, 1002), (3, 1003)', 'coded', ', ''{id,code}''');
-- and when a trigger there runs later: found by applying the chunk again
ALTER TABLE child DROP CONSTRAINT not_1002;
CREATE FUNCTION refuse_1002() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused';
END
$$;
CREATE TRIGGER refuse AFTER UPDATE ON child FOR EACH ROW WHEN (NEW.code = 1002) EXECUTE FUNCTION refuse_1002();
SELECT * FROM stop('VALUES (1, 1001), (2, 1002), (3, 1003)', 'coded', ', ''{id,code}''');
-- An error during the search does not replace the first one: the trigger raises another error when it runs again
CREATE SEQUENCE runs;
CREATE OR REPLACE FUNCTION refuse_1002() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('error_row.runs') > 1 THEN
        RAISE EXCEPTION 'another' USING ERRCODE = current_setting('error_row.code');
    END IF;
    RAISE EXCEPTION 'refused';
END
$$;
CREATE FUNCTION stop_with(code text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval('error_row.runs', 1, false), set_config('error_row.code', code, true);
    RETURN QUERY SELECT stop('VALUES (1, 1001), (2, 1002), (3, 1003)', 'coded', ', ''{id,code}''');
END
$$;
SELECT code, e FROM unnest('{57014,55P03,40P01,53200,57P01,XX000,P0004}'::text[]) WITH ORDINALITY AS c (code, n), stop_with(code) AS e ORDER BY n;
SELECT nextval('runs') = 3 AS searched_until_then;
DROP TABLE child, coded;
-- and no row is blamed when a statement trigger fails besides
CREATE TRIGGER refuse AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION refuse('', 'RR005');
SELECT * FROM stop('SELECT i AS id, i AS a FROM generate_series(1, 20) AS i');
DROP TRIGGER refuse ON t;
ALTER TABLE t DROP CONSTRAINT a_is_known;

-- Values that cannot be coerced: the position and the column
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 7 THEN 1e12 ELSE i END AS a FROM generate_series(1, 20) AS i');
SELECT * FROM stop('SELECT CASE i WHEN 7 THEN ''seven'' ELSE i::text END AS id, i AS a FROM generate_series(1, 20) AS i');
SELECT * FROM stop('SELECT CASE i WHEN 7 THEN ''seven'' ELSE i::text END AS id, i AS a FROM generate_series(20, 1, -1) AS i', 't', ', chunk_size => 3');

-- Long keys are cut off, keys of several columns and quotes are shown as they are
CREATE TABLE texts (a text, "B c" text, v int CHECK (v > 0), PRIMARY KEY ("B c", a));
INSERT INTO texts VALUES (repeat('long', 100), 'x', 1), ('it''s, "quoted"', 'two, three', 1);
SELECT * FROM stop('SELECT a, "B c", CASE WHEN length(a) > 100 THEN 0 ELSE 1 END AS v FROM texts ORDER BY 2, 1', 'texts');
SELECT * FROM stop('SELECT a, "B c", CASE WHEN length(a) > 100 THEN 1 ELSE 0 END AS v FROM texts ORDER BY 2, 1', 'texts');

-- Partitions and children: the row that fits in no partition, the row that a child's constraint rejects
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (6);
CREATE TABLE parts_2 PARTITION OF parts (CHECK (v < 0)) FOR VALUES FROM (6) TO (11);
INSERT INTO parts SELECT i, -1 FROM generate_series(1, 10) AS i;
SELECT * FROM stop('SELECT i AS id, CASE WHEN i IN (3, 8) THEN 1 ELSE -1 END AS v FROM generate_series(10, 1, -1) AS i', 'parts');
-- and the row that a foreign key rejects when all rows have been written
CREATE TABLE known (v int PRIMARY KEY);
INSERT INTO known SELECT generate_series(-9, -1);
ALTER TABLE parts ADD CONSTRAINT v_is_known FOREIGN KEY (v) REFERENCES known;
SELECT * FROM stop('SELECT i AS id, CASE i WHEN 4 THEN -10 ELSE -i END AS v FROM generate_series(1, 9) AS i', 'parts');
CREATE TABLE moving (region text, id int, v int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE moving_north PARTITION OF moving FOR VALUES IN ('north');
CREATE TABLE moving_south PARTITION OF moving FOR VALUES IN ('south');
INSERT INTO moving SELECT 'north', i, 0 FROM generate_series(1, 4) AS i;
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.region := CASE NEW.v WHEN 3 THEN 'nowhere' ELSE 'north' END;
    RETURN NEW;
END
$$;
CREATE TRIGGER move BEFORE UPDATE ON moving FOR EACH ROW EXECUTE FUNCTION move();
SELECT * FROM stop('SELECT ''north'' AS region, i AS id, i AS v FROM generate_series(1, 4) AS i', 'moving');
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child (UNIQUE (id), CHECK (v < 10)) INHERITS (parent);
INSERT INTO parent VALUES (1, 1);
INSERT INTO child VALUES (2, 2), (3, 3);
SELECT * FROM stop('VALUES (1, 100), (2, 5), (3, 100)', 'parent', ', ''{id,v}''');
ALTER TABLE child ADD CONSTRAINT v_is_known FOREIGN KEY (v) REFERENCES known NOT VALID;
SELECT * FROM stop('VALUES (1, 100), (2, -2), (3, 4)', 'parent', ', ''{id,v}''');

-- A call in a trigger of a call: each error names the row of its own call
CREATE TABLE outer_table (id int PRIMARY KEY, v int);
INSERT INTO outer_table SELECT i, 0 FROM generate_series(1, 5) AS i;
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('error_row.t', format('VALUES (%s, 1), (%s, %s)', NEW.id, NEW.id + 10, NEW.v), '{id,a}');
    RETURN NEW;
END
$$;
CREATE TRIGGER nested BEFORE UPDATE ON outer_table FOR EACH ROW EXECUTE FUNCTION nested();
SELECT * FROM stop('VALUES (2, 1), (3, 100), (4, 1)', 'outer_table', ', ''{id,v}''');
-- and the outer call names its row when the inner call has succeeded or its error was caught
CREATE OR REPLACE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM bulk_update_query('error_row.t', format('VALUES (%s, 1), (%s, %s)', NEW.id, NEW.id + 10, NEW.v), '{id,a}');
    EXCEPTION WHEN check_violation THEN
    END;
    IF NEW.id = 4 THEN
        RAISE EXCEPTION 'outer';
    END IF;
    RETURN NEW;
END
$$;
SELECT * FROM stop('VALUES (2, 1), (3, 100), (4, 1)', 'outer_table', ', ''{id,v}''');
DROP TRIGGER nested ON outer_table;

-- Errors elsewhere name no row of the chunk: in the source, in the table of rejects
SELECT * FROM stop('SELECT i AS id, 10 / (12 - i) AS a FROM generate_series(1, 20) AS i', 't', ', chunk_size => 5');
SELECT bulk_update_create_rejects('r');
CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'row % refused', NEW.source_row;
END
$$;
CREATE TRIGGER refuse BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION refuse_all();
SELECT * FROM stop('VALUES (1, 1), (99, 1)', 't', ', ''{id,a}'', rejects => ''error_row.r''');

-- Nothing of this was applied
SELECT count(*) FROM t WHERE a <> id OR b <> 'old' OR u <> id;

SET client_min_messages = warning;
DROP SCHEMA error_row CASCADE;
