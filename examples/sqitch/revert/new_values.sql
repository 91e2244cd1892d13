-- Revert objects:new_values from pg
-- Overwrites changes to these columns in the meantime; objects that were deleted count as missing.

BEGIN;

SELECT format('objects: %s fetched, %s updated, %s unchanged, %s missing, %s duplicate, %s rejected',
              rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected)
FROM bulk_update_query('objects', 'SELECT id, field1, field2 FROM objects_old_values ORDER BY id',
                       report => 'total');

DROP TABLE objects_old_values;

COMMIT;
