--
-- old_values: the values before and after the call are kept, and bulk_update_undo() gives them back
--
CREATE SCHEMA old_values;
SET search_path = old_values, public;
\set report 'rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected'

CREATE TABLE t (id int PRIMARY KEY, price numeric(8,2), name varchar(20) COLLATE "C", note text, twice numeric GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO t SELECT i, i, 'name ' || i, CASE WHEN i % 3 = 0 THEN 'note' END FROM generate_series(1, 10) AS i;
CREATE TABLE before AS TABLE t;

-- The table that is created: all columns, or some
SELECT bulk_update_create_old_values('kept', 't');
\d kept
SELECT bulk_update_create_old_values('kept_price', 't', '{price,twice}');
\d kept_price

-- One row for each updated row, with the values as stored; none for other outcomes
SELECT :report FROM bulk_update_query('t', 'SELECT i, i * 1.234, ''new '' || i FROM generate_series(1, 12) AS i WHERE i <> 4',
                                      '{id,price,name}', old_values => 'kept', chunk_size => 4);
SELECT source_row, id, old_price, new_price, old_name, new_name, old_note, new_note, old_twice, new_twice FROM kept ORDER BY source_row;
SELECT count(DISTINCT run), max(run) = currval('bulk_update_run') AS current FROM kept;

-- Taken back, except what others have changed since: row 3; row 5 is gone
UPDATE t SET name = 'by others' WHERE id = 3;
DELETE FROM t WHERE id = 5;
SELECT :report FROM bulk_update_undo('t', 'kept', dry_run => true, report => 'total');
SELECT :report FROM bulk_update_undo('t', 'kept', chunk_size => 4);
(TABLE t EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE t) ORDER BY 1, 2;
-- A repeated undo is quiet, unless it is to say that the rows are stale
SELECT :report FROM bulk_update_undo('t', 'kept', report => 'total');
SELECT :report FROM bulk_update_undo('t', 'kept', report => 'total', skip_unchanged => false);
SELECT :report FROM bulk_update_undo('t', 'kept', on_stale => 'error');
SELECT :report FROM bulk_update_undo('t', 'kept', on_missing => 'error', skip_unchanged => true);

-- Runs are told apart; the latest one is the default
TRUNCATE kept;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''first''), (2, ''first'')', '{id,name}', old_values => 'kept');
SELECT min(run) AS first_run FROM kept \gset
SELECT :report FROM bulk_update_query('t', 'VALUES (2, ''second''), (6, ''second'')', '{id,name}', old_values => 'kept');
SELECT :report FROM bulk_update_undo('t', 'kept', :first_run);
SELECT id, name FROM t WHERE id IN (1, 2, 6) ORDER BY id;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT :report FROM bulk_update_undo('t', 'kept', :first_run);
SELECT id, name FROM t WHERE id IN (1, 2, 6) ORDER BY id;
SELECT :report FROM bulk_update_undo('t', 'kept', 0);
TRUNCATE kept;
SELECT :report FROM bulk_update_undo('t', 'kept');

-- An undo can be taken back, too: its values are kept in a table, also in the same one
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''redo'' FROM t WHERE id < 4', '{id,name}', old_values => 'kept');
SELECT :report FROM bulk_update_undo('t', 'kept', redo_values => 'kept');
SELECT id, name FROM t WHERE id < 4 ORDER BY id;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT id, name FROM t WHERE id < 4 ORDER BY id;

-- A cursor, arrays, a table of rejects with the same run, a dry run, unchanged and duplicate rows
TRUNCATE kept;
SELECT bulk_update_create_rejects('rejects');
BEGIN;
DECLARE c CURSOR FOR SELECT i AS id, 'cursor' AS name FROM generate_series(1, 2) AS i;
SELECT :report FROM bulk_update('t', 'c', old_values => 'kept');
COMMIT;
SELECT :report FROM bulk_update_arrays('t', '{id,name}', ROW('{1,2,77}'::int[], '{array,cursor,array}'::text[]), skip_unchanged => true, old_values => 'kept', rejects => 'rejects');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''dry'')', '{id,name}', dry_run => true, old_values => 'kept');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''one''), (1, ''two''), (2, ''three'')', '{id,name}', on_duplicate => 'last', old_values => 'kept');
SELECT dense_rank() OVER (ORDER BY run) AS run, run IN (SELECT run FROM rejects) AS has_rejects, source_row, id, old_name, new_name FROM kept ORDER BY run, source_row;

-- Rows in error: what was rolled back is not kept
ALTER TABLE t ADD CHECK (price < 1000);
TRUNCATE kept;
SELECT :report FROM bulk_update_query('t', 'SELECT id, CASE WHEN id % 4 = 2 THEN 1000 ELSE id + 100 END FROM t ORDER BY id', '{id,price}', on_error => 'skip', chunk_size => 5, old_values => 'kept');
SELECT source_row, id, old_price, new_price FROM kept ORDER BY id;
SELECT :report FROM bulk_update_undo('t', 'kept', report => 'total');

-- Triggers: what they store is what is kept; an update that they suppress is not kept
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 2 THEN RETURN NULL; END IF;
    NEW.note := 'by trigger';
    RETURN NEW;
END $$;
CREATE TRIGGER change BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION change();
TRUNCATE kept;
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''triggered'' FROM t WHERE id < 4', '{id,name}', old_values => 'kept');
SELECT id, old_name, new_name, old_note, new_note FROM kept ORDER BY id;
DROP TRIGGER change ON t;
SELECT :report FROM bulk_update_undo('t', 'kept');
SELECT id, name, note FROM t WHERE id < 4 ORDER BY id;

-- With expected columns: stale rows are not kept
TRUNCATE kept;
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''cas'', CASE id WHEN 1 THEN ''other'' ELSE name END FROM t WHERE id < 4', '{id,name}', expected_columns => '{name}', old_values => 'kept');
SELECT id, old_name, new_name FROM kept ORDER BY id;

--
-- Other tables: names, keys, types, partitions, children
--
-- Names that are taken, or do not fit
CREATE TABLE names (run int, old_x int, source_row int, key_run int, "Old ""Q""" int, new_x text, x text,
    "a_very_long_name_that_leaves_no_room_for_what_comes_before_it_1" text, "ein_sehr_langer_Name_mit_Umlauten_äöü_der_keinen_Platz_läßtß" text,
    PRIMARY KEY (run, old_x, source_row, key_run));
INSERT INTO names SELECT i, i, i, i, i, 'x', 'x', 'long', 'lang' FROM generate_series(1, 3) AS i;
CREATE TABLE names_before AS TABLE names;
SELECT bulk_update_create_old_values('"Kept Names"', 'names');
SELECT attname, octet_length(attname::text) FROM pg_attribute WHERE attrelid = '"Kept Names"'::regclass AND attnum > 0 ORDER BY attnum;
SELECT :report FROM bulk_update_query('names', $$SELECT run, old_x, source_row, key_run, 7 AS "Old ""Q""", 'y' AS new_x, 'y' AS x,
    'longer' AS "a_very_long_name_that_leaves_no_room_for_what_comes_before_it_1", 'länger' AS "ein_sehr_langer_Name_mit_Umlauten_äöü_der_keinen_Platz_läßtß" FROM names$$, old_values => '"Kept Names"');
SELECT :report FROM bulk_update_undo('names', '"Kept Names"');
(TABLE names EXCEPT TABLE names_before) UNION ALL (TABLE names_before EXCEPT TABLE names);

-- Types without equality, domains, arrays, composites, values that are stored out of line
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE types (a uuid, b date, j json, d positive, arr int[], p pair, big text, big2 text, PRIMARY KEY (a, b));
ALTER TABLE types ALTER COLUMN big SET STORAGE EXTERNAL, ALTER COLUMN big2 SET STORAGE EXTERNAL;
INSERT INTO types SELECT md5(i::text)::uuid, date '2026-01-01' + i, '{"a":  1}', i, ARRAY[i, NULL], (i, 'b')::pair, repeat(i::text, 10000), repeat('x', 10000) FROM generate_series(1, 5) AS i;
CREATE TABLE types_before AS TABLE types;
SELECT bulk_update_create_old_values('kept_types', 'types');
SELECT :report FROM bulk_update_query('types', $$SELECT a, b, '{"b": 2}'::json AS j, d + 1 AS d, arr || 7 AS arr, ((p).a, NULL)::pair AS p, repeat('y', 20000) AS big FROM types$$, old_values => 'kept_types');
SELECT k.d, md5(k.big) = md5(kept.new_big) AS new, kept.old_big = before.big AS old, kept.old_big2 = kept.new_big2 AS same, kept.old_j::text, kept.new_j::text, kept.old_arr, kept.new_p
FROM kept_types AS kept JOIN types AS k USING (a, b) JOIN types_before AS before USING (a, b) ORDER BY k.d;
SELECT :report FROM bulk_update_undo('types', 'kept_types');
SELECT count(*) FROM types AS now JOIN types_before AS before USING (a, b) WHERE now::text = before::text;

-- Values that are equal, but not the same: an undo tells them apart
CREATE TABLE equal (id int PRIMARY KEY, n numeric, i interval, f float8, a numeric[]);
INSERT INTO equal SELECT i, 1.0, '1 day', '0', '{1.0}' FROM generate_series(1, 3) AS i;
SELECT bulk_update_create_old_values('kept_equal', 'equal');
SELECT :report FROM bulk_update_query('equal', $$SELECT id, 1.00 AS n, interval '24:00' AS i, float8 '-0' AS f, '{1.00}'::numeric[] AS a FROM equal$$, old_values => 'kept_equal');
UPDATE equal SET (n, i, f, a) = ROW (1.0, '1 day', '0', '{1.0}') WHERE id = 2;
UPDATE equal SET n = 1.000 WHERE id = 3;
SELECT :report FROM bulk_update_undo('equal', 'kept_equal', dry_run => true);
SELECT :report FROM bulk_update_undo('equal', 'kept_equal', redo_values => 'kept_equal');
TABLE equal ORDER BY id;
SELECT :report FROM bulk_update_undo('equal', 'kept_equal');
SET bulk_update.applier = sql;
SELECT :report FROM bulk_update_undo('equal', 'kept_equal', (SELECT min(run) FROM kept_equal));
RESET bulk_update.applier;
TABLE equal ORDER BY id;

-- Partitions of different layout, and a row that a trigger moves: its key is kept as it is then
CREATE TABLE parts (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b (v text, dropped int, region text NOT NULL, id int NOT NULL);
ALTER TABLE parts_b DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES IN ('b');
INSERT INTO parts SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'v' || i FROM generate_series(1, 6) AS i;
SELECT bulk_update_create_old_values('kept_parts', 'parts');
SELECT :report FROM bulk_update_query('parts', 'SELECT id, region, ''new '' || id AS v FROM parts', old_values => 'kept_parts');
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.region := CASE NEW.region WHEN 'a' THEN 'b' ELSE 'a' END; RETURN NEW; END $$;
CREATE TRIGGER move BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION move();
SELECT :report FROM bulk_update_query('parts', 'SELECT id, region, ''moved '' || id AS v FROM parts WHERE id < 3', old_values => 'kept_parts');
DROP TRIGGER move ON parts;
SELECT dense_rank() OVER (ORDER BY run) AS run, source_row, id, region, old_v, new_v FROM kept_parts ORDER BY 1, id;
SELECT :report FROM bulk_update_undo('parts', 'kept_parts');
SELECT tableoid::regclass, * FROM parts ORDER BY id;

-- Inheritance: two tables with the key
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent VALUES (1, 'parent 1'), (2, 'parent 2');
INSERT INTO child VALUES (2, 'child 2'), (3, 'child 3');
SELECT bulk_update_create_old_values('kept_parent', 'parent');
SELECT :report FROM bulk_update_query('parent', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 3) AS i', old_values => 'kept_parent');
SELECT source_row, id, old_v, new_v FROM kept_parent ORDER BY id, old_v;
SELECT :report FROM bulk_update_undo('parent', 'kept_parent');
DELETE FROM kept_parent WHERE id = 2;
SELECT :report FROM bulk_update_undo('parent', 'kept_parent');
-- A child without a unique index may have it twice
ALTER TABLE child DROP CONSTRAINT child_pkey;
INSERT INTO child VALUES (3, 'child 3 again');
SELECT :report FROM bulk_update_query('parent', 'VALUES (3, ''newer'')', '{id,v}', old_values => 'kept_parent');

-- Another key than the primary key: by argument, or because the table has no other
CREATE TABLE keys (id int PRIMARY KEY, code text UNIQUE NOT NULL, v int);
INSERT INTO keys SELECT i, 'c' || i, i FROM generate_series(1, 3) AS i;
SELECT bulk_update_create_old_values('kept_keys', 'keys', '{v}', '{code}');
SELECT :report FROM bulk_update_query('keys', 'SELECT code, v + 10 AS v FROM keys', key_columns => '{code}', old_values => 'kept_keys');
SELECT :report FROM bulk_update_undo('keys', 'kept_keys');
SELECT :report FROM bulk_update_undo('keys', 'kept_keys', key_columns => '{code}');
SELECT :report FROM bulk_update_undo('keys', 'kept_keys', key_columns => '{id}');
TABLE keys ORDER BY id;

-- A table of the caller's own: other types, more columns, a view of some runs to undo
CREATE TABLE own (run int, kept_at timestamptz DEFAULT now(), source_row int, id bigint, old_v text, new_v text, v int DEFAULT 5);
SELECT :report FROM bulk_update_query('keys', 'SELECT id, v + 20 FROM keys', '{id,v}', old_values => 'own');
SELECT source_row, id, old_v, new_v, v, kept_at IS NOT NULL AS kept FROM own ORDER BY id;
CREATE VIEW own_but_2 AS SELECT * FROM own WHERE id <> 2;
SELECT :report FROM bulk_update_undo('keys', 'own_but_2', skip_unchanged => false);
TABLE keys ORDER BY id;

--
-- Errors
--
SELECT bulk_update_create_old_values(NULL, 't');
SELECT bulk_update_create_old_values('x', NULL);
SELECT bulk_update_create_old_values('x', 't', '{}');
SELECT bulk_update_create_old_values('x', 't', '{nope}');
SELECT bulk_update_create_old_values('x', 't', '{id}');
SELECT bulk_update_create_old_values('x', 't', '{name,name}');
SELECT bulk_update_create_old_values('x', 't', '{xmin}');
SELECT bulk_update_create_old_values('x', 't', '{name}', '{id,id}');
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_old_values('x', 'own');
SELECT bulk_update_create_old_values('x', 'own_but_2');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''x'', 1)', '{id,name,price}', old_values => 'kept_price');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,price}', old_values => 't');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,price}', old_values => 'own_but_2');
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,price}', old_values => 'kept_keys');
ALTER TABLE kept_price DROP COLUMN new_twice;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,price}', old_values => 'kept_price');
SELECT :report FROM bulk_update_undo('t', 'kept_price');
SELECT :report FROM bulk_update_undo('t', NULL);
SELECT :report FROM bulk_update_undo(NULL, 'kept');
SELECT :report FROM bulk_update_undo('t', 0::oid::regclass);
SELECT :report FROM bulk_update_undo('t', 'keys');
SELECT :report FROM bulk_update_undo('t', 'rejects');
SELECT :report FROM bulk_update_undo('t', 't');
CREATE TABLE no_key (run int, source_row int, old_name text, new_name text);
SELECT :report FROM bulk_update_undo('t', 'no_key');
SELECT :report FROM bulk_update_undo('t', 'kept', redo_values => 't');
SELECT :report FROM bulk_update_undo('t', 'kept', redo_values => 'kept_keys');
-- A column that has another type since
CREATE TABLE other_type (run int, source_row int, id int, old_v int, new_v int);
ALTER TABLE keys ALTER v TYPE text;
SELECT :report FROM bulk_update_query('keys', 'SELECT id, ''x'' FROM keys', '{id,v}', old_values => 'other_type');
ALTER TABLE keys ALTER v TYPE int USING v::int;
-- A column that has been renamed since
ALTER TABLE keys RENAME v TO w;
SELECT :report FROM bulk_update_undo('keys', 'own');
ALTER TABLE own RENAME old_v TO old_w;
ALTER TABLE own RENAME new_v TO new_w;
SELECT :report FROM bulk_update_undo('keys', 'own', dry_run => true);
-- An error of the table of old values is not a row's, and undoes the call
\set VERBOSITY terse
ALTER TABLE kept ADD CHECK (new_price IS DISTINCT FROM 99);
SELECT :report FROM bulk_update_query('t', 'SELECT id, CASE id WHEN 3 THEN 99 ELSE 98 END FROM t', '{id,price}', on_error => 'skip', old_values => 'kept');
SELECT count(*) FROM t WHERE price IN (98, 99);
\set VERBOSITY default
CREATE RULE instead AS ON INSERT TO kept DO INSTEAD NOTHING;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,price}', old_values => 'kept');
DROP RULE instead ON kept;
-- Dropped by a trigger during the call
CREATE FUNCTION drop_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE kept_keys; RETURN NULL; END $$;
CREATE TRIGGER drop_kept AFTER UPDATE ON keys FOR EACH STATEMENT EXECUTE FUNCTION drop_kept();
ALTER TABLE kept_keys RENAME old_v TO old_w;
ALTER TABLE kept_keys RENAME new_v TO new_w;
SELECT :report FROM bulk_update_query('keys', 'SELECT code, w + 10 AS w FROM keys', key_columns => '{code}', old_values => 'kept_keys');

-- And a column of it
CREATE OR REPLACE FUNCTION drop_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE kept_keys DROP COLUMN new_w; RETURN NULL; END $$;
\set VERBOSITY sqlstate
SELECT :report FROM bulk_update_query('keys', 'SELECT code, w + 10 AS w FROM keys', key_columns => '{code}', old_values => 'kept_keys');
\set VERBOSITY default
SELECT count(new_w) FROM kept_keys;

-- Privileges: SELECT on the kept columns, INSERT into the table, SELECT from it to undo
CREATE ROLE regress_old_values;
GRANT USAGE ON SCHEMA old_values TO regress_old_values;
GRANT SELECT (id), UPDATE (name) ON t TO regress_old_values;
SELECT bulk_update_create_old_values('kept_name', 't', '{name}');
SET ROLE regress_old_values;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''x'')', '{id,name}', old_values => 'kept_name');
RESET ROLE;
GRANT SELECT (name) ON t TO regress_old_values;
SET ROLE regress_old_values;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''x'')', '{id,name}', old_values => 'kept_name');
RESET ROLE;
GRANT INSERT ON kept_name TO regress_old_values;
SET ROLE regress_old_values;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''x'')', '{id,name}', old_values => 'kept_name');
SELECT :report FROM bulk_update_undo('t', 'kept_name');
RESET ROLE;
GRANT SELECT ON kept_name TO regress_old_values;
SET ROLE regress_old_values;
SELECT :report FROM bulk_update_undo('t', 'kept_name');
RESET ROLE;

-- Explain
CREATE INDEX ON t (note);
SET bulk_update.applier = auto;
SELECT topic, detail FROM bulk_update_explain_query('t', 'VALUES (1, ''x'')', '{id,name}', old_values => 'kept_name') WHERE topic IN ('old values', 'index entries');
SELECT topic, detail FROM bulk_update_explain_query('t', 'VALUES (1, ''x'')', '{id,name}', old_values => 'kept_keys') WHERE topic IN ('old values', 'index entries');
-- A trigger of the table may look at the target
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL enable_seqscan = off;
    RAISE NOTICE '% rows with note x', (SELECT count(*) FROM t WHERE note = 'x');
    RETURN NULL;
END $$;
CREATE TRIGGER look AFTER INSERT ON kept FOR EACH STATEMENT EXECUTE FUNCTION look();
SELECT topic, detail FROM bulk_update_explain_query('t', 'VALUES (1, ''x'')', '{id,note}', old_values => 'kept') WHERE topic IN ('old values', 'index entries');
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''x'' FROM t ORDER BY id', '{id,note}', old_values => 'kept', chunk_size => 5);

SET client_min_messages = warning;
DROP SCHEMA old_values CASCADE;
DROP OWNED BY regress_old_values;
DROP ROLE regress_old_values;
