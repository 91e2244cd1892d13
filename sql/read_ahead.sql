-- Pages of the next rows are read ahead: the result is the same.
CREATE SCHEMA ahead;
SET search_path = ahead, public;
SET bulk_update.applier = auto;
SET bulk_update.read_ahead = 'on';
CREATE TABLE t (id uuid PRIMARY KEY, n integer, v text);
INSERT INTO t SELECT md5(i::text)::uuid, i, repeat('x', 500) FROM generate_series(1, 2000) i;
-- sparse and dense keys, some missing, more than there are; several versions of each row
SELECT rows_updated, rows_missing, applier FROM bulk_update_query('t',
    'SELECT md5(i::text)::uuid AS id, ''sparse '' || i AS v FROM generate_series(7, 3000, 50) i', report => 'total');
SELECT rows_updated, rows_missing FROM bulk_update_query('t',
    'SELECT md5(i::text)::uuid AS id, ''dense '' || i AS v FROM generate_series(-10, 1900) i', chunk_size => 333, report => 'total');
SELECT rows_updated, rows_unchanged, rows_missing FROM bulk_update_query('t',
    'SELECT md5(i::text)::uuid AS id, ''dense '' || i AS v FROM generate_series(-10, 2000) i', skip_unchanged => true, report => 'total');
SELECT rows_updated, rows_missing FROM bulk_update_query('t',
    'SELECT md5(i::text)::uuid AS id, text ''dry'' AS v FROM generate_series(1990, 2010) i', dry_run => true, report => 'total');
SELECT count(*) FILTER (WHERE v = 'dense ' || n) AS dense, count(*) FROM t;
-- other windows
SET maintenance_io_concurrency = 1;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT md5(i::text)::uuid AS id, text ''one'' AS v FROM generate_series(1, 2000) i', report => 'total');
SET maintenance_io_concurrency = 0;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT md5(i::text)::uuid AS id, text ''none'' AS v FROM generate_series(1, 2000) i', report => 'total');
SET maintenance_io_concurrency = 1000;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT md5(i::text)::uuid AS id, text ''all'' AS v FROM generate_series(1, 2000) i', report => 'total');
RESET maintenance_io_concurrency;
SELECT v, count(*) FROM t GROUP BY v;
-- keys of several columns, an index in descending order, rows in error, a temporary table
CREATE TABLE pairs (a integer, b integer, v integer CHECK (v <> 0), PRIMARY KEY (a, b));
INSERT INTO pairs SELECT i % 7, i, i FROM generate_series(1, 700) i;
CREATE TABLE falling (id integer NOT NULL, v integer);
CREATE UNIQUE INDEX ON falling (id DESC);
INSERT INTO falling SELECT i, i FROM generate_series(1, 500) i;
SELECT rows_updated, rows_missing, rows_rejected FROM bulk_update_query('pairs', 'SELECT i % 7 AS a, i AS b, CASE WHEN i % 100 = 0 THEN 0 ELSE -i END AS v FROM generate_series(1, 800) i',
    key_columns => '{a,b}', on_error => 'skip', chunk_size => 150, report => 'total');
SELECT rows_updated, rows_missing FROM bulk_update_query('falling', 'SELECT i AS id, -i AS v FROM generate_series(1, 600) i', key_columns => '{id}', report => 'total');
SELECT (SELECT count(*) FROM pairs WHERE v = -b) AS pairs, (SELECT count(*) FROM falling WHERE v = -id) AS falling;
CREATE TEMP TABLE temporary_ahead AS SELECT id, n FROM t;
ALTER TABLE temporary_ahead ADD PRIMARY KEY (id);
SELECT rows_updated FROM bulk_update_query('temporary_ahead', 'SELECT md5(i::text)::uuid AS id, -i AS n FROM generate_series(1, 2000) i', report => 'total');
-- partitions, and inheritance children
CREATE TABLE parts (id integer PRIMARY KEY, v integer) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
INSERT INTO parts SELECT i, i FROM generate_series(1, 900) i WHERE satisfies_hash_partition('parts'::regclass, 3, 0, i) OR satisfies_hash_partition('parts'::regclass, 3, 1, i);
CREATE TABLE family (LIKE parts INCLUDING INDEXES);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (family);
INSERT INTO family SELECT i, i FROM generate_series(1, 100) i;
INSERT INTO child SELECT i, i FROM generate_series(50, 150) i;
SELECT rows_updated + rows_missing AS rows, rows_updated = (SELECT count(*) FROM parts) AS all_updated
  FROM bulk_update_query('parts', 'SELECT i AS id, -i AS v FROM generate_series(1, 1000) i', report => 'total');
SELECT rows_updated, rows_missing FROM bulk_update_query('family', 'SELECT i AS id, -i AS v FROM generate_series(1, 200) i', report => 'total');
SELECT count(*) FILTER (WHERE v <> -id) FROM parts;
SELECT count(*) FILTER (WHERE v <> -id), count(*) FROM family;
SET bulk_update.read_ahead = 'off';
SELECT rows_updated FROM bulk_update_query('t', 'SELECT md5(i::text)::uuid AS id, text ''off'' AS v FROM generate_series(1, 2000) i', report => 'total');
SET client_min_messages = warning;
DROP TABLE temporary_ahead;
DROP SCHEMA ahead CASCADE;
