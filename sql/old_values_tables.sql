--
-- old_values: the table of old values has triggers, defaults, foreign keys, policies, partitions; index entries that wait
--
SET client_min_messages = warning;
CREATE SCHEMA old_values_tables;
SET search_path = old_values_tables, public;
CREATE EXTENSION amcheck;
\set report 'rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale, rows_rejected AS rejected'
CREATE TABLE t (id int PRIMARY KEY, v int, w text, x int);
INSERT INTO t SELECT i, i, 'w' || i % 7, i FROM generate_series(1, 200) AS i;
CREATE INDEX t_v ON t (v);
CREATE INDEX t_wv ON t (w, v DESC) INCLUDE (x);
CREATE INDEX t_expr ON t ((v % 10)) WHERE id % 2 = 0;
CREATE TABLE before AS TABLE t;
-- The indexes of a table that lack a row: an error
CREATE FUNCTION checked(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(bt_index_check(indexrelid, true)) FROM pg_index WHERE indrelid = relation
$$;
-- A call that keeps values in this table, and an undo: their totals, and whether the kept rows and the table are as they should be
CREATE FUNCTION call_and_undo(kept regclass, options text DEFAULT '') RETURNS TABLE (call text, totals text, kept_rows bigint, wrong bigint, indexes bigint)
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM t;
    INSERT INTO t TABLE before;
    EXECUTE format('TRUNCATE %s', kept);
    call := 'update';
    EXECUTE format($q$SELECT format('%%s updated, %%s missing', sum(rows_updated), sum(rows_missing))
        FROM bulk_update_query('t', 'SELECT i AS id, 1000 - i AS v, ''new '' || i AS w FROM generate_series(1, 210) AS i', chunk_size => 30, old_values => %L %s)$q$, kept, options) INTO totals;
    EXECUTE format($q$SELECT count(*), count(*) FILTER (WHERE (k.old_v, k.old_w, k.new_v, k.new_w) IS DISTINCT FROM (before.v, before.w, t.v, t.w))
        FROM %s AS k FULL JOIN t USING (id) LEFT JOIN before USING (id)$q$, kept) INTO kept_rows, wrong;
    indexes := checked('t') + checked(kept);
    RETURN NEXT;
    call := 'undo';
    EXECUTE format($q$SELECT format('%%s updated, %%s stale', sum(rows_updated), sum(rows_stale)) FROM bulk_update_undo('t', %L, chunk_size => 30)$q$, kept) INTO totals;
    SELECT count(*) INTO wrong FROM (TABLE t EXCEPT TABLE before) AS d;
    indexes := checked('t');
    RETURN NEXT;
END
$$;
-- Whether index entries wait until the call ends
CREATE FUNCTION waits(kept regclass) RETURNS text LANGUAGE sql SET bulk_update.applier = auto AS $$
    SELECT left(detail, 45) FROM bulk_update_explain_query('t', 'SELECT 1, 1, ''w''', '{id,v,w}', old_values => kept) WHERE topic = 'index entries'
$$;

-- A table without code of others: entries wait for all chunks
SELECT bulk_update_create_old_values('kept', 't', '{v,w}');
CREATE INDEX ON kept (run, id);
SELECT * FROM call_and_undo('kept');
SELECT * FROM call_and_undo('kept', ', on_error => ''skip''');
-- The stores and the sorts spill
SET work_mem = '64kB';
SET maintenance_work_mem = '1MB';
TRUNCATE before;
INSERT INTO before SELECT i, i, repeat(md5(i::text), 20), i FROM generate_series(1, 200) AS i;
SELECT * FROM call_and_undo('kept');
CREATE FUNCTION spilling() RETURNS TABLE (updated numeric, kept_rows bigint, wrong bigint, restored numeric, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE t, kept, before;
    INSERT INTO before SELECT i, i, repeat(md5(i::text), 20), i FROM generate_series(1, 5000) AS i;
    INSERT INTO t TABLE before;
    SELECT sum(rows_updated) INTO updated FROM bulk_update_query('t', 'SELECT i AS id, -i AS v, repeat(md5((-i)::text), 20) AS w FROM generate_series(1, 5000) AS i', chunk_size => 10000, old_values => 'kept');
    SELECT count(*), count(*) FILTER (WHERE (k.old_v, k.old_w, k.new_v, k.new_w) IS DISTINCT FROM (before.v, before.w, t.v, t.w))
      INTO kept_rows, wrong FROM kept AS k FULL JOIN t USING (id) LEFT JOIN before USING (id);
    SELECT sum(rows_updated) INTO restored FROM bulk_update_undo('t', 'kept', redo_values => 'kept');
    SELECT count(*) INTO differ FROM (TABLE t EXCEPT TABLE before) AS d;
    RETURN NEXT;
END
$$;
SELECT * FROM spilling();
SELECT count(*), count(DISTINCT run), checked('t') FROM kept;
RESET work_mem;
RESET maintenance_work_mem;
TRUNCATE before;
INSERT INTO before SELECT i, i, 'w' || i % 7, i FROM generate_series(1, 200) AS i;

-- Foreign key to the target: its check looks at an index whose entries would wait
CREATE TABLE referring (LIKE kept, FOREIGN KEY (id) REFERENCES t ON DELETE CASCADE);
ALTER TABLE referring DROP CONSTRAINT referring_id_fkey;
SELECT * FROM call_and_undo('referring');
ALTER TABLE referring ADD FOREIGN KEY (id) REFERENCES t ON DELETE CASCADE DEFERRABLE;
CREATE FUNCTION referred() RETURNS TABLE (fetched bigint, updated bigint) LANGUAGE sql AS $$
    SELECT rows_fetched, rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1000, w FROM t', '{id,v,w}', old_values => 'referring', chunk_size => 90, report => 'total')
$$;
SELECT waits('kept'), waits('referring');
SELECT * FROM call_and_undo('referring');
TRUNCATE referring;
SELECT * FROM referred();
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT * FROM referred();
SELECT :report FROM bulk_update_undo('t', 'referring');
COMMIT;
SELECT count(*), checked('t') FROM referring;
-- A key that is violated: an error of the call, without a row and without a hint
TRUNCATE referring;
DELETE FROM t WHERE id = 7;
ALTER TABLE referring ADD CONSTRAINT new_v_is_a_key FOREIGN KEY (new_v) REFERENCES t (id);
\set VERBOSITY terse
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 2, ''w''), (2, 7, ''w'')', '{id,v,w}', old_values => 'referring', on_error => 'skip', chunk_size => 1);
\set VERBOSITY default
SELECT id, v FROM t WHERE id < 3 ORDER BY id;
ALTER TABLE referring DROP CONSTRAINT new_v_is_a_key;
DROP TABLE referring;

-- Triggers that look at the target, suppress rows, change them
CREATE TABLE log (id int, found bigint, by_index bigint);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF NEW.id % 50 = 0 THEN
        INSERT INTO log SELECT NEW.id, (SELECT count(*) FROM t WHERE id = NEW.id), (SELECT count(*) FROM t WHERE v = NEW.new_v);
    END IF;
    IF NEW.id % 40 = 0 THEN RETURN NULL; END IF;
    NEW.source_row := -NEW.source_row;
    RETURN NEW;
END
$$;
CREATE TRIGGER look BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION look();
SELECT waits('kept');
SELECT * FROM call_and_undo('kept');
TABLE log ORDER BY id;
SELECT count(*), max(source_row) FROM kept;
-- A trigger that updates the target
CREATE OR REPLACE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE t SET x = -NEW.id WHERE id = NEW.id;
    RETURN NEW;
END
$$;
SELECT * FROM call_and_undo('kept');
SELECT count(*) FROM t WHERE x = -id;
-- and one that ends with an error
CREATE OR REPLACE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one' USING errcode = 'check_violation'; END $$;
\set VERBOSITY terse
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1, w FROM t', '{id,v,w}', old_values => 'kept', on_error => 'skip');
\set VERBOSITY default
DROP TRIGGER look ON kept;

-- Defaults, generated columns, checks, domains, other types: code of others and the server's
CREATE FUNCTION count_rows() RETURNS bigint LANGUAGE sql SET enable_seqscan = off AS 'SELECT count(*) FROM t WHERE v = 990';
CREATE TABLE kept_default (LIKE kept, kept_by name DEFAULT current_user, found bigint DEFAULT count_rows(), n bigint GENERATED ALWAYS AS IDENTITY,
                           change bigint GENERATED ALWAYS AS (new_v::bigint - old_v) STORED, CHECK (new_v IS NOT NULL));
SELECT waits('kept_default');
SELECT * FROM call_and_undo('kept_default');
SELECT min(found), max(found), count(DISTINCT n), bool_and(kept_by = current_user), sum(change) FROM kept_default;
ALTER TABLE kept_default ALTER found DROP DEFAULT;
SELECT waits('kept_default');
CREATE DOMAIN even AS text CHECK (value = 'w' OR count_rows() < 1000);
CREATE TABLE kept_types (run numeric, source_row int, id text, old_v bigint, new_v numeric, old_w even, new_w varchar(20));
SELECT waits('kept_types');
TRUNCATE t;
INSERT INTO t TABLE before;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT id, v * 2, ''n'' FROM t', '{id,v,w}', old_values => 'kept_types');
SELECT * FROM (SELECT source_row, id, old_v, new_v, old_w, new_w FROM kept_types ORDER BY source_row LIMIT 2) AS k;
-- What does not fit is an error. Its run is a number of another type, too.
\set VERBOSITY terse
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1, ''twenty-one characters'')', '{id,v,w}', old_values => 'kept_types');
\set VERBOSITY default
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept_types', (SELECT max(run)::bigint FROM kept_types));
SELECT sum(rows_unchanged) FROM bulk_update_undo('t', 'kept_types');
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;

-- Casts to the types of the run and the source row, the default of a domain
CREATE TYPE number AS ENUM ('any');
CREATE FUNCTION number_of(bigint) RETURNS number LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1, 1, count_rows()); RETURN 'any'; END $$;
CREATE CAST (bigint AS number) WITH FUNCTION number_of AS ASSIGNMENT;
CREATE DOMAIN counted AS bigint DEFAULT count_rows();
CREATE TABLE kept_casts (LIKE kept, found counted);
SELECT waits('kept_casts');
SELECT * FROM call_and_undo('kept_casts');
SELECT min(found), max(found) FROM kept_casts;
ALTER TABLE kept_casts ALTER found SET DEFAULT 1;
ALTER TABLE kept_casts DROP source_row, ADD source_row number;
SELECT waits('kept_casts');
TRUNCATE log, kept_casts;
SELECT * FROM call_and_undo('kept_casts');
SELECT min(by_index), max(by_index) FROM log;
ALTER TABLE kept_casts DROP found;
ALTER TABLE kept_casts DROP run, ADD run number;
SELECT waits('kept_casts');
DROP TABLE kept_casts;
DROP TYPE number CASCADE;

-- Rules: also, and conditional
CREATE TABLE kept_rule (LIKE kept);
CREATE RULE also AS ON INSERT TO kept_rule DO ALSO INSERT INTO log VALUES (NEW.id, NULL, (SELECT count(*) FROM t WHERE v = NEW.new_v));
TRUNCATE log;
SELECT waits('kept_rule');
SELECT * FROM call_and_undo('kept_rule');
SELECT count(*), count(DISTINCT id), min(by_index) FROM log;

-- Partitions, with a trigger and columns in another order; children
CREATE TABLE kept_parts (LIKE kept) PARTITION BY RANGE (id);
CREATE TABLE kept_parts_1 PARTITION OF kept_parts FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE kept_parts_2 (new_w text, old_w text, dropped int, new_v int, old_v int, id int NOT NULL, source_row bigint NOT NULL, run bigint NOT NULL);
ALTER TABLE kept_parts_2 DROP COLUMN dropped;
ALTER TABLE kept_parts ATTACH PARTITION kept_parts_2 FOR VALUES FROM (100) TO (MAXVALUE);
CREATE TRIGGER partition AFTER INSERT ON kept_parts_2 FOR EACH ROW WHEN (NEW.id = 200) EXECUTE FUNCTION look();
SELECT waits('kept_parts'), waits('kept_parts_1');
\set VERBOSITY terse
SELECT * FROM call_and_undo('kept_parts');
\set VERBOSITY default
DROP TRIGGER partition ON kept_parts_2;
SELECT * FROM call_and_undo('kept_parts');
SELECT tableoid::regclass, count(*) FROM kept_parts GROUP BY 1 ORDER BY 1;
DROP TABLE kept_parts_2;
\set VERBOSITY terse
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1, w FROM t', '{id,v,w}', old_values => 'kept_parts', on_error => 'skip', chunk_size => 90);
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
\set VERBOSITY default

-- Row-level security of the table of old values, and of the target
CREATE TABLE kept_rls (LIKE kept);
ALTER TABLE kept_rls ENABLE ROW LEVEL SECURITY;
SELECT waits('kept_rls');
CREATE POLICY small ON kept_rls USING (id <= 5) WITH CHECK (id <= 7);
CREATE ROLE regress_old_values_tables;
GRANT USAGE ON SCHEMA old_values_tables TO regress_old_values_tables;
GRANT SELECT, INSERT ON kept_rls TO regress_old_values_tables;
GRANT SELECT, UPDATE ON t TO regress_old_values_tables;
SET ROLE regress_old_values_tables;
\set VERBOSITY terse
SELECT :report FROM bulk_update_query('t', 'SELECT i, -i, ''rls'' FROM generate_series(1, 8) AS i', '{id,v,w}', old_values => 'kept_rls', on_error => 'skip');
\set VERBOSITY default
SELECT :report FROM bulk_update_query('t', 'SELECT i, -i, ''rls'' FROM generate_series(1, 7) AS i', '{id,v,w}', old_values => 'kept_rls');
-- Only the rows that it shows are taken back
SELECT :report FROM bulk_update_undo('t', 'kept_rls');
RESET ROLE;
SELECT id, v FROM t WHERE id < 9 ORDER BY id;
SELECT :report FROM bulk_update_undo('t', 'kept_rls');
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON t USING (id % 2 = 1);
TRUNCATE kept_rls;
SET ROLE regress_old_values_tables;
SELECT :report FROM bulk_update_query('t', 'SELECT i, -i, ''rls'' FROM generate_series(1, 7) AS i', '{id,v,w}', old_values => 'kept_rls');
RESET ROLE;
SELECT id, old_v, new_v FROM kept_rls ORDER BY id;
DROP POLICY odd ON t;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
SELECT :report FROM bulk_update_undo('t', 'kept_rls');
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;

-- Names that the stores have: tables of the caller's are not taken for them
CREATE TABLE bulk_update_kept (LIKE kept);
CREATE TABLE bulk_update_kept_old (id int PRIMARY KEY, v int, w text);
INSERT INTO bulk_update_kept_old SELECT id, v, w FROM before;
SELECT * FROM call_and_undo('bulk_update_kept');
SELECT :report FROM bulk_update_query('bulk_update_kept_old', 'SELECT id, 5 AS v, w FROM bulk_update_kept_old WHERE id < 4', old_values => 'bulk_update_kept');
SELECT :report FROM bulk_update_undo('bulk_update_kept_old', 'bulk_update_kept');
CREATE FUNCTION reads_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.w := (SELECT count(*) FROM bulk_update_kept); RETURN NEW; END $$;
CREATE TRIGGER reads_kept BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.id < 3) EXECUTE FUNCTION reads_kept();
TRUNCATE bulk_update_kept;
SELECT :report FROM bulk_update_query('t', 'SELECT id, v, w FROM t WHERE id < 4 AND 0 = (SELECT count(*) FROM bulk_update_kept)', '{id,v,w}', old_values => 'kept', chunk_size => 1);
SELECT id, w FROM t WHERE id < 4 ORDER BY id;

-- A column of a table of one's own that is named like the primary key is not the key of the call
CREATE TABLE codes (id int PRIMARY KEY, code text UNIQUE NOT NULL, v int);
INSERT INTO codes VALUES (1, 'a', 10), (2, 'b', 10);
CREATE TABLE kept_codes (run int, source_row int, id int GENERATED BY DEFAULT AS IDENTITY (START 2), code text, old_v int, new_v int);
SELECT :report FROM bulk_update_query('codes', $$VALUES ('a', 20)$$, '{code,v}', '{code}', old_values => 'kept_codes');
UPDATE codes SET v = 20 WHERE id = 2;
SELECT :report FROM bulk_update_undo('codes', 'kept_codes');
SELECT :report FROM bulk_update_undo('codes', 'kept_codes', key_columns => '{code}');
TABLE codes ORDER BY id;

DROP OWNED BY regress_old_values_tables;
DROP ROLE regress_old_values_tables;
DROP EXTENSION amcheck;
DROP SCHEMA old_values_tables CASCADE;
