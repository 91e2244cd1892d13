--
-- on_error: what happens to source rows that cannot be applied
--
CREATE SCHEMA on_error;
SET search_path = on_error, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

SELECT bulk_update_create_rejects('r');

-- failure(command): also of errors that EXCEPTION WHEN OTHERS does not catch
CREATE FUNCTION failure(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'no error';
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
    RETURN format('ERROR %s: %s', SQLSTATE, SQLERRM);
END
$$;

--
-- Each class of error
--
CREATE TABLE referenced (id int PRIMARY KEY);
INSERT INTO referenced SELECT generate_series(0, 10);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE FUNCTION custom_error() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.trig = 100 THEN
        RAISE EXCEPTION 'trigger says no' USING ERRCODE = 'XY123', DETAIL = 'Because.', HINT = 'Try another.', CONSTRAINT = 'made_up';
    END IF;
    RETURN NEW;
END
$$;
CREATE TABLE t (
    id int PRIMARY KEY,
    chk int CONSTRAINT chk_below_100 CHECK (chk < 100),
    nn int NOT NULL DEFAULT 0,
    uniq int UNIQUE,
    fk int CONSTRAINT fk_known REFERENCES referenced,
    excl int4range,
    dom small,
    vc varchar(3),
    num numeric(4,1),
    trig int,
    late int,
    gen smallint GENERATED ALWAYS AS (late * 1000) STORED,
    arr int[],
    def int CONSTRAINT def_unique UNIQUE DEFERRABLE,
    CONSTRAINT no_overlap EXCLUDE USING gist (excl WITH &&)
);
CREATE TRIGGER custom_error BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION custom_error();
CREATE FUNCTION late_error() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.late = 13 THEN
        RAISE EXCEPTION 'too late';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER late_error AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION late_error();
INSERT INTO t (id, uniq, excl, def) SELECT i, i, int4range(i * 10, i * 10 + 5), i FROM generate_series(1, 9) AS i;

-- Row 5 is bad, one column at a time; all other rows must be updated
CREATE TABLE attempt (col text, type text, good text, bad text);
INSERT INTO attempt VALUES
    ('chk', 'int', 'i', '100'),
    ('nn', 'int', 'i', 'NULL'),
    ('uniq', 'int', 'i + 100', '109'),           -- row 9 gets this value later: then row 9 is the bad one
    ('uniq', 'int', 'i + 200', '201'),           -- row 1 has got this value
    ('fk', 'int', 'i', '11'),
    ('excl', 'int4range', 'int4range(i * 10, i * 10 + 4)', 'int4range(40, 60)'),
    ('dom', 'int', 'i', '100'),
    ('vc', 'text', '''x''', '''long''::text'),
    ('num', 'numeric', 'i', '10000'),
    ('num', 'float8', 'i', '''Infinity''::float8'),
    ('trig', 'int', 'i', '100'),
    ('late', 'int', 'i', '13'),
    ('late', 'int', 'i', '33'),                  -- the generated column overflows
    ('chk', 'bigint', 'i', '3000000000'),
    ('arr', 'bigint[]', 'ARRAY[i]', 'ARRAY[1, 3000000000]'),
    ('def', 'int', 'i + 100', '101');
CREATE TABLE outcome AS
SELECT a.*, r.*
  FROM (SELECT row_number() OVER () AS n, * FROM attempt) AS a,
       LATERAL (SELECT sum(rows_updated) AS updated, sum(rows_rejected) AS rejected
                  FROM bulk_update_query('t', format('SELECT i AS id, (CASE i WHEN 5 THEN %s ELSE %s END)::%s AS %s
                                                        FROM generate_series(1, 9) AS i', bad, good, type, col),
                                         on_error => 'skip', rejects => 'r')) AS r;
SELECT col, bad, updated, rejected, o.key, new_values, sqlstate, message, constraint_name
  FROM outcome AS a
       JOIN (SELECT *, dense_rank() OVER (ORDER BY run) AS n FROM r) AS o USING (n) ORDER BY n;
SELECT detail FROM r WHERE detail IS NOT NULL ORDER BY run;
SELECT id, chk, nn, uniq, fk, excl, dom, vc, num, trig, late, gen, arr, def FROM t ORDER BY id;
TRUNCATE r;
SELECT count(*) AS outcomes FROM outcome WHERE (updated, rejected) = (8, 1);

-- A key that cannot be coerced
SELECT :report FROM bulk_update_query('t', 'VALUES (''1'', 1), (''three'', 2), (''2'', 3)', '{id,nn}', on_error => 'skip', rejects => 'r');
SELECT source_row, reason, key, new_values, sqlstate, message FROM r;
TRUNCATE r;

-- Row-level security: WITH CHECK
CREATE ROLE regress_bulk_update_error;
GRANT USAGE ON SCHEMA on_error TO regress_bulk_update_error;
CREATE TABLE secured (id int PRIMARY KEY, v int);
INSERT INTO secured SELECT i, i FROM generate_series(1, 5) AS i;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secured USING (id < 5) WITH CHECK (v < 100);
GRANT SELECT, UPDATE ON secured TO regress_bulk_update_error;
GRANT INSERT ON r TO regress_bulk_update_error;
SET ROLE regress_bulk_update_error;
SELECT :report FROM bulk_update_query('secured', 'VALUES (1, 10), (2, 100), (3, 30), (5, 50)', '{id,v}', on_error => 'skip', rejects => 'on_error.r');
RESET ROLE;
SELECT source_row, reason, key, sqlstate, message FROM r ORDER BY source_row;
SELECT * FROM secured ORDER BY id;
TRUNCATE r;

-- a policy that raises an error for one row, also when skip_unchanged probes it
CREATE FUNCTION may_see(id int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF id = 3 THEN
        RAISE EXCEPTION 'not this one';
    END IF;
    RETURN true;
END
$$;
ALTER POLICY p ON secured USING (may_see(id)) WITH CHECK (true);
SET ROLE regress_bulk_update_error;
SELECT unchanged AS skip_unchanged, rows_updated + rows_unchanged AS good, rows_rejected
  FROM unnest('{f,t}'::bool[]) AS unchanged,
       LATERAL bulk_update_query('secured', 'VALUES (1, 10), (2, 20), (3, 30), (4, 40)', '{id,v}', on_error => 'skip', skip_unchanged => unchanged);
-- rows that already have these values are unchanged
SELECT rows_updated, rows_unchanged, rows_rejected
  FROM bulk_update_query('secured', 'VALUES (1, 10), (2, 20), (3, 30), (4, 40)', '{id,v}', on_error => 'skip', skip_unchanged => true);
RESET ROLE;

-- A row that fits in no partition
CREATE TABLE parts (region text, id int, v int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_north PARTITION OF parts FOR VALUES IN ('north');
CREATE TABLE parts_south PARTITION OF parts (CHECK (v <> 4)) FOR VALUES IN ('south');
INSERT INTO parts SELECT 'north', i, 0 FROM generate_series(1, 5) AS i;
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.region := CASE NEW.v WHEN 3 THEN 'nowhere' ELSE 'south' END;
    RETURN NEW;
END
$$;
CREATE TRIGGER move BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION move();
SELECT * FROM failure($$ SELECT bulk_update_query('parts', 'SELECT ''north'' AS region, i AS id, i AS v FROM generate_series(1, 5) AS i') $$);
SELECT :report FROM bulk_update_query('parts', 'SELECT ''north'' AS region, i AS id, i AS v FROM generate_series(1, 5) AS i', on_error => 'skip', rejects => 'r');
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT source_row, key, sqlstate, message FROM r ORDER BY source_row;
TRUNCATE r;

--
-- Never skipped: errors that are not a row's
--
CREATE TABLE plain (id int PRIMARY KEY, v int);
INSERT INTO plain SELECT i, 0 FROM generate_series(1, 5) AS i;
CREATE FUNCTION raise_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v = 3 THEN
        RAISE EXCEPTION 'raised' USING ERRCODE = TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION skip_with(code text, timing text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE TRIGGER raise_code %s UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION raise_code(%L)', timing, code);
    result := failure($c$ SELECT bulk_update_query('plain', 'SELECT i AS id, i AS v FROM generate_series(1, 5) AS i', on_error => 'skip') $c$);
    DROP TRIGGER raise_code ON plain;
    RETURN result || ' ' || (SELECT array_agg(v ORDER BY id)::text FROM plain);
END
$$;
SELECT code, skip_with(code, 'BEFORE') AS before, skip_with(code, 'AFTER') AS after
  FROM unnest('{40001,40P01,40002,55P03,55006,55000,57014,57P01,57P05,53000,53100,53200,53300,XX000,XX001,XX002,P0004,58000,58030,72000,F0000,25P02,08006,54001,01000,02000,42P01,42883,42703,0P000,3D000,HV000}'::text[])
       WITH ORDINALITY AS c (code, n) ORDER BY n;
SELECT * FROM plain ORDER BY id;
-- errors that are skipped
SELECT code, skip_with(code, 'BEFORE') AS before, skip_with(code, 'AFTER') AS after
  FROM unnest('{P0001,P0002,P0003,22012,23514,42501,42601,0A000,2F005,38000,XY123,54000,21000,44000}'::text[])
       WITH ORDINALITY AS c (code, n) ORDER BY n;

-- A deferred constraint is checked at COMMIT, when no row can be skipped
CREATE TABLE deferred (id int PRIMARY KEY, v int CONSTRAINT v_known REFERENCES referenced DEFERRABLE INITIALLY DEFERRED);
INSERT INTO deferred SELECT i, i FROM generate_series(1, 5) AS i;
BEGIN;
SELECT :report FROM bulk_update_query('deferred', 'SELECT i AS id, i * 3 AS v FROM generate_series(1, 5) AS i', on_error => 'skip');
COMMIT;
SELECT * FROM deferred ORDER BY id;
-- made immediate, it is an error of the row
BEGIN;
SET CONSTRAINTS v_known IMMEDIATE;
SELECT :report FROM bulk_update_query('deferred', 'SELECT i AS id, i * 3 AS v FROM generate_series(1, 5) AS i', on_error => 'skip');
COMMIT;
SELECT * FROM deferred ORDER BY id;

--
-- Where the bad rows are, and the number of attempts: a sequence counts them, because nextval()
-- is not undone.  BEFORE: the executor knows the row; AFTER: it must be searched for.
--
CREATE SEQUENCE attempts;
CREATE TABLE many (id int PRIMARY KEY, v int, noted bool);
INSERT INTO many SELECT i, 0 FROM generate_series(1, 500) AS i;
CREATE TABLE side_effect (id int);
CREATE FUNCTION count_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('attempts');
    INSERT INTO side_effect VALUES (NEW.id);
    IF NEW.v < 0 AND TG_ARGV[0] = 'BEFORE' THEN
        RAISE EXCEPTION 'bad';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION refuse_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bad';
END
$$;

-- try_bad(condition on i, timing, chunk size): exactly the good rows are updated, and what
-- failed attempts did is undone
CREATE FUNCTION try_bad(bad text, timing text, size int, OUT updated bigint, OUT rejected bigint, OUT is_right bool,
                        OUT row_attempts bigint)
LANGUAGE plpgsql AS $$
DECLARE
    expected bigint;
BEGIN
    EXECUTE format('CREATE TRIGGER a BEFORE UPDATE ON many FOR EACH ROW EXECUTE FUNCTION count_attempt(%L)', timing);
    IF timing = 'AFTER' THEN
        CREATE TRIGGER b AFTER UPDATE ON many FOR EACH ROW WHEN (NEW.v < 0) EXECUTE FUNCTION refuse_after();
    END IF;
    UPDATE many SET v = 0 WHERE v <> 0;
    TRUNCATE side_effect;
    PERFORM setval('attempts', 1, false);
    SELECT sum(rows_updated), sum(rows_rejected) INTO updated, rejected
      FROM bulk_update_query('many', format('SELECT i AS id, CASE WHEN %s THEN -i ELSE i END AS v
                                               FROM generate_series(1, 500) AS i', bad), chunk_size => size, on_error => 'skip');
    row_attempts := nextval('attempts') - 1;
    EXECUTE format('SELECT count(*) FILTER (WHERE %s) FROM generate_series(1, 500) AS i', bad) INTO expected;
    EXECUTE format('SELECT count(*) = 0 FROM many WHERE v <> CASE WHEN %s THEN 0 ELSE id END', replace(bad, 'i', 'id'))
      INTO is_right;
    is_right := is_right AND rejected = expected AND updated = 500 - expected AND
                (SELECT array_agg(id ORDER BY id) FROM side_effect) IS NOT DISTINCT FROM
                (SELECT array_agg(id ORDER BY id) FROM many WHERE v <> 0);
    DROP TRIGGER a ON many;
    IF timing = 'AFTER' THEN
        DROP TRIGGER b ON many;
    END IF;
END
$$;
CREATE TABLE tried (bad text, timing text, size int, updated bigint, rejected bigint, is_right bool, row_attempts bigint);
-- each in its own transaction, because the row versions of an unfinished one accumulate
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT bad, timing, size
               FROM unnest(ARRAY['false', 'i = 1', 'i = 500', 'i IN (250, 251)', 'i = 177', 'i % 2 = 0', 'i % 2 = 1',
                                 'i % 100 = 0', 'i % 10 < 9', 'i > 490', 'i <= 10', 'i > 250', 'i <= 250',
                                 'i NOT IN (1, 250, 500)', 'true']) AS bad,
                    unnest('{BEFORE,AFTER}'::text[]) AS timing, unnest('{1,7,500}'::int[]) AS size LOOP
        INSERT INTO tried SELECT r.bad, r.timing, r.size, t.* FROM try_bad(r.bad, r.timing, r.size) AS t;
        COMMIT;
    END LOOP;
END
$$;
SELECT count(*) AS tried, count(*) FILTER (WHERE is_right) AS is_right FROM tried;
SELECT * FROM tried WHERE NOT is_right;
-- the number of attempts is proportional to the rows, however many are bad; without bad rows there are no retries
SELECT timing, max(row_attempts) FILTER (WHERE bad = 'false') AS none_bad, max(row_attempts) <= 6 * 500 AS linear
  FROM tried GROUP BY timing ORDER BY timing DESC;
SELECT * FROM tried WHERE row_attempts > 6 * 500;

-- Statement triggers fire for each attempt, and their changes are undone with it
CREATE TABLE statements (n bigint);
CREATE FUNCTION log_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO statements SELECT count(*) FROM new_rows;
    RETURN NULL;
END
$$;
CREATE TRIGGER log_statement AFTER UPDATE ON many REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_statement();
ALTER TABLE many ADD CONSTRAINT not_negative CHECK (v >= 0);
SELECT :report FROM bulk_update_query('many', 'SELECT i AS id, CASE i WHEN 100 THEN -1 ELSE i END AS v FROM generate_series(1, 500) AS i',
                                      chunk_size => 250, on_error => 'skip');
SELECT sum(n) FROM statements;
DROP TRIGGER log_statement ON many;

-- A statement trigger that always fails ends the call, as it is no row's error
CREATE TRIGGER never BEFORE UPDATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION refuse_after();
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'SELECT i AS id, i AS v FROM generate_series(1, 5) AS i', on_error => 'skip') $$);
DROP TRIGGER never ON plain;
CREATE TRIGGER never AFTER UPDATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION refuse_after();
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'SELECT i AS id, i AS v FROM generate_series(1, 5) AS i', on_error => 'skip') $$);
DROP TRIGGER never ON plain;
-- one that fails for some rows does not
CREATE FUNCTION refuse_three() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows WHERE v = 3) THEN
        RAISE EXCEPTION 'no three';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER three AFTER UPDATE ON plain REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_three();
SELECT :report FROM bulk_update_query('plain', 'SELECT i AS id, i AS v FROM generate_series(1, 5) AS i', on_error => 'skip');
DROP TRIGGER three ON plain;
-- constraints whose function may not be called, or no longer exists, end it too
CREATE FUNCTION is_fine(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE TABLE guarded (id int PRIMARY KEY, v int CHECK (is_fine(v)));
INSERT INTO guarded VALUES (1, 1), (2, 2);
GRANT SELECT, UPDATE ON guarded TO regress_bulk_update_error;
REVOKE EXECUTE ON FUNCTION is_fine FROM PUBLIC;
SET ROLE regress_bulk_update_error;
SELECT * FROM failure($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10), (2, 20)', '{id,v}', on_error => 'skip') $$);
RESET ROLE;
CREATE OR REPLACE FUNCTION is_fine(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN on_error.gone($1); END';
SELECT * FROM failure($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10), (2, 20)', '{id,v}', on_error => 'skip') $$);
TABLE guarded;
-- a policy that cannot be planned, also when rows are probed
ALTER TABLE guarded DROP CONSTRAINT guarded_v_check, ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (id > 1 / 0);
SET ROLE regress_bulk_update_error;
SELECT * FROM failure($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10), (2, 20)', '{id,v}', on_error => 'skip') $$);
SELECT * FROM failure($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10), (2, 20)', '{id,v}', on_error => 'skip', skip_unchanged => true) $$);
RESET ROLE;
-- casts: a value out of the type's range is an error of the row, a broken function is not
CREATE TYPE word AS (w text);
CREATE FUNCTION of_word(word) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN on_error.gone(($1).w); END';
CREATE CAST (word AS int) WITH FUNCTION of_word(word) AS ASSIGNMENT;
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'SELECT 1 AS id, ROW(''w'')::on_error.word AS v', on_error => 'skip') $$);
CREATE OR REPLACE FUNCTION of_word(word) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE insufficient_privilege; END';
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'SELECT 1 AS id, ROW(''w'')::on_error.word AS v', on_error => 'skip') $$);
DROP CAST (word AS int);
DROP FUNCTION of_word;
DROP TYPE word;
SELECT :report FROM bulk_update_query('plain', $$ VALUES (1, 'NaN'::numeric), (2, 'Infinity'), (3, 0) $$, '{id,v}', on_error => 'skip');

-- Rows that depend on each other: as with one UPDATE for each row, in key order
CREATE TABLE chain (id int PRIMARY KEY, u int UNIQUE);
INSERT INTO chain SELECT i, i FROM generate_series(1, 5) AS i;
SELECT :report FROM bulk_update_query('chain', 'SELECT i AS id, i + 1 AS u FROM generate_series(1, 5) AS i', on_error => 'skip', rejects => 'r');
SELECT array_agg(u ORDER BY id) FROM chain;
SELECT source_row, message, detail, constraint_name FROM r ORDER BY source_row;
SELECT :report FROM bulk_update_query('chain', 'SELECT i AS id, i - 1 AS u FROM generate_series(1, 5) AS i', on_error => 'skip');
SELECT array_agg(u ORDER BY id) FROM chain;

-- Random jobs in which few or most rows are bad in several ways, compared with one UPDATE for each row
CREATE TABLE random (dropped text, id int PRIMARY KEY, u int UNIQUE, c int CHECK (c % 17 <> 3), f int REFERENCES referenced);
ALTER TABLE random DROP COLUMN dropped;
CREATE FUNCTION refuse_or_suppress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.c % 29 = 5 THEN
        RAISE EXCEPTION 'refused';
    END IF;
    RETURN CASE WHEN NEW.c % 31 <> 1 THEN NEW END;
END
$$;
CREATE TABLE compared (seed int, is_right bool, rejected bigint, unchanged bigint);
CREATE TABLE job (id int, u int, c int, f int);
DO $$
DECLARE
    new_row job;
    by_row text;
    by_row_rejected bigint;
    by_call text;
    rejected bigint;
    unchanged bigint;
BEGIN
    FOR seed IN 1..16 LOOP
        TRUNCATE random, job, r;
        INSERT INTO random SELECT i, i, 0, 1 FROM generate_series(1, 300) AS i;
        INSERT INTO job
        SELECT i, hashint4(i * 7 + seed) & CASE WHEN seed > 8 THEN 511 ELSE 1048575 END, hashint4(i * 13 + seed) & 1023,
               CASE WHEN seed > 8 THEN hashint4(i * 17 + seed) & 15 ELSE 1 END
          FROM generate_series(1, 320) AS i;
        IF seed % 2 = 0 THEN
            CREATE TRIGGER refuse_or_suppress BEFORE UPDATE ON random FOR EACH ROW EXECUTE FUNCTION refuse_or_suppress();
        END IF;
        COMMIT;
        by_row_rejected := 0;
        BEGIN
            FOR new_row IN SELECT * FROM job ORDER BY id LOOP
                BEGIN
                    UPDATE random SET u = new_row.u, c = new_row.c, f = new_row.f WHERE id = new_row.id;
                EXCEPTION WHEN OTHERS THEN
                    by_row_rejected := by_row_rejected + 1;
                END;
            END LOOP;
            SELECT string_agg(random::text, ' ' ORDER BY id) INTO by_row FROM random;
            RAISE EXCEPTION SQLSTATE 'TT000';
        EXCEPTION WHEN SQLSTATE 'TT000' THEN
        END;
        SELECT sum(rows_rejected), sum(rows_unchanged) INTO rejected, unchanged
          FROM bulk_update_query('random', 'SELECT * FROM job ORDER BY id', on_error => 'skip', rejects => 'r',
                                 chunk_size => (ARRAY[1, 7, 50, 1000])[1 + seed % 4]);
        SELECT string_agg(random::text, ' ' ORDER BY id) INTO by_call FROM random;
        INSERT INTO compared VALUES (seed, by_row = by_call AND by_row_rejected = rejected AND
                                           rejected = (SELECT count(*) FROM r WHERE reason = 'error'), rejected, unchanged);
        IF seed % 2 = 0 THEN
            DROP TRIGGER refuse_or_suppress ON random;
        END IF;
        COMMIT;
    END LOOP;
END
$$;
SELECT count(*) AS compared, count(*) FILTER (WHERE is_right) AS is_right, min(rejected) < 50 AS few, max(rejected) > 200 AS most,
       sum(unchanged) > 0 AS and_suppressed FROM compared;
SELECT * FROM compared WHERE NOT is_right;

-- Bad rows do not use up memory: 25,000 rows need as much as 5,000
SET work_mem = '256kB';
CREATE TABLE flat (id int PRIMARY KEY, v int CHECK (v < 0));
INSERT INTO flat SELECT i, -1 FROM generate_series(1, 25000) AS i;
CREATE FUNCTION memory_of(rows int, key text, value text, ord text) RETURNS bigint LANGUAGE sql AS $$
    SELECT max(memory_bytes)
      FROM bulk_update_query('flat', format('SELECT %s AS id, %s AS v FROM generate_series(1, %s) AS i ORDER BY %s', key, value, rows, ord),
                             on_error => 'skip', chunk_size => 500)
$$;
SELECT what, ord, memory_of(25000, key, value, ord) - memory_of(5000, key, value, ord) < 1000000 AS flat
  FROM (VALUES (1, 'key', 'CASE WHEN i % 100 > 0 THEN 3e9 ELSE i END', '-1'), (2, 'value', 'i', 'CASE WHEN i % 100 > 0 THEN 3e9 ELSE -1 END'),
               (3, 'constraint', 'i', 'CASE WHEN i % 100 > 0 THEN 1 ELSE -1 END')) AS v (n, what, key, value), unnest('{i,-i}'::text[]) AS ord
 ORDER BY n, ord DESC;
RESET work_mem;

--
-- The cursor, the transaction, nested calls
--
-- the cursor is at its end and still open; savepoints work
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT i AS id, CASE WHEN i % 3 = 0 THEN 3e9 ELSE i END AS v FROM generate_series(1, 12) AS i;
SAVEPOINT s;
SELECT :report FROM bulk_update('plain', 'c', chunk_size => 5, on_error => 'skip');
FETCH c;
FETCH PRIOR FROM c;
ROLLBACK TO s;
SELECT sum(v) FROM plain;
MOVE ABSOLUTE 0 IN c;
SAVEPOINT s2;
SELECT sum(rows_updated), sum(rows_rejected) FROM bulk_update('plain', 'c', on_error => 'skip');
RELEASE s2;
COMMIT;
SELECT * FROM plain ORDER BY id;
-- a cursor over the target, FOR UPDATE; WHERE CURRENT OF still works
BEGIN;
DECLARE c CURSOR FOR SELECT id, CASE id WHEN 2 THEN 3e9 ELSE 10 END AS v FROM plain ORDER BY id FOR UPDATE;
SELECT :report FROM bulk_update('plain', 'c', on_error => 'skip');
COMMIT;
SELECT * FROM plain ORDER BY id;
-- a holdable cursor of an earlier transaction
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT i AS id, CASE i WHEN 2 THEN 3e9 ELSE -i END AS v FROM generate_series(1, 5) AS i;
COMMIT;
SELECT :report FROM bulk_update('plain', 'held', on_error => 'skip');
CLOSE held;

-- an error of the source is not an error of a row
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'SELECT i AS id, 10 / (3 - i) AS v FROM generate_series(1, 5) AS i', on_error => 'skip') $$);

-- a call in a trigger of a call, both with 'skip'
CREATE TABLE outer_table (id int PRIMARY KEY, v int CHECK (v <> 4));
INSERT INTO outer_table SELECT i, 0 FROM generate_series(1, 6) AS i;
ALTER TABLE plain ADD CONSTRAINT below_50 CHECK (v < 50);
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT sum(rows_rejected) INTO NEW.v
      FROM bulk_update_query('on_error.plain', format('VALUES (1, %s), (2, 50), (3, %s)', NEW.v, NEW.v * 10), '{id,v}', on_error => 'skip');
    IF NEW.id = 2 THEN
        RAISE EXCEPTION 'outer';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER nested BEFORE UPDATE ON outer_table FOR EACH ROW EXECUTE FUNCTION nested();
SELECT :report FROM bulk_update_query('outer_table', 'SELECT i AS id, i AS v FROM generate_series(1, 6) AS i', on_error => 'skip');
SELECT * FROM outer_table ORDER BY id;
SELECT * FROM plain ORDER BY id;

-- in PL/pgSQL, in blocks with and without EXCEPTION
DO $$
DECLARE
    rejected bigint;
BEGIN
    BEGIN
        SELECT sum(rows_rejected) INTO rejected
          FROM bulk_update_query('plain', 'VALUES (1, 60), (2, 7), (3, 70)', '{id,v}', on_error => 'skip');
        RAISE NOTICE '% rejected', rejected;
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN
        RAISE NOTICE 'v of 2: %', (SELECT v FROM plain WHERE id = 2);
    END;
    PERFORM bulk_update_query('plain', 'VALUES (1, 60), (2, 8), (3, 70)', '{id,v}', on_error => 'skip');
    RAISE NOTICE 'v of 2: %', (SELECT v FROM plain WHERE id = 2);
END
$$;

-- after an error that is not skipped the session can continue
CREATE TRIGGER raise_code BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION raise_code('40001');
\set VERBOSITY terse
SELECT bulk_update_query('plain', 'VALUES (1, 1), (2, 60), (3, 3)', '{id,v}', on_error => 'skip');
\set VERBOSITY default
SELECT id, v FROM plain WHERE id = 2;
SHOW transaction_isolation;
SELECT count(*) AS locks_left FROM pg_locks WHERE relation = 'plain'::regclass AND pid = pg_backend_pid();
DROP TRIGGER raise_code ON plain;

--
-- reject_limit: for the whole call, checked after each chunk
--
SELECT * FROM failure($$ SELECT bulk_update_query('plain', 'VALUES (1, 60), (2, 1), (3, 60), (4, 1), (5, 60)', '{id,v}', on_error => 'skip', reject_limit => 3) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('plain', 'VALUES (1, 60), (2, 1), (3, 60), (4, 1), (5, 60)', '{id,v}', on_error => 'skip', reject_limit => 2) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('plain', 'VALUES (1, 60), (2, 1), (3, 60), (4, 1), (5, 60)', '{id,v}', on_error => 'skip', reject_limit => 1, chunk_size => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('plain', 'VALUES (1, 3e9), (2, 3e9), (3, 60), (4, 1), (5, 3e9)', '{id,v}', on_error => 'skip', reject_limit => 3) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('plain', 'VALUES (1, 3e9), (2, 1), (3, 60)', '{id,v}', on_error => 'skip', reject_limit => 0, dry_run => true) $$);
-- missing rows and duplicates do not count
SELECT :report FROM bulk_update_query('plain', 'VALUES (1, 1), (99, 1), (NULL, 60), (1, 2)', '{id,v}', on_error => 'skip', on_duplicate => 'first', reject_limit => 0);

SET client_min_messages = warning;
DROP SCHEMA on_error CASCADE;
DROP ROLE regress_bulk_update_error;
