--
-- A trigger of the table's owner can do what the caller can, as with UPDATE: so a superuser's call gives the owner
-- what a superuser's UPDATE gives
--
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bu_owner, regress_bu_user;
CREATE ROLE regress_bu_owner;
CREATE ROLE regress_bu_user;
CREATE SCHEMA po AUTHORIZATION regress_bu_owner;
GRANT USAGE ON SCHEMA po TO PUBLIC;
SET ROLE regress_bu_owner;
CREATE TABLE po.t (id int PRIMARY KEY, v int);
INSERT INTO po.t SELECT i, 0 FROM generate_series(1, 3) AS i;
CREATE FUNCTION po.take_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER ROLE regress_bu_owner CREATEROLE;
    RETURN NEW;
END
$$;
CREATE TRIGGER take_over BEFORE UPDATE ON po.t FOR EACH ROW WHEN (NEW.id = 3) EXECUTE FUNCTION po.take_over();
GRANT SELECT, UPDATE ON po.t TO regress_bu_user;
-- PostgreSQL 16 and later add details
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('po.t', 'VALUES (3, 1)', '{id,v}') $$) AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error($$ UPDATE po.t SET v = 1 WHERE id = 3 $$) AS line WHERE line LIKE 'ERROR%';
RESET ROLE;
BEGIN;
SELECT rows_updated FROM bulk_update_query('po.t', 'VALUES (3, 1)', '{id,v}');
SELECT rolcreaterole FROM pg_roles WHERE rolname = 'regress_bu_owner';
ROLLBACK;
BEGIN;
UPDATE po.t SET v = 1 WHERE id = 3;
SELECT rolcreaterole FROM pg_roles WHERE rolname = 'regress_bu_owner';
ROLLBACK;
DROP SCHEMA po CASCADE;
DROP ROLE regress_bu_owner, regress_bu_user;
