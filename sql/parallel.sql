--
-- bulk_update_query() runs a query whose rows are all sorted first with parallel workers
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, ordering'
\set total 'rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected'
SET client_min_messages = warning;

CREATE TABLE t (id int PRIMARY KEY, a bigint, process int);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, a int);
INSERT INTO t SELECT i, 0, 0 FROM generate_series(1, 2000) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT (i * 7919 + 1) % 2001, i FROM generate_series(1, 20000) AS i;
ANALYZE new;

-- Declared safe, so that it runs where the row is read
CREATE FUNCTION process() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END';
CREATE FUNCTION unsafe(int) RETURNS int LANGUAGE plpgsql PARALLEL UNSAFE AS 'BEGIN RETURN $1; END';
CREATE VIEW processes AS
    SELECT CASE WHEN bool_and(process = 0) THEN 'none'
                WHEN bool_and(process IN (0, pg_backend_pid())) THEN 'this one'
                WHEN bool_or(process = pg_backend_pid()) THEN 'this one and others'
                ELSE 'others' END AS processes
    FROM t;

-- Workers start at once and the leader only waits for them, if the query may run in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET max_parallel_workers_per_gather = 2;

-- Sorted whole by 'sort' and by 'last'; the results are those of UPDATE
SELECT :report FROM bulk_update_query('t', 'SELECT id, sum(a), max(process()) FROM new GROUP BY id', '{id,a,process}', ordering => 'sort',
    chunk_size => 1000);
SELECT * FROM processes;
UPDATE plain AS t SET a = n.a FROM (SELECT id, sum(a) AS a FROM new GROUP BY id) AS n WHERE t.id = n.id;
UPDATE t SET process = 0;
SELECT * FROM test_diff('t', 'plain');
SELECT :total FROM bulk_update_query('t', 'SELECT id, 0::bigint AS a, process() AS process FROM new WHERE id % 10 = 5', on_duplicate => 'last',
    report => 'total');
SELECT * FROM processes;
UPDATE t SET process = 0;

-- Keys that are cast, in ways that may fail: the rows are cast and sorted after the query
SELECT :total FROM bulk_update_query('t', 'SELECT CASE id WHEN 7 THEN ''seven'' ELSE id::text END AS id, a, process() FROM new WHERE a <= 2000',
    '{id,a,process}', ordering => 'sort', on_error => 'skip', report => 'total');
SELECT * FROM processes;
UPDATE plain AS t SET a = n.a FROM new AS n WHERE t.id = n.id AND n.a <= 2000 AND n.id <> 7;
UPDATE plain SET a = 0 WHERE id % 10 = 5 AND id NOT IN (SELECT id FROM new WHERE a <= 2000 AND id <> 7);
UPDATE t SET process = 0;
SELECT * FROM test_diff('t', 'plain');
SELECT :total FROM bulk_update_query('t', 'SELECT id::numeric + 0.5 * (id % 2) AS id, a, process() FROM new WHERE a <= 2000', '{id,a,process}',
    ordering => 'sort', report => 'total');
SELECT * FROM processes;
UPDATE t SET process = 0;
SELECT * FROM test_diff('t', 'plain');

-- Keys that are compared, while rows are added to the sort, by a function for which there is no parallel mode
SET work_mem = '64kB';
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION compare(pair, pair) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        RETURN btrecordcmp($1, $2);
    EXCEPTION WHEN division_by_zero THEN
        RETURN 0;
    END;
END $$;
DO $$
DECLARE
    operators text[] := '{<,<=,=,>=,>}';
BEGIN
    FOR i IN 1 .. 5 LOOP
        EXECUTE format('CREATE FUNCTION pair_%s(pair, pair) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS %L', i,
                       format('BEGIN RETURN compare($1, $2) %s 0; END', operators[i]));
        EXECUTE format('CREATE OPERATOR ?%s (FUNCTION = pair_%s, LEFTARG = pair, RIGHTARG = pair)', operators[i], i);
    END LOOP;
END $$;
CREATE OPERATOR CLASS pairs FOR TYPE pair USING btree AS OPERATOR 1 ?<, OPERATOR 2 ?<=, OPERATOR 3 ?=, OPERATOR 4 ?>=, OPERATOR 5 ?>,
    FUNCTION 1 compare(pair, pair);
CREATE TABLE paired (p pair, process int);
CREATE UNIQUE INDEX ON paired (p pairs);
INSERT INTO paired SELECT (i, 0)::pair, 0 FROM generate_series(1, 100) AS i;
SELECT :total FROM bulk_update_query('paired', 'SELECT (id, 0)::pair AS p, process() AS process FROM new WHERE a BETWEEN 1 AND 2000',
    key_columns => '{p}', ordering => 'sort', report => 'total');
SELECT count(*) FILTER (WHERE process = pg_backend_pid()) AS this_one, count(*) FILTER (WHERE process = 0) AS none FROM paired;
RESET work_mem;

-- Not in parallel: read in chunks, or unsafe, or it locks or changes rows, or a cursor of the caller
SELECT :total FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000', report => 'total');
SELECT * FROM processes;
SELECT :total FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000 ORDER BY id', ordering => 'stream', report => 'total');
SELECT * FROM processes;
SELECT :total FROM bulk_update_query('t', 'SELECT unsafe(id) AS id, process() AS process FROM new WHERE a <= 2000', ordering => 'sort', report => 'total');
SELECT * FROM processes;
SELECT :total FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000 FOR UPDATE', ordering => 'sort', report => 'total');
SELECT * FROM processes;
SELECT :total FROM bulk_update_query('t', 'UPDATE new SET a = a WHERE a <= 2000 RETURNING id, process() AS process', ordering => 'sort', report => 'total');
SELECT * FROM processes;
BEGIN;
DECLARE c CURSOR FOR SELECT id, process() AS process FROM new WHERE a <= 2000;
SELECT :total FROM bulk_update('t', 'c', ordering => 'sort', report => 'total');
SELECT * FROM processes;
COMMIT;

-- The plan is the one that runs
SELECT regexp_replace(detail, '\d+', 'N') AS detail FROM bulk_update_explain_query('t', 'SELECT id, a FROM new', ordering => 'sort') WHERE topic IN ('source', 'ordering');
SELECT regexp_replace(detail, '\d+', 'N') AS detail FROM bulk_update_explain_query('t', 'SELECT id, a FROM new', on_duplicate => 'last') WHERE topic IN ('source', 'ordering');
SELECT regexp_replace(detail, '\d+', 'N') AS detail FROM bulk_update_explain_query('t', 'SELECT id, a FROM new') WHERE topic = 'source';
SELECT regexp_replace(detail, '\d+', 'N') AS detail FROM bulk_update_explain_query('t', 'SELECT unsafe(id) AS id, a FROM new', ordering => 'sort') WHERE topic = 'source';

-- After writes of the transaction, in a subtransaction, in SERIALIZABLE, in a function, in a dry run
UPDATE t SET process = 0;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE t SET process = 0 WHERE id = 1;
SAVEPOINT s;
SELECT :total FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000', ordering => 'sort', report => 'total');
SELECT * FROM processes;
ROLLBACK TO s;
SELECT * FROM processes;
SELECT :total FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000', ordering => 'sort', report => 'total', dry_run => true);
COMMIT;
CREATE FUNCTION called(OUT updated bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT rows_updated INTO updated
    FROM bulk_update_query('t', 'SELECT id, process() AS process FROM new WHERE a <= 2000', ordering => 'sort', report => 'total');
END $$;
SELECT called();
SELECT * FROM processes;

-- A call in the source's query of another one: the inner one has workers
CREATE TABLE outside (id int PRIMARY KEY, a bigint);
INSERT INTO outside VALUES (1, 0);
UPDATE t SET process = 0;
SELECT :total FROM bulk_update_query('outside', 'SELECT 1 AS id, called() AS a', ordering => 'sort', report => 'total');
TABLE outside;
SELECT * FROM processes;

-- More rows than work_mem holds, with values stored out of line
SET work_mem = '64kB';
CREATE TABLE wide (id int PRIMARY KEY, v text);
CREATE TABLE wide_new (LIKE wide);
ALTER TABLE wide_new ALTER v SET STORAGE EXTERNAL;
INSERT INTO wide SELECT i, '' FROM generate_series(1, 2000) AS i;
INSERT INTO wide_new SELECT i, repeat('x', CASE WHEN i % 100 = 0 THEN 10000 ELSE 100 END) FROM generate_series(2000, 1, -1) AS i;
ANALYZE wide_new;
SELECT :total, spilled_bytes > 0 AS spilled FROM bulk_update_query('wide', 'SELECT * FROM wide_new', ordering => 'sort', report => 'total');
SELECT * FROM test_diff('wide', 'wide_new');
UPDATE wide SET v = '';
SELECT :total, spilled_bytes > 0 AS spilled FROM bulk_update_query('wide', 'SELECT id::text, v FROM wide_new', ordering => 'sort', report => 'total');
SELECT * FROM test_diff('wide', 'wide_new');
RESET work_mem;

-- Errors: of a duplicate, of the query in a worker, of the query in the leader, of a key
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT 5 AS id, a FROM new', ordering => 'sort') $$);
SELECT regexp_replace(test_error, 'source row \d+', 'source row N') AS error
FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, a / (a - 3) AS a FROM new', ordering => 'sort') $$);
SET max_parallel_workers_per_gather = 0;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT i AS id, 10 / (4 - i) AS a FROM generate_series(1, 9) AS i', ordering => 'sort') $$);
RESET max_parallel_workers_per_gather;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT ''x'' || id AS id, a FROM new WHERE id = 3', ordering => 'sort') $$);

-- The query's cursor is at its end while rows are applied
CREATE FUNCTION fetch_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c refcursor := (SELECT name FROM pg_cursors WHERE statement LIKE 'SELECT id, 1::bigint%');
    r record;
BEGIN
    FETCH c INTO r;
    RAISE WARNING 'fetched: %', FOUND;
    RETURN NEW;
END $$;
CREATE TRIGGER fetch_again BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fetch_again();
SELECT :total FROM bulk_update_query('t', 'SELECT id, 1::bigint AS a FROM new WHERE id = 3 AND a <= 2001', ordering => 'sort', report => 'total');

DROP TABLE t, plain, new, paired, outside, wide, wide_new CASCADE;
DROP TYPE pair CASCADE;
DROP FUNCTION process, unsafe, called, fetch_again;
