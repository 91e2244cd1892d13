-- Deploy objects:new_values to pg
-- New values computed by a query. The old ones are saved for the revert script.

BEGIN;

-- Prevents changes between saving the old values and the update. Other sessions can read the objects.
LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE objects_old_values AS SELECT id, field1, field2 FROM objects;

SELECT format('objects: %s fetched, %s updated, %s unchanged, %s missing, %s duplicate, %s rejected',
              rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected)
FROM bulk_update_query('objects', $$
    SELECT id, rank() OVER (ORDER BY field2) AS field1, upper(field2) AS field2 FROM objects ORDER BY id $$,
    report => 'total');

COMMIT;
