-- ordering => 'place': rows are applied in the order of their place in the table, and their entries in the key's index wait.
CREATE SCHEMA place;
SET search_path = place, public;
CREATE EXTENSION amcheck;
SET bulk_update.applier = auto;

-- Each B-tree index of a tree has every row.
CREATE FUNCTION check_indexes(target regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(bt_index_check(i.indexrelid, true))
      FROM (SELECT target UNION SELECT relid FROM pg_partition_tree(target)) AS p (relid) JOIN pg_index AS i ON i.indrelid = p.relid
           JOIN pg_class AS c ON c.oid = i.indexrelid
     WHERE c.relkind = 'i'
$$;
-- Keys do not follow the table.
CREATE TABLE t (id text COLLATE "C" PRIMARY KEY, a int, v text) WITH (autovacuum_enabled = off);
CREATE TABLE twin (LIKE t INCLUDING ALL);
INSERT INTO t SELECT md5(i::text), i, 'old' FROM generate_series(1, 2000) AS i;
INSERT INTO twin TABLE t;
CREATE INDEX ON t (a);
CREATE TABLE new AS SELECT md5(i::text) AS id, 'new ' || i AS v, i AS n FROM generate_series(2000, 1, -1) AS i;
ANALYZE t, new;
CREATE TABLE places (id text, place tid);
INSERT INTO places SELECT id, ctid FROM t;
-- The number of rows that are not in the chunk of so many rows to which they belong by their place before.
CREATE FUNCTION displaced(size int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
      FROM (SELECT (row_number() OVER (ORDER BY p.place) - 1) / size AS chunk_before, (row_number() OVER (ORDER BY t.ctid) - 1) / size AS chunk
              FROM t JOIN places AS p USING (id)) AS p
     WHERE chunk <> chunk_before
$$;
SELECT detail FROM bulk_update_explain_query('t', 'SELECT id, v FROM new', ordering => 'place') WHERE topic IN ('ordering', 'index entries');
SELECT chunk, rows_updated AS updated, first_key < last_key AS ascending, applier, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM new', chunk_size => 500, ordering => 'place');
SELECT displaced(500), displaced(1) AS displaced_rows;
SELECT check_indexes('t');
UPDATE twin AS t SET v = n.v FROM new AS n WHERE n.id = t.id;
SELECT * FROM test_diff('t', 'twin');
-- in key order they are displaced
TRUNCATE places;
INSERT INTO places SELECT id, ctid FROM t;
SELECT rows_updated AS updated, ordering FROM bulk_update_query('t', 'SELECT id, v FROM new', ordering => 'sort', report => 'total');
SELECT displaced(500) > 1000 AS displaced;
-- the report has the lowest and the highest key
SELECT rows_updated AS updated, first_key = (SELECT min(id) FROM t) AS first, last_key = (SELECT max(id) FROM t) AS last, applier, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM new', chunk_size => 300, ordering => 'place', report => 'total');

-- Several entries with a key, until VACUUM removes them: for rows that stay behind, and that move forward.
DO $$ BEGIN
    FOR i IN 1..4 LOOP
        PERFORM bulk_update_query('t', format('SELECT id, text ''%s'' AS v FROM new WHERE n %% %s = 0', i, i), chunk_size => 700, ordering => 'place');
    END LOOP;
END $$;
VACUUM t;
SELECT rows_updated AS updated, ordering FROM bulk_update_query('t', 'SELECT id, v FROM new', chunk_size => 700, ordering => 'place', report => 'total');
SELECT sum(rows_updated) FROM generate_series(1, 3), bulk_update_query('t', 'SELECT id, v FROM new', chunk_size => 700, ordering => 'place');
SELECT check_indexes('t');
SELECT * FROM test_diff('t', 'twin');

-- Rows without a row or a key, duplicates, bad rows, and the table of rejects: the result is that of key order.
SELECT bulk_update_create_rejects('r');
CREATE TABLE mixed AS SELECT CASE WHEN n % 50 = 1 THEN NULL WHEN n % 50 = 2 THEN 'missing ' || n WHEN n % 50 = 3 THEN md5((n + 1)::text) ELSE id END AS id,
                             CASE WHEN n % 70 = 4 THEN 'bad' ELSE n::text END AS a, v, n FROM new;
CREATE TABLE results (way text, policy text, counts bigint[], rejects text[], rows text[]);
CREATE PROCEDURE try(way text, policy text, options text) LANGUAGE plpgsql AS $$
DECLARE
    counts bigint[];
BEGIN
    UPDATE t SET a = 0, v = 'old';
    TRUNCATE r;
    EXECUTE format($c$ SELECT ARRAY[sum(rows_fetched), sum(rows_updated), sum(rows_unchanged), sum(rows_missing), sum(rows_stale), sum(rows_duplicate), sum(rows_rejected)]
                         FROM bulk_update_query('t', 'SELECT id, a, v FROM mixed ORDER BY n', ordering => %L, on_duplicate => %L,
                                                on_error => 'skip', rejects => 'r', chunk_size => 300, %s) $c$, way, policy, options) INTO counts;
    INSERT INTO results
        SELECT way, policy || ', ' || options, counts,
               (SELECT array_agg(concat_ws(' ', source_row, reason, key) ORDER BY source_row) FROM r),
               (SELECT array_agg(concat_ws(' ', id, a, v) ORDER BY id) FROM t);
    PERFORM check_indexes('t');
END $$;
DO $$
DECLARE
    way text;
    policy text;
    options text;
BEGIN
    FOR way, policy, options IN SELECT * FROM unnest('{sort,place}'::text[]) AS w, unnest('{first,last}'::text[]) AS p,
                                              unnest('{skip_unchanged => false,skip_unchanged => true,dry_run => true}'::text[]) AS o LOOP
        CALL try(way, policy, options);
    END LOOP;
END $$;
SELECT policy, counts, cardinality(rejects) AS rejects FROM results WHERE way = 'place' ORDER BY policy COLLATE "C";
SELECT count(*) FROM results AS a JOIN results AS b USING (policy) WHERE a.way = 'sort' AND b.way = 'place'
   AND (a.counts, a.rejects, a.rows) IS NOT DISTINCT FROM (b.counts, b.rejects, b.rows);
-- rows without a place come last
SELECT chunk, rows_updated AS updated, rows_missing AS missing, rows_duplicate AS duplicate, applier, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM mixed ORDER BY n', ordering => 'place', on_duplicate => 'first', chunk_size => 800);
-- errors
SELECT * FROM test_error($c$ SELECT bulk_update_query('t', 'VALUES (md5(''1''), ''x''), (md5(''2''), ''x''), (md5(''1''), ''y'')', '{id,v}', ordering => 'place') $c$);
SELECT * FROM test_error($c$ SELECT bulk_update_query('t', 'VALUES (md5(''1''), ''x''), (''none'', ''x'')', '{id,v}', ordering => 'place', on_missing => 'error') $c$);
SELECT * FROM test_error($c$ SELECT bulk_update_query('t', 'SELECT id, CASE WHEN n = 1999 THEN ''bad'' ELSE n::text END AS a FROM new', ordering => 'place') $c$);

-- Expected values
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, n AS a FROM new', ordering => 'place', report => 'total');
SELECT rows_updated AS updated, rows_stale AS stale, ordering
  FROM bulk_update_query('t', 'SELECT id, text ''expected'', CASE WHEN n % 10 = 0 THEN -n ELSE n END FROM new', '{id,v}', expected_columns => '{a}',
                         chunk_size => 300, ordering => 'place', report => 'total');
SELECT count(*), bool_and(a % 10 <> 0) FROM t WHERE v = 'expected';

-- Cursors and arrays
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM new;
SELECT rows_updated, ordering FROM bulk_update('t', 'c', ordering => 'place', report => 'total');
COMMIT;
SELECT rows_updated, ordering FROM bulk_update_arrays('t', '{id,v}', ROW(ARRAY[md5('1'), md5('2'), md5('3')], ARRAY['1', '2', '3']), ordering => 'place');
SELECT rows_updated, ordering FROM bulk_update_query('t', 'SELECT id, v FROM new WHERE false', ordering => 'place', report => 'total');
SELECT rows_missing, ordering FROM bulk_update_query('t', 'VALUES (NULL::text, ''x'')', '{id,v}', ordering => 'place', report => 'total');

-- Old values, and the way back
CREATE TABLE before AS TABLE t;
SELECT bulk_update_create_old_values('kept', 't', '{v}');
SELECT rows_updated, ordering FROM bulk_update_query('t', 'SELECT id, text ''kept'' AS v FROM new', ordering => 'place', old_values => 'kept', chunk_size => 700, report => 'total');
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept');
SELECT * FROM test_diff('t', 'before');

-- Two sorts, with temporary files
SET work_mem = '64kB';
SELECT rows_updated AS updated, ordering, spilled_bytes > 400000 AS spilled FROM bulk_update_query('t', 'SELECT id, repeat(v, 10) AS v FROM new', ordering => 'place', report => 'total');
SELECT rows_updated AS updated, ordering, spilled_bytes > 400000 AS spilled FROM bulk_update_query('t', 'SELECT id, repeat(v, 10) AS v FROM new', ordering => 'sort', report => 'total');
RESET work_mem;

-- The pages of the next rows are known without the index
SET bulk_update.read_ahead = on;
SELECT rows_updated AS updated, ordering FROM bulk_update_query('t', 'SELECT id, v FROM new', ordering => 'place', report => 'total');
RESET bulk_update.read_ahead;

-- Kinds of keys: descending, of several columns, of more columns than the index, of another type, without values of variable length
CREATE TABLE composite (x int, y text COLLATE "C", z int, a int, n bigint) WITH (autovacuum_enabled = off);
INSERT INTO composite SELECT i % 7, md5(i::text), i, 0, i FROM generate_series(1, 1000) AS i;
CREATE UNIQUE INDEX composite_desc ON composite (x, y DESC);
CREATE UNIQUE INDEX composite_z ON composite (z DESC);
CREATE UNIQUE INDEX composite_n ON composite (n);
SELECT rows_updated, ordering FROM bulk_update_query('composite', 'SELECT i % 7, md5(i::text), i FROM generate_series(1, 1000) AS i', '{x,y,a}', '{x,y}', ordering => 'place', report => 'total');
SELECT count(*), check_indexes('composite') FROM composite WHERE a = z;
SELECT rows_updated, ordering FROM bulk_update_query('composite', 'SELECT i::text, (2 * i)::text FROM generate_series(1, 1000) AS i', '{z,a}', '{z}', ordering => 'place', report => 'total');
SELECT count(*), check_indexes('composite') FROM composite WHERE a = 2 * z;
SELECT rows_updated, rows_missing, ordering FROM bulk_update_query('composite', 'SELECT i, j, i FROM generate_series(1, 1000) AS i, generate_series(0, 6) AS j', '{n,x,a}', '{n,x}', ordering => 'place', report => 'total');
SELECT count(*), check_indexes('composite') FROM composite WHERE a = n;
CREATE TABLE numbers (id int PRIMARY KEY, a int);
INSERT INTO numbers SELECT 1001 - i, 0 FROM generate_series(1, 1000) AS i;
SELECT rows_updated, rows_missing, ordering FROM bulk_update_query('numbers', 'SELECT i::numeric / 2 AS id, i AS a FROM generate_series(1, 2002) AS i', ordering => 'place', report => 'total');
SELECT rows_updated, rows_missing, ordering FROM bulk_update_query('numbers', 'SELECT i AS id, i AS a FROM generate_series(0, 1000) AS i', ordering => 'place', report => 'total');
SELECT count(*), check_indexes('numbers') FROM numbers WHERE a = id;

-- Partitions: in their order, and by place within each
CREATE TABLE parted (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (500);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (2000) PARTITION BY HASH (id);
CREATE TABLE parted_3 PARTITION OF parted_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_4 (a int, id int NOT NULL);
ALTER TABLE parted_2 ATTACH PARTITION parted_4 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT (i * 7919) % 1999 + 1, 0 FROM generate_series(1, 1500) AS i;
CREATE INDEX ON parted (a);
SELECT detail FROM bulk_update_explain_query('parted', 'SELECT 1 AS id, 1 AS a', ordering => 'place') WHERE topic IN ('ordering', 'index entries');
SELECT count(*) AS chunks, sum(rows_updated) AS updated, sum(rows_missing) AS missing, min(ordering) AS ordering
  FROM bulk_update_query('parted', 'SELECT i AS id, i AS a FROM generate_series(-100, 2100) AS i', ordering => 'place', chunk_size => 100);
SELECT count(*), check_indexes('parted') FROM parted WHERE a = id;

-- User code between two chunks truncates a partition, and all its places with it.
CREATE TABLE short (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE short_1 PARTITION OF short FOR VALUES FROM (1) TO (10);
CREATE TABLE short_2 PARTITION OF short FOR VALUES FROM (10) TO (20);
INSERT INTO short SELECT i, 'old' FROM generate_series(1, 19) AS i;
SELECT bulk_update_create_old_values('kept_short', 'short');
CREATE FUNCTION truncate_part() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE short_2; RETURN NULL; END';
CREATE TRIGGER truncate_part AFTER INSERT ON kept_short FOR EACH STATEMENT EXECUTE FUNCTION truncate_part();
SET bulk_update.read_ahead = on;
SELECT chunk, rows_updated AS updated, rows_missing AS missing, applier, ordering
  FROM bulk_update_query('short', 'SELECT i AS id, text ''new'' AS v FROM generate_series(1, 19) AS i', chunk_size => 8, ordering => 'place',
                         old_values => 'kept_short');
RESET bulk_update.read_ahead;
SELECT count(*), check_indexes('short') FROM short WHERE v = 'new';

-- Temporary and unlogged tables
CREATE TEMP TABLE temporary AS SELECT i AS id, -i AS a, 'old' AS v FROM generate_series(1, 1000) AS i;
ALTER TABLE temporary ADD PRIMARY KEY (id);
SELECT rows_updated, ordering FROM bulk_update_query('temporary', 'SELECT i AS id, text ''new'' AS v FROM generate_series(1, 1000) AS i', ordering => 'place', report => 'total');
SELECT check_indexes('temporary');

-- Otherwise rows are applied in key order, and explain says why
CREATE FUNCTION way(target regclass, OUT expected text, OUT ordering text) LANGUAGE sql AS $$
    SELECT (SELECT detail FROM bulk_update_explain_query(target, 'SELECT 1 AS id, 1 AS a', ordering => 'place') WHERE topic = 'ordering'),
           (SELECT ordering FROM bulk_update_query(target, 'SELECT 1 AS id, 1 AS a', ordering => 'place'))
$$;
SELECT * FROM way('numbers');
SET bulk_update.applier = sql;
SELECT * FROM way('numbers');
SET bulk_update.applier = direct;
SELECT * FROM way('numbers');
SET bulk_update.applier = auto;
SET bulk_update.sort_index_entries = off;
SELECT * FROM way('numbers');
RESET bulk_update.sort_index_entries;
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER look BEFORE UPDATE ON numbers FOR EACH ROW EXECUTE FUNCTION look();
SELECT * FROM way('numbers');
DROP TRIGGER look ON numbers;
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (numbers);
SELECT * FROM way('numbers');
DROP TABLE child;
CREATE TRIGGER look AFTER UPDATE ON parted_4 FOR EACH ROW EXECUTE FUNCTION look();
SELECT * FROM way('parted');

SET client_min_messages = warning;
DROP TABLE temporary;
DROP EXTENSION amcheck;
DROP SCHEMA place CASCADE;
