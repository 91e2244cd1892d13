-- A job inside the database: a function that computes new values for the objects and applies them, and one that undoes
-- the update.
--
-- usage: psql -v ON_ERROR_STOP=1 -f give_new_values.sql
--        then, when needed: SELECT * FROM give_new_values(1000);
--        and to undo it:              SELECT * FROM give_old_values();

CREATE OR REPLACE FUNCTION give_new_values(
    chunk_size integer DEFAULT 10000, OUT updated bigint, OUT unchanged bigint, OUT missing bigint)
LANGUAGE plpgsql AS $$
DECLARE
    -- Any query that returns the key and the new values. It may read the table itself: the cursor sees it as it was
    -- when the cursor was opened.
    new_values CURSOR FOR
        SELECT o.id,
               row_number() OVER (PARTITION BY o.field3 ORDER BY o.id) AS field1,
               o.field2 || ' of ' || count(*) OVER (PARTITION BY o.field3) AS field2
        FROM objects o
        ORDER BY o.id;
BEGIN
    -- Prevents changes between the reading of the objects and their update. Other sessions can read them.
    LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;
    PERFORM bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}');

    OPEN new_values;
    SELECT b.rows_updated, b.rows_unchanged, b.rows_missing
        INTO updated, unchanged, missing
        FROM bulk_update('objects', new_values, chunk_size => give_new_values.chunk_size,
                         old_values => 'objects_old_values', report => 'total') b;
    CLOSE new_values;

    -- A check in the same transaction: its error undoes the updates.
    IF missing > 0 THEN
        RAISE EXCEPTION '% objects were not there any more', missing;
    END IF;
END
$$;

-- Objects that have changed since are stale, those that were deleted are missing; neither is written.
CREATE OR REPLACE FUNCTION give_old_values(
    OUT updated bigint, OUT unchanged bigint, OUT missing bigint, OUT stale bigint)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT b.rows_updated, b.rows_unchanged, b.rows_missing, b.rows_stale
        INTO updated, unchanged, missing, stale
        FROM bulk_update_undo('objects', 'objects_old_values', report => 'total') b;
    DROP TABLE objects_old_values;
END
$$;
