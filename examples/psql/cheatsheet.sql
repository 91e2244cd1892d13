-- Queries about a bulk update. Each is one statement, to be copied.
--
-- The whole file runs after a call whose report, rejects and old values were saved, for example by
--     CREATE TABLE report AS SELECT * FROM bulk_update('objects', 'new_values',
--         on_error => 'skip', rejects => 'objects_rejects', old_values => 'objects_old_values');
-- usage: psql -f cheatsheet.sql

\echo '--- Progress: from another session, while the call runs. With \\watch 2 instead of the semicolon: every 2 seconds.'

-- How much is done, and how long will it take? (The number of rows is the planner's estimate.)
SELECT target, phase, chunk, rows_fetched, rows_estimated,
       round(100.0 * rows_fetched / nullif(greatest(rows_estimated, rows_fetched), 0)) AS percent,
       rows_per_second, date_trunc('second', elapsed) AS elapsed,
       make_interval(secs => greatest(rows_estimated - rows_fetched, 0) / nullif(rows_per_second, 0)) AS remaining
FROM bulk_update_progress;

-- How many rows have had each outcome so far?
SELECT pid, target, rows_updated, rows_unchanged, rows_missing, rows_stale, rows_duplicate, rows_rejected
FROM bulk_update_progress;

-- Is it waiting for another session, and for which one?
SELECT p.pid, p.target, a.wait_event_type, a.wait_event, pg_blocking_pids(p.pid) AS blocked_by
FROM bulk_update_progress AS p JOIN pg_stat_activity AS a USING (pid);

-- Does it sort, and how much is in temporary files?
SELECT pid, target, ordering, pg_size_pretty(spilled_bytes) AS spilled FROM bulk_update_progress;

\echo '--- The report.'

-- How many rows had each outcome? "fetched" is the sum of the others. (report => 'total' returns this row.)
SELECT sum(rows_fetched) AS fetched, sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged,
       sum(rows_missing) AS missing, sum(rows_stale) AS stale, sum(rows_duplicate) AS duplicate,
       sum(rows_rejected) AS rejected
FROM report;

-- The same, with one row for each outcome
SELECT outcome, sum(rows) AS rows, round(100 * sum(rows) / nullif(sum(sum(rows)) OVER (), 0), 1) AS percent
FROM report
     CROSS JOIN LATERAL (VALUES
         ('updated', rows_updated), ('unchanged', rows_unchanged), ('missing', rows_missing),
         ('stale', rows_stale), ('duplicate', rows_duplicate), ('rejected', rows_rejected)) AS o(outcome, rows)
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

-- In which chunks are keys missing from the table?
SELECT chunk, rows_missing, first_key, last_key
FROM report
WHERE rows_missing > 0
ORDER BY rows_missing DESC
LIMIT 5;

-- Which applier was used for the chunks, and did their rows have to be sorted?
SELECT applier, ordering, count(*) AS chunks, sum(rows_fetched) AS rows
FROM report
GROUP BY applier, ordering;

\echo '--- Rejects, in a table created by bulk_update_create_rejects.'

-- Which runs are recorded, and how many rows of each?
SELECT run, reason, count(*) FROM objects_rejects GROUP BY run, reason ORDER BY run, reason;

-- Why were rows of the last run rejected?
SELECT sqlstate, constraint_name, count(*), min(message) AS for_example
FROM objects_rejects
WHERE run = (SELECT max(run) FROM objects_rejects) AND reason = 'error'
GROUP BY sqlstate, constraint_name
ORDER BY count(*) DESC;

-- The first of them, in source order
SELECT source_row, key, new_values, message, detail
FROM objects_rejects
WHERE run = (SELECT max(run) FROM objects_rejects) AND reason = 'error'
ORDER BY source_row
LIMIT 5;

-- The rejected rows, with the values in the table
SELECT j.source_row, j.reason, o AS has, j.new_values AS should_have
FROM objects_rejects AS j
     LEFT JOIN objects AS o ON to_jsonb(o.id) = j.key -> 'id'
WHERE j.run = (SELECT max(run) FROM objects_rejects)
ORDER BY j.source_row
LIMIT 5;

-- After repairing them (UPDATE objects_rejects SET new_values = …), can they be applied? Try it, and roll back. (A dry
-- run does not show this: constraints and triggers take effect when a row is written.)
BEGIN;

SELECT rows_updated AS updated, rows_missing AS missing, rows_rejected AS rejected
FROM bulk_update_query('objects', $$
    SELECT r.id, r.field1, r.field2
    FROM objects_rejects AS j CROSS JOIN jsonb_populate_record(NULL::objects, j.key || j.new_values) AS r
    WHERE j.run = (SELECT max(run) FROM objects_rejects) AND j.reason = 'error' $$,
    on_error => 'skip', report => 'total');

ROLLBACK;

\echo '--- Old values, in a table created by bulk_update_create_old_values.'

-- Which runs are kept, and how many rows of each?
SELECT run, count(*) FROM objects_old_values GROUP BY run ORDER BY run;

-- What has the last run changed?
SELECT id, old_field1, new_field1, old_field2, new_field2
FROM objects_old_values
WHERE run = (SELECT max(run) FROM objects_old_values)
ORDER BY source_row
LIMIT 5;

-- If it was undone, how many rows would get their old values, and how many have changed since or are gone?
SELECT rows_updated AS updated, rows_unchanged AS unchanged, rows_stale AS stale, rows_missing AS missing
FROM bulk_update_undo('objects', 'objects_old_values', dry_run => true, report => 'total');

-- Which rows have changed since?
SELECT k.id, k.new_field1, k.new_field2, o AS has
FROM objects_old_values AS k JOIN objects AS o USING (id)
WHERE k.run = (SELECT max(run) FROM objects_old_values)
      AND (o.field1, o.field2) IS DISTINCT FROM (k.new_field1, k.new_field2)
ORDER BY k.source_row
LIMIT 5;
