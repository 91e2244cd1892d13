/* bulk_update--1.0.sql */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION bulk_update" to load this file. \quit

CREATE FUNCTION bulk_update(
    target      regclass,
    source      refcursor,
    columns     name[]  DEFAULT NULL,
    key_columns name[]  DEFAULT NULL,
    chunk_size  integer DEFAULT 10000
) RETURNS TABLE (
    chunk          bigint,
    rows_fetched   bigint,
    rows_updated   bigint,
    rows_unchanged bigint,
    rows_missing   bigint,
    rows_duplicate bigint,
    rows_rejected  bigint,
    first_key      text,
    last_key       text,
    elapsed_ms     double precision,
    memory_bytes   bigint
)
AS 'MODULE_PATHNAME', 'bulk_update_cursor'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update(regclass, refcursor, name[], name[], integer) IS
'update a table from an open cursor of (key, new values), in chunks of bounded size';

CREATE FUNCTION bulk_update_query(
    target      regclass,
    query       text,
    columns     name[]  DEFAULT NULL,
    key_columns name[]  DEFAULT NULL,
    chunk_size  integer DEFAULT 10000
) RETURNS TABLE (
    chunk          bigint,
    rows_fetched   bigint,
    rows_updated   bigint,
    rows_unchanged bigint,
    rows_missing   bigint,
    rows_duplicate bigint,
    rows_rejected  bigint,
    first_key      text,
    last_key       text,
    elapsed_ms     double precision,
    memory_bytes   bigint
)
AS 'MODULE_PATHNAME', 'bulk_update_query'
LANGUAGE C VOLATILE CALLED ON NULL INPUT SECURITY INVOKER PARALLEL UNSAFE
COST 10000 ROWS 100;

COMMENT ON FUNCTION bulk_update_query(regclass, text, name[], name[], integer) IS
'update a table from the rows of a query for (key, new values), in chunks of bounded size';
