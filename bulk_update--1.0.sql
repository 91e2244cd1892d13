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
    OUT spilled_bytes  bigint)
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
                    WHEN 6 THEN 'keeping old values' END AS phase,
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
       p.spilled_bytes
FROM bulk_update_progress_entries() AS p
     LEFT JOIN pg_database AS d ON d.oid = p.datid
     CROSS JOIN LATERAL (SELECT clock_timestamp() - p.started_at AS elapsed) AS e;

COMMENT ON VIEW bulk_update_progress IS
'the running calls of bulk_update';

COMMENT ON COLUMN bulk_update_progress.pid IS 'process ID of the backend';
COMMENT ON COLUMN bulk_update_progress.datname IS 'its database';
COMMENT ON COLUMN bulk_update_progress.usename IS 'its user';
COMMENT ON COLUMN bulk_update_progress.target IS 'table that is updated; null in another database';
COMMENT ON COLUMN bulk_update_progress.phase IS 'fetching, sorting, applying, recording rejects, keeping old values or entering index entries';
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

GRANT SELECT ON bulk_update_progress TO PUBLIC;
