-- The account of a call whose report is in the table "report": every row of the source is in one of the five counts
-- after the first.

SELECT sum(rows_fetched) AS fetched, sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged,
       sum(rows_missing) AS missing, sum(rows_duplicate) AS duplicate, sum(rows_rejected) AS rejected
FROM report;
