-- A job inside the database: a function that computes new values for the objects and applies them.
--
-- usage: psql -v ON_ERROR_STOP=1 -f give_new_values.sql
--        then, whenever it is wanted: SELECT * FROM give_new_values(1000);

CREATE OR REPLACE FUNCTION give_new_values(
    chunk_size integer DEFAULT 10000, OUT updated bigint, OUT unchanged bigint, OUT missing bigint)
LANGUAGE plpgsql AS $$
DECLARE
    -- Any query that gives the key and the new values. It may read the table itself: the cursor sees it as it was
    -- when the cursor was opened.
    new_values CURSOR FOR
        SELECT o.id,
               row_number() OVER (PARTITION BY o.field3 ORDER BY o.id) AS field1,
               o.field2 || ' of ' || count(*) OVER (PARTITION BY o.field3) AS field2
        FROM objects o
        ORDER BY o.id;
BEGIN
    OPEN new_values;
    SELECT sum(b.rows_updated), sum(b.rows_unchanged), sum(b.rows_missing)
        INTO updated, unchanged, missing
        FROM bulk_update('objects', new_values, chunk_size => give_new_values.chunk_size) b;
    CLOSE new_values;

    -- What must not happen is checked in the same transaction: the error undoes the updates.
    IF missing > 0 THEN
        RAISE EXCEPTION '% objects were not there any more', missing;
    END IF;
END
$$;
