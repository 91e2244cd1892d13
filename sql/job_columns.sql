--
-- Jobs: names, keys, types and kinds of tables; a job leaves the table as one call does
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_columns CASCADE;
CREATE SCHEMA job_columns;
RESET client_min_messages;
SET search_path = job_columns, public;
\set SHOW_CONTEXT never
-- A job with the source and options of a call, on a table and on its twin; what differs
CREATE TABLE accounts (name text, rows_total bigint, rows_done bigint, job bigint[], call bigint[]);
CREATE PROCEDURE same(target regclass, twin regclass, query text, columns name[] DEFAULT NULL, keys name[] DEFAULT NULL, rows int DEFAULT 3) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    difference record;
    call bigint[];
BEGIN
    PERFORM bulk_update_job_create('same', target, query, columns, keys, batch_rows => rows, on_error => 'skip', on_duplicate => 'last');
    CALL bulk_update_job_run('same');
    SELECT ARRAY[rows_updated, rows_unchanged, rows_missing, rows_stale, rows_duplicate, rows_rejected] INTO call
      FROM bulk_update_query(twin, query, columns, keys, on_error => 'skip', on_duplicate => 'last', report => 'total');
    INSERT INTO accounts SELECT target, rows_total, rows_done, ARRAY[rows_updated, rows_unchanged, rows_missing, rows_stale, rows_duplicate, rows_rejected], call
      FROM bulk_update_jobs WHERE name = 'same';
    FOR difference IN SELECT * FROM test_diff(target, twin) LOOP
        RAISE WARNING '%', difference;
    END LOOP;
    PERFORM bulk_update_job_drop('same');
END
$$;

-- Hostile names, a composite key in another order, dropped columns
CREATE TABLE "T ""1""" (gone1 int, "a ""b""" int, "$1" text, gone2 text, "SELECT" int, "j.run; --" text, job_row int, "source_row" int, PRIMARY KEY ("$1", "a ""b"""));
ALTER TABLE "T ""1""" DROP COLUMN gone1, DROP COLUMN gone2;
INSERT INTO "T ""1""" SELECT i, 'k' || i % 3, i, 'old', 0, 0 FROM generate_series(1, 12) AS i;
CREATE TABLE twin1 (LIKE "T ""1""" INCLUDING ALL);
INSERT INTO twin1 TABLE "T ""1""";
CALL same('"T ""1"""', 'twin1', $$ SELECT 'new''' || i, i % 14, 'k' || i % 3, -i, i, i FROM generate_series(15, 1, -1) AS i $$,
    ARRAY['j.run; --', 'a "b"', '$1', 'SELECT', 'job_row', 'source_row']);
SELECT bulk_update_job_create('j', '"T ""1"""', 'SELECT ''k1'' AS "$1", 1 AS "a ""b""", 7 AS job_row, 8 AS source_row, 9 AS "SELECT"', rows_table => '"R ""o""ws"');
\d "R ""o""ws"
CALL bulk_update_job_run('j');
SELECT first_key FROM bulk_update_job_batches WHERE name = 'j' AND batch > 0;
SELECT * FROM "T ""1""" WHERE job_row = 7;
SELECT bulk_update_job_drop('j');
-- key columns whose names are those of the table of rows
CREATE TABLE names (job_row int, source_row int, v int, PRIMARY KEY (job_row, source_row));
INSERT INTO names VALUES (1, 2, 0), (2, 2, 0);
SELECT bulk_update_job_create('j', 'names', 'SELECT 1 AS job_row, 2 AS source_row, 3 AS v UNION ALL VALUES (2, 1, 4), (2, 2, 5)', batch_rows => 2);
TABLE j_rows;
CALL bulk_update_job_run('j');
SELECT * FROM names ORDER BY job_row;
SELECT bulk_update_job_drop('j');

-- Values stored out of line, compressed and not
CREATE TABLE wide (id uuid PRIMARY KEY, a text, b bytea, c jsonb);
ALTER TABLE wide ALTER a SET STORAGE EXTERNAL;
INSERT INTO wide SELECT md5(i::text)::uuid, 'old', '', '{}' FROM generate_series(1, 20) AS i;
CREATE TABLE wide_twin (LIKE wide INCLUDING ALL);
INSERT INTO wide_twin TABLE wide;
CREATE TABLE wide_source AS SELECT md5(i::text)::uuid AS id, repeat(md5(i::text), 500) AS a, decode(repeat(md5(i::text), 3000), 'hex') AS b,
    jsonb_build_object('k', repeat('x', 100000), 'n', i) AS c FROM generate_series(1, 22) AS i;
ALTER TABLE wide_source ALTER a SET STORAGE EXTERNAL;
CALL same('wide', 'wide_twin', 'SELECT * FROM wide_source');
-- and the values of the table itself, which are gone when the job runs
SELECT bulk_update_job_create('j', 'wide', 'SELECT id, a || ''!'' AS a, b, c FROM wide', batch_rows => 7, expected_columns => NULL);
DROP TABLE wide_source;
UPDATE wide SET a = '', b = '', c = NULL;
VACUUM wide;
CALL bulk_update_job_run('j');
UPDATE wide_twin SET a = a || '!';
SELECT * FROM test_diff('wide', 'wide_twin');
SELECT bulk_update_job_drop('j');

-- Domains, enums, arrays, composite types, ranges, type modifiers, collations
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN not_null AS text NOT NULL;
CREATE TYPE color AS ENUM ('red', 'green');
CREATE TYPE pair AS (x int, y text);
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE kinds (id text COLLATE ci PRIMARY KEY, p positive, n not_null DEFAULT '', c color, a int[], r int4range, q pair, m numeric(6, 2), f char(4), s varchar(3), b bit(3), t timestamptz(0), i interval);
INSERT INTO kinds SELECT 'Key' || i FROM generate_series(1, 8) AS i;
CREATE TABLE kinds_twin (LIKE kinds INCLUDING ALL);
INSERT INTO kinds_twin TABLE kinds;
CALL same('kinds', 'kinds_twin', $$ SELECT 'KEY' || i AS id, CASE i WHEN 2 THEN -1 ELSE i END AS p, CASE i WHEN 3 THEN NULL ELSE 'n' || i END AS n,
    CASE i WHEN 4 THEN 'blue' ELSE 'red' END AS c, ARRAY[i, NULL] AS a, int4range(1, i, '[]') AS r, ROW(i, 'y')::job_columns.pair AS q, i / 3.0 AS m, 'f' AS f,
    CASE i WHEN 5 THEN 'long' ELSE 's' END AS s, '101' AS b, '2020-01-01 00:00:00.6+00'::timestamptz AS t, '1 day' AS i FROM generate_series(1, 9) AS i $$);
CALL same('kinds', 'kinds_twin', $$ VALUES ('kEy1', '7', 'x'), ('key2', '0', 'x'), ('key3', 'x', 'x'), ('KEY4', '4', NULL), ('key1', '8', 'last') $$, '{id,p,n}');
SELECT * FROM kinds WHERE id = 'key1';

-- Generated columns, identity, triggers that see one chunk for each batch
CREATE TABLE made (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, always int GENERATED ALWAYS AS IDENTITY, v int, twice int GENERATED ALWAYS AS (v * 2) STORED);
INSERT INTO made (v) SELECT 0 FROM generate_series(1, 9);
CREATE TABLE made_twin (LIKE made INCLUDING ALL);
INSERT INTO made_twin (id, always, v) OVERRIDING SYSTEM VALUE SELECT id, always, v FROM made;
CALL same('made', 'made_twin', 'SELECT i AS id, i AS v FROM generate_series(1, 10) AS i');
SELECT line FROM test_error($$ SELECT bulk_update_job_create('j', 'made', 'SELECT 1 AS id, 2 AS twice') $$) AS line WHERE line LIKE 'ERROR%';
CREATE TABLE fired (rows bigint);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired SELECT count(*) FROM new_rows; RETURN NULL; END $$;
CREATE TRIGGER fire AFTER UPDATE ON made REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION fire();
SELECT bulk_update_job_create('k', 'made', 'SELECT i AS id, i AS v FROM generate_series(1, 9) AS i', batch_rows => 4);
CALL bulk_update_job_run('k');
SELECT * FROM fired;
SELECT bulk_update_job_drop(name) FROM bulk_update_jobs;

-- Partitions, inheritance children
CREATE TABLE parts (id int, region text, v text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b (gone int, v text, region text NOT NULL, id int NOT NULL);
ALTER TABLE parts_b DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES IN ('b');
INSERT INTO parts SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'old' FROM generate_series(1, 10) AS i;
CREATE TABLE parts_twin (id int, region text, v text, PRIMARY KEY (region, id));
INSERT INTO parts_twin TABLE parts;
CALL same('parts', 'parts_twin', 'SELECT i AS id, CASE i % 2 WHEN 0 THEN ''a'' ELSE ''b'' END AS region, ''new'' AS v FROM generate_series(12, 1, -1) AS i');
CREATE TABLE above (id int PRIMARY KEY, v text);
CREATE TABLE below (extra int DEFAULT 5, PRIMARY KEY (id)) INHERITS (above);
INSERT INTO above SELECT i, 'old' FROM generate_series(1, 6) AS i;
INSERT INTO below SELECT i, 'old' FROM generate_series(5, 10) AS i;
CREATE TABLE above_twin (LIKE above);
CREATE INDEX ON above_twin (id);
INSERT INTO above_twin TABLE above;
SELECT bulk_update_job_create('j', 'above', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 12) AS i', batch_rows => 4);
CALL bulk_update_job_run('j');
UPDATE above_twin SET v = 'new';
SELECT * FROM test_diff('above', 'above_twin');
SELECT rows_total, rows_updated, rows_missing FROM bulk_update_jobs;
SELECT bulk_update_job_drop('j');
-- a partition as the target; unlogged and temporary targets
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text);
INSERT INTO unlogged VALUES (1, 'old');
CREATE TEMPORARY TABLE temporary (id int PRIMARY KEY, v text);
INSERT INTO temporary VALUES (1, 'old');
SELECT bulk_update_job_create('p', 'parts_b', 'SELECT 1 AS id, ''b'' AS region, ''newer'' AS v');
SELECT bulk_update_job_create('u', 'unlogged', 'SELECT 1 AS id, ''new'' AS v');
SELECT bulk_update_job_create('t', 'temporary', 'SELECT 1 AS id, ''new'' AS v');
CALL bulk_update_job_run('p');
CALL bulk_update_job_run('u');
CALL bulk_update_job_run('t');
SELECT name, rows_table::text, rows_updated FROM bulk_update_jobs ORDER BY name;
SELECT bulk_update_job_drop(name) FROM bulk_update_jobs;

-- Only keys: nothing to update
SELECT line FROM test_error($$ SELECT bulk_update_job_create('j', 'unlogged', 'SELECT 1 AS id') $$) AS line;
-- All accounts are those of the call
SELECT name, rows_total, rows_done, job, CASE WHEN job <> call THEN call END AS call FROM accounts;
SET client_min_messages = warning;
DROP SCHEMA job_columns CASCADE;
