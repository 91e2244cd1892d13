/* bulk_update--1.0.sql */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION bulk_update" to load this file. \quit

CREATE TYPE bulk_update_chunk AS (
    chunk          bigint,
    rows_fetched   bigint,
    rows_updated   bigint,
    rows_unchanged bigint,
    rows_missing   bigint,
    rows_stale     bigint,
    rows_duplicate bigint,
    rows_rejected  bigint,
    first_key      text,
    last_key       text,
    elapsed_ms     double precision,
    memory_bytes   bigint,
    applier        text,
    ordering       text,
    spilled_bytes  bigint
);

COMMENT ON TYPE bulk_update_chunk IS
'outcomes of the source rows of a chunk, or of the whole call';

COMMENT ON COLUMN bulk_update_chunk.chunk IS 'number of the chunk; in a total, number of chunks';
COMMENT ON COLUMN bulk_update_chunk.rows_fetched IS 'source rows: the sum of the next six columns';
COMMENT ON COLUMN bulk_update_chunk.rows_updated IS 'rows updated';
COMMENT ON COLUMN bulk_update_chunk.rows_unchanged IS 'rows that already have these values, or whose update a trigger suppressed';
COMMENT ON COLUMN bulk_update_chunk.rows_missing IS 'source rows whose key no row has';
COMMENT ON COLUMN bulk_update_chunk.rows_stale IS 'rows that do not have the values that the source expects';
COMMENT ON COLUMN bulk_update_chunk.rows_duplicate IS 'source rows that were not applied because another one has the same key';
COMMENT ON COLUMN bulk_update_chunk.rows_rejected IS 'source rows that could not be applied';
COMMENT ON COLUMN bulk_update_chunk.first_key IS 'lowest key; null if no row has a key';
COMMENT ON COLUMN bulk_update_chunk.last_key IS 'highest key';
COMMENT ON COLUMN bulk_update_chunk.elapsed_ms IS 'time in milliseconds';
COMMENT ON COLUMN bulk_update_chunk.memory_bytes IS 'maximum memory of the extension';
COMMENT ON COLUMN bulk_update_chunk.applier IS 'direct or sql; in a total, mixed if chunks differ; null if there was no row to apply';
COMMENT ON COLUMN bulk_update_chunk.ordering IS 'stream, or sort if rows had to be sorted, or place; null if there were no rows';
COMMENT ON COLUMN bulk_update_chunk.spilled_bytes IS 'bytes written to temporary files for ordering, duplicates and index entries since the call began';

CREATE FUNCTION bulk_update(
    target         regclass,
    source         refcursor,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS SETOF bulk_update_chunk
AS 'MODULE_PATHNAME', 'bulk_update_cursor'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update(regclass, refcursor, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'update a table from an open cursor of (key, new values), in chunks of bounded size';

-- A literal without a type is resolved to this one, a variable of PL/pgSQL to the one above.
CREATE FUNCTION bulk_update(
    target         regclass,
    source         text,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS SETOF bulk_update_chunk
AS 'MODULE_PATHNAME', 'bulk_update_cursor'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update(regclass, text, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'the same with the name of the cursor as text, for drivers that bind it as a parameter of this type';

CREATE FUNCTION bulk_update_query(
    target         regclass,
    query          text,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS SETOF bulk_update_chunk
AS 'MODULE_PATHNAME', 'bulk_update_query'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update_query(regclass, text, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'update a table from the rows of a query for (key, new values), in chunks of bounded size';

CREATE FUNCTION bulk_update_arrays(
    target         regclass,
    columns        name[],
    arrays         record,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS SETOF bulk_update_chunk
AS 'MODULE_PATHNAME', 'bulk_update_arrays'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update_arrays(regclass, name[], record, name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'update a table from arrays of keys and new values, one array for each column, in chunks of bounded size';

CREATE FUNCTION bulk_update_explain(
    target         regclass,
    source         refcursor,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS TABLE (
    topic  text,
    detail text
)
AS 'MODULE_PATHNAME', 'bulk_update_explain_cursor'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 1000 ROWS 30;

COMMENT ON FUNCTION bulk_update_explain(regclass, refcursor, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'report what bulk_update with the same arguments would do, without doing it';

CREATE FUNCTION bulk_update_explain(
    target         regclass,
    source         text,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS TABLE (
    topic  text,
    detail text
)
AS 'MODULE_PATHNAME', 'bulk_update_explain_cursor'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 1000 ROWS 30;

COMMENT ON FUNCTION bulk_update_explain(regclass, text, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'the same with the name of the cursor as text, for drivers that bind it as a parameter of this type';

CREATE FUNCTION bulk_update_explain_query(
    target         regclass,
    query          text,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL
) RETURNS TABLE (
    topic  text,
    detail text
)
AS 'MODULE_PATHNAME', 'bulk_update_explain_query'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 1000 ROWS 30;

COMMENT ON FUNCTION bulk_update_explain_query(regclass, text, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, name[], text,
    regclass) IS
'report what bulk_update_query with the same arguments would do, without doing it';

-- one number for each call with a table of rejects or of old values
CREATE SEQUENCE bulk_update_run;
GRANT USAGE ON SEQUENCE bulk_update_run TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('bulk_update_run', '');

COMMENT ON SEQUENCE bulk_update_run IS
'numbers of the calls of bulk_update that recorded rejected rows or old values';

CREATE FUNCTION bulk_update_create_rejects(name text)
RETURNS regclass
AS 'MODULE_PATHNAME', 'bulk_update_create_rejects'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_create_rejects(text) IS
'create a table to record the rows that bulk_update does not apply';

CREATE FUNCTION bulk_update_create_old_values(
    name           text,
    target         regclass,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL
) RETURNS regclass
AS 'MODULE_PATHNAME', 'bulk_update_create_old_values'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_create_old_values(text, regclass, name[], name[]) IS
'create a table to keep the values that bulk_update replaces';

CREATE FUNCTION bulk_update_undo(
    target         regclass,
    old_values     regclass,
    run            bigint   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    chunk_size     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT true,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    ordering       text     DEFAULT 'auto',
    report         text     DEFAULT 'chunks',
    on_stale       text     DEFAULT 'ignore',
    redo_values    regclass DEFAULT NULL
) RETURNS SETOF bulk_update_chunk
AS 'MODULE_PATHNAME', 'bulk_update_undo'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update_undo(regclass, regclass, bigint, name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, text, text, text, regclass) IS
'give the rows that a call of bulk_update updated their old values back, except rows that have changed since';

-- jobs: one row for each; only the functions below write these two tables
CREATE TABLE bulk_update_job (
    run                bigint      PRIMARY KEY,
    name               text        NOT NULL UNIQUE,
    owner              oid         NOT NULL, -- of the table of rows, when it was created or accepted
    target             regclass    NOT NULL,
    rows_table         regclass    NOT NULL,
    rows_table_oid     oid         NOT NULL, -- another one after a restore
    rows_xmin          xid,                  -- of all rows; null after a restore
    rows_total         bigint      NOT NULL,
    rows_to_apply      bigint      NOT NULL,
    undoes             bigint,
    columns            name[]      NOT NULL,
    key_columns        name[]      NOT NULL,
    expected_columns   name[],
    on_missing         text        NOT NULL,
    on_duplicate       text        NOT NULL,
    on_error           text        NOT NULL,
    on_stale           text        NOT NULL,
    skip_unchanged     boolean     NOT NULL,
    dry_run            boolean     NOT NULL,
    rejects            regclass,
    reject_limit       bigint,
    rows_rejected      bigint      NOT NULL, -- counted only if there is a limit
    old_values         regclass,
    batch_rows         integer     NOT NULL,
    pause              interval,
    rows_per_second    bigint,
    lock_timeout       interval,
    max_retries        integer     NOT NULL DEFAULT 5,
    max_replica_lag    interval,
    max_slot_lag_bytes bigint,
    throttle_query     text,
    max_throttle       interval    NOT NULL DEFAULT '1 hour',
    paused             boolean     NOT NULL DEFAULT false,
    cancelled          boolean     NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL
);

-- batch 0 has the rows that were not stored when the job was created
CREATE TABLE bulk_update_job_batch (
    run            bigint NOT NULL,
    batch          bigint NOT NULL,
    first_row      bigint NOT NULL,
    last_row       bigint NOT NULL,
    state          text   NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    failures       integer NOT NULL DEFAULT 0,
    rows_updated   bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_missing   bigint NOT NULL DEFAULT 0,
    rows_stale     bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected  bigint NOT NULL DEFAULT 0,
    first_key      text,
    last_key       text,
    started_at     timestamptz,
    finished_at    timestamptz,
    failed_at      timestamptz,
    sqlstate       text,
    message        text,
    detail         text,
    PRIMARY KEY (run, batch)
);

-- so that a batch takes no longer when many are done
CREATE INDEX bulk_update_job_batch_left ON bulk_update_job_batch (run, state, first_row) WHERE state <> 'done';

-- A table that has been dropped would be dumped as a number, which can be that of any table after a restore.
SELECT pg_catalog.pg_extension_config_dump('bulk_update_job', $$
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) target::pg_catalog.oid)
      AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) rows_table::pg_catalog.oid)
      AND (rejects IS NULL
           OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) rejects::pg_catalog.oid))
      AND (old_values IS NULL
           OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) old_values::pg_catalog.oid))
    $$);
SELECT pg_catalog.pg_extension_config_dump('bulk_update_job_batch', '');

-- whoever creates the extension in a database of his own can dump it
GRANT SELECT ON bulk_update_job, bulk_update_job_batch, bulk_update_run TO @extowner@;

COMMENT ON TABLE bulk_update_job IS 'the jobs of bulk_update; see the view bulk_update_jobs';
COMMENT ON TABLE bulk_update_job_batch IS 'their batches; see the view bulk_update_job_batches';

CREATE FUNCTION bulk_update_job_create(
    name           text,
    target         regclass,
    query          text,
    columns        name[]   DEFAULT NULL,
    key_columns    name[]   DEFAULT NULL,
    batch_rows     integer  DEFAULT 10000,
    on_missing     text     DEFAULT 'ignore',
    on_duplicate   text     DEFAULT 'error',
    on_error       text     DEFAULT 'stop',
    skip_unchanged boolean  DEFAULT false,
    rejects        regclass DEFAULT NULL,
    reject_limit   bigint   DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    expected_columns name[] DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    old_values     regclass DEFAULT NULL,
    rows_table     text     DEFAULT NULL
) RETURNS bigint
AS 'MODULE_PATHNAME', 'bulk_update_job_create'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000;

COMMENT ON FUNCTION bulk_update_job_create(text, regclass, text, name[], name[], integer,
    text, text, text, boolean, regclass, bigint, boolean, name[], text, regclass, text) IS
'create a job, which updates a table from the rows of a query in batches that are committed';

CREATE PROCEDURE bulk_update_job_run(
    name        text,
    max_batches bigint   DEFAULT NULL,
    max_time    interval DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'bulk_update_job_run'
LANGUAGE C SECURITY INVOKER;

COMMENT ON PROCEDURE bulk_update_job_run(text, bigint, interval) IS
'run the batches of a job that are not done, and commit each';

CREATE FUNCTION bulk_update_job_alter(
    name               text,
    batch_rows         integer  DEFAULT NULL,
    pause              interval DEFAULT NULL,
    rows_per_second    bigint   DEFAULT NULL,
    lock_timeout       interval DEFAULT NULL,
    max_retries        integer  DEFAULT NULL,
    max_replica_lag    interval DEFAULT NULL,
    max_slot_lag_bytes bigint   DEFAULT NULL,
    throttle_query     text     DEFAULT NULL,
    max_throttle       interval DEFAULT NULL
) RETURNS void
AS 'MODULE_PATHNAME', 'bulk_update_job_alter'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_job_alter(text, integer, interval, bigint, interval, integer,
    interval, bigint, text, interval) IS
'change how a job runs, from its next batch on';

CREATE FUNCTION bulk_update_job_pause(name text) RETURNS void
AS 'MODULE_PATHNAME', 'bulk_update_job_pause'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_job_pause(text) IS
'let no more batches of a job begin until bulk_update_job_resume()';

CREATE FUNCTION bulk_update_job_resume(name text) RETURNS void
AS 'MODULE_PATHNAME', 'bulk_update_job_resume'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_job_resume(text) IS
'let a job run again that was paused, or restored from a dump';

CREATE FUNCTION bulk_update_job_cancel(name text) RETURNS void
AS 'MODULE_PATHNAME', 'bulk_update_job_cancel'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_job_cancel(text) IS
'let no more batches of a job ever begin';

CREATE FUNCTION bulk_update_job_drop(name text) RETURNS void
AS 'MODULE_PATHNAME', 'bulk_update_job_drop'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE;

COMMENT ON FUNCTION bulk_update_job_drop(text) IS
'remove a job that no session runs, with its rows that were to be applied';

CREATE FUNCTION bulk_update_job_undo(
    name           text,
    new_name       text,
    batch_rows     integer  DEFAULT NULL,
    on_stale       text     DEFAULT 'ignore',
    rejects        regclass DEFAULT NULL,
    dry_run        boolean  DEFAULT false,
    redo_values    regclass DEFAULT NULL,
    rows_table     text     DEFAULT NULL
) RETURNS bigint
AS 'MODULE_PATHNAME', 'bulk_update_job_undo'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000;

COMMENT ON FUNCTION bulk_update_job_undo(text, text, integer, text, regclass, boolean, regclass, text) IS
'create a job that gives the rows that another job has updated their old values back';

CREATE FUNCTION bulk_update_progress_entries(
    OUT pid            integer,
    OUT datid          oid,
    OUT usesysid       oid,
    OUT relid          oid,
    OUT phase          bigint,
    OUT chunk          bigint,
    OUT rows_fetched   bigint,
    OUT rows_updated   bigint,
    OUT rows_unchanged bigint,
    OUT rows_missing   bigint,
    OUT rows_stale     bigint,
    OUT rows_duplicate bigint,
    OUT rows_rejected  bigint,
    OUT rows_estimated bigint,
    OUT started_at     timestamptz,
    OUT ordering       bigint,
    OUT spilled_bytes  bigint,
    OUT job            bigint,
    OUT batch          bigint,
    OUT waits_for      bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'bulk_update_progress_entries'
LANGUAGE C VOLATILE STRICT SECURITY INVOKER PARALLEL RESTRICTED
ROWS 10;

COMMENT ON FUNCTION bulk_update_progress_entries() IS
'the data of the view bulk_update_progress';

CREATE VIEW bulk_update_progress AS
SELECT p.pid,
       d.datname,
       pg_get_userbyid(p.usesysid) AS usename,
       CASE WHEN d.datname = current_database() THEN p.relid::regclass END AS target,
       CASE p.phase WHEN 1 THEN 'fetching'
                    WHEN 2 THEN 'sorting'
                    WHEN 3 THEN 'applying'
                    WHEN 4 THEN 'recording rejects'
                    WHEN 5 THEN 'entering index entries'
                    WHEN 6 THEN 'keeping old values'
                    WHEN 7 THEN 'waiting' END AS phase,
       p.chunk,
       p.rows_fetched,
       p.rows_updated,
       p.rows_unchanged,
       p.rows_missing,
       p.rows_stale,
       p.rows_duplicate,
       p.rows_rejected,
       nullif(p.rows_estimated, -1) AS rows_estimated,
       (p.rows_fetched::numeric / nullif(extract(epoch FROM e.elapsed), 0::numeric))::bigint AS rows_per_second,
       e.elapsed,
       p.started_at,
       CASE p.ordering WHEN 1 THEN 'sort'
                       WHEN 2 THEN 'stream'
                       WHEN 3 THEN 'place' END AS ordering,
       p.spilled_bytes,
       nullif(p.job, 0) AS job,
       CASE WHEN p.job <> 0 THEN nullif(p.batch, 0) END AS batch,
       CASE p.waits_for WHEN 1 THEN 'pause'
                        WHEN 2 THEN 'rows_per_second'
                        WHEN 3 THEN 'max_replica_lag'
                        WHEN 4 THEN 'max_slot_lag_bytes'
                        WHEN 5 THEN 'throttle_query'
                        WHEN 6 THEN 'retry' END AS waits_for
FROM bulk_update_progress_entries() AS p
     LEFT JOIN pg_database AS d ON d.oid = p.datid
     CROSS JOIN LATERAL (SELECT clock_timestamp() - p.started_at AS elapsed) AS e;

COMMENT ON VIEW bulk_update_progress IS
'the running calls of bulk_update';

COMMENT ON COLUMN bulk_update_progress.pid IS 'process ID of the backend';
COMMENT ON COLUMN bulk_update_progress.datname IS 'its database';
COMMENT ON COLUMN bulk_update_progress.usename IS 'its user';
COMMENT ON COLUMN bulk_update_progress.target IS 'table that is updated; null in another database';
COMMENT ON COLUMN bulk_update_progress.phase IS 'fetching, sorting, applying, recording rejects, keeping old values, entering index entries or waiting';
COMMENT ON COLUMN bulk_update_progress.chunk IS 'number of finished chunks';
COMMENT ON COLUMN bulk_update_progress.rows_fetched IS 'source rows fetched so far';
COMMENT ON COLUMN bulk_update_progress.rows_updated IS 'rows updated';
COMMENT ON COLUMN bulk_update_progress.rows_unchanged IS 'rows that already have these values, or whose update a trigger suppressed';
COMMENT ON COLUMN bulk_update_progress.rows_missing IS 'source rows whose key no row has';
COMMENT ON COLUMN bulk_update_progress.rows_stale IS 'rows that do not have the values that the source expects';
COMMENT ON COLUMN bulk_update_progress.rows_duplicate IS 'source rows that were not applied because another one has the same key';
COMMENT ON COLUMN bulk_update_progress.rows_rejected IS 'source rows that could not be applied';
COMMENT ON COLUMN bulk_update_progress.rows_estimated IS 'rows that the planner expects from the source; null if not known';
COMMENT ON COLUMN bulk_update_progress.rows_per_second IS 'source rows fetched per second';
COMMENT ON COLUMN bulk_update_progress.elapsed IS 'time since the call began';
COMMENT ON COLUMN bulk_update_progress.started_at IS 'start time of the call';
COMMENT ON COLUMN bulk_update_progress.ordering IS 'stream, or sort if rows had to be sorted, or place';
COMMENT ON COLUMN bulk_update_progress.spilled_bytes IS 'bytes written to temporary files for ordering and duplicates';
COMMENT ON COLUMN bulk_update_progress.job IS 'run of the job to which the call belongs, or null';
COMMENT ON COLUMN bulk_update_progress.batch IS 'batch of the job that is run';
COMMENT ON COLUMN bulk_update_progress.waits_for IS 'what a job waits for between two batches';

GRANT SELECT ON bulk_update_progress TO PUBLIC;

/*
 * What others may see is decided as for pg_stat_activity, before any of their own conditions.  A
 * session that runs a job holds a lock of its number; one that runs a batch, the lock of its row.
 */
CREATE VIEW bulk_update_job_batches WITH (security_barrier) AS
SELECT j.name,
       b.batch,
       CASE WHEN b.state <> 'pending' THEN b.state
            WHEN l.pid IS NOT NULL THEN 'running'
            ELSE 'pending' END AS state,
       l.pid,
       b.first_row,
       b.last_row,
       b.rows_updated,
       b.rows_unchanged,
       b.rows_missing,
       b.rows_stale,
       b.rows_duplicate,
       b.rows_rejected,
       b.first_key,
       b.last_key,
       b.started_at,
       b.finished_at,
       b.failures,
       b.failed_at,
       b.sqlstate,
       b.message,
       b.detail
FROM bulk_update_job AS j
     LEFT JOIN pg_class AS c ON c.oid = j.rows_table
     JOIN bulk_update_job_batch AS b ON b.run = j.run
     LEFT JOIN LATERAL (
         SELECT h.pid
         FROM pg_locks AS h
         WHERE b.state = 'pending' AND h.locktype = 'transactionid' AND h.granted
           AND h.mode = 'ExclusiveLock' AND h.transactionid = b.xmax
         LIMIT 1) AS l ON true
WHERE pg_has_role(coalesce(c.relowner, j.owner), 'USAGE') OR pg_has_role('pg_read_all_stats', 'USAGE');

COMMENT ON VIEW bulk_update_job_batches IS 'the batches of jobs, with their account';

COMMENT ON COLUMN bulk_update_job_batches.name IS 'name of the job';
COMMENT ON COLUMN bulk_update_job_batches.batch IS 'number of the batch; 0 has the rows that were decided when the job was created';
COMMENT ON COLUMN bulk_update_job_batches.state IS 'pending, running, done or failed';
COMMENT ON COLUMN bulk_update_job_batches.pid IS 'process ID of the session that runs it';
COMMENT ON COLUMN bulk_update_job_batches.first_row IS 'number of its first row, in key order';
COMMENT ON COLUMN bulk_update_job_batches.last_row IS 'number of its last row';
COMMENT ON COLUMN bulk_update_job_batches.rows_updated IS 'rows updated; the six outcomes are as in bulk_update_chunk';
COMMENT ON COLUMN bulk_update_job_batches.rows_unchanged IS 'rows that already have these values, or whose update a trigger suppressed';
COMMENT ON COLUMN bulk_update_job_batches.rows_missing IS 'source rows whose key no row has';
COMMENT ON COLUMN bulk_update_job_batches.rows_stale IS 'rows that do not have the values that the source expects';
COMMENT ON COLUMN bulk_update_job_batches.rows_duplicate IS 'source rows that were not applied because another one has the same key';
COMMENT ON COLUMN bulk_update_job_batches.rows_rejected IS 'source rows that could not be applied';
COMMENT ON COLUMN bulk_update_job_batches.first_key IS 'lowest key';
COMMENT ON COLUMN bulk_update_job_batches.last_key IS 'highest key';
COMMENT ON COLUMN bulk_update_job_batches.started_at IS 'when the transaction that has done it began with it';
COMMENT ON COLUMN bulk_update_job_batches.finished_at IS 'when its account was written';
COMMENT ON COLUMN bulk_update_job_batches.failures IS 'how often it has failed';
COMMENT ON COLUMN bulk_update_job_batches.failed_at IS 'when it failed the last time';
COMMENT ON COLUMN bulk_update_job_batches.sqlstate IS 'SQLSTATE of that error';
COMMENT ON COLUMN bulk_update_job_batches.message IS 'its message';
COMMENT ON COLUMN bulk_update_job_batches.detail IS 'and its detail';

CREATE VIEW bulk_update_jobs WITH (security_barrier) AS
SELECT j.name,
       pg_get_userbyid(o.owner) AS owner,
       d.target,
       CASE WHEN d.run IS NULL THEN NULL
            WHEN d.cancelled THEN 'cancelled'
            WHEN b.batches_done = b.batches THEN 'done'
            WHEN d.paused OR d.rows_table::oid <> d.rows_table_oid OR o.owner <> d.owner THEN 'paused'
            WHEN s.processes IS NOT NULL THEN 'running'
            WHEN b.batches_failed > 0 THEN 'failed'
            WHEN b.batches_done = 0 THEN 'created'
            ELSE 'interrupted' END AS state,
       s.processes,
       s.waits_for,
       CASE WHEN d.run IS NOT NULL THEN b.batches END AS batches,
       CASE WHEN d.run IS NOT NULL THEN b.batches_done END AS batches_done,
       CASE WHEN d.run IS NOT NULL THEN b.batches_failed END AS batches_failed,
       d.rows_total,
       b.rows_done,
       b.rows_updated,
       b.rows_unchanged,
       b.rows_missing,
       b.rows_stale,
       b.rows_duplicate,
       b.rows_rejected,
       r.rows_per_second::bigint AS rows_per_second,
       CASE WHEN s.processes IS NOT NULL AND b.batches_done < b.batches
            THEN clock_timestamp() + (d.rows_total - b.rows_done) / r.rows_per_second * interval '1 second'
       END AS estimated_end,
       e.sqlstate AS last_sqlstate,
       e.message AS last_message,
       e.failed_at AS last_failed_at,
       d.created_at,
       b.started_at,
       b.finished_at,
       d.run,
       d.undoes,
       d.dry_run,
       d.rows_table,
       pg_total_relation_size(d.rows_table) AS rows_table_bytes,
       d.rejects,
       pg_total_relation_size(d.rejects) AS rejects_bytes,
       d.old_values,
       pg_total_relation_size(d.old_values) AS old_values_bytes,
       d.batch_rows,
       d.pause,
       d.rows_per_second AS max_rows_per_second,
       d.lock_timeout,
       d.max_retries,
       d.max_replica_lag,
       d.max_slot_lag_bytes,
       d.throttle_query,
       d.max_throttle
FROM bulk_update_job AS j
     LEFT JOIN pg_class AS t ON t.oid = j.rows_table
     CROSS JOIN LATERAL (SELECT coalesce(t.relowner, j.owner) AS owner) AS o
     LEFT JOIN bulk_update_job AS d
         ON d.run = j.run AND (pg_has_role(o.owner, 'USAGE') OR pg_has_role('pg_read_all_stats', 'USAGE'))
     CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE c.batch > 0) AS batches,
                count(*) FILTER (WHERE c.batch > 0 AND c.state = 'done') AS batches_done,
                count(*) FILTER (WHERE c.state = 'failed') AS batches_failed,
                sum(c.rows_updated + c.rows_unchanged + c.rows_missing + c.rows_stale + c.rows_duplicate
                    + c.rows_rejected)::bigint AS rows_done,
                sum(c.rows_updated)::bigint AS rows_updated,
                sum(c.rows_unchanged)::bigint AS rows_unchanged,
                sum(c.rows_missing)::bigint AS rows_missing,
                sum(c.rows_stale)::bigint AS rows_stale,
                sum(c.rows_duplicate)::bigint AS rows_duplicate,
                sum(c.rows_rejected)::bigint AS rows_rejected,
                min(c.started_at) FILTER (WHERE c.batch > 0) AS started_at,
                CASE WHEN bool_and(c.state = 'done') THEN max(c.finished_at) END AS finished_at
         FROM bulk_update_job_batch AS c
         WHERE c.run = d.run) AS b
     -- the rate of the newest batches, of all sessions together
     CROSS JOIN LATERAL (
         SELECT sum(n.last_row - n.first_row + 1)
                / nullif(extract(epoch FROM max(n.finished_at) - min(n.started_at)), 0) AS rows_per_second
         FROM (SELECT c.first_row, c.last_row, c.started_at, c.finished_at
               FROM bulk_update_job_batch AS c
               WHERE c.run = d.run AND c.batch > 0 AND c.state = 'done'
               ORDER BY c.finished_at DESC
               LIMIT 20) AS n) AS r
     CROSS JOIN LATERAL (
         SELECT array_agg(h.pid ORDER BY h.pid) AS processes,
                string_agg(DISTINCT p.waits_for, ', ' ORDER BY p.waits_for) AS waits_for
         FROM pg_locks AS h
              LEFT JOIN bulk_update_progress AS p ON p.pid = h.pid
         WHERE h.locktype = 'object' AND h.classid = 'bulk_update_job'::regclass
           AND h.database = (SELECT n.oid FROM pg_database AS n WHERE n.datname = current_database())
           AND h.objid::bigint = d.run % 4294967296 AND h.mode = 'ShareLock' AND h.granted) AS s
     LEFT JOIN LATERAL (
         SELECT c.sqlstate, c.message, c.failed_at
         FROM bulk_update_job_batch AS c
         WHERE c.run = d.run AND c.failed_at IS NOT NULL
         ORDER BY c.failed_at DESC
         LIMIT 1) AS e ON true;

COMMENT ON VIEW bulk_update_jobs IS 'the jobs of this database';

COMMENT ON COLUMN bulk_update_jobs.name IS 'name of the job';
COMMENT ON COLUMN bulk_update_jobs.owner IS 'owner of its table of rows, who runs it';
COMMENT ON COLUMN bulk_update_jobs.target IS 'table that is updated; this and the rest is null for roles that may not see it';
COMMENT ON COLUMN bulk_update_jobs.state IS 'created, running, interrupted, paused, failed, cancelled or done';
COMMENT ON COLUMN bulk_update_jobs.processes IS 'process IDs of the sessions that run it';
COMMENT ON COLUMN bulk_update_jobs.waits_for IS 'the settings for which they wait';
COMMENT ON COLUMN bulk_update_jobs.batches IS 'number of batches';
COMMENT ON COLUMN bulk_update_jobs.batches_done IS 'those that are done';
COMMENT ON COLUMN bulk_update_jobs.batches_failed IS 'those that have failed; the next CALL tries them again';
COMMENT ON COLUMN bulk_update_jobs.rows_total IS 'rows of the source';
COMMENT ON COLUMN bulk_update_jobs.rows_done IS 'source rows with an outcome: the sum of the next six columns';
COMMENT ON COLUMN bulk_update_jobs.rows_updated IS 'rows updated';
COMMENT ON COLUMN bulk_update_jobs.rows_unchanged IS 'rows that already have these values, or whose update a trigger suppressed';
COMMENT ON COLUMN bulk_update_jobs.rows_missing IS 'source rows whose key no row has';
COMMENT ON COLUMN bulk_update_jobs.rows_stale IS 'rows that do not have the values that the source expects';
COMMENT ON COLUMN bulk_update_jobs.rows_duplicate IS 'source rows that were not applied because another one has the same key';
COMMENT ON COLUMN bulk_update_jobs.rows_rejected IS 'source rows that could not be applied';
COMMENT ON COLUMN bulk_update_jobs.rows_per_second IS 'rows per second in the newest batches';
COMMENT ON COLUMN bulk_update_jobs.estimated_end IS 'when it will be done at that rate';
COMMENT ON COLUMN bulk_update_jobs.last_sqlstate IS 'SQLSTATE of the newest failure of a batch';
COMMENT ON COLUMN bulk_update_jobs.last_message IS 'its message';
COMMENT ON COLUMN bulk_update_jobs.last_failed_at IS 'its time';
COMMENT ON COLUMN bulk_update_jobs.created_at IS 'when the job was created';
COMMENT ON COLUMN bulk_update_jobs.started_at IS 'when its first batch began';
COMMENT ON COLUMN bulk_update_jobs.finished_at IS 'when its last batch was done';
COMMENT ON COLUMN bulk_update_jobs.run IS 'its number in the tables of rejects and of old values';
COMMENT ON COLUMN bulk_update_jobs.undoes IS 'run of the job that it takes back';
COMMENT ON COLUMN bulk_update_jobs.dry_run IS 'whether it only reports what would happen';
COMMENT ON COLUMN bulk_update_jobs.rows_table IS 'table with the rows to apply';
COMMENT ON COLUMN bulk_update_jobs.rows_table_bytes IS 'its size with its index';
COMMENT ON COLUMN bulk_update_jobs.rejects IS 'table of rejects';
COMMENT ON COLUMN bulk_update_jobs.rejects_bytes IS 'its size';
COMMENT ON COLUMN bulk_update_jobs.old_values IS 'table of old values';
COMMENT ON COLUMN bulk_update_jobs.old_values_bytes IS 'its size';
COMMENT ON COLUMN bulk_update_jobs.batch_rows IS 'maximum number of rows in a batch';
COMMENT ON COLUMN bulk_update_jobs.pause IS 'this and the following: see bulk_update_job_alter()';

GRANT SELECT ON bulk_update_job_batches, bulk_update_jobs TO PUBLIC;
