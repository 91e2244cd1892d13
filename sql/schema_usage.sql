--
-- USAGE on the schema, also for a table given by its OID; and no call in a parallel worker
--
\set report 'rows_updated AS updated, rows_missing AS missing, rows_rejected AS rejected'
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bu_stranger;
RESET client_min_messages;
CREATE ROLE regress_bu_stranger;
CREATE SCHEMA secret;
CREATE TABLE secret.t (id int PRIMARY KEY, v int);
CREATE TABLE secret.plain (LIKE secret.t);
INSERT INTO secret.t VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO secret.plain TABLE secret.t;
SELECT bulk_update_create_rejects('secret.rejects') IS NOT NULL AS made;
GRANT ALL ON ALL TABLES IN SCHEMA secret TO regress_bu_stranger;
CREATE TABLE mine (LIKE secret.t INCLUDING ALL);
INSERT INTO mine TABLE secret.t;
GRANT ALL ON mine TO regress_bu_stranger;
SELECT 'secret.t'::regclass::oid AS t, 'secret.rejects'::regclass::oid AS rejects \gset

SET ROLE regress_bu_stranger;
-- the error of UPDATE, which has the name
SELECT * FROM test_error('UPDATE secret.t SET v = 0');
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 7)'', ''{id,v}'')', :t));
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 7)'', ''{id,v}'', on_error => ''skip'')', :t));
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 7)'', ''{id,v}'', dry_run => true)', :t));
SELECT * FROM test_error(format('SELECT bulk_update_arrays(%s, ''{id,v}'', ROW(''{1}''::int[], ''{7}''::int[]))', :t));
SELECT * FROM test_error(format('SELECT bulk_update_explain_query(%s, ''VALUES (1, 7)'', ''{id,v}'')', :t));
BEGIN;
DECLARE c CURSOR FOR VALUES (1, 7);
SELECT * FROM test_error(format('SELECT bulk_update(%s, ''c'', ''{id,v}'')', :t));
SELECT * FROM test_error(format('SELECT bulk_update_explain(%s, ''c'', ''{id,v}'')', :t));
COMMIT;
-- the table of rejects
SELECT * FROM test_error(format('SELECT bulk_update_query(''mine'', ''VALUES (9, 7)'', ''{id,v}'', rejects => %s)', :rejects));
SELECT * FROM test_error(format('SELECT bulk_update_query(''mine'', ''VALUES (9, 7)'', ''{id,v}'', rejects => %s, dry_run => true)', :rejects));
SELECT * FROM test_error(format('SELECT bulk_update_explain_query(''mine'', ''VALUES (9, 7)'', ''{id,v}'', rejects => %s)', :rejects));
SELECT * FROM test_error($$ SELECT bulk_update_create_rejects('secret.more') $$);
RESET ROLE;
SELECT * FROM test_diff('secret.t', 'secret.plain');

-- without privileges on the table, the schema's error comes first
REVOKE ALL ON secret.t FROM regress_bu_stranger;
SET ROLE regress_bu_stranger;
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 7)'', ''{id,v}'')', :t));
RESET ROLE;

-- With it the call works; USAGE on a partition's schema is not required, as for UPDATE
GRANT USAGE ON SCHEMA secret TO regress_bu_stranger;
GRANT SELECT, UPDATE ON secret.t TO regress_bu_stranger;
SET ROLE regress_bu_stranger;
SELECT :report FROM bulk_update_query(:t, 'VALUES (1, 7)', '{id,v}');
RESET ROLE;
UPDATE secret.plain SET v = 7 WHERE id = 1;
SELECT * FROM test_diff('secret.t', 'secret.plain');
REVOKE USAGE ON SCHEMA secret FROM regress_bu_stranger;
CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE secret.low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE secret.high PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, 1), (11, 11);
GRANT SELECT, UPDATE ON parted TO regress_bu_stranger;
SET ROLE regress_bu_stranger;
SELECT :report FROM bulk_update_query('parted', 'VALUES (1, 2), (11, 12)', '{id,v}');
RESET ROLE;
SELECT * FROM parted ORDER BY id;

-- Revoked during the call: that ends it, and rejects no row
GRANT USAGE ON SCHEMA secret TO regress_bu_stranger;
CREATE FUNCTION lock_out() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    REVOKE USAGE ON SCHEMA secret FROM regress_bu_stranger;
    RETURN NULL;
END
$$;
CREATE TRIGGER lock_out AFTER UPDATE ON secret.t EXECUTE FUNCTION lock_out();
SET ROLE regress_bu_stranger;
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 8), (2, 8), (3, 8), (4, 8)'', ''{id,v}'', chunk_size => 2)', :t));
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 8), (2, 8), (3, 8), (4, 8)'', ''{id,v}'', chunk_size => 2, on_error => ''skip'')', :t));
SELECT * FROM test_error(format('SELECT bulk_update_query(%s, ''VALUES (1, 8), (2, 8), (3, 8), (4, 8)'', ''{id,v}'', chunk_size => 2, on_error => ''skip'', skip_unchanged => true)', :t));
RESET ROLE;
SELECT * FROM test_diff('secret.t', 'secret.plain');
DROP TRIGGER lock_out ON secret.t;

--
-- In a parallel worker a call is an error, as UPDATE is. The functions here are declared safe but are not.
--
DO $$
BEGIN
    PERFORM set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
END
$$;
CREATE FUNCTION in_worker(command text) RETURNS int PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 1;
END
$$;
SELECT * FROM test_error($$ SELECT in_worker('UPDATE mine SET v = 0') $$);
SELECT * FROM test_error($$ SELECT in_worker($q$SELECT bulk_update_query('mine', 'VALUES (1, 7)', '{id,v}')$q$) $$);
SELECT * FROM test_error($$ SELECT in_worker($q$SELECT bulk_update_query('mine', 'VALUES (1, 7)', '{id,v}', dry_run => true)$q$) $$);
SELECT * FROM test_error($$ SELECT in_worker($q$SELECT bulk_update_arrays('mine', '{id,v}', ROW('{1}'::int[], '{7}'::int[]))$q$) $$);
SELECT * FROM test_error($$ SELECT in_worker($q$SELECT bulk_update_explain_query('mine', 'VALUES (1, 7)', '{id,v}')$q$) $$);
SELECT * FROM test_error($$ SELECT in_worker($q$SELECT bulk_update_create_rejects('more')$q$) $$);
DO $$
BEGIN
    PERFORM set_config(name, 'off', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
END
$$;
SELECT :report FROM bulk_update_query('mine', 'VALUES (1, 1)', '{id,v}');
SELECT * FROM mine ORDER BY id;

SET client_min_messages = warning;
DROP FUNCTION in_worker;
DROP TABLE mine, parted;
DROP SCHEMA secret CASCADE;
DROP FUNCTION lock_out CASCADE;
DROP ROLE regress_bu_stranger;
