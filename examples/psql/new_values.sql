-- New values from a CSV file on the client, with only psql; old_values.sql undoes the update.
--
-- usage: psql -v ON_ERROR_STOP=1 -v file=new_values.csv -f new_values.sql
-- The file's columns: id, field1, field2, field3. One transaction: an error undoes all of it.

BEGIN;

-- The columns have the types of the table; a temporary table needs no write-ahead log.
CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS
    SELECT id, field1, field2, field3 FROM objects WITH NO DATA;

-- \copy does not expand variables, and COPY ... FROM STDIN would read the script, so the file is read
-- through a pipe.
\setenv FILE :file
\copy new_values FROM PROGRAM 'cat -- "$FILE"' (FORMAT csv, HEADER)

-- For the values of the updated objects, before and after.
SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2, field3}');

-- In key order, so that bulk_update need not sort the rows.
DECLARE new_values CURSOR FOR
    SELECT id, field1, field2, field3 FROM new_values ORDER BY id;

-- The report: every row of the file is in one of the five counts after the first.
SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected
FROM bulk_update('objects', 'new_values', old_values => 'objects_old_values', report => 'total');

COMMIT;
