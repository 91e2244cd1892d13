--
-- Results of the functions: one row for each chunk, or exactly one with report => 'total'
--
CREATE SCHEMA report;
SET search_path = report, public;
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v <> 13));
INSERT INTO t SELECT i, 1000 + i FROM generate_series(1, 100) AS i;
CREATE TABLE before AS TABLE t;
SELECT bulk_update_create_rejects('r');

-- An empty source: one row of zeros, although there are no chunks
SELECT chunk, rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected, first_key, last_key,
       elapsed_ms >= 0 AS elapsed, memory_bytes, applier, ordering, spilled_bytes
  FROM bulk_update_query('t', 'SELECT id, v FROM t WHERE false', report => 'total') \gx
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v FROM t WHERE false', report => 'chunks');

-- elapsed_ms is that of the whole call: a source without rows may take long
SELECT elapsed_ms >= 100 AS waited FROM bulk_update_query('t', 'SELECT 1, 1 FROM pg_sleep(0.1) OFFSET 1', '{id,v}', report => 'total');

-- One chunk and many: the types are those of the chunks
SELECT chunk, rows_fetched, rows_updated, first_key, last_key, memory_bytes > 1000 AS memory, ordering, pg_typeof(rows_updated) AS type
  FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id', report => 'total');
SELECT chunk, rows_fetched, rows_updated, first_key, last_key, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id', chunk_size => 7, report => 'total');
SELECT chunk, rows_fetched, rows_updated, first_key, last_key, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id DESC', chunk_size => 7, report => 'total');

-- Text keys work too, and the last chunk may be below the first one: that one was streamed
CREATE TABLE words (k text, n int, v int, PRIMARY KEY (k, n));
INSERT INTO words SELECT 'word ' || i, i, i FROM generate_series(1, 30) AS i;
SELECT chunk, rows_updated, first_key, last_key, ordering
  FROM bulk_update_query('words', 'SELECT * FROM words ORDER BY n', chunk_size => 4, report => 'total');
SELECT first_key, last_key, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id <= 50, id', chunk_size => 10);
SELECT chunk, rows_updated, first_key, last_key, ordering
  FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id <= 50, id', chunk_size => 10, report => 'total');

-- No row has a key
SELECT chunk, rows_fetched, rows_missing, first_key, last_key, applier, ordering
  FROM bulk_update_query('t', 'SELECT NULL::int AS id, 1 AS v FROM generate_series(1, 5)', chunk_size => 2, report => 'total');

--
-- The total is the sum of the chunks of the same call, for every combination of the policies
--
CREATE TABLE source (n serial, id int, v int);
INSERT INTO source (id, v) SELECT i, CASE i % 10 WHEN 3 THEN 13 WHEN 4 THEN 1000 + i ELSE -i END FROM generate_series(1, 120) AS i;
INSERT INTO source (id, v) SELECT i, -i FROM generate_series(1, 120, 8) AS i;
INSERT INTO source (id, v) VALUES (NULL, 1), (NULL, 2);
CREATE FUNCTION totals(chunk_size int, on_duplicate text, skip_unchanged bool, dry_run bool, ordering text, source text)
RETURNS SETOF bulk_update_chunk LANGUAGE plpgsql AS $$
DECLARE
    total bulk_update_chunk;
    chunks bulk_update_chunk;
BEGIN
    TRUNCATE t;
    INSERT INTO t SELECT * FROM before;
    SELECT * INTO STRICT total FROM bulk_update_query('t', source, '{id,v}', chunk_size => chunk_size, on_duplicate => on_duplicate,
        on_error => 'skip', skip_unchanged => skip_unchanged, dry_run => dry_run, ordering => ordering, report => 'total');
    CREATE TEMP TABLE IF NOT EXISTS after_total AS TABLE t WITH NO DATA;
    TRUNCATE after_total;
    INSERT INTO after_total SELECT * FROM t;
    TRUNCATE t;
    INSERT INTO t SELECT * FROM before;
    SELECT count(*), coalesce(sum(rows_fetched), 0), coalesce(sum(rows_updated), 0), coalesce(sum(rows_unchanged), 0),
           coalesce(sum(rows_missing), 0), coalesce(sum(rows_stale), 0), coalesce(sum(rows_duplicate), 0),
           coalesce(sum(rows_rejected), 0),
           min(first_key::int), max(last_key::int), total.elapsed_ms, total.memory_bytes,
           CASE count(DISTINCT applier) WHEN 2 THEN 'mixed' ELSE max(applier) END, min(b.ordering),
           coalesce(max(spilled_bytes), 0)
      INTO STRICT chunks
      FROM bulk_update_query('t', source, '{id,v}', chunk_size => chunk_size, on_duplicate => on_duplicate,
          on_error => 'skip', skip_unchanged => skip_unchanged, dry_run => dry_run, ordering => ordering) AS b;
    IF total IS DISTINCT FROM chunks THEN
        RETURN NEXT total;
        RETURN NEXT chunks;
    END IF;
    IF (SELECT count(*) FROM test_diff('t', 'after_total')) > 0 THEN
        RAISE 'the two calls leave different tables';
    END IF;
END
$$;
SET client_min_messages = warning;
SELECT chunk_size, on_duplicate, skip_unchanged, dry_run, o.ordering, source, different.*
  FROM unnest('{1,7,50,1000}'::int[]) AS chunk_size, unnest('{first,last}'::text[]) AS on_duplicate,
       unnest('{f,t}'::bool[]) AS skip_unchanged, unnest('{f,t}'::bool[]) AS dry_run, unnest('{auto,sort}'::text[]) AS o(ordering),
       unnest('{"SELECT id, v FROM source ORDER BY n", "SELECT id, v FROM source ORDER BY id, n",
                "SELECT id, v FROM source WHERE id > 1000"}'::text[]) AS source,
       LATERAL totals(chunk_size, on_duplicate, skip_unchanged, dry_run, o.ordering, source) AS different;
RESET client_min_messages;

-- and the result of UPDATE
UPDATE t SET v = b.v FROM before AS b WHERE b.id = t.id;
SELECT chunk, rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected, first_key, last_key
  FROM bulk_update_query('t', 'SELECT id, v FROM source ORDER BY n', chunk_size => 10, on_duplicate => 'first',
                         on_error => 'skip', skip_unchanged => true, rejects => 'r', report => 'total');
SELECT reason, count(*) FROM r GROUP BY reason ORDER BY reason;
UPDATE before AS b SET v = s.v
  FROM (SELECT DISTINCT ON (id) id, v FROM source ORDER BY id, n) AS s
 WHERE s.id = b.id AND s.v <> 13;
SELECT * FROM test_diff('t', 'before');

-- A dry run
SELECT rows_fetched, rows_updated FROM bulk_update_query('t', 'VALUES (1, 100)', '{id,v}', dry_run => true, report => 'total');
SELECT v FROM t WHERE id = 1;

--
-- All functions that update
--
SELECT chunk, rows_updated, rows_missing, first_key, last_key
  FROM bulk_update_arrays('t', '{id,v}', ROW('{1,2,3,101}'::int[], '{5,6,7,8}'::int[]), chunk_size => 2, report => 'total');
SELECT chunk, rows_fetched, rows_updated
  FROM bulk_update_arrays('t', '{id,v}', ROW('{}'::int[], '{}'::int[]), report => 'total');
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM t ORDER BY id;
SELECT chunk, rows_updated FROM bulk_update('t', 'c', chunk_size => 30, report => 'total');
-- the cursor is at its end
SELECT chunk, rows_updated FROM bulk_update('t', 'c', chunk_size => 30, report => 'total');
COMMIT;

-- A prepared statement can have it as a parameter
PREPARE call(text, text) AS SELECT chunk, rows_updated FROM bulk_update_query('t', $1, chunk_size => 40, report => $2);
EXECUTE call('SELECT id, v FROM t', 'total');
EXECUTE call('SELECT id, v FROM t', 'chunks');
EXECUTE call('SELECT id, v FROM t WHERE id > 100', 'total');
SET plan_cache_mode = force_generic_plan;
EXECUTE call('SELECT id, v FROM t', 'total');
RESET plan_cache_mode;

--
-- The result has its own type, for variables, columns and tables
--
DO $$
DECLARE
    account bulk_update_chunk;
BEGIN
    account := bulk_update_query('t', 'SELECT id, v FROM t', report => 'total');
    RAISE NOTICE '% of % rows', account.rows_updated, account.rows_fetched;
END
$$;
SELECT (bulk_update_query('t', 'SELECT id, v FROM t', report => 'total')).rows_updated;
SELECT pg_typeof(b), to_jsonb(b) -> 'rows_updated' AS updated FROM bulk_update_query('t', 'SELECT id, v FROM t', report => 'total') AS b;
CREATE TABLE accounts OF bulk_update_chunk;
INSERT INTO accounts SELECT * FROM bulk_update_query('t', 'SELECT id, v FROM t', report => 'total');
SELECT rows_updated FROM accounts;
DROP TABLE accounts;

--
-- Other values are errors, in all functions
--
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,v}', report => 'sum') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,v}', report => 'Total') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,v}', report => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,v}', report => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'no such cursor', report => 'none') $$);
SELECT * FROM test_error($$ SELECT bulk_update_arrays('t', '{id,v}', ROW('{1}'::int[], '{1}'::int[]), report => 'none') $$);
SELECT * FROM test_error($$ SELECT bulk_update_explain('t', 'no such cursor', report => 'none') $$);
SELECT * FROM test_error($$ SELECT bulk_update_explain_query('t', 'VALUES (1, -1)', '{id,v}', report => 'none') $$);
SELECT * FROM bulk_update_explain_query('t', 'VALUES (1, -1)', '{id,v}', report => 'total') WHERE topic = 'report';
SELECT * FROM bulk_update_explain_query('t', 'VALUES (1, -1)', '{id,v}', report => 'chunks') WHERE topic = 'report';

-- Errors are the same with 'total'
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (101, 1)', '{id,v}', on_missing => 'error', report => 'total') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 13)', '{id,v}', report => 'total') $$);

--
-- A type that was altered is an error before anything is done
--
BEGIN;
ALTER TYPE public.bulk_update_chunk ADD ATTRIBUTE more int;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 77)', '{id,v}') $$);
ROLLBACK;
BEGIN;
ALTER TYPE public.bulk_update_chunk DROP ATTRIBUTE spilled_bytes;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 77)', '{id,v}', report => 'total') $$);
ROLLBACK;
BEGIN;
ALTER TYPE public.bulk_update_chunk ALTER ATTRIBUTE chunk TYPE text;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 77)', '{id,v}') $$);
ROLLBACK;
-- other names are not an error
BEGIN;
ALTER TYPE public.bulk_update_chunk RENAME TO bulk_update_part;
ALTER TYPE public.bulk_update_part RENAME ATTRIBUTE rows_updated TO updated;
SELECT updated FROM bulk_update_query('t', 'VALUES (1, 77)', '{id,v}', report => 'total');
ROLLBACK;

--
-- The extension in another schema
--
BEGIN;
ALTER EXTENSION bulk_update SET SCHEMA report;
SET LOCAL search_path = pg_catalog;
SELECT rows_updated, pg_typeof(b) FROM report.bulk_update_query('report.t', 'VALUES (1, 77)', '{id,v}', report => 'total') AS b;
ROLLBACK;

--
-- Both appliers in one call
--
SET bulk_update.applier = auto;
CREATE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 50 THEN
        PERFORM set_config('bulk_update.applier', 'sql', true);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER turn AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION turn();
BEGIN;
SELECT chunk, rows_updated, applier FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id', chunk_size => 50);
SET LOCAL bulk_update.applier = auto;
SELECT chunk, rows_updated, applier FROM bulk_update_query('t', 'SELECT id, v FROM t ORDER BY id', chunk_size => 50, report => 'total');
ROLLBACK;

-- A chunk without a key does not change first_key and applier
SELECT chunk, rows_missing, first_key, applier FROM bulk_update_query('t',
    'SELECT NULL::int AS id, 1 AS v UNION ALL SELECT NULL, 1 UNION ALL SELECT 5, 5', chunk_size => 2, report => 'total');

SET client_min_messages = warning;
DROP SCHEMA report CASCADE;
