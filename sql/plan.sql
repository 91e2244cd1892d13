--
-- The cost of a call depends on the number of source rows, not on the size of the table:
-- there is no sequential scan of the table, whatever the planner estimates
--

-- A table's statistics of the running transaction
CREATE FUNCTION scans(relation regclass) RETURNS TABLE (seq_scans bigint, index_reads bigint)
LANGUAGE sql AS $$
    SELECT seq_scan, (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint FROM pg_index WHERE indrelid = relation)
      FROM pg_stat_xact_all_tables WHERE relid = relation
$$;

-- 50,000 rows; the pairs are spread over the whole table
CREATE TABLE t (id int PRIMARY KEY, v int, filler text DEFAULT repeat('x', 50)) WITH (autovacuum_enabled = off);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 50000) AS i;

-- Apply some pairs; return the sequential scans and the rows read by index for each pair
CREATE FUNCTION try(pairs int, chunk_size int, relation text DEFAULT 't') RETURNS TABLE (updated bigint, seq_scans bigint, reads_in_proportion boolean)
LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    reads bigint;
BEGIN
    before := (SELECT index_reads FROM scans(relation::regclass));
    seq_scans := (SELECT s.seq_scans FROM scans(relation::regclass) AS s);
    SELECT sum(rows_updated) INTO updated
      FROM bulk_update_query(relation::regclass, format('SELECT i * %s AS id, i AS v FROM generate_series(1, %s) AS i', 50000 / pairs, pairs),
                             chunk_size => chunk_size);
    reads := (SELECT index_reads FROM scans(relation::regclass)) - before;
    seq_scans := (SELECT s.seq_scans FROM scans(relation::regclass) AS s) - seq_scans;
    -- a row may be found more than once, and dead versions are read too
    reads_in_proportion := reads BETWEEN updated AND 10 * pairs;
    RETURN NEXT;
END
$$;

-- The statistics do count a sequential scan, in this process
SET max_parallel_workers_per_gather = 0;
DO $$
DECLARE
    before bigint := (SELECT seq_scans FROM scans('t'));
BEGIN
    PERFORM count(*) FROM t WHERE v = 1;
    RAISE INFO 'sequential scans: %', (SELECT seq_scans FROM scans('t')) - before;
END
$$;

-- Never analyzed
SELECT * FROM try(1, 10000);
SELECT * FROM try(100, 10000);
SELECT * FROM try(20000, 10);
SELECT * FROM try(20000, 20000);
SELECT * FROM try(50000, 50000);
VACUUM ANALYZE t;
SELECT * FROM try(1, 10000);
SELECT * FROM try(100, 10000);
SELECT * FROM try(20000, 10);
SELECT * FROM try(20000, 20000);
VACUUM t;
-- With settings that discourage index scans
SET plan_cache_mode = force_custom_plan;
SELECT * FROM try(100, 10);
SELECT * FROM try(20000, 20000);
SET plan_cache_mode = force_generic_plan;
SELECT * FROM try(20000, 20000);
RESET plan_cache_mode;
VACUUM t;
SET enable_nestloop = off;
SELECT * FROM try(100, 10);
SELECT * FROM try(20000, 20000);
RESET enable_nestloop;
VACUUM t;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT * FROM try(100, 10);
SELECT * FROM try(20000, 20000);
RESET enable_indexscan;
RESET enable_bitmapscan;
VACUUM t;
SET random_page_cost = 1000;
SET cpu_index_tuple_cost = 100;
SELECT * FROM try(100, 10);
SELECT * FROM try(20000, 20000);
RESET random_page_cost;
RESET cpu_index_tuple_cost;
VACUUM t;

-- Outdated statistics: from when the table was small
TRUNCATE t;
INSERT INTO t VALUES (1, 0);
ANALYZE t;
INSERT INTO t SELECT i, 0 FROM generate_series(2, 50000) AS i;
SELECT * FROM try(20000, 20000);
SELECT * FROM try(20000, 1000);

-- A table that grows while the call uses its plan
CREATE TABLE growing (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
INSERT INTO growing SELECT i, 0 FROM generate_series(1, 10) AS i;
CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO growing SELECT i, 0 FROM generate_series(11, 50000) AS i ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER grow AFTER UPDATE ON growing FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION grow();
SELECT * FROM try(50000, 10000, 'growing');
DROP TABLE growing;
DROP FUNCTION grow;

-- A trigger that skips rows: they are looked up again, by the index too
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION skip_row();
SELECT * FROM try(10000, 10000);
DROP TRIGGER skip_row ON t;
DROP FUNCTION skip_row;
DROP TABLE t;

-- Other keys: text, two columns, more columns than the index has, a domain
CREATE DOMAIN word AS text COLLATE "C";
CREATE TABLE t (a word NOT NULL, b int NOT NULL, c numeric NOT NULL, d int, v int,
                UNIQUE (a, b), UNIQUE (c)) WITH (autovacuum_enabled = off);
CREATE UNIQUE INDEX t_a_key ON t (a);
INSERT INTO t SELECT 'a' || i, i, i, i, 0 FROM generate_series(1, 20000) AS i;
CREATE FUNCTION try_key(columns text, key_columns name[]) RETURNS TABLE (updated bigint, seq_scans bigint) LANGUAGE plpgsql AS $$
BEGIN
    seq_scans := (SELECT s.seq_scans FROM scans('t') AS s);
    SELECT sum(rows_updated) INTO updated
      FROM bulk_update_query('t', format('SELECT %s, i AS v FROM generate_series(2, 20000, 2) AS i', columns), key_columns => key_columns);
    seq_scans := (SELECT s.seq_scans FROM scans('t') AS s) - seq_scans;
    RETURN NEXT;
END
$$;
SELECT * FROM try_key('''a'' || i AS a', '{a}');
SELECT * FROM try_key('''a'' || i AS a, i AS b', '{a,b}');
SELECT * FROM try_key('i::numeric AS c', '{c}');
SELECT * FROM try_key('i AS c', '{c}');
SELECT * FROM try_key('i AS c, i AS d', '{d,c}');
SELECT * FROM try_key('i AS b, ''a'' || i AS a, i AS d, i AS c', '{a,b,c,d}');
-- an operator class of another type
ALTER TABLE t DROP COLUMN a, DROP COLUMN c;
CREATE UNIQUE INDEX ON t (b oid_ops);
SELECT * FROM try_key('i AS b', '{b}');
DROP TABLE t;
DROP FUNCTION try_key;
DROP DOMAIN word;

-- Partitions: no partition is scanned as a whole
CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (25001) WITH (autovacuum_enabled = off);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (25001) TO (50001) WITH (autovacuum_enabled = off);
INSERT INTO p SELECT i, 0 FROM generate_series(1, 50000) AS i;
-- the child tables' statistics, summed up
CREATE FUNCTION try_partitions() RETURNS TABLE (updated bigint, seq_scans bigint) LANGUAGE plpgsql AS $$
BEGIN
    seq_scans := (SELECT sum(s.seq_scans) FROM unnest('{p1,p2}'::regclass[]) AS r, scans(r) AS s);
    SELECT sum(rows_updated) INTO updated
      FROM bulk_update_query('p', 'SELECT i AS id, i AS v FROM generate_series(5, 50000, 5) AS i');
    seq_scans := (SELECT sum(s.seq_scans) FROM unnest('{p1,p2}'::regclass[]) AS r, scans(r) AS s) - seq_scans;
    RETURN NEXT;
END
$$;
SELECT * FROM try_partitions();
ANALYZE p;
SELECT * FROM try_partitions();
DROP FUNCTION try_partitions;
DROP TABLE p;
DROP FUNCTION try, scans;

-- A table with fewer rows than the planner estimates for unnest() is updated in key order too
CREATE TABLE few (id int, v int, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE few_0 PARTITION OF few FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE few_1 PARTITION OF few FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO few SELECT i, 0 FROM generate_series(1, 7) AS i;
ANALYZE few;
CREATE TABLE order_of_few (n serial, id int);
CREATE FUNCTION log_few() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO order_of_few (id) VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER log AFTER UPDATE ON few FOR EACH ROW EXECUTE FUNCTION log_few();
SET bulk_update.applier = sql;
SELECT rows_updated, applier FROM bulk_update_query('few', 'SELECT i AS id, i AS v FROM generate_series(1, 7) AS i');
RESET bulk_update.applier;
SELECT string_agg(id::text, ' ' ORDER BY n) AS ids FROM order_of_few;
DROP TABLE few, order_of_few;
DROP FUNCTION log_few;
