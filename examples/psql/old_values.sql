-- Restores the values that new_values.sql has overwritten.
--
-- usage: psql -v ON_ERROR_STOP=1 -f old_values.sql
-- One transaction: an error undoes all of it. Changes to these columns in the meantime are overwritten;
-- objects that were deleted count as missing.

BEGIN;

SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected
FROM bulk_update_query('objects', 'SELECT id, field1, field2, field3 FROM objects_old_values ORDER BY id',
                       report => 'total');

DROP TABLE objects_old_values;

COMMIT;
