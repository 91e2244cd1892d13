-- New values from a CSV file on the client, with psql alone; old_values.sql takes them back.
--
-- usage: psql -v ON_ERROR_STOP=1 -v file=new_values.csv -f new_values.sql
-- The file's columns: id, field1, field2, field3. One transaction: an error undoes all of it.

BEGIN;

-- Nobody changes the objects between the look at their old values and the update. Reading goes on.
LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;

-- The columns' types are those of the table; the rows are nobody else's and need no write-ahead log.
CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS
    SELECT id, field1, field2, field3 FROM objects WITH NO DATA;

-- \copy does not look into its arguments for variables, COPY ... FROM STDIN reads what \i would: so the file comes
-- in through a pipe.
\setenv FILE :file
\copy new_values FROM PROGRAM 'cat -- "$FILE"' (FORMAT csv, HEADER)

CREATE TABLE objects_old_values AS
    SELECT id, o.field1, o.field2, o.field3 FROM objects o JOIN new_values USING (id);

-- In key order: bulk_update takes the rows as they come, otherwise it sorts them first.
DECLARE new_values CURSOR FOR
    SELECT id, field1, field2, field3 FROM new_values ORDER BY id;

-- The account: every row of the file is in one of the five counts after the first.
SELECT rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected
FROM bulk_update('objects', 'new_values', report => 'total');

COMMIT;
