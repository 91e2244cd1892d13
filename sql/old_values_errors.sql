--
-- old_values: of rows in error nothing is kept, whenever the error is found
--
SET client_min_messages = warning;
CREATE SCHEMA old_values_errors;
SET search_path = old_values_errors, public;
CREATE TABLE above (id int PRIMARY KEY, code int UNIQUE DEFERRABLE);
INSERT INTO above SELECT i, i FROM generate_series(1, 300) AS i;
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v <> -1), u int UNIQUE, s int CONSTRAINT s_is_unique UNIQUE DEFERRABLE,
                ref int REFERENCES above, late int REFERENCES above DEFERRABLE, wide text);
CREATE TABLE before AS SELECT i AS id, i AS v, i * 10 AS u, i AS s, i AS ref, i AS late, repeat(md5(i::text), 100) AS wide FROM generate_series(1, 300) AS i;
ALTER TABLE t ALTER wide SET STORAGE EXTERNAL;
INSERT INTO t TABLE before;
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v % 37 = 0 THEN RAISE EXCEPTION 'v is %', NEW.v USING errcode = 'check_violation'; END IF;
    RETURN NULL;
END
$$;
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_create_rejects('rejects');
-- Each fifth row is in error, in one of these ways; or each of a run of rows is.
CREATE TABLE kinds (kind text PRIMARY KEY, v text DEFAULT 'i + 1000', u text DEFAULT 'i * 10', s text DEFAULT 'i', ref text DEFAULT 'i', late text DEFAULT 'i');
INSERT INTO kinds (kind) VALUES ('none');
INSERT INTO kinds (kind, v) VALUES ('check', 'CASE WHEN bad THEN -1 ELSE i + 1000 END'), ('cast', 'CASE WHEN bad THEN 1e12 ELSE i + 1000 END'),
                                   ('after row', 'CASE WHEN bad THEN 37 ELSE i + 10000 - (i + 10000) % 37 + 1 END');
INSERT INTO kinds (kind, u) VALUES ('unique', 'CASE WHEN bad THEN 7 ELSE i * 10 + 1 END');
INSERT INTO kinds (kind, s) VALUES ('deferrable unique', 'CASE WHEN bad THEN 7000 ELSE i + 1000 END');
INSERT INTO kinds (kind, ref) VALUES ('foreign key', 'CASE WHEN bad THEN 999 ELSE 301 - i END');
INSERT INTO kinds (kind, late) VALUES ('deferrable foreign key', 'CASE WHEN bad THEN 999 ELSE 301 - i END');

-- A call that skips errors, an undo: what is wrong with what was kept, and with the table
CREATE FUNCTION skipping(of_kind text, bad text, size int, options text DEFAULT '') RETURNS TABLE (updated bigint, rejected bigint, wrong text) LANGUAGE plpgsql AS $$
DECLARE
    k kinds := (SELECT kinds FROM kinds WHERE kind = of_kind);
    missing bigint;
    undone bigint;
BEGIN
    TRUNCATE t;
    INSERT INTO t TABLE before;
    TRUNCATE kept, rejects;
    DROP TRIGGER IF EXISTS after_row ON t;
    IF of_kind = 'after row' THEN
        CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION after_row();
    END IF;
    EXECUTE format($q$SELECT sum(rows_updated), sum(rows_rejected), sum(rows_missing)
        FROM bulk_update_query('t', $s$SELECT i, %s, %s, %s, %s, %s, repeat(md5((-i)::text), 100) FROM generate_series(1, 305) AS i, LATERAL (SELECT %s AS bad) AS b$s$,
                               '{id,v,u,s,ref,late,wide}', on_error => 'skip', chunk_size => %s, old_values => 'kept', rejects => 'rejects' %s)$q$,
        k.v, k.u, k.s, k.ref, k.late, bad, size, options) INTO updated, rejected, missing;
    wrong := concat_ws(', ',
        CASE WHEN updated + rejected + missing <> 305 THEN 'account' END,
        CASE WHEN (SELECT count(*) FROM kept) <> updated THEN format('%s rows kept', (SELECT count(*) FROM kept)) END,
        CASE WHEN (SELECT count(*) FROM rejects WHERE reason = 'error') <> rejected THEN 'rejects' END,
        CASE WHEN EXISTS (SELECT FROM kept JOIN rejects USING (source_row)) THEN 'kept and rejected' END,
        CASE WHEN EXISTS (SELECT FROM kept JOIN t USING (id) WHERE (new_v, new_u, new_s, new_ref, new_late, new_wide) IS DISTINCT FROM (v, u, s, ref, late, wide)) THEN 'new values' END,
        CASE WHEN EXISTS (SELECT FROM kept JOIN before USING (id) WHERE (old_v, old_u, old_s, old_ref, old_late, old_wide) IS DISTINCT FROM (v, u, s, ref, late, wide)) THEN 'old values' END,
        CASE WHEN EXISTS (SELECT FROM t JOIN before USING (id) LEFT JOIN kept USING (id) WHERE kept.run IS NULL AND t IS DISTINCT FROM before) THEN 'changed, not kept' END);
    DROP TRIGGER IF EXISTS after_row ON t;
    SELECT sum(rows_updated) INTO undone FROM bulk_update_undo('t', 'kept', chunk_size => size);
    IF undone IS DISTINCT FROM nullif(updated, 0) OR EXISTS (TABLE t EXCEPT TABLE before) THEN
        wrong := concat_ws(', ', nullif(wrong, ''), 'undo');
    END IF;
    RETURN NEXT;
END
$$;
SELECT kind, bad, min(updated) AS least, max(updated) AS most, min(updated + rejected) AS least_sum, max(updated + rejected) AS most_sum, string_agg(DISTINCT nullif(wrong, ''), '; ') AS wrong
  FROM kinds, unnest('{i % 5 = 0,i BETWEEN 50 AND 120,i IN (1\,300),true}'::text[]) AS bad, unnest('{7,1000}'::int[]) AS size, skipping(kind, bad, size)
 WHERE kind <> 'none' OR bad = 'true'
 GROUP BY kind, bad ORDER BY kind, bad;
SELECT kind, string_agg(DISTINCT nullif(wrong, ''), '; ') AS wrong
  FROM kinds, unnest('{7,1000}'::int[]) AS size, unnest(ARRAY[', skip_unchanged => true', ', reject_limit => 1000, on_duplicate => ''last''']) AS options, skipping(kind, 'i % 3 = 0', size, options)
 GROUP BY kind ORDER BY kind;
-- Chunks of one row
SELECT * FROM skipping('check', 'i % 5 = 0', 1);
-- Each row is put into the stores, which spill, and no row is updated: their files are closed
SET work_mem = '64kB';
SELECT * FROM skipping('foreign key', 'true', 60);
SELECT * FROM skipping('after row', 'true', 300);
SELECT kind, string_agg(DISTINCT nullif(wrong, ''), '; ') AS wrong
  FROM kinds, unnest('{30,1000}'::int[]) AS size, skipping(kind, 'i % 3 = 0', size)
 GROUP BY kind ORDER BY kind;
RESET work_mem;

-- Errors that end the call, and name the row: nothing is kept, also not while the row is searched for
CREATE FUNCTION stopping(of_kind text, size int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    k kinds := (SELECT kinds FROM kinds WHERE kind = of_kind);
    context text;
BEGIN
    TRUNCATE t;
    INSERT INTO t TABLE before;
    TRUNCATE kept;
    DROP TRIGGER IF EXISTS after_row ON t;
    IF of_kind = 'after row' THEN
        CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION after_row();
    END IF;
    BEGIN
        PERFORM bulk_update_query('t', format($s$SELECT i, %s, %s, %s, %s, %s, repeat(md5((-i)::text), 100) FROM generate_series(1, 300) AS i, LATERAL (SELECT i = 100 AS bad) AS b$s$,
            k.v, k.u, CASE WHEN of_kind = 'deferrable unique' THEN 'CASE WHEN bad THEN 101 ELSE i END' ELSE k.s END, k.ref, k.late),
            '{id,v,u,s,ref,late,wide}', chunk_size => size, old_values => 'kept');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
        RETURN format('%s: %s; %s; kept %s', sqlstate, sqlerrm,
            (regexp_match(context, '(chunk \d+, source rows \d+ to \d+|at the end of the call)'))[1] || ', ' || coalesce((regexp_match(context, '(source row \d+ with key \S+|at the row with key \S+)'))[1], ''),
            (SELECT count(*) FROM kept));
    END;
    RETURN format('no error, kept %s', (SELECT count(*) FROM kept));
END
$$;
UPDATE kinds SET u = 'CASE WHEN bad THEN 1010 ELSE i * 10 + 1 END' WHERE kind = 'unique';
SELECT kind, size, stopping(kind, size) FROM kinds, unnest('{30,1000}'::int[]) AS size WHERE kind <> 'cast' ORDER BY kind, size;
DROP TRIGGER IF EXISTS after_row ON t;

-- A foreign key's action, which the executor does not know the row of: it is found by applying the rows again
CREATE TABLE below (u int REFERENCES t (u) ON UPDATE CASCADE, CHECK (u <> 5000));
INSERT INTO below SELECT u FROM t;
TRUNCATE kept;
\set VERBOSITY terse
SELECT bulk_update_query('t', 'SELECT i, CASE i WHEN 150 THEN 5000 ELSE 3000 + i END FROM generate_series(1, 300) AS i', '{id,u}', chunk_size => 80, old_values => 'kept');
\set VERBOSITY default
SELECT count(*) FROM kept;
SELECT sum(rows_updated) AS updated, sum(rows_rejected) AS rejected
  FROM bulk_update_query('t', 'SELECT i, CASE i % 50 WHEN 0 THEN 5000 ELSE 30000 + i END FROM generate_series(1, 300) AS i', '{id,u}', chunk_size => 80, on_error => 'skip', old_values => 'kept');
SELECT count(*), count(*) FILTER (WHERE new_u = t.u) AS new, count(*) FILTER (WHERE old_u = before.u) AS old FROM kept JOIN t USING (id) JOIN before USING (id);
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept');
SELECT count(*) FROM ((TABLE t EXCEPT TABLE before) UNION ALL (SELECT below.*, NULL, NULL, NULL, NULL, NULL, NULL FROM below WHERE u % 10 <> 0 )) AS d;

-- Deferred constraints are checked at commit: what was kept goes with the transaction
DROP TABLE below;
TRUNCATE kept;
\set VERBOSITY terse
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT sum(rows_updated), sum(rows_rejected) FROM bulk_update_query('t', 'SELECT i, 999 FROM generate_series(1, 300) AS i', '{id,late}', on_error => 'skip', chunk_size => 80, old_values => 'kept');
SELECT count(*) FROM kept;
COMMIT;
SELECT count(*) FROM kept;
-- An undo repairs them before that
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT i, 999, 7 FROM generate_series(1, 300) AS i', '{id,late,s}', chunk_size => 80, old_values => 'kept');
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept');
COMMIT;
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;

-- An undo of values that trade places in a unique column: a deferrable constraint is checked at its end
TRUNCATE kept;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT i, i % 300 + 1 FROM generate_series(1, 300) AS i', '{id,s}', chunk_size => 80, old_values => 'kept');
SELECT sum(rows_updated) FROM bulk_update_undo('t', 'kept', chunk_size => 70);
SELECT count(*) FROM (TABLE t EXCEPT TABLE before) AS d;
\set VERBOSITY default
DROP SCHEMA old_values_errors CASCADE;
