-- Revert objects:new_values from pg
-- Objects that have changed since are stale, those that were deleted are missing; neither is written.

BEGIN;

SELECT format('objects: %s fetched, %s updated, %s unchanged, %s missing, %s stale, %s rejected',
              rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_stale, rows_rejected)
FROM bulk_update_undo('objects', 'objects_old_values', report => 'total');

DROP TABLE objects_old_values;

COMMIT;
