--
-- Privileges against hostile code: of the target's owner, of the caller, and of anyone who can create
-- objects where a call may look for them
--
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set report 'chunk, rows_updated AS updated, rows_missing AS missing, rows_rejected AS rejected'
DROP ROLE IF EXISTS regress_bu_owner, regress_bu_user, regress_bu_clerk;
CREATE ROLE regress_bu_owner;
CREATE ROLE regress_bu_user;
CREATE ROLE regress_bu_clerk;
CREATE SCHEMA hp AUTHORIZATION regress_bu_owner;
GRANT USAGE ON SCHEMA hp TO PUBLIC;

--
-- The owner's code runs as the caller, as it does with UPDATE: a trigger, an index expression, the check of a
-- domain, a check constraint, a generated column, a cast function, a policy
--
SET ROLE regress_bu_owner;
CREATE TABLE hp.log (relation text, what text, who name, CHECK (relation <> ''));
GRANT INSERT ON hp.log TO PUBLIC;
CREATE FUNCTION hp.write(relation text, what text) RETURNS void LANGUAGE sql AS 'INSERT INTO hp.log VALUES (relation, what, current_user)';
-- declared immutable, but volatile
CREATE FUNCTION hp.note(relation text, what text, value int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hp.write(relation, what);
    RETURN value;
END
$$;
CREATE FUNCTION hp.note_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM hp.note('t', TG_WHEN || ' ' || TG_LEVEL, 1);
    RETURN NEW;
END
$$;
CREATE TYPE hp.from_type AS (i int);
CREATE FUNCTION hp.cast_function(f hp.from_type) RETURNS int LANGUAGE sql AS $$ SELECT hp.note('t', 'cast', f.i) $$;
CREATE CAST (hp.from_type AS int) WITH FUNCTION hp.cast_function(hp.from_type) AS ASSIGNMENT;
CREATE DOMAIN hp.checked AS int CHECK (hp.note('t', 'domain', VALUE) = VALUE);
CREATE TABLE hp.t (id int PRIMARY KEY, v int CHECK (hp.note('t', 'check', v) = v), d hp.checked, g int GENERATED ALWAYS AS (hp.note('t', 'generated', v)) STORED);
CREATE INDEX ON hp.t (hp.note('t', 'index', v));
CREATE INDEX ON hp.t (v) WHERE hp.note('t', 'predicate', v) = v;
CREATE TRIGGER b BEFORE UPDATE ON hp.t FOR EACH ROW WHEN (hp.note('t', 'when', NEW.v) = NEW.v) EXECUTE FUNCTION hp.note_trigger();
CREATE TRIGGER a AFTER UPDATE ON hp.t FOR EACH ROW EXECUTE FUNCTION hp.note_trigger();
CREATE TRIGGER s AFTER UPDATE ON hp.t EXECUTE FUNCTION hp.note_trigger();
INSERT INTO hp.t SELECT i, 0, 0 FROM generate_series(1, 3) AS i;
RESET ROLE;
SELECT current_user AS superuser \gset
-- the user that ran each kind of code, and how often for the three rows
CREATE FUNCTION ran() RETURNS TABLE (what text, as_caller boolean, n bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT l.what, bool_and(l.who = current_user), count(*) FROM hp.log AS l GROUP BY 1 ORDER BY 1;
    TRUNCATE hp.log;
END
$$;
TRUNCATE hp.log;
SELECT rows_updated FROM bulk_update_query('hp.t', 'SELECT i, row(i * 2)::hp.from_type, i FROM generate_series(1, 3) AS i', '{id,v,d}');
CREATE TABLE by_call AS SELECT * FROM ran();
UPDATE hp.t SET v = s.v, d = s.d FROM (SELECT i, i * 3, i FROM generate_series(1, 3) AS i) AS s (id, v, d) WHERE t.id = s.id;
CREATE TABLE by_update AS SELECT * FROM ran();
-- the same code, as the same user (this UPDATE had no cast to do)
SELECT c.what, c.as_caller, u.as_caller AS in_update, c.n AS n, u.n AS n_in_update FROM by_call AS c FULL JOIN by_update AS u USING (what) ORDER BY 1;
DROP TABLE by_call, by_update;
DROP TABLE hp.t;

-- A cast function without EXECUTE for the caller
SET ROLE regress_bu_owner;
CREATE TABLE hp.t (id int PRIMARY KEY, v int);
INSERT INTO hp.t SELECT i, 0 FROM generate_series(1, 40) AS i;
GRANT SELECT, UPDATE ON hp.t TO regress_bu_user;
REVOKE EXECUTE ON FUNCTION hp.cast_function FROM PUBLIC;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.t', 'SELECT 1, row(1)::hp.from_type', '{id,v}') $$) AS line WHERE line LIKE 'ERROR%';
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.t', 'SELECT 1, row(1)::hp.from_type', '{id,v}', on_error => 'skip') $$) AS line WHERE line LIKE 'ERROR%';
RESET ROLE;

--
-- The role changes during a call: from the next chunk on its privileges count
--
CREATE FUNCTION hp.become() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 5 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION try(command text, more text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    DROP TRIGGER IF EXISTS become ON hp.t;
    UPDATE hp.t SET v = 0;
    EXECUTE format('CREATE TRIGGER become AFTER UPDATE ON hp.t FOR EACH ROW EXECUTE FUNCTION hp.become(%L)', command);
    RETURN QUERY SELECT line FROM test_error(format('SELECT bulk_update_query(''hp.t'', ''SELECT i, i FROM generate_series(1, 40) AS i'', ''{id,v}'', chunk_size => 10 %s)', more)) AS line WHERE line !~ 'source rows';
END
$$;
CREATE FUNCTION set_v() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FILTER (WHERE v = id) || ' of 40' FROM hp.t $$;
SELECT try('SET ROLE regress_bu_clerk');
SELECT current_user = :'superuser' AS same, set_v();
SELECT try('SET ROLE regress_bu_clerk', ', on_error => ''skip''');
SELECT current_user = :'superuser' AS same, set_v();
RESET ROLE;
SELECT try('SET ROLE regress_bu_user');
SELECT current_user, set_v();
RESET ROLE;
GRANT SELECT (id), UPDATE (v) ON hp.t TO regress_bu_clerk;
SELECT try('SET ROLE regress_bu_clerk');
SELECT current_user, set_v();
RESET ROLE;
-- privileges that are revoked
GRANT EXECUTE ON FUNCTION try TO PUBLIC;
CREATE FUNCTION hp.revoke() RETURNS void SECURITY DEFINER LANGUAGE sql AS 'REVOKE UPDATE (v) ON hp.t FROM regress_bu_clerk';
SELECT try('SELECT hp.revoke()');
GRANT UPDATE (v) ON hp.t TO regress_bu_clerk;
SET ROLE regress_bu_clerk;
SELECT line FROM test_error('SELECT bulk_update_query(''hp.t'', ''SELECT i, i FROM generate_series(1, 40) AS i'', ''{id,v}'', chunk_size => 10)') AS line WHERE line !~ 'source rows';
SELECT set_v();
RESET ROLE;
-- in a SECURITY DEFINER function none of this is possible
CREATE FUNCTION hp.definer() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
    $$ SELECT sum(rows_updated)::bigint FROM public.bulk_update_query('hp.t', 'SELECT i, i FROM generate_series(1, 40) AS i', '{id,v}', chunk_size => 10) $$;
ALTER FUNCTION hp.definer OWNER TO regress_bu_owner;
CREATE OR REPLACE TRIGGER become AFTER UPDATE ON hp.t FOR EACH ROW EXECUTE FUNCTION hp.become('SET ROLE regress_bu_user');
SELECT line FROM test_error('SELECT hp.definer()') AS line WHERE line LIKE 'ERROR%';
CREATE OR REPLACE TRIGGER become AFTER UPDATE ON hp.t FOR EACH ROW EXECUTE FUNCTION hp.become('SELECT 1');
SET ROLE regress_bu_user;
SELECT hp.definer(), current_user;
RESET ROLE;

--
-- Row-level security that changes during a call
--
DROP TRIGGER become ON hp.t;
ALTER TABLE hp.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON hp.t USING (true);
CREATE FUNCTION hp.policy() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 5 THEN
        EXECUTE TG_ARGV[0];
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION try_policy(command text, more text DEFAULT '') RETURNS TABLE (result text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hp.t SET v = 0;
    EXECUTE format('CREATE OR REPLACE TRIGGER policy AFTER UPDATE ON hp.t FOR EACH ROW EXECUTE FUNCTION hp.policy(%L)', command);
    SET LOCAL ROLE regress_bu_user;
    RETURN QUERY EXECUTE format($q$ SELECT format('%%s updated, %%s missing, %%s rejected', sum(rows_updated), sum(rows_missing), sum(rows_rejected))
        FROM bulk_update_query('hp.t', 'SELECT i, i FROM generate_series(1, 40) AS i', '{id,v}', chunk_size => 10 %s) $q$, more);
END
$$;
GRANT SELECT, UPDATE ON hp.t TO regress_bu_user;
BEGIN;
SELECT * FROM try_policy('SELECT 1');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('ALTER POLICY all_rows ON hp.t USING (id <= 12)');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('CREATE POLICY few ON hp.t AS RESTRICTIVE FOR UPDATE USING (id % 2 = 0)');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('CREATE POLICY few ON hp.t AS RESTRICTIVE WITH CHECK (v < 30)', ', on_error => ''skip''');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('DROP POLICY all_rows ON hp.t');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('ALTER ROLE regress_bu_user BYPASSRLS; ALTER POLICY all_rows ON hp.t USING (false)');
ROLLBACK;
BEGIN;
ALTER ROLE regress_bu_user BYPASSRLS;
SELECT * FROM try_policy('ALTER ROLE regress_bu_user NOBYPASSRLS; ALTER POLICY all_rows ON hp.t USING (id < 20)');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('SET row_security = off');
ROLLBACK;
BEGIN;
SELECT * FROM try_policy('ALTER TABLE hp.t DISABLE ROW LEVEL SECURITY');
ROLLBACK;
-- a hostile policy: it records the rows for which it is called, none for a missing key
CREATE TABLE hp.asked (id int);
GRANT INSERT ON hp.asked TO PUBLIC;
CREATE FUNCTION hp.ask(id int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO hp.asked VALUES (id); RETURN id <> 2; END';
ALTER POLICY all_rows ON hp.t USING (hp.ask(id));
SET ROLE regress_bu_user;
SELECT :report FROM bulk_update_query('hp.t', 'VALUES (1, 1), (2, 2), (77, 77)', '{id,v}');
RESET ROLE;
SELECT DISTINCT id FROM hp.asked ORDER BY 1;
ALTER TABLE hp.t DISABLE ROW LEVEL SECURITY;

--
-- Errors show no column that the caller may not read, in partitions either
--
CREATE TABLE hp.p (id int PRIMARY KEY, v int CHECK (v >= 0), secret text DEFAULT 'secret') PARTITION BY RANGE (id);
CREATE TABLE hp.p1 (secret text, gone int, v int CONSTRAINT p_v_check CHECK (v >= 0), id int NOT NULL, u int);
ALTER TABLE hp.p1 DROP COLUMN gone, DROP COLUMN u;
ALTER TABLE hp.p ATTACH PARTITION hp.p1 FOR VALUES FROM (0) TO (10);
CREATE UNIQUE INDEX ON hp.p1 (secret, v);
INSERT INTO hp.p VALUES (1, 1), (2, 2);
GRANT SELECT (id), UPDATE (v) ON hp.p TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.p', 'VALUES (1, -1)', '{id,v}') $$) AS line WHERE line NOT LIKE 'CONTEXT%';
SELECT * FROM test_error($$ UPDATE hp.p SET v = -1 WHERE id = 1 $$) AS line WHERE line NOT LIKE 'CONTEXT%';
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.p', 'VALUES (1, 2)', '{id,v}') $$) AS line WHERE line NOT LIKE 'CONTEXT%';
SELECT * FROM test_error($$ UPDATE hp.p SET v = 2 WHERE id = 1 $$) AS line WHERE line NOT LIKE 'CONTEXT%';
-- skip_unchanged would disclose a value that the caller may not read
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.p', 'VALUES (1, 1)', '{id,v}', skip_unchanged => true) $$) AS line WHERE line NOT LIKE 'CONTEXT%';
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.p', 'VALUES (1, 1)', '{id,v}', dry_run => true, skip_unchanged => true) $$) AS line WHERE line NOT LIKE 'CONTEXT%';
RESET ROLE;

--
-- Security-restricted operations: the query of a materialized view, an index expression
--
GRANT CREATE ON SCHEMA hp TO regress_bu_user;
GRANT ALL ON hp.t TO regress_bu_user;
CREATE FUNCTION hp.in_view(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('%s as %s', sum(rows_updated), current_user) FROM public.bulk_update_query('hp.t', query, '{id,v}'));
END
$$;
SET ROLE regress_bu_user;
-- the view's owner updates, whoever refreshes it
CREATE MATERIALIZED VIEW hp.m AS SELECT hp.in_view('VALUES (1, 100), (2, 200)') AS result;
TABLE hp.m;
RESET ROLE;
REFRESH MATERIALIZED VIEW hp.m;
TABLE hp.m;
-- without the owner's privilege, even a superuser's refresh fails
REVOKE UPDATE ON hp.t FROM regress_bu_user;
SELECT * FROM test_error('REFRESH MATERIALIZED VIEW hp.m') AS line WHERE line NOT LIKE 'CONTEXT%';
GRANT UPDATE ON hp.t TO regress_bu_user;
-- what is forbidden there stays forbidden
SET ROLE regress_bu_user;
SELECT * FROM test_error($$ CREATE MATERIALIZED VIEW hp.n AS SELECT public.bulk_update_create_rejects('pg_temp.r') $$) AS line WHERE line NOT LIKE 'CONTEXT%';
CREATE FUNCTION hp.in_index(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.bulk_update_query('hp.t', format('VALUES (%s, -7)', i), '{id,v}');
    RETURN i;
END
$$;
CREATE TABLE hp.indexed (id int PRIMARY KEY, v int);
INSERT INTO hp.indexed VALUES (1, 5), (2, 6);
RESET ROLE;
CREATE INDEX ON hp.indexed (hp.in_index(v));
SELECT id, v FROM hp.t WHERE v < 0 ORDER BY id;
REVOKE UPDATE ON hp.t FROM regress_bu_user;
SELECT * FROM test_error('REINDEX TABLE hp.indexed') AS line WHERE line NOT LIKE 'CONTEXT%';
-- and in a bulk update of that table it runs as the caller, once for each row
SELECT rows_updated FROM bulk_update_query('hp.indexed', 'VALUES (1, 7), (2, 8)', '{id,v}');
SELECT id, v FROM hp.t WHERE v < 0 ORDER BY id;
-- of the same table: a row that is being updated
SET ROLE regress_bu_user;
CREATE OR REPLACE FUNCTION hp.in_index(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF i = 10 THEN
        PERFORM public.bulk_update_query('hp.indexed', 'VALUES (1, 11), (2, 12)', '{id,v}');
    END IF;
    RETURN i;
END
$$;
RESET ROLE;
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.indexed', 'VALUES (1, 9), (2, 10)', '{id,v}') $$) AS line WHERE line LIKE 'ERROR%' OR line = 'no error';
SELECT * FROM hp.indexed ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update_query('hp.indexed', 'VALUES (1, 10), (2, 9)', '{id,v}') $$) AS line WHERE line LIKE 'ERROR%' OR line = 'no error';
SELECT * FROM hp.indexed ORDER BY id;

--
-- The table of rejects: the required privilege, and its columns
--
SELECT bulk_update_create_rejects('hp.r');
ALTER TABLE hp.r OWNER TO regress_bu_owner;
GRANT ALL ON hp.t TO regress_bu_user;
CREATE VIEW hp.v AS SELECT * FROM hp.r;
CREATE MATERIALIZED VIEW hp.mv AS SELECT * FROM hp.r;
CREATE TABLE hp.wrong (run bigint, target text);
CREATE SEQUENCE hp.seq;
CREATE TABLE hp.types (LIKE hp.r);
ALTER TABLE hp.types ALTER COLUMN message TYPE point USING NULL;
CREATE TABLE hp.generated (LIKE hp.r);
ALTER TABLE hp.generated DROP COLUMN reason, ADD COLUMN reason text GENERATED ALWAYS AS ('x') STORED;
GRANT ALL ON hp.v, hp.mv, hp.wrong, hp.types, hp.generated, hp.seq TO regress_bu_user;
SET ROLE regress_bu_user;
SELECT relation, line FROM unnest('{hp.r,hp.v,hp.mv,hp.wrong,hp.types,hp.generated,hp.seq,pg_class}'::text[]) AS relation,
    test_error(format('SELECT bulk_update_query(''hp.t'', ''VALUES (99, 1)'', ''{id,v}'', rejects => %L)', relation)) AS line
 WHERE line NOT LIKE 'CONTEXT%';
-- nothing of the call remains, also if there is nothing to record
SELECT line FROM test_error($$ SELECT bulk_update_query('hp.t', 'VALUES (1, 4711)', '{id,v}', rejects => 'hp.r') $$) AS line WHERE line LIKE 'ERROR%';
SELECT count(*) FROM hp.t WHERE v = 4711;
RESET ROLE;
-- the trigger of its owner runs as the caller as well
SET ROLE regress_bu_owner;
GRANT INSERT ON hp.r TO regress_bu_user;
CREATE FUNCTION hp.on_reject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.message := 'recorded by ' || current_user;
    RETURN NEW;
END
$$;
CREATE TRIGGER on_reject BEFORE INSERT ON hp.r FOR EACH ROW EXECUTE FUNCTION hp.on_reject();
SET ROLE regress_bu_user;
SELECT rows_missing FROM bulk_update_query('hp.t', 'VALUES (99, 1)', '{id,v}', rejects => 'hp.r');
RESET ROLE;
SELECT reason, key, message FROM hp.r;

DROP FUNCTION ran, try, set_v, try_policy;
DROP OWNED BY regress_bu_user, regress_bu_clerk CASCADE;
DROP SCHEMA hp CASCADE;
DROP ROLE regress_bu_owner, regress_bu_user, regress_bu_clerk;
