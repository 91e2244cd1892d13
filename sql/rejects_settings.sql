--
-- Rejects are written so that they can be replayed under other settings than those of the call
--
CREATE SCHEMA one;
CREATE SCHEMA two;
SET client_min_messages = warning;
-- objects with the same names in both
DO $$
DECLARE
    schema text;
BEGIN
    FOREACH schema IN ARRAY '{one,two}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I.t (i int)', schema);
        EXECUTE format('CREATE FUNCTION %I.f(int, %1$I.t) RETURNS int LANGUAGE sql AS ''SELECT 1''', schema);
        EXECUTE format('CREATE FUNCTION %I.g(text) RETURNS int LANGUAGE sql AS ''SELECT 1''', schema);
        EXECUTE format('CREATE OPERATOR %I.=== (LEFTARG = int, RIGHTARG = %1$I.t, FUNCTION = %1$I.f)', schema);
        EXECUTE format('CREATE TYPE %I.e AS ENUM (''x'')', schema);
        EXECUTE format('CREATE DOMAIN %I.d AS text', schema);
        EXECUTE format('CREATE COLLATION %I.c FROM "C"', schema);
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION %I.conf (COPY = simple)', schema);
        EXECUTE format('CREATE TEXT SEARCH DICTIONARY %I.dict (TEMPLATE = simple)', schema);
    END LOOP;
END
$$;
CREATE DOMAIN a_table AS regclass;
CREATE TYPE with_table AS (r regclass, note text);
RESET client_min_messages;
SELECT bulk_update_create_rejects('settings_rejects');

CREATE TABLE sample (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO sample (type, value) VALUES
    ('regclass', 't'), ('regclass', 'pg_class'), ('a_table', 't'), ('regclass[]', '{t,one.t,two.t}'), ('with_table', '(t,"a, b")'), ('with_table[]', '{"(t,)"}'),
    ('regtype', 'e'), ('regtype', 'd'), ('regtype', 'integer'), ('regtype', 't[]'), ('regproc', 'g'), ('regprocedure', 'f(int,t)'), ('regprocedure', 'upper(text)'),
    ('regoper', '==='), ('regoperator', '===(int,t)'), ('regoperator', '+(int,int)'), ('regcollation', 'c'), ('regconfig', 'conf'), ('regconfig', 'english'),
    ('regdictionary', 'dict'), ('regnamespace', 'one'), ('regrole', 'pg_monitor'), ('regclass', '-'), ('regclass', '4294967295'),
    ('money', '1234.56'), ('money', '-0.01'), ('money[]', '{1.10,NULL}'), ('xml', '<a b="c">d</a>'),
    ('bytea', '\x00ff5c'), ('bytea[]', '{"\\x00ff"}'), ('timestamptz', '1890-01-01 00:00:00+00'), ('timestamptz', '2024-07-01 12:00:00.123456+00'),
    ('tstzrange', '["2024-01-01 00:00:00+00",infinity)'), ('tstzmultirange', '{["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")}'), ('timetz', '10:00:00.5+05:30:15'),
    ('timestamp', '2024-02-03 04:05:06'), ('date', '2024-02-03'), ('daterange', '[2024-02-03,2024-03-02)'), ('time', '04:05:06'),
    ('interval', '1 year -2 mons 3 days -04:05:06.789'), ('interval', '-1 days +02:03:00'), ('interval[]', '{-1 years,1 mon -1 days}'),
    ('float8', '0.30000000000000004'), ('real', '1.1754944e-38'), ('float8[]', '{0.1,NaN,-Infinity}'), ('point', '(0.1,0.30000000000000004)'), ('circle', '<(0.1,1e-300),0.3>'),
    ('line', '{0.1,-1,0}'), ('lseg', '[(0,0.1),(1,1)]'), ('polygon', '((0,0.1),(1,1),(1,0))'), ('jsonb', '{"a": 0.10}'), ('jsonpath', '$."a"[*] ? (@ > 0.1)'), ('tid', '(1,2)'),
    ('xid8', '77'), ('cid', '7'), ('pg_snapshot', '10:20:10,14'), ('macaddr8', '08:00:2b:01:02:03:04:05'), ('oidvector', '1 2'), ('int2vector', '1 2'), ('refcursor', 'a "b"'),
    ('aclitem', 'pg_monitor=r/pg_monitor'), ('tsvector', '''a'':1A ''b c'':2'), ('tsquery', '''a'' <-> ''b''');

-- The settings of the call
CREATE FUNCTION write_settings() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('search_path', 'one, public', false), set_config('datestyle', 'SQL, DMY', false), set_config('intervalstyle', 'iso_8601', false),
           set_config('timezone', 'Asia/Kolkata', false), set_config('bytea_output', 'escape', false), set_config('extra_float_digits', '-15', false),
           set_config('quote_all_identifiers', 'on', false), set_config('xmloption', 'content', false)
$$;
-- and those of the replay
CREATE FUNCTION read_settings() RETURNS void LANGUAGE sql AS $$
    SELECT set_config('search_path', 'two, public', false), set_config('datestyle', 'German, MDY', false), set_config('intervalstyle', 'sql_standard', false),
           set_config('timezone', 'America/New_York', false), set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '0', false),
           set_config('quote_all_identifiers', 'off', false), set_config('xmloption', 'document', false), set_config('lc_monetary', 'C', false)
$$;
-- the value of a row that is missing (coerced), and of one that is a duplicate (as in the source)
CREATE FUNCTION replays(type text, value text, OUT written text, OUT same bool) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE public.settings_rejects;
    PERFORM public.write_settings();
    EXECUTE format('CREATE TABLE public.typed (id int PRIMARY KEY, v %s)', type);
    EXECUTE format('INSERT INTO public.typed VALUES (1, %L)', value);
    PERFORM bulk_update_query('typed', 'SELECT i AS id, v FROM public.typed, unnest(''{2,1,1}''::int[]) AS i', on_duplicate => 'first', rejects => 'settings_rejects');
    PERFORM public.read_settings();
    -- compared by bytes, because output would depend on the settings again
    EXECUTE 'SELECT min(r.new_values->>''v''),
                    count(*) = 2 AND bool_and(record_image_eq(ROW(p.v), ROW(o.v)))
               FROM public.settings_rejects AS r, jsonb_populate_record(NULL::public.typed, key || new_values) AS p, public.typed AS o' INTO written, same;
    DROP TABLE public.typed;
END
$$;
SELECT count(*) AS values, count(*) FILTER (WHERE same) AS same FROM sample, replays(type, value);
SELECT type, value, written FROM sample, replays(type, value) WHERE same IS NOT TRUE ORDER BY n;
RESET ALL;
-- Names of objects and amounts of money as written
SELECT DISTINCT ON (type) type, value, written FROM sample, replays(type, value) WHERE type ~ 'reg|table|money' ORDER BY type, n;
RESET ALL;
-- Keys too, and rows that are rejected
CREATE TABLE keyed (r regclass PRIMARY KEY, m money CHECK (m > '0'));
INSERT INTO keyed VALUES ('one.t', '1');
TRUNCATE settings_rejects;
SELECT write_settings() IS NOT NULL AS done;
SELECT rows_rejected FROM bulk_update_query('public.keyed', $$ SELECT 't'::regclass AS r, '-1'::money AS m $$, on_error => 'skip', rejects => 'public.settings_rejects');
SELECT read_settings() IS NOT NULL AS done;
UPDATE settings_rejects SET new_values = '{"m": "$2.50"}';
SELECT key, rows_updated FROM settings_rejects, bulk_update_query('keyed', $$
    SELECT p.* FROM settings_rejects AS r, jsonb_populate_record(NULL::keyed, key || new_values) AS p $$);
RESET ALL;
SELECT * FROM keyed;
-- the settings of the session are unchanged
SET search_path = one, public;
SET lc_monetary = 'C.UTF-8';
SELECT rows_missing FROM bulk_update_query('keyed', $$ SELECT 'pg_class'::regclass AS r, '1'::money AS m $$, rejects => 'settings_rejects');
SHOW search_path;
SHOW lc_monetary;
RESET ALL;

SET client_min_messages = warning;
DROP FUNCTION replays, write_settings, read_settings;
DROP TABLE sample, keyed, settings_rejects;
DROP TYPE with_table, a_table;
DROP SCHEMA one, two CASCADE;
