--
-- User-defined code that runs during a call changes the catalog: functions in index expressions, generated columns,
-- constraints, domains and triggers, casts, comparison operators, and what they depend on. Each change has the same
-- effect and the same error as during UPDATE.
--
SET client_min_messages = warning;
CREATE SCHEMA code;
SET search_path = code, public;

-- Runs the command in "due" once, when its argument is 6
CREATE TABLE due (command text);
CREATE FUNCTION interfere(i int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    c text;
BEGIN
    IF i = 6 THEN
        DELETE FROM code.due RETURNING command INTO c;
        IF c IS NOT NULL THEN
            EXECUTE c;
        END IF;
    END IF;
    RETURN i;
END
$$;
CREATE FUNCTION error_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN regexp_replace(SQLSTATE || ': ' || SQLERRM, '\d{5,}$', 'N');
END
$$;
-- The objects besides the tables; a test drops some of them
CREATE PROCEDURE make_code() LANGUAGE plpgsql AS $$
BEGIN
    DROP SCHEMA IF EXISTS code_used CASCADE;
    CREATE SCHEMA code_used;
    -- declared immutable, but volatile
    CREATE FUNCTION code_used.pure(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM code.interfere(i); RETURN i; END';
    CREATE FUNCTION code_used.spare(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN i; END';
    CREATE FUNCTION code_used.at_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM code.interfere(NEW.id); RETURN NEW; END';
    CREATE DOMAIN code_used.checked AS int CONSTRAINT c CHECK (code_used.pure(VALUE) = VALUE);
    CREATE TYPE code_used.from_type AS (i int);
    CREATE FUNCTION code_used.cast_it(f code_used.from_type) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN code.interfere(f.i); END';
    CREATE CAST (code_used.from_type AS int) WITH FUNCTION code_used.cast_it(code_used.from_type) AS ASSIGNMENT;
    -- another operator class for int, with the usual order
    CREATE FUNCTION code_used.cmp(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM code.interfere(a); RETURN sign(a - b); END';
    CREATE FUNCTION code_used.lt(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a < b; END';
    CREATE FUNCTION code_used.le(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a <= b; END';
    CREATE FUNCTION code_used.eq(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a = b; END';
    CREATE FUNCTION code_used.ge(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a >= b; END';
    CREATE FUNCTION code_used.gt(a int, b int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN a > b; END';
    CREATE OPERATOR code_used.< (FUNCTION = code_used.lt, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR code_used.<= (FUNCTION = code_used.le, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR code_used.= (FUNCTION = code_used.eq, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR code_used.>= (FUNCTION = code_used.ge, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR code_used.> (FUNCTION = code_used.gt, LEFTARG = int, RIGHTARG = int);
    CREATE OPERATOR CLASS code_used.int_ops FOR TYPE int USING btree AS
        OPERATOR 1 code_used.<(int, int), OPERATOR 2 code_used.<=(int, int), OPERATOR 3 code_used.=(int, int),
        OPERATOR 4 code_used.>=(int, int), OPERATOR 5 code_used.>(int, int), FUNCTION 1 code_used.cmp(int, int);
END
$$;

-- The result of a bulk update of rows 1 to 12 in chunks of 4 when the command runs at that place ("#" is the target),
-- and whether UPDATE has the same result and leaves the same rows
CREATE TABLE places (n serial, place text, definition text, source text DEFAULT 'i', operator text DEFAULT '=');
INSERT INTO places (place, definition) VALUES
    ('index', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE INDEX #_e ON # (code_used.pure(v))'),
    ('predicate', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE INDEX #_e ON # (v) WHERE code_used.pure(v) = v'),
    ('generated', 'CREATE TABLE # (id int NOT NULL, v int, w int, g int GENERATED ALWAYS AS (code_used.pure(v)) STORED)'),
    ('check', 'CREATE TABLE # (id int NOT NULL, v int CHECK (code_used.pure(v) = v), w int)'),
    ('domain', 'CREATE TABLE # (id int NOT NULL, v code_used.checked, w int)'),
    ('when', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE TRIGGER wh BEFORE UPDATE ON # FOR EACH ROW WHEN (code_used.pure(NEW.v) <> NEW.v) EXECUTE FUNCTION code_used.at_row()'),
    ('before', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE TRIGGER tr BEFORE UPDATE ON # FOR EACH ROW EXECUTE FUNCTION code_used.at_row()'),
    ('after', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE TRIGGER tr AFTER UPDATE ON # FOR EACH ROW EXECUTE FUNCTION code_used.at_row()'),
    ('partition index', 'CREATE TABLE # (id int NOT NULL, v int, w int) PARTITION BY RANGE (id); CREATE TABLE #_1 PARTITION OF # FOR VALUES FROM (1) TO (6); CREATE TABLE #_2 PARTITION OF # FOR VALUES FROM (6) TO (20); CREATE INDEX #_e ON # (code_used.pure(v))');
INSERT INTO places (place, definition, operator) VALUES
    ('compare', 'CREATE TABLE # (id int NOT NULL, v int, w int); CREATE UNIQUE INDEX #_key ON # (id code_used.int_ops)', 'OPERATOR(code_used.=)'),
    ('compare partition key', 'CREATE TABLE # (id int NOT NULL, v int, w int) PARTITION BY RANGE (id code_used.int_ops); CREATE TABLE #_1 PARTITION OF # FOR VALUES FROM (1) TO (5); CREATE TABLE #_2 PARTITION OF # FOR VALUES FROM (5) TO (20); CREATE UNIQUE INDEX #_key ON # (id code_used.int_ops)', 'OPERATOR(code_used.=)');
INSERT INTO places (place, definition, source) VALUES
    ('query', 'CREATE TABLE # (id int NOT NULL, v int, w int)', 'code.interfere(i)'),
    ('cast', 'CREATE TABLE # (id int NOT NULL, v int, w int)', 'row(i)::code_used.from_type');
UPDATE places SET definition = definition || '; CREATE UNIQUE INDEX #_key ON # (id)' WHERE definition !~ 'UNIQUE';

CREATE FUNCTION during(p places, command text, more text DEFAULT '', OUT result text, OUT as_update boolean) LANGUAGE plpgsql AS $$
DECLARE
    name text;
    results text[];
    rows text[];
    updated int;
    r text;
    r_rows text;
    target oid;
BEGIN
    FOREACH name IN ARRAY '{t,p}'::text[] LOOP
        CALL make_code();
        TRUNCATE due;
        EXECUTE replace(p.definition, '#', name);
        EXECUTE format('INSERT INTO %s SELECT i, 0, i FROM generate_series(1, 12) AS i', name);
        target := name::regclass;
        -- the cache of row types has the only reference to the table's descriptor besides the table's
        EXECUTE format('SELECT count(x::text) FROM %s AS x', name);
        INSERT INTO due VALUES (replace(command, '#', name));
        IF name = 't' THEN
            r := error_of(format('SELECT bulk_update_query(%L, %L, key_columns => ''{id}'', chunk_size => 4 %s)', 't',
                                 format('SELECT i AS id, %s AS v FROM generate_series(1, 12) AS i', p.source), more));
        ELSE
            SET LOCAL enable_seqscan = off;
            SET LOCAL enable_hashjoin = off;
            SET LOCAL enable_mergejoin = off;
            r := error_of(format('UPDATE p SET v = s.v FROM (SELECT i AS id, %s AS v FROM generate_series(1, 12) AS i OFFSET 0) AS s WHERE p.id %s s.id', p.source, p.operator));
            SET LOCAL enable_seqscan = on;
            SET LOCAL enable_hashjoin = on;
            SET LOCAL enable_mergejoin = on;
        END IF;
        IF r = 'done' AND EXISTS (SELECT FROM due) THEN
            r := 'the command did not run';
        END IF;
        TRUNCATE due;
        EXECUTE format('SELECT count(*), md5(string_agg(x::text, E''\n'' ORDER BY x::text)) FROM (SELECT id, r::text AS x, to_jsonb(r) AS j FROM %s AS r) AS s
                         WHERE coalesce(j->>''v'', j->>''x'') = id::text', target::regclass) INTO updated, r_rows;
        IF r = 'done' THEN
            r := 'updated ' || updated;
        END IF;
        -- the message names one of several indexes in use
        results := results || regexp_replace(regexp_replace(r, '"[tp](\d|_|")', '"#\1'), 'INDEX "#_[^"]*"', 'INDEX "#_..."');
        rows := rows || coalesce(r_rows, 'none');
        EXECUTE format('DROP TABLE %s CASCADE', target::regclass);
        DROP SCHEMA IF EXISTS code_other CASCADE;
    END LOOP;
    result := results[1];
    as_update := results[1] = results[2] AND rows[1] = rows[2];
END
$$;
CREATE TABLE results (m int, n int, command text, place text, result text, as_update boolean);
CREATE PROCEDURE each(more text DEFAULT '') LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    TRUNCATE results;
    FOR c IN SELECT m, command, p FROM commands, places AS p WHERE p::text ~ place_pattern LOOP
        INSERT INTO results SELECT c.m, (c.p).n, c.command, (c.p).place, d.* FROM during(c.p, c.command, more) AS d;
        COMMIT;
    END LOOP;
END
$$;
\set show 'SELECT command, string_agg(place, '', '' ORDER BY n) AS places, result, as_update FROM results GROUP BY command, result, as_update, m ORDER BY m, min(n)'

CREATE TABLE commands (m serial, place_pattern text, command text);
-- at each place
INSERT INTO commands (place_pattern, command) VALUES
    ('', 'ALTER TABLE # RENAME COLUMN v TO x'), ('', 'ALTER TABLE # RENAME TO #_other'), ('', 'ALTER TABLE # DROP COLUMN w'),
    ('', 'CREATE TRIGGER also BEFORE UPDATE ON # FOR EACH ROW WHEN (false) EXECUTE FUNCTION code_used.at_row()'),
    ('', 'CREATE INDEX ON # (w)'), ('', 'DROP INDEX #_key');
-- at some of them
INSERT INTO commands (place_pattern, command) VALUES
    ('index|query', 'ALTER TABLE # ALTER COLUMN w SET STORAGE PLAIN'), ('index|cast', 'CREATE RULE r AS ON UPDATE TO # DO ALSO NOTHING'),
    ('pure', 'CREATE OR REPLACE FUNCTION code_used.pure(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN i; END'''),
    ('pure', 'DROP FUNCTION code_used.pure CASCADE'),
    ('int_ops', 'CREATE OR REPLACE FUNCTION code_used.cmp(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN sign(a - b); END'''),
    ('int_ops', 'DROP FUNCTION code_used.cmp CASCADE'), ('int_ops', 'DROP OPERATOR CLASS code_used.int_ops USING btree CASCADE'),
    ('int_ops', 'DROP OPERATOR code_used.=(int, int) CASCADE'),
    ('checked', 'ALTER DOMAIN code_used.checked ADD CHECK (VALUE < 9)'), ('checked', 'ALTER DOMAIN code_used.checked DROP CONSTRAINT c'),
    ('checked', 'ALTER DOMAIN code_used.checked SET NOT NULL'), ('checked', 'ALTER DOMAIN code_used.checked RENAME TO other'),
    ('from_type', 'CREATE OR REPLACE FUNCTION code_used.cast_it(f code_used.from_type) RETURNS int LANGUAGE plpgsql AS ''BEGIN RETURN f.i; END'''),
    ('from_type', 'DROP FUNCTION code_used.cast_it CASCADE'), ('from_type', 'DROP CAST (code_used.from_type AS int)'),
    ('from_type', 'ALTER TYPE code_used.from_type ADD ATTRIBUTE j int'), ('from_type', 'ALTER TYPE code_used.from_type RENAME ATTRIBUTE i TO j'),
    ('from_type', 'ALTER TYPE code_used.from_type DROP ATTRIBUTE i'),
    ('pure|from_type', 'ALTER SCHEMA code_used RENAME TO code_other');
CALL each();
:show;

-- The same with other options: results that differ from those above
CREATE TABLE before AS TABLE results;
DELETE FROM commands WHERE command !~ 'RENAME COLUMN|DROP FUNCTION';
CREATE TABLE more (more text);
INSERT INTO more VALUES (', on_error => ''skip'''), (', skip_unchanged => true'), (', ordering => ''sort'', on_duplicate => ''last''');
CREATE TABLE different (more text, command text, place text, result text);
DO $$
DECLARE
    o more;
BEGIN
    FOR o IN SELECT * FROM more LOOP
        CALL each(o.more);
        INSERT INTO different SELECT o.more, r.command, r.place, r.result FROM results AS r JOIN before AS b USING (m, n) WHERE r.result <> b.result OR NOT r.as_update AND b.as_update;
        COMMIT;
    END LOOP;
END
$$;
TABLE different ORDER BY 1, 2, 3;

DROP SCHEMA IF EXISTS code_used CASCADE;
DROP SCHEMA code CASCADE;
