-- Verify objects:new_values on pg
-- Division by zero if an object does not have its new value.

BEGIN;

SELECT 1 / (NOT EXISTS (SELECT FROM objects WHERE field2 <> upper(field2)))::integer;

ROLLBACK;
