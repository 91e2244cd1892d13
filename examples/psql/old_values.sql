-- Takes the update of new_values.sql back.
--
-- usage: psql -f old_values.sql
-- One transaction: an error undoes all of it. Objects that have changed since are stale, those that were deleted are
-- missing; neither is written.

\set ON_ERROR_STOP on

BEGIN;

SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_stale AS stale, rows_rejected AS rejected
FROM bulk_update_undo('objects', 'objects_old_values', report => 'total');

DROP TABLE objects_old_values;

COMMIT;
