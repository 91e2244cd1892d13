--
-- expected_columns: rows that do not have the expected values are stale and not written
--
CREATE SCHEMA expected_columns;
SET search_path = expected_columns, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected'

CREATE TABLE t (id int PRIMARY KEY, version int, name text, changed_at timestamptz DEFAULT '2026-01-01');
INSERT INTO t SELECT i, i, 'name ' || i FROM generate_series(1, 10) AS i;
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO plain TABLE t;

-- Optimistic locking: a version that is also updated.  Rows 3 and 7 have been changed since.
UPDATE t SET version = version + 100 WHERE id IN (3, 7);
UPDATE plain SET version = version + 100 WHERE id IN (3, 7);
SELECT :report FROM bulk_update_query('t', 'SELECT i, i + 1, ''new '' || i, i FROM generate_series(1, 12) AS i',
                                      '{id,version,name}', expected_columns => '{version}', chunk_size => 5);
UPDATE plain SET version = i + 1, name = 'new ' || i FROM generate_series(1, 12) AS i WHERE id = i AND version = i;
SELECT * FROM test_diff('t', 'plain');
SELECT id, version, name FROM t ORDER BY id;

-- The columns before them are matched by name
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''by name'' AS name, version + (id = 2)::int AS anything FROM t WHERE id < 4',
                                      expected_columns => '{version}');
-- A cursor
BEGIN;
DECLARE c CURSOR FOR SELECT 1 AS id, 'by cursor' AS name, 'by name', 2;
SELECT :report FROM bulk_update('t', 'c', '{id,name}', expected_columns => '{name,version}');
COMMIT;
-- Arrays: the last ones
SELECT :report FROM bulk_update_arrays('t', '{id,name}', ROW('{1,2}'::int[], '{by array,by array}'::text[], '{2,2}'::int[], '{by cursor,by name}'::text[]),
                                       expected_columns => '{version,name}');
SELECT id, version, name FROM t WHERE id < 4 ORDER BY id;
-- All rows; a total; an empty source
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''x'', -1 FROM t', '{id,name}', expected_columns => '{version}', chunk_size => 3, report => 'total');
SELECT :report FROM bulk_update_query('t', 'SELECT id, ''x'', -1 FROM t WHERE false', '{id,name}', expected_columns => '{version}', report => 'total');
-- Columns that are not updated, and both kinds; nulls are equal to nulls
UPDATE t SET changed_at = NULL WHERE id = 4;
SELECT :report FROM bulk_update_query('t', $$VALUES (4, 'four', 5, NULL), (5, 'five', 6, '2026-01-01'), (6, 'six', 7, NULL), (8, 'eight', NULL, '2026-01-01')$$,
                                      '{id,name}', expected_columns => '{version,changed_at}');
SELECT id, name FROM t WHERE id IN (4, 5, 6, 8) ORDER BY id;

--
-- The order of outcomes: duplicate, missing, unchanged, stale, updated
--
TRUNCATE t;
INSERT INTO t SELECT i, i, 'name ' || i FROM generate_series(1, 6) AS i;
CREATE TABLE source (n int, id int, version int, name text, expected int);
INSERT INTO source VALUES
    (1, 1, 1, 'name 1', 1),     -- unchanged, and as expected
    (2, 2, 2, 'name 2', 0),     -- unchanged, but not as expected
    (3, 3, 30, 'new 3', 3),     -- updated
    (4, 4, 40, 'new 4', 0),     -- stale
    (5, 5, 50, 'new 5', 0),     -- stale; the duplicate would not be
    (6, 5, 50, 'new 5', 5),
    (7, 9, 1, 'new 9', NULL),   -- missing
    (8, NULL, 1, 'no key', 1);
\set job 'SELECT id, version, name, expected FROM source ORDER BY n'
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', skip_unchanged => true, dry_run => true);
BEGIN;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', skip_unchanged => true);
TABLE t ORDER BY id;
-- a repeated run is quiet
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', skip_unchanged => true);
ROLLBACK;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'last', dry_run => true);
BEGIN;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'last');
ROLLBACK;

--
-- on_stale: the first one in the order of the source, after the chunk has been applied
--
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (3, ''x'', 3), (6, ''x'', 7), (2, ''x'', 1)', '{id,name}', expected_columns => '{version}', on_stale => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''x'', 1, NULL), (2, ''x'', NULL, repeat(''e'', 100))', '{id,name}', expected_columns => '{version,name}', on_stale => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (3, ''x'', 1)', '{id,name}', expected_columns => '{version}', on_stale => 'error', dry_run => true) $$);
SELECT count(*) FROM t WHERE name = 'x';
SELECT :report FROM bulk_update_query('t', 'VALUES (3, ''x'', 3)', '{id,name}', expected_columns => '{version}', on_stale => 'error');

--
-- Rejects: the values that were found, if there is a column for them
--
SELECT bulk_update_create_rejects('rejects');
CREATE TABLE others (LIKE rejects);
ALTER TABLE others DROP current_values;
CREATE TABLE wrong (LIKE rejects);
ALTER TABLE wrong ALTER current_values TYPE int USING 0;
BEGIN;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', rejects => 'rejects');
SELECT source_row, reason, key, new_values, current_values, sqlstate, message, detail FROM rejects ORDER BY source_row;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', rejects => 'others');
SELECT source_row, reason, key, new_values FROM others ORDER BY source_row;
SELECT :report FROM bulk_update_query('t', :'job', '{id,version,name}', expected_columns => '{version}', on_duplicate => 'first', rejects => 'wrong');
SELECT count(*), count(current_values) FROM wrong;
ROLLBACK;
-- only stale rows can be recorded
SELECT :report FROM bulk_update_query('t', 'VALUES (1, ''x'', 0)', '{id,name}', expected_columns => '{version}', on_missing => 'error', rejects => 'rejects', dry_run => true);
SELECT reason, key, new_values, current_values FROM rejects;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''x'', 0)', '{id,name}', expected_columns => '{version}', on_missing => 'error', on_stale => 'error', rejects => 'rejects') $$);
TRUNCATE rejects;

--
-- Types: compared as by skip_unchanged; cast as values are
--
CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'bad');
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE types (id int PRIMARY KEY, v int DEFAULT 0, n numeric(8, 2) DEFAULT 1, f float8 DEFAULT 'NaN', c char(5) DEFAULT 'c', d short DEFAULT 'd',
                    m mood DEFAULT 'sad', p pair DEFAULT ROW(1, NULL), a int[] DEFAULT '{1,2}', j json DEFAULT '{"a": 1}', jb jsonb DEFAULT '{"a": 1}',
                    point point DEFAULT '(1,2)', x xml DEFAULT '<a/>', long text DEFAULT repeat('long ', 10000));
INSERT INTO types (id) SELECT i FROM generate_series(1, 2) AS i;
ALTER TABLE types ALTER long SET STORAGE EXTERNAL;
INSERT INTO types (id) VALUES (3);
CREATE FUNCTION check_type(columns name[], expected text) RETURNS TABLE (updated bigint, stale bigint)
LANGUAGE sql AS $$
    SELECT rows_updated, rows_stale
      FROM bulk_update_query('types', format('SELECT id, v + 1, %s FROM types', expected), '{id,v}', expected_columns => columns, report => 'total')
$$;
SELECT e.*, c.*
  FROM (VALUES (1, '{n}'::name[], '1'), (2, '{n}', '1.000'), (3, '{n}', '1.004'), (4, '{n}', '1.006'), (5, '{n}', $$'1.00'::text$$),
               (6, '{f}', $$'nan'::float4$$), (7, '{f}', '0'), (8, '{c}', $$'c    '$$), (9, '{c}', $$'c'::varchar$$), (10, '{d}', $$'d'::text$$),
               (11, '{m}', $$'sad'::text$$), (12, '{m}', $$'happy'::mood$$), (13, '{p}', 'ROW(1, NULL)::pair'), (14, '{p}', 'ROW(NULL, NULL)::pair'),
               (15, '{p}', 'NULL'), (16, '{a}', $$'{1,2}'$$), (17, '{a}', 'ARRAY[2,1]'), (18, '{j}', $$'{"a": 1}'$$), (19, '{j}', $$'{"a":1}'$$),
               (20, '{jb}', $$'{"a":1}'$$), (21, '{point}', $$'(1,2)'$$), (22, '{point}', $$'(2,1)'::point$$), (23, '{x}', $$'<a/>'$$), (24, '{x}', $$'<a></a>'::xml$$),
               (25, '{long}', $$repeat('long ', 10000)$$), (26, '{long}', $$repeat('long ', 10001)$$), (27, '{long,v,j,n,p}', 'long, v, j, n, p'),
               (28, '{long}', 'NULL'), (29, '{point,j,long}', $$NULL::point, NULL, NULL$$)) AS e (n, columns, expected),
       LATERAL check_type(columns, expected) AS c
 ORDER BY e.n;
SELECT id, v FROM types ORDER BY id;
-- a value that cannot be cast is a bad row, also if the row is stale anyway
SELECT * FROM test_error($$ SELECT check_type('{n,d}', '1e9, ''d''') $$);
SELECT * FROM test_error($$ SELECT check_type('{d}', '''much too long''') $$);
SELECT * FROM test_error($$ SELECT check_type('{d}', '''bad''') $$);
SELECT * FROM test_error($$ SELECT check_type('{a}', 'true') $$);
SELECT :report FROM bulk_update_query('types', $$SELECT id, 100, CASE id WHEN 2 THEN 'moody' ELSE 'sad' END, id - 3 FROM types$$, '{id,v}',
                                      expected_columns => '{m,v}', on_error => 'skip', rejects => 'rejects');
SELECT source_row, reason, key, new_values, current_values, message FROM rejects ORDER BY source_row;
SELECT id, v FROM types ORDER BY id;
-- large values that are found
BEGIN;
SELECT :report FROM bulk_update_query('types', 'SELECT id, 0, NULL FROM types', '{id,v}', expected_columns => '{long}', rejects => 'rejects');
SELECT source_row, length(current_values->>'long') AS length FROM rejects WHERE reason = 'stale' AND current_values ? 'long' ORDER BY source_row;
ROLLBACK;
SELECT * FROM test_error($$ SELECT bulk_update_query('types', 'SELECT id, 0, ''short'' FROM types', '{id,v}', expected_columns => '{long}', on_stale => 'error') $$);
-- A collation in which different strings are equal
SELECT count(*) > 0 AS has_icu FROM pg_collation WHERE collprovider = 'i' \gset
\if :has_icu
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE collated (id int PRIMARY KEY, v text COLLATE caseless);
\else
CREATE EXTENSION citext SCHEMA expected_columns;
CREATE TABLE collated (id int PRIMARY KEY, v citext);
\endif
INSERT INTO collated VALUES (1, 'Abc'), (2, 'Abc');
SELECT :report FROM bulk_update_query('collated', $$VALUES (1, 'new', 'aBC'), (2, 'new', 'abd')$$, '{id,v}', expected_columns => '{v}');

--
-- Generated columns; their values are computed before the comparison
--
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
\set kind VIRTUAL
\else
\set kind STORED
\endif
CREATE TABLE generated (v int, id int PRIMARY KEY, s int GENERATED ALWAYS AS (v * 2) STORED, g int GENERATED ALWAYS AS (v * 3) :kind, i int GENERATED ALWAYS AS IDENTITY);
INSERT INTO generated (id, v) SELECT i, i FROM generate_series(1, 4) AS i;
SELECT :report FROM bulk_update_query('generated', 'SELECT id, v + 10, id * 2, id * 3 + (id = 2)::int, id FROM generated', '{id,v}', expected_columns => '{s,g,i}');
SELECT :report FROM bulk_update_query('generated', 'SELECT id, v + 10, s + (id = 1)::int FROM generated', '{id,v}', expected_columns => '{s}');
SELECT * FROM generated ORDER BY id;

--
-- Triggers: BEFORE row triggers fire only for rows that are not stale
--
CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY, event text, id int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (event, id) VALUES (TG_NAME, CASE TG_LEVEL WHEN 'ROW' THEN NEW.id END);
    RETURN CASE WHEN TG_LEVEL = 'STATEMENT' OR NEW.name = 'suppressed' AND TG_WHEN = 'BEFORE' THEN NULL ELSE NEW END;
END
$$;
TRUNCATE t;
INSERT INTO t SELECT i, i, 'name ' || i FROM generate_series(1, 6) AS i;
CREATE TRIGGER a_before BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER b_before_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER c_after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER d_after AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
SELECT :report FROM bulk_update_query('t', $$VALUES (1, 'new', 1), (2, 'new', 0), (3, 'suppressed', 3), (4, 'suppressed', 0), (7, 'new', 1)$$,
                                      '{id,name}', expected_columns => '{version}');
SELECT event, id FROM log ORDER BY n;
TRUNCATE log;
-- all rows are stale
SELECT :report FROM bulk_update_query('t', $$VALUES (1, 'new', 0), (7, 'new', 1)$$, '{id,name}', expected_columns => '{version}');
SELECT event, id FROM log ORDER BY n;
DROP TRIGGER b_before_row ON t;
-- A row that a trigger of the same statement changes has its values of before
CREATE FUNCTION change_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE t SET version = 100 WHERE id > NEW.id;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_others BEFORE UPDATE OF name ON t FOR EACH ROW EXECUTE FUNCTION change_others();
SELECT :report FROM bulk_update_query('t', $$VALUES (5, 'new', 5), (6, 'new', 100)$$, '{id,name}', expected_columns => '{version}');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, ''new'', 1), (2, ''new'', 2)', '{id,name}', expected_columns => '{version}') $$);
DROP TRIGGER change_others ON t;

--
-- Targets: composite keys, partitions, inheritance, policies, rules
--
CREATE TABLE parted (a int, b text, v int, w int, PRIMARY KEY (b, a)) PARTITION BY LIST (a);
CREATE TABLE part1 (w int, dropped int, v int, b text NOT NULL, a int NOT NULL);
ALTER TABLE part1 DROP dropped;
ALTER TABLE parted ATTACH PARTITION part1 FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted SELECT a, b, a, length(b) FROM generate_series(1, 2) AS a, unnest('{x,xx,xxx}'::text[]) AS b;
SELECT :report FROM bulk_update_query('parted', $$SELECT a, b, -1, length(b) + (b = 'xx')::int, a + (a = 2 AND b = 'x')::int FROM parted$$, '{a,b,v}',
                                      expected_columns => '{w,v}', key_columns => '{a,b}');
SELECT tableoid::regclass, * FROM parted ORDER BY a, b;
SELECT * FROM test_error($$ SELECT bulk_update_query('parted', 'VALUES (1, ''x'', 2, 1, 1)', '{a,b,v}', expected_columns => '{w,v}', on_stale => 'error') $$);

CREATE TABLE parent (id int PRIMARY KEY, v int, w int);
CREATE TABLE child (x int, PRIMARY KEY (id)) INHERITS (parent);
-- 1 and 2 in both: nothing is written if one of them is stale
INSERT INTO parent VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (5, 5, 5), (6, 6, 6);
INSERT INTO child VALUES (1, 1, 1), (2, 20, 2), (4, 4, 4), (5, 50, 5), (6, -1, 6);
\set job 'SELECT i, -1, i * CASE i WHEN 5 THEN 10 ELSE 1 END FROM generate_series(1, 7) AS i'
SELECT :report FROM bulk_update_query('parent', :'job', '{id,v}', expected_columns => '{v}', dry_run => true);
SELECT :report FROM bulk_update_query('parent', :'job', '{id,v}', expected_columns => '{v}', skip_unchanged => true, dry_run => true);
BEGIN;
SELECT :report FROM bulk_update_query('parent', :'job', '{id,v}', expected_columns => '{v}');
SELECT tableoid::regclass, * FROM parent ORDER BY id, tableoid::regclass::text;
ROLLBACK;
SELECT :report FROM bulk_update_query('parent', :'job', '{id,v}', expected_columns => '{v}', skip_unchanged => true);
SELECT tableoid::regclass, * FROM parent ORDER BY id, tableoid::regclass::text;

CREATE TABLE guarded (id int PRIMARY KEY, v int, w int, secret bool);
INSERT INTO guarded SELECT i, i, i, i = 2 FROM generate_series(1, 4) AS i;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE ROLE regress_expected;
CREATE POLICY visible ON guarded USING (NOT secret);
GRANT USAGE ON SCHEMA expected_columns TO regress_expected;
GRANT SELECT (id), UPDATE (v) ON guarded TO regress_expected;
SET ROLE regress_expected;
-- SELECT on the expected columns is required
SELECT * FROM test_error($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10, 1)', '{id,v}', expected_columns => '{w}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10, 1)', '{id,v}', expected_columns => '{w}', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_explain_query('guarded', 'VALUES (1, 10, 1)', '{id,v}', expected_columns => '{w}') $$);
RESET ROLE;
GRANT SELECT (w, secret) ON guarded TO regress_expected;
SET ROLE regress_expected;
-- a row that is not visible is missing, not stale
SELECT :report FROM bulk_update_query('guarded', 'SELECT i, -1, i - (i = 3)::int FROM generate_series(1, 4) AS i', '{id,v}', expected_columns => '{w}');
RESET ROLE;
SELECT * FROM guarded ORDER BY id;
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY;
SET ROLE regress_expected;
SELECT :report FROM bulk_update_query('guarded', 'SELECT i, -2, i - (i = 3)::int FROM generate_series(1, 4) AS i', '{id,v}', expected_columns => '{w}');
SELECT :report FROM bulk_update_query('guarded', 'SELECT i, -2, i - (i = 3)::int FROM generate_series(1, 4) AS i', '{id,v}', expected_columns => '{w}', dry_run => true);
-- INSERT on the column with the values found, if rows can be stale
RESET ROLE;
GRANT INSERT (run, target, chunk, source_row, reason, key, new_values, sqlstate, message, detail, constraint_name, rejected_at) ON rejects TO regress_expected;
SET ROLE regress_expected;
SELECT * FROM test_error($$ SELECT bulk_update_query('guarded', 'VALUES (1, 10, 0)', '{id,v}', expected_columns => '{w}', rejects => 'rejects') $$);
SELECT :report FROM bulk_update_query('guarded', 'VALUES (9, 10)', '{id,v}', rejects => 'rejects');
RESET ROLE;
REVOKE ALL ON SCHEMA expected_columns FROM regress_expected;
DROP OWNED BY regress_expected;
DROP ROLE regress_expected;

CREATE TABLE ruled (id int PRIMARY KEY, v int);
CREATE TABLE ruled_log (id int, v int);
INSERT INTO ruled SELECT i, i FROM generate_series(1, 3) AS i;
CREATE RULE also AS ON UPDATE TO ruled DO ALSO INSERT INTO ruled_log VALUES (OLD.id, NEW.v);
SELECT :report FROM bulk_update_query('ruled', 'VALUES (1, 10, 1), (2, 20, 1), (4, 40, 4)', '{id,v}', expected_columns => '{v}');
TABLE ruled ORDER BY id;
TABLE ruled_log;

--
-- Bad rows: a chunk with errors is applied in parts
--
CREATE TABLE checked (id int PRIMARY KEY, v int CHECK (v <> 13), w int UNIQUE DEFERRABLE);
INSERT INTO checked SELECT i, i + 1000, i FROM generate_series(1, 100) AS i;
SELECT :report FROM bulk_update_query('checked', $$SELECT i, CASE WHEN i % 10 = 3 THEN 13 ELSE -i END, -i, i + 1000 + (i % 5 = 0)::int FROM generate_series(1, 100) AS i$$,
                                      '{id,v,w}', expected_columns => '{v}', on_error => 'skip', chunk_size => 30);
SELECT count(*), count(*) FILTER (WHERE id % 5 = 0 OR id % 10 = 3) AS wrong FROM checked WHERE v < 0;

--
-- What a call would do
--
SELECT topic, detail FROM bulk_update_explain_query('t', 'SELECT id, name, version, changed_at::text FROM t', '{id,name}', expected_columns => '{version,changed_at}')
 WHERE topic ~ 'column|stale';
SELECT topic, detail FROM bulk_update_explain_query('t', 'SELECT id, name, version FROM t', '{id,name}', expected_columns => '{version}', on_stale => 'error')
 WHERE topic ~ 'stale';

--
-- Errors
--
CREATE FUNCTION error_of(query text, columns name[], expected name[], other text DEFAULT '') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT test_error(format('SELECT bulk_update_query(''t'', %L, %L, expected_columns => %L%s)', query, columns, expected, other))
$$;
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{NULL}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{{version}}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{versions}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{Version}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{xmin}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{id}');
SELECT * FROM error_of('VALUES (1, ''x'', 1, 1)', '{id,name}', '{version,version}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{version,name}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name,version}', '{version}');
SELECT * FROM error_of('VALUES (1)', '{id}', '{version}');
SELECT * FROM error_of('VALUES (1)', '{id}', '{version,name}');
SELECT * FROM error_of('VALUES (1, 1)', '{id}', '{version}');
SELECT * FROM error_of('VALUES (1, ''x'', now())', '{id,name}', '{version}');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{version}', ', on_stale => ''stop''');
SELECT * FROM error_of('VALUES (1, ''x'', 1)', '{id,name}', '{version}', ', on_stale => NULL');
SELECT * FROM error_of('VALUES (1, ''x'')', '{id,name}', NULL, ', on_stale => ''error''');
SELECT * FROM test_error($$ SELECT bulk_update_arrays('t', '{id,name}', ROW('{1}'::int[], '{x}'::text[]), expected_columns => '{version}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_arrays('t', '{id,name}', ROW('{1}'::int[], '{x}'::text[], '{1,2}'::int[]), expected_columns => '{version}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_arrays('t', '{id,name}', ROW('{1}'::int[], '{x}'::text[], 5), expected_columns => '{version}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 1 AS id, ''x'' AS name', expected_columns => '{version}') $$);

-- One of several tables had a row with the key
CREATE TABLE several (id integer PRIMARY KEY, v text);
CREATE TABLE several_below (PRIMARY KEY (id)) INHERITS (several);
INSERT INTO several VALUES (1, 'a'), (2, 'a');
INSERT INTO several_below VALUES (1, 'a'), (2, 'b');
DELETE FROM several_below WHERE id = 1;
SELECT rows_updated, rows_missing, rows_stale FROM bulk_update_query('several',
    'VALUES (1, ''new'', ''a''), (2, ''new'', ''a''), (3, ''new'', ''a'')', columns => '{id,v}', expected_columns => '{v}', report => 'total');
SELECT tableoid::regclass, * FROM several ORDER BY id, v;
DROP TABLE several CASCADE;

SET client_min_messages = warning;
DROP SCHEMA expected_columns CASCADE;
