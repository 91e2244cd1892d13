-- Questions to ask of a bulk update. Each is one statement, to be copied.
--
-- The whole file runs after a call whose report and rejects were kept, in one of
--     CREATE TABLE report AS SELECT * FROM bulk_update('objects', 'new_values',
--         on_error => 'skip', rejects => 'objects_rejects');
-- usage: psql -f cheatsheet.sql

\echo '--- Progress: from another session, while the call runs. With \\watch 2 instead of the semicolon: every 2 seconds.'

-- How far is it, and how long will it take? (The estimate of rows is the planner's.)
SELECT target, phase, chunk, rows_fetched, rows_estimated,
       round(100.0 * rows_fetched / nullif(greatest(rows_estimated, rows_fetched), 0)) AS percent,
       rows_per_second, date_trunc('second', elapsed) AS elapsed,
       make_interval(secs => greatest(rows_estimated - rows_fetched, 0) / nullif(rows_per_second, 0)) AS remaining
FROM bulk_update_progress;

-- What has become of the rows so far?
SELECT pid, target, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected
FROM bulk_update_progress;

-- Is it waiting for somebody, and for whom?
SELECT p.pid, p.target, a.wait_event_type, a.wait_event, pg_blocking_pids(p.pid) AS blocked_by
FROM bulk_update_progress AS p JOIN pg_stat_activity AS a USING (pid);

-- Does it sort, and how much is in temporary files?
SELECT pid, target, ordering, pg_size_pretty(spilled_bytes) AS spilled FROM bulk_update_progress;

\echo '--- The account: of the report.'

-- What became of the rows? "fetched" is the sum of the others. (A call with report => 'total' returns this row itself.)
SELECT sum(rows_fetched) AS fetched, sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged,
       sum(rows_missing) AS missing, sum(rows_duplicate) AS duplicate, sum(rows_rejected) AS rejected
FROM report;

-- The same, a line for each outcome
SELECT outcome, sum(rows) AS rows, round(100 * sum(rows) / nullif(sum(sum(rows)) OVER (), 0), 1) AS percent
FROM report
     CROSS JOIN LATERAL (VALUES
         ('updated', rows_updated), ('unchanged', rows_unchanged), ('missing', rows_missing),
         ('duplicate', rows_duplicate), ('rejected', rows_rejected)) AS o(outcome, rows)
GROUP BY outcome
ORDER BY rows DESC, outcome;

-- How long did it take, how fast was it, how much memory and how many temporary files did it need?
SELECT count(*) AS chunks, round(sum(elapsed_ms) / 1000) AS seconds,
       round(1000 * sum(rows_fetched) / nullif(sum(elapsed_ms), 0)) AS rows_per_second,
       pg_size_pretty(max(memory_bytes)) AS memory, pg_size_pretty(max(spilled_bytes)) AS spilled
FROM report;

-- Which chunks were the slowest?
SELECT chunk, rows_fetched, rows_rejected, first_key, last_key, round(elapsed_ms) AS ms,
       round((elapsed_ms / avg(elapsed_ms) OVER ())::numeric, 1) AS times_the_mean
FROM report
ORDER BY elapsed_ms DESC
LIMIT 5;

-- Where are the keys that the table does not have?
SELECT chunk, rows_missing, first_key, last_key
FROM report
WHERE rows_missing > 0
ORDER BY rows_missing DESC
LIMIT 5;

-- Which way were the chunks applied, and did their rows have to be sorted?
SELECT applier, ordering, count(*) AS chunks, sum(rows_fetched) AS rows
FROM report
GROUP BY applier, ordering;

\echo '--- Rejects: of the table that bulk_update_create_rejects made.'

-- Which runs are there, and what is left of them?
SELECT run, reason, count(*) FROM objects_rejects GROUP BY run, reason ORDER BY run, reason;

-- Why were rows of the last run rejected?
SELECT sqlstate, constraint_name, count(*), min(message) AS for_example
FROM objects_rejects
WHERE run = (SELECT max(run) FROM objects_rejects) AND reason = 'error'
GROUP BY sqlstate, constraint_name
ORDER BY count(*) DESC;

-- The first of them, as they came
SELECT source_row, key, new_values, message, detail
FROM objects_rejects
WHERE run = (SELECT max(run) FROM objects_rejects) AND reason = 'error'
ORDER BY source_row
LIMIT 5;

-- The rejected rows beside what the table has
SELECT j.source_row, j.reason, o AS has, j.new_values AS should_have
FROM objects_rejects AS j
     LEFT JOIN objects AS o ON to_jsonb(o.id) = j.key -> 'id'
WHERE j.run = (SELECT max(run) FROM objects_rejects)
ORDER BY j.source_row
LIMIT 5;

-- Once they are repaired (UPDATE objects_rejects SET new_values = …): would they go in now? Try it, and take it back. (A dry
-- run would not tell: constraints and triggers act when a row is written.)
BEGIN;

SELECT rows_updated AS updated, rows_missing AS missing, rows_rejected AS rejected
FROM bulk_update_query('objects', $$
    SELECT r.id, r.field1, r.field2
    FROM objects_rejects AS j CROSS JOIN jsonb_populate_record(NULL::objects, j.key || j.new_values) AS r
    WHERE j.run = (SELECT max(run) FROM objects_rejects) AND j.reason = 'error' $$,
    on_error => 'skip', report => 'total');

ROLLBACK;
