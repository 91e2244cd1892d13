--
-- rejects: the record of rows that were not applied, and its replay
--
CREATE SCHEMA rejects;
SET search_path = rejects, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT a_below_100 CHECK (a < 100), b varchar(5));
INSERT INTO t SELECT i, i, 'old' FROM generate_series(1, 10) AS i;
SELECT bulk_update_create_rejects('r');
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
 WHERE attrelid = 'r'::regclass AND attnum > 0 ORDER BY attnum;

-- Every reason; rows that are applied are not recorded
BEGIN;
SELECT now() AS before \gset
SELECT :report FROM bulk_update_query('t', $$ VALUES (1, 1.4, 'new'), (2, 100, 'new'), (11, 2.6, 'new'), (NULL, 1, 'new'), (3, 3, 'too long'), (1, 5, 'again'),
                                                     (4, NULL, NULL), (5e9, 1, 'new') $$, '{id,a,b}',
                                      on_duplicate => 'first', on_error => 'skip', rejects => 'r', chunk_size => 3);
SELECT target, chunk, source_row, reason, key, new_values, sqlstate, message, detail, constraint_name FROM r ORDER BY source_row;
SELECT count(DISTINCT run) AS runs, bool_and(rejected_at >= :'before') AS now FROM r;
COMMIT;
-- one number for each call with a table of rejects, whatever its order
SELECT max(run) AS newest FROM r \gset
SELECT count(*) FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,a}');
SELECT count(*) FROM bulk_update_query('t', 'VALUES (12, 1)', '{id,a}', rejects => 'r');
SELECT count(*) FROM bulk_update_query('t', 'VALUES (12, 1)', '{id,a}', rejects => 'r', dry_run => true);
SELECT run - :newest AS run, count(*) FROM r GROUP BY run ORDER BY run;
TRUNCATE r;
-- an error of the call undoes the record
SELECT count(*) FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (12, 1), (13, 1), (1, 100)', '{id,a}', rejects => 'r', chunk_size => 1) $$);
SELECT count(*) FROM r;

--
-- Values: jsonb_populate_record() of the record returns what was to be written
--
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN document AS jsonb;
CREATE TABLE sample (n int GENERATED ALWAYS AS IDENTITY, type text, value text);
INSERT INTO sample (type, value) VALUES
    ('boolean', 't'), ('boolean', 'f'), ('smallint', '-32768'), ('int', '2147483647'), ('bigint', '9223372036854775807'), ('oid', '4294967295'),
    ('numeric', '1.500'), ('numeric', '-0.00000000000000000000000000000001'), ('numeric', '12345678901234567890123456789012345678901234567890'),
    ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '1e300'), ('real', '0.1'), ('real', '1e-40'), ('real', 'NaN'), ('float8', '0.1'),
    ('float8', '1.7976931348623157e308'), ('float8', '5e-324'), ('float8', '-Infinity'), ('float8', '123456789.12345679'), ('float8', '-0'), ('real', '-0'), ('money', '12.34'),
    ('text', 'plain'), ('text', ''), ('text', 'null'), ('text', E'quotes " '' back\\slash \t tab \n line \x01 control'), ('text', 'ä ß 漢 😀'),
    ('text', '{"a": 1}'), ('char(5)', 'ab'), ('varchar(9)', ' x '), ('"char"', 'x'), ('name', 'a name'), ('bytea', '\x00ff5c22'), ('bytea', ''),
    ('date', '2024-02-29'), ('date', 'infinity'), ('date', '0044-03-15 BC'), ('time', '24:00'), ('timetz', '10:00:00.123456+05:30'),
    ('timestamp', '2024-01-02 03:04:05.678901'), ('timestamptz', '2024-01-02 03:04:05.678901+00'), ('timestamptz', '-infinity'),
    ('interval', '1 year -2 mons 3 days -04:05:06.789'), ('uuid', '00000000-0000-0000-0000-00000000000f'), ('inet', '10.0.0.1/8'), ('cidr', '::1/128'),
    ('macaddr', '08:00:2b:01:02:03'), ('bit(3)', '101'), ('varbit', ''), ('jsonb', '{"b": [1, 2.50, null, "x"], "a": {}}'), ('jsonb', '"text"'), ('jsonb', '17'),
    ('jsonb', '[]'), ('json', '{"a": 1}'), ('json', '"text"'), ('document', '{"a": 1}'), ('point', '(1.5,-2)'), ('box', '(2,2),(0,0)'), ('path', '[(0,0),(1,1)]'),
    ('mood', 'happy'), ('positive', '7'), ('pair', '(1,"x,y")'), ('pair', '(,)'), ('int4range', '[1,3)'), ('tstzrange', '["2024-01-01 00:00:00+00",)'),
    ('int4multirange', '{[1,3),[5,7)}'), ('int[]', '{1,NULL,3}'), ('int[]', '{}'), ('int[]', '{{1,2},{3,4}}'), ('int[]', '[0:1]={1,2}'),
    ('text[]', '{"a,b","c\"d",NULL,"NULL",""}'), ('bytea[]', '{"\\x00"}'), ('pair[]', '{"(1,x)"}'), ('jsonb[]', '{"{\"a\": 1}"}'),
    ('tsvector', '''a'':1A ''b'':2'), ('tsquery', '''a'' & ''b'''), ('regclass', 'pg_class'), ('pg_lsn', '0/ABC'), ('xid', '77');
-- check_value(type, value): the value of a row that is missing (coerced), and of one that is a duplicate (as in
-- the source), as JSON; and whether both can be read back
CREATE FUNCTION check_value(type text, value text, OUT kind text, OUT comes_back bool) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE r;
    EXECUTE format('CREATE TABLE typed (id int PRIMARY KEY, v %s)', type);
    INSERT INTO typed VALUES (1);
    PERFORM bulk_update_query('typed', format('SELECT i, %L::%s FROM unnest(''{2,1,1}''::int[]) AS i', value, type), '{id,v}',
                              on_duplicate => 'first', rejects => 'r');
    EXECUTE 'SELECT string_agg(DISTINCT jsonb_typeof(new_values->''v''), '', ''), count(*) = 2 AND bool_and(p.v::text = o.v::text)
               FROM r, jsonb_populate_record(NULL::typed, key || new_values) AS p, typed AS o WHERE o.id = 1' INTO kind, comes_back;
    DROP TABLE typed;
END
$$;
SELECT count(*) AS values, count(*) FILTER (WHERE comes_back) AS come_back FROM sample, check_value(type, value);
SELECT sample.*, c.* FROM sample, check_value(type, value) AS c WHERE comes_back IS NOT TRUE ORDER BY n;
SELECT kind, array_agg(DISTINCT type ORDER BY type) FROM sample, check_value(type, value) GROUP BY kind ORDER BY kind;
-- whatever the session's output settings are
SET extra_float_digits = 0;
SET bytea_output = escape;
SET IntervalStyle = sql_standard;
SET DateStyle = 'SQL, DMY';
SELECT count(*) AS values, count(*) FILTER (WHERE comes_back) AS come_back FROM sample, check_value(type, value);
CREATE TABLE settings (id int PRIMARY KEY, f float8, d date, ts timestamptz, i interval);
TRUNCATE r;
SELECT rows_missing FROM bulk_update_query('settings', $$ SELECT 1, 0.1::float8 + 0.2::float8, make_date(2024, 2, 3), make_timestamptz(2024, 2, 3, 4, 5, 6, 'UTC'),
                                                                 make_interval(years => 1, days => -2) $$, '{id,f,d,ts,i}', rejects => 'r');
RESET extra_float_digits;
RESET bytea_output;
RESET IntervalStyle;
RESET DateStyle;
SELECT p.f = 0.1::float8 + 0.2::float8 AS f, p.d = make_date(2024, 2, 3) AS d, p.ts = make_timestamptz(2024, 2, 3, 4, 5, 6, 'UTC') AS ts,
       p.i = make_interval(years => 1, days => -2) AS i
  FROM r, jsonb_populate_record(NULL::settings, key || new_values) AS p;
TRUNCATE r;

-- JSON that jsonb cannot hold is not an error: its text is recorded
CREATE TABLE documents (id int PRIMARY KEY, j json);
SELECT rows_missing FROM bulk_update_query('documents', $$ VALUES (1, '{"a": "\u0000"}'::json) $$, '{id,j}', rejects => 'r');
SELECT rows_missing FROM bulk_update_query('documents', $$ VALUES (2, '{"a": "\ud800"}'::json) $$, '{id,j}', rejects => 'r');
SELECT rows_missing FROM bulk_update_query('documents', $$ VALUES (3, '{"a": 1e1000000}'::json) $$, '{id,j}', rejects => 'r');
SELECT key, new_values, (new_values->>'j')::json AS value FROM r ORDER BY run;
TRUNCATE r;

-- Large values are left out, and their columns named
CREATE TABLE large (id int PRIMARY KEY, a text, "B" bytea, c int CHECK (c > 0));
INSERT INTO large VALUES (1), (2);
SELECT :report FROM bulk_update_query('large', $$ SELECT i, repeat('x', 17000000), CASE i WHEN 1 THEN decode(repeat('00', 9000000), 'hex') ELSE '\x00' END, 1 - i
                                                    FROM generate_series(1, 3) AS i $$, '{id,a,B,c}', on_error => 'skip', rejects => 'r');
SELECT source_row, reason, key, new_values - 'B' AS new_values, length(new_values->>'B') AS b, message, detail FROM r ORDER BY source_row;
TRUNCATE r;
SELECT :report FROM bulk_update_query('large', $$ SELECT 3, repeat('x', 16000000), ''::bytea, 1 $$, '{id,a,B,c}', rejects => 'r');
SELECT length(new_values->>'a'), detail FROM r;
TRUNCATE r;

-- Long messages, and columns whose names need quotes in JSON
CREATE TABLE odd ("a ""quoted""" int PRIMARY KEY, "back\slash" text);
SELECT rows_missing FROM bulk_update_query('odd', 'SELECT 1 AS "a ""quoted""", ''x'' AS "back\slash"', rejects => 'r');
SELECT key, new_values FROM r;
TRUNCATE r;

--
-- Any table with these columns can be used
--
-- other columns, in another order, other types that the values can be assigned to, partitions, a domain
CREATE TABLE own (id bigint GENERATED ALWAYS AS IDENTITY, rejected_at timestamptz, note text DEFAULT 'to do', detail varchar(200), constraint_name name, message text,
                  sqlstate char(5), new_values json, key text, reason text, source_row numeric, chunk int, target oid, run int) PARTITION BY LIST (reason);
CREATE TABLE own_missing PARTITION OF own FOR VALUES IN ('missing');
CREATE TABLE own_rest PARTITION OF own DEFAULT;
SELECT :report FROM bulk_update_query('t', 'VALUES (1, 1), (2, 200), (99, 1)', '{id,a}', on_error => 'skip', rejects => 'own');
SELECT tableoid::regclass, id, note, detail, constraint_name, message, sqlstate, new_values, key, reason, source_row, chunk, target::regclass FROM own ORDER BY source_row;
-- a temporary one
SELECT bulk_update_create_rejects('pg_temp.temporary');
SELECT rows_missing FROM bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', rejects => 'pg_temp.temporary');
SELECT count(*) FROM pg_temp.temporary;
-- with a trigger that copies the row elsewhere; its error is an error of the call also under 'skip'
CREATE FUNCTION file_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.source_row = 2 THEN
        RAISE EXCEPTION 'no room';
    END IF;
    NEW.message := 'filed';
    RETURN NEW;
END
$$;
CREATE TRIGGER file_away BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION file_away();
SELECT rows_missing FROM bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', on_error => 'skip', rejects => 'r');
SELECT message FROM r;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (98, 1), (99, 1)', '{id,a}', on_error => 'skip', rejects => 'r') $$);
DROP TRIGGER file_away ON r;
TRUNCATE r;

-- Privileges: INSERT is enough, on all columns or on these
CREATE ROLE regress_bulk_update_rejects;
GRANT USAGE ON SCHEMA rejects TO regress_bulk_update_rejects;
GRANT SELECT, UPDATE ON t TO regress_bulk_update_rejects;
SET ROLE regress_bulk_update_rejects;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', rejects => 'r') $$);
RESET ROLE;
GRANT INSERT (run, target, chunk, source_row, reason, key, new_values, sqlstate, message, detail, constraint_name, rejected_at) ON r TO regress_bulk_update_rejects;
SET ROLE regress_bulk_update_rejects;
SELECT rows_missing FROM bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', rejects => 'r');
RESET ROLE;
-- row-level security of the table of rejects applies
ALTER TABLE r ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON r FOR INSERT WITH CHECK (reason <> 'missing');
SET ROLE regress_bulk_update_rejects;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', rejects => 'r') $$);
RESET ROLE;
DROP POLICY p ON r;
ALTER TABLE r DISABLE ROW LEVEL SECURITY;
TRUNCATE r;

-- search_path does not affect it
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.r (LIKE r);
SELECT 'r'::regclass::oid AS r \gset
SET search_path = elsewhere, rejects, public;
SELECT rows_missing FROM bulk_update_query('t', 'VALUES (99, 1)', '{id,a}', rejects => :r);
SET search_path = rejects, public;
SELECT count(*), (SELECT count(*) FROM elsewhere.r) AS elsewhere FROM r;
DROP TABLE elsewhere.r;
DROP SCHEMA elsewhere;
TRUNCATE r;

-- Many of them, in bounded memory
SET work_mem = '256kB';
SELECT sum(rows_missing) AS missing, max(memory_bytes) < 4000000 AS bounded
  FROM bulk_update_query('t', 'SELECT i, i FROM generate_series(100, 30000) AS i', '{id,a}', rejects => 'r');
SELECT count(*), count(DISTINCT source_row), count(DISTINCT key) FROM r;
RESET work_mem;
TRUNCATE r;

--
-- Repair and replay
--
CREATE TABLE target (id int PRIMARY KEY, amount numeric(6,2) CONSTRAINT amount_is_positive CHECK (amount > 0), day date, tags text[], data bytea);
INSERT INTO target SELECT i, 1, '2024-01-01', '{}', '' FROM generate_series(1, 100) AS i;
CREATE TABLE new AS
SELECT i AS id, i::numeric AS amount, date '2024-01-01' + i AS day, ARRAY['tag ' || i, '"quoted"', NULL] AS tags,
       decode(lpad(to_hex(i), 4, '0'), 'hex') AS data
  FROM generate_series(1, 104) AS i;
CREATE TABLE plain (LIKE target);
INSERT INTO plain TABLE new;
UPDATE new SET amount = -id WHERE id % 10 = 0;
UPDATE new SET amount = id * 100000 WHERE id % 10 = 5;
SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing, sum(rows_rejected) AS rejected
  FROM bulk_update_query('target', 'SELECT * FROM new ORDER BY md5(id::text)', on_error => 'skip', rejects => 'r');
SELECT reason, sqlstate, constraint_name, count(*) FROM r GROUP BY 1, 2, 3 ORDER BY 1, 2;
-- repaired in place
UPDATE r SET new_values = jsonb_set(new_values, '{amount}', to_jsonb(-(new_values->>'amount')::numeric))
 WHERE constraint_name = 'amount_is_positive';
UPDATE r SET new_values = jsonb_set(new_values, '{amount}', to_jsonb((new_values->>'amount')::numeric / 100000))
 WHERE sqlstate = '22003';
-- replayed: as update, and as insert
SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing, sum(rows_rejected) AS rejected
  FROM bulk_update_query('target', $$ SELECT p.* FROM r, jsonb_populate_record(NULL::target, key || new_values) AS p WHERE reason = 'error' $$,
                         on_missing => 'error');
INSERT INTO target SELECT p.* FROM r, jsonb_populate_record(NULL::target, key || new_values) AS p WHERE reason = 'missing';
SELECT * FROM test_diff('target', 'plain');

--
-- The function in another schema finds no sequence for the numbers of runs, and uses no other one
--
CREATE SCHEMA rejects_elsewhere;
DO $$
BEGIN
    EXECUTE regexp_replace(pg_get_functiondef('bulk_update_query'::regproc), 'FUNCTION [^(]*', 'FUNCTION rejects_elsewhere.bulk_update_query');
END
$$;
SELECT sum(rows_updated) AS updated FROM rejects_elsewhere.bulk_update_query('target', 'TABLE plain');
SELECT * FROM test_error($$ SELECT rejects_elsewhere.bulk_update_query('target', 'TABLE plain', rejects => 'r') $$);

SET client_min_messages = warning;
DROP SCHEMA rejects_elsewhere CASCADE;
DROP SCHEMA rejects CASCADE;
DROP ROLE regress_bulk_update_rejects;
