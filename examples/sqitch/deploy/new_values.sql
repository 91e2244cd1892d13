-- Deploy objects:new_values to pg
-- New values computed by a query. The old ones are kept for the revert script.

BEGIN;

-- Prevents changes between the reading of the objects and their update. Other sessions can read them.
LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;

SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}');

SELECT format('objects: %s fetched, %s updated, %s unchanged, %s missing, %s duplicate, %s rejected',
              rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected)
FROM bulk_update_query('objects', $$
    SELECT id, rank() OVER (ORDER BY field2) AS field1, upper(field2) AS field2 FROM objects ORDER BY id $$,
    old_values => 'objects_old_values', report => 'total');

COMMIT;
