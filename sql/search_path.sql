--
-- The search_path does not affect what the functions do
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, k text COLLATE "C" NOT NULL UNIQUE, v int, a int[]);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, 'k' || i, i, ARRAY[i] FROM generate_series(1, 5) AS i;
INSERT INTO plain TABLE t;

-- Objects with names that occur in any statement that updates rows. They
-- do something else, or fail, or report that they were called.
CREATE SCHEMA hostile;
CREATE TABLE hostile.called (what text);
CREATE FUNCTION hostile.tell(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hostile % was called', what;
END
$$;
CREATE FUNCTION hostile.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS $$ SELECT $1[1] WHERE hostile.tell('unnest') $$;
CREATE FUNCTION hostile.unnest(anyarray, anyarray) RETURNS SETOF record LANGUAGE sql AS $$ SELECT 1, 2 WHERE hostile.tell('unnest') $$;
CREATE FUNCTION hostile.unnest(t[]) RETURNS SETOF t LANGUAGE sql AS $$ SELECT $1[1].* WHERE hostile.tell('unnest') $$;
CREATE FUNCTION hostile.eq(int, int) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.tell('=') $$;
CREATE FUNCTION hostile.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.tell('=') $$;
CREATE OPERATOR hostile.= (FUNCTION = hostile.eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR hostile.= (FUNCTION = hostile.eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR hostile.< (FUNCTION = hostile.eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR hostile.<> (FUNCTION = hostile.eq, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION hostile.int4(bigint) RETURNS int LANGUAGE sql AS $$ SELECT 1 WHERE hostile.tell('int4') $$;
CREATE FUNCTION hostile.int4(text) RETURNS int LANGUAGE sql AS $$ SELECT 1 WHERE hostile.tell('int4') $$;
CREATE FUNCTION hostile.count() RETURNS bigint LANGUAGE sql AS $$ SELECT 1::bigint WHERE hostile.tell('count') $$;
CREATE FUNCTION hostile.generate_subscripts(anyarray, int) RETURNS SETOF int LANGUAGE sql AS $$ SELECT 1 WHERE hostile.tell('generate_subscripts') $$;
CREATE DOMAIN hostile.int4 AS text CHECK (hostile.tell('type int4'));
CREATE DOMAIN hostile.int8 AS text CHECK (hostile.tell('type int8'));
CREATE DOMAIN hostile.text AS pg_catalog.int4 CHECK (hostile.tell('type text'));
CREATE TABLE hostile.t (id pg_catalog.int4 PRIMARY KEY, k pg_catalog.text, v pg_catalog.int4, a pg_catalog.int4[]);
INSERT INTO hostile.t VALUES (1, 'k1', 1);
CREATE TABLE hostile.u (c1 pg_catalog.int4);
CREATE TABLE hostile.n (n pg_catalog.int4);
CREATE TABLE hostile.pg_class (oid pg_catalog.oid, relname pg_catalog.name);
CREATE COLLATION hostile."C" (locale = 'POSIX');

-- With all of these first, before pg_catalog. The queries do not use any of them.
SET search_path = hostile, pg_catalog, public;
SELECT :report FROM bulk_update_query('public.t', 'SELECT id, v OPERATOR(pg_catalog.*) 10::pg_catalog.int8 AS v FROM public.t ORDER BY id', chunk_size => 2);
SELECT :report FROM bulk_update_query('public.t', 'SELECT k, v OPERATOR(pg_catalog.+) 1 AS v FROM public.t ORDER BY id', key_columns => '{k}');
SELECT :report FROM bulk_update_query('public.t', 'SELECT id, ARRAY[id, v] AS a FROM public.t ORDER BY id DESC');
SELECT :report FROM bulk_update_query('public.t', 'VALUES (1, 1, ARRAY[1]), (9, 9, NULL)', '{id,v,a}');
BEGIN;
DECLARE c CURSOR FOR SELECT id, v OPERATOR(pg_catalog.-) 2 AS v FROM public.t ORDER BY id;
SELECT :report FROM bulk_update('public.t', 'c', chunk_size => 1);
COMMIT;
-- errors are the same too
SELECT * FROM public.test_error($$ SELECT bulk_update_query('public.t', 'VALUES (1, 1), (1, 2)', '{id,v}') $$);
SELECT * FROM public.test_error($$ SELECT bulk_update_query('public.t', 'VALUES (1, 3000000000)', '{id,v}') $$);
-- a table name is looked up like any other
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 100)', '{id,v}');
RESET search_path;
UPDATE plain SET v = v * 10 + 1;
UPDATE plain SET a = ARRAY[id, v];
UPDATE plain SET v = 1, a = ARRAY[1] WHERE id = 1;
UPDATE plain SET v = v - 2;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM hostile.t;
TABLE hostile.called;

-- Temporary objects, which hide others; an empty search_path
CREATE TEMPORARY TABLE t (id int PRIMARY KEY, v text);
CREATE TEMPORARY TABLE u (c1 int, n int);
CREATE TEMPORARY VIEW unnest AS SELECT 1 AS n;
CREATE DOMAIN pg_temp.int4 AS text;
SELECT :report FROM bulk_update_query('public.t', 'SELECT id, v + 1 AS v FROM public.t');
SET search_path = '';
SELECT :report FROM public.bulk_update_query('public.t', 'SELECT id, v + 1 AS v FROM public.t');
SET search_path = pg_temp, pg_catalog, public;
SELECT :report FROM public.bulk_update_query('public.t', 'SELECT id, v + 1 AS v FROM public.t');
RESET search_path;
SELECT count(*) FROM pg_temp.t;
UPDATE plain SET v = v + 3;
SELECT * FROM test_diff('public.t', 'plain');
-- a temporary table whose name must be qualified, under a search_path without pg_temp in front
SET search_path = public, pg_temp;
SELECT :report FROM bulk_update_query('pg_temp.t', 'VALUES (1, ''x'')', '{id,v}');
RESET search_path;
DROP TABLE pg_temp.t, pg_temp.u;
DROP VIEW pg_temp.unnest;
DROP DOMAIN pg_temp.int4;

-- The search_path stays as the caller has set it, for triggers and casts too
CREATE TABLE log (path text);
CREATE FUNCTION log_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.log VALUES (current_setting('search_path'));
    RETURN NULL;
END
$$;
CREATE TRIGGER log_path AFTER UPDATE ON t EXECUTE FUNCTION log_path();
SET search_path = hostile, public;
SELECT rows_updated FROM bulk_update_query('public.t', 'VALUES (1, 1)', '{id,v}');
SHOW search_path;
RESET search_path;
TABLE log;
DROP TRIGGER log_path ON t;
-- and so do the settings for the planner
CREATE VIEW plan_settings AS
SELECT name, setting FROM pg_settings
 WHERE name LIKE 'enable\_%' OR name LIKE '%\_cost' OR name IN ('jit', 'plan_cache_mode', 'work_mem');
CREATE FUNCTION same_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log SELECT 'differs in a ' || TG_WHEN || ' trigger: ' || name || ' = ' || setting
                      FROM (TABLE plan_settings EXCEPT TABLE settings_before) AS s;
    RETURN NULL;
END
$$;
CREATE TRIGGER before_update BEFORE UPDATE ON t EXECUTE FUNCTION same_settings();
CREATE TRIGGER after_update AFTER UPDATE ON t EXECUTE FUNCTION same_settings();
TRUNCATE log;
CREATE TABLE settings_before AS TABLE plan_settings;
SELECT rows_updated FROM bulk_update_query('public.t', 'VALUES (1, 1)', '{id,v}');
TABLE log;
SET enable_nestloop = off;
SET enable_indexscan = off;
SET enable_material = off;
SET plan_cache_mode = force_custom_plan;
SET jit = on;
TRUNCATE settings_before;
INSERT INTO settings_before TABLE plan_settings;
SELECT rows_updated FROM bulk_update_query('public.t', 'VALUES (1, 1)', '{id,v}');
TABLE log;
-- afterwards too, also after an error
SELECT * FROM (TABLE plan_settings EXCEPT TABLE settings_before) AS s;
SELECT count(*) > 0 AS failed FROM test_error($$ SELECT bulk_update_query('public.t', 'VALUES (1, NULL)', '{id,k}') $$) AS line
 WHERE line LIKE 'ERROR 23502%';
SELECT * FROM (TABLE plan_settings EXCEPT TABLE settings_before) AS s;
RESET enable_nestloop;
RESET enable_indexscan;
RESET enable_material;
RESET plan_cache_mode;
RESET jit;
DROP TABLE settings_before;
DROP VIEW plan_settings;
DROP TABLE log;

SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
DROP TABLE t, plain;
DROP FUNCTION log_path, same_settings;
RESET client_min_messages;

--
-- The extension in another schema
--
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, 1), (2, 2);
CREATE SCHEMA "Other schema";
ALTER EXTENSION bulk_update SET SCHEMA "Other schema";
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,v}') $$) AS line WHERE line LIKE 'ERROR%';
SELECT rows_updated FROM "Other schema".bulk_update_query('t', 'VALUES (1, 10)', '{id,v}');
BEGIN;
DECLARE c CURSOR FOR VALUES (2, 20);
SELECT rows_updated FROM "Other schema".bulk_update('t', 'c', '{id,v}');
COMMIT;
DROP EXTENSION bulk_update;
-- with operators for combinations of types that pg_catalog has none for
DO $$
DECLARE
    kinds CONSTANT regtype[] := '{bigint,integer,numeric,interval,timestamptz,name,oid}';
    a regtype;
    b regtype;
    operator text[];
BEGIN
    FOR a, b IN SELECT l, r FROM unnest(kinds) AS l, unnest(kinds) AS r LOOP
        FOREACH operator SLICE 1 IN ARRAY '{{=,boolean,same},{/,numeric,ratio},{-,interval,distance}}'::text[] LOOP
            EXECUTE format('CREATE FUNCTION "Other schema".%I(%s, %s) RETURNS %s LANGUAGE sql AS ''SELECT NULL::%4$s''',
                           operator[3], a, b, operator[2]);
            EXECUTE format('CREATE OPERATOR "Other schema".%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = "Other schema".%I)',
                           operator[1], a, b, operator[3]);
        END LOOP;
    END LOOP;
END
$$;
CREATE EXTENSION bulk_update SCHEMA "Other schema";
-- the view uses none of them
SELECT pg_describe_object(refclassid, refobjid, 0) AS used
  FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
 WHERE classid = 'pg_rewrite'::regclass AND ev_class = '"Other schema".bulk_update_progress'::regclass
       AND refclassid IN ('pg_operator'::regclass, 'pg_proc'::regclass);
SELECT rows_updated FROM "Other schema".bulk_update_query('t', 'VALUES (1, 11)', '{id,v}');
SELECT * FROM t ORDER BY id;
DROP EXTENSION bulk_update;
CREATE EXTENSION bulk_update SCHEMA public VERSION '1.0';
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 12)', '{id,v}');
SET client_min_messages = warning;
DROP SCHEMA "Other schema" CASCADE;
DROP TABLE t;
