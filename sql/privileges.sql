--
-- Privileges and row-level security: the call has those of its user
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, first_key, last_key'

SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bu_owner, regress_bu_user, regress_bu_bypass;
RESET client_min_messages;
CREATE ROLE regress_bu_owner;
CREATE ROLE regress_bu_user;
CREATE ROLE regress_bu_bypass BYPASSRLS;
CREATE SCHEMA bu AUTHORIZATION regress_bu_owner;
GRANT USAGE ON SCHEMA bu TO regress_bu_user, regress_bu_bypass;
SET ROLE regress_bu_owner;
CREATE TABLE bu.t (id int PRIMARY KEY, a int, b int, c text UNIQUE);
INSERT INTO bu.t SELECT i, i, i, 'c' || i FROM generate_series(1, 4) AS i;
RESET ROLE;

-- A source that needs no privileges
\set ids '''SELECT i AS id, i * 10 AS a FROM generate_series(1, 4) AS i'''

-- None, not even for an empty source
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'SELECT 1, 2 WHERE false', '{id,a}') $$);
-- SELECT only, UPDATE only
RESET ROLE;
GRANT SELECT ON bu.t TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}') $$);
RESET ROLE;
REVOKE SELECT ON bu.t FROM regress_bu_user;
GRANT UPDATE ON bu.t TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}') $$);
-- both
RESET ROLE;
GRANT SELECT ON bu.t TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', :ids);
-- columns: SELECT on the key and UPDATE on the values are enough
RESET ROLE;
REVOKE ALL ON bu.t FROM regress_bu_user;
GRANT SELECT (id), UPDATE (a) ON bu.t TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 100 AS a FROM generate_series(1, 5) AS i', chunk_size => 3);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,b}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2, 3)', '{id,a,b}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (''c1'', 2)', '{c,a}', '{c}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 1, 2)', '{id,b,a}', '{id,b}') $$);
-- also if it has a trigger that skips rows
RESET ROLE;
CREATE FUNCTION bu.skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN NEW.id <> 2 THEN NEW END; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON bu.t FOR EACH ROW EXECUTE FUNCTION bu.skip_row();
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i AS a FROM generate_series(1, 5) AS i');
RESET ROLE;
DROP FUNCTION bu.skip_row CASCADE;
-- the cursor's query requires the user's privileges as well
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'SELECT id, b AS a FROM bu.t') $$);
-- a cursor that was opened with other privileges stays open
RESET ROLE;
BEGIN;
DECLARE c CURSOR FOR SELECT id, b * 2 AS a FROM bu.t ORDER BY id;
SET LOCAL ROLE regress_bu_user;
SELECT :report FROM bulk_update('bu.t', 'c');
COMMIT;
SELECT * FROM bu.t ORDER BY id;
-- without USAGE of the schema the name cannot be looked up
REVOKE USAGE ON SCHEMA bu FROM regress_bu_user;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}') $$);
RESET ROLE;
GRANT USAGE ON SCHEMA bu TO regress_bu_user;
-- without EXECUTE
REVOKE EXECUTE ON FUNCTION bulk_update_query FROM PUBLIC;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}') $$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION bulk_update_query TO PUBLIC;

-- In a SECURITY DEFINER function the call has its owner's privileges
CREATE FUNCTION bu.as_owner(query text) RETURNS bigint SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
LANGUAGE sql AS $$ SELECT sum(rows_updated)::bigint FROM bulk_update_query('bu.t', query) $$;
ALTER FUNCTION bu.as_owner OWNER TO regress_bu_owner;
SET ROLE regress_bu_user;
SELECT bu.as_owner('SELECT id, id + 7 AS b FROM bu.t');
RESET ROLE;
SELECT * FROM bu.t ORDER BY id;
DROP FUNCTION bu.as_owner;

-- Functions that run during the call run as the user: a trigger's current_user
CREATE TABLE bu.log (who name, session name);
GRANT INSERT ON bu.log TO PUBLIC;
CREATE FUNCTION bu.who() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO bu.log VALUES (current_user, session_user); RETURN NULL; END';
CREATE TRIGGER who AFTER UPDATE ON bu.t EXECUTE FUNCTION bu.who();
SET ROLE regress_bu_user;
SELECT rows_updated FROM bulk_update_query('bu.t', 'VALUES (1, 2)', '{id,a}');
RESET ROLE;
SELECT who, session = session_user AS session FROM bu.log;
DROP FUNCTION bu.who CASCADE;
DROP TABLE bu.log;

--
-- Row-level security
--
TRUNCATE bu.t;
INSERT INTO bu.t SELECT i, i, i, 'c' || i FROM generate_series(1, 6) AS i;
GRANT SELECT, UPDATE ON bu.t TO regress_bu_user, regress_bu_bypass;
ALTER TABLE bu.t ENABLE ROW LEVEL SECURITY;
-- no policy: no rows
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, 0 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
CREATE POLICY even ON bu.t USING (id % 2 = 0) WITH CHECK (a < 100);
SET ROLE regress_bu_user;
-- hidden rows are missing
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 10 AS a FROM generate_series(1, 7) AS i', chunk_size => 4);
SELECT * FROM bu.t ORDER BY id;
-- WITH CHECK
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'SELECT i AS id, i * 20 AS a FROM generate_series(1, 6) AS i', chunk_size => 2) $$);
SELECT * FROM bu.t ORDER BY id;
-- not checked for a hidden row
SELECT :report FROM bulk_update_query('bu.t', 'VALUES (1, 1000)', '{id,a}');
RESET ROLE;
-- separate policies for SELECT and UPDATE: a row must satisfy both
DROP POLICY even ON bu.t;
CREATE POLICY seen ON bu.t FOR SELECT USING (id > 2);
CREATE POLICY changed ON bu.t FOR UPDATE USING (id < 5);
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 5 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
SELECT * FROM bu.t ORDER BY id;
-- with a trigger that skips rows: rows that UPDATE would not see are missing
CREATE FUNCTION bu.skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON bu.t FOR EACH ROW EXECUTE FUNCTION bu.skip_row();
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 5 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
DROP FUNCTION bu.skip_row CASCADE;
-- row_security = off: an error if a policy would apply
SET ROLE regress_bu_user;
SET row_security = off;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.t', 'VALUES (3, 1)', '{id,a}') $$);
RESET row_security;
-- BYPASSRLS, the owner, a superuser: all rows
SET ROLE regress_bu_bypass;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 6 AS a FROM generate_series(1, 6) AS i');
SET ROLE regress_bu_owner;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 7 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 8 AS a FROM generate_series(1, 6) AS i');
-- FORCE: the owner too
ALTER TABLE bu.t FORCE ROW LEVEL SECURITY;
SET ROLE regress_bu_owner;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, i * 9 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
SELECT * FROM bu.t ORDER BY id;
-- a policy that depends on a setting, and a restrictive one
DROP POLICY seen ON bu.t;
DROP POLICY changed ON bu.t;
CREATE POLICY tenant ON bu.t USING (id = current_setting('bu.tenant')::int);
CREATE POLICY not_two ON bu.t AS RESTRICTIVE USING (id <> 2);
SET ROLE regress_bu_user;
SET bu.tenant = 1;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, -1 AS a FROM generate_series(1, 6) AS i');
SET bu.tenant = 2;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, -1 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
SELECT * FROM bu.t WHERE a < 0;
-- two users in one transaction
BEGIN;
SET LOCAL bu.tenant = 3;
SET LOCAL ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, -2 AS a FROM generate_series(1, 6) AS i');
RESET ROLE;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, -3 AS a FROM generate_series(4, 6) AS i');
SET LOCAL ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.t', 'SELECT i AS id, -4 AS a FROM generate_series(1, 6) AS i');
COMMIT;
RESET ROLE;
SELECT * FROM bu.t ORDER BY id;
RESET bu.tenant;

-- Errors do not show values that the user may not read
CREATE TABLE bu.s (id int PRIMARY KEY, a int CHECK (a > 0), secret text DEFAULT 'secret', u int UNIQUE);
INSERT INTO bu.s (id, a, u) VALUES (1, 1, 1), (2, 2, 2);
GRANT SELECT (id), UPDATE (a, u) ON bu.s TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.s', 'VALUES (1, 0)', '{id,a}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.s', 'VALUES (1, 2)', '{id,u}') $$);
RESET ROLE;
DROP TABLE bu.s;

-- Partitions: the privileges on the partitioned table count
CREATE TABLE bu.p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE bu.p1 PARTITION OF bu.p FOR VALUES FROM (0) TO (10);
INSERT INTO bu.p VALUES (1, 1), (2, 2);
GRANT SELECT, UPDATE ON bu.p TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('bu.p', 'SELECT i AS id, i * 6 AS v FROM generate_series(1, 6) AS i');
SELECT * FROM test_error($$ SELECT bulk_update_query('bu.p1', 'VALUES (1, 2)', '{id,v}') $$);
RESET ROLE;

-- A user with CREATE on the database can create the extension
SELECT current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO regress_bu_owner;
DROP EXTENSION bulk_update;
SET ROLE regress_bu_user;
CREATE EXTENSION bulk_update SCHEMA bu;
SET ROLE regress_bu_owner;
CREATE EXTENSION bulk_update SCHEMA bu;
ALTER TABLE bu.t DISABLE ROW LEVEL SECURITY;
SELECT rows_updated FROM bu.bulk_update_query('bu.t', 'VALUES (1, 1)', '{id,a}');
DROP EXTENSION bulk_update;
RESET ROLE;
CREATE EXTENSION bulk_update SCHEMA public;
REVOKE CREATE ON DATABASE :"db" FROM regress_bu_owner;

SET client_min_messages = warning;
DROP SCHEMA bu CASCADE;
DROP ROLE regress_bu_owner, regress_bu_user, regress_bu_bypass;
