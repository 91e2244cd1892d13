--
-- Arguments of the policies: invalid values, nulls, and invalid combinations
--
CREATE SCHEMA policy_arguments;
SET search_path = policy_arguments, public;

CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, i FROM generate_series(1, 3) AS i;
SELECT bulk_update_create_rejects('r');

-- The values: no others, in lower case, without spaces
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => 'insert') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => 'IGNORE') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_duplicate => 'ignore') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_duplicate => ' first') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_duplicate => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_duplicate => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => 'Skip') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => '') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', skip_unchanged => NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', dry_run => NULL) $$);

-- The same from bulk_update(), before the cursor is looked up
SELECT * FROM test_error($$ SELECT bulk_update('t', 'no such cursor', on_error => 'continue') $$);
SELECT * FROM test_error($$ SELECT bulk_update('t', 'no such cursor', dry_run => NULL) $$);

-- All values
SELECT count(*) AS combinations, sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged
  FROM unnest('{ignore,error}'::text[]) AS on_missing, unnest('{error,first,last}'::text[]) AS on_duplicate,
       unnest('{stop,skip}'::text[]) AS on_error, unnest('{f,t}'::bool[]) AS skip_unchanged,
       unnest('{f,t}'::bool[]) AS dry_run,
       LATERAL bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_missing => on_missing,
                                 on_duplicate => on_duplicate, on_error => on_error,
                                 skip_unchanged => skip_unchanged, dry_run => dry_run);

-- By position, in the order of the documentation
SELECT rows_fetched, rows_unchanged, rows_missing
  FROM bulk_update_query('t', 'VALUES (1, 1), (4, 4)', '{id,a}', '{id}', 10, 'ignore', 'first', 'skip', true, 'r', 0, true);
SELECT reason, key FROM r;
TRUNCATE r;

--
-- reject_limit
--
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => 'skip', reject_limit => -1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', reject_limit => -1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', reject_limit => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_error => 'stop', reject_limit => 10, rejects => 'r') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_error => 'skip', reject_limit => 0) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_error => 'skip', reject_limit => 9223372036854775807) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_error => 'stop', reject_limit => NULL) $$);

--
-- rejects
--
-- no row could be recorded
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => 'error', rejects => 'r') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', on_missing => 'error', rejects => 'r', dry_run => true) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_missing => 'error', on_error => 'skip', rejects => 'r') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', on_missing => 'error', on_duplicate => 'last', rejects => 'r') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', rejects => 'r') $$);

-- the target itself
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', rejects => 't') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('r', 'VALUES (1, '''')', '{run,message}', '{run}', rejects => 'r') $$);

-- no such table
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', rejects => 'nowhere') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', rejects => 4294967295::oid) $$);

-- not a table
CREATE VIEW v AS TABLE r;
CREATE MATERIALIZED VIEW m AS TABLE r;
CREATE SEQUENCE s;
CREATE INDEX i ON r (run);
CREATE TYPE composite AS (run bigint);
SELECT * FROM unnest('{v,m,s,i,composite}'::regclass[]) AS rejects,
              test_error(format($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', rejects => %s) $$, rejects::oid));

-- a table with other columns
CREATE TABLE no_columns ();
CREATE TABLE few_columns AS SELECT run, chunk, source_row, reason, key, new_values FROM r;
CREATE TABLE dropped_column (LIKE r);
ALTER TABLE dropped_column DROP COLUMN key;
CREATE TABLE wrong_type (LIKE r);
ALTER TABLE wrong_type ALTER COLUMN chunk TYPE boolean USING true;
SELECT * FROM unnest('{no_columns,few_columns,dropped_column,wrong_type}'::regclass[]) AS rejects,
              test_error(format($$ SELECT bulk_update_query('t', 'VALUES (1, -1)', '{id,a}', rejects => %L) $$, rejects));
-- it is checked before anything is done, also when no row is rejected
SELECT * FROM t ORDER BY id;

--
-- bulk_update_create_rejects()
--
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects(NULL) $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('a.b.c.d') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('other_database.policy_arguments.x') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('two words') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('x (i int); DROP TABLE t; --') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('no_such_schema.x') $$);
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('r') $$);
SELECT bulk_update_create_rejects('Folded'), bulk_update_create_rejects('"Quoted ""name"""'),
       bulk_update_create_rejects('policy_arguments.qualified'), bulk_update_create_rejects('pg_temp.temporary');
SELECT relname, relpersistence FROM pg_class
 WHERE relname IN ('folded', 'Quoted "name"', 'qualified', 'temporary') ORDER BY relname COLLATE "C";
DROP TABLE pg_temp.temporary;

-- A temporary table of the same name does not interfere
CREATE TEMP TABLE hidden (i int);
CREATE TABLE made AS SELECT bulk_update_create_rejects('hidden');
SELECT relname, relnamespace::regnamespace FROM pg_class, made WHERE oid = bulk_update_create_rejects;
DROP TABLE pg_temp.hidden;

-- search_path does not affect the types
CREATE DOMAIN jsonb AS text;
SET search_path = policy_arguments, pg_catalog, public;
SELECT bulk_update_create_rejects('types');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = 'types'::regclass AND attnum > 0 ORDER BY attnum;
SET search_path = policy_arguments, public;

-- It requires the privilege to create a table, and nothing else
CREATE ROLE regress_bulk_update_arguments;
GRANT USAGE ON SCHEMA policy_arguments TO regress_bulk_update_arguments;
SET ROLE regress_bulk_update_arguments;
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('mine') $$);
RESET ROLE;
GRANT CREATE ON SCHEMA policy_arguments TO regress_bulk_update_arguments;
SET ROLE regress_bulk_update_arguments;
SELECT bulk_update_create_rejects('mine');
RESET ROLE;
BEGIN READ ONLY;
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('x') $$);
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA policy_arguments CASCADE;
DROP ROLE regress_bulk_update_arguments;
