-- Verify objects:new_values on pg
-- An object without its new value makes the division fail.

BEGIN;

SELECT 1 / (NOT EXISTS (SELECT FROM objects WHERE field2 <> upper(field2)))::integer;

ROLLBACK;
