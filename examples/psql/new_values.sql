-- New values from a CSV file on the client, with only psql; old_values.sql undoes the update. For other tables and other
-- columns, and to set bad lines aside: csv.sql.
--
-- usage: psql -v file=new_values.csv -f new_values.sql
-- The file's columns: id, field1, field2, field3, in this order, with their names in the first line. One transaction: an
-- error undoes all of it.

\set ON_ERROR_STOP on

BEGIN;

-- The columns have the types of the table; a temporary table needs no write-ahead log.
CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS
    SELECT id, field1, field2, field3 FROM objects WITH NO DATA;

-- \copy does not expand variables, and COPY ... FROM STDIN would read the script, so the file is read
-- through a pipe. With MATCH, a first line with other names is an error. A file without any line has no rows, and gets one.
\setenv FILE :file
\copy new_values FROM PROGRAM 'cat <"$FILE" && { test -s "$FILE" || echo id,field1,field2,field3; }' (FORMAT csv, HEADER MATCH)

-- Without statistics, the progress would show a wrong number of rows.
ANALYZE new_values;

-- For the values of the updated objects, before and after.
SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2, field3}');

-- In key order, so that bulk_update need not sort the rows.
DECLARE new_values CURSOR FOR
    SELECT id, field1, field2, field3 FROM new_values ORDER BY id;

-- The report: every row of the file is in one of the five counts after the first.
SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected
FROM bulk_update('objects', 'new_values', old_values => 'objects_old_values', report => 'total');

-- Without an updated object there is nothing to undo.
SELECT count(*) = 0 AS nothing FROM (SELECT FROM objects_old_values LIMIT 1) AS kept \gset
\if :nothing
    DROP TABLE objects_old_values;
\endif

COMMIT;
