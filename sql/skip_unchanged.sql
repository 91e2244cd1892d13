--
-- skip_unchanged: rows that already have these values are not written
--
CREATE SCHEMA skip_unchanged;
SET search_path = skip_unchanged, public;
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t SELECT i, i, 'b' || i FROM generate_series(1, 10) AS i;
-- rows 3 and 7 are written
SELECT :report FROM bulk_update_query('t', 'SELECT i AS id, CASE i WHEN 3 THEN -3 ELSE i END AS a, ''b'' || CASE i WHEN 7 THEN 70 ELSE i END AS b
                                             FROM generate_series(1, 12) AS i', skip_unchanged => true, chunk_size => 5);
SELECT * FROM t WHERE a <> id OR b <> 'b' || id ORDER BY id;
-- without it, all rows are written
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM t');
-- only the columns of the source are compared
SELECT :report FROM bulk_update_query('t', 'SELECT id, a FROM t', skip_unchanged => true);

--
-- A second run writes nothing: no new row versions, no dead ones, almost no WAL, no triggers
--
CREATE TABLE large (id int PRIMARY KEY, a int, b text, c numeric) WITH (autovacuum_enabled = off);
INSERT INTO large SELECT i, 0, '', 0 FROM generate_series(1, 20000) AS i;
\set job 'SELECT i AS id, i AS a, ''text '' || i AS b, i * 1.5 AS c FROM generate_series(1, 20000) AS i'
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fired';
END
$$;
-- wal_bytes(query): the WAL that this session writes while the query runs
CREATE FUNCTION wal_bytes(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, WAL, FORMAT JSON) ' || query INTO plan;
    RETURN plan->0->'Plan'->'WAL Bytes';
END
$$;
BEGIN;
SELECT wal_bytes(format('SELECT bulk_update_query(''large'', %L, skip_unchanged => true)', :'job')) < 100000 AS little_wal;
ROLLBACK;
SELECT sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged FROM bulk_update_query('large', :'job', skip_unchanged => true);
-- with checksums, the first reader writes hints about dead rows to the WAL
VACUUM large;
CREATE TABLE places AS SELECT ctid AS place, xmin AS creator, xmax AS locker, id FROM large;
CREATE TRIGGER a BEFORE UPDATE ON large FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER b BEFORE UPDATE ON large FOR EACH STATEMENT EXECUTE FUNCTION fire();
CREATE TRIGGER c AFTER UPDATE ON large FOR EACH STATEMENT EXECUTE FUNCTION fire();
CHECKPOINT;
BEGIN;
SELECT pg_stat_get_xact_tuples_updated('large'::regclass) AS updated_before \gset
SELECT sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged FROM bulk_update_query('large', :'job', skip_unchanged => true);
SELECT wal_bytes(format('SELECT bulk_update_query(''large'', %L, skip_unchanged => true)', :'job')) < 100000 AS little_wal;
SELECT pg_stat_get_xact_tuples_updated('large'::regclass) - :updated_before AS tuples_updated;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
SELECT count(*) FROM large AS l JOIN places AS p USING (id)
 WHERE (l.ctid::text, l.xmin::text, l.xmax::text) <> (p.place::text, p.creator::text, p.locker::text);
-- the same with the other policies
SELECT sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged
  FROM bulk_update_query('large', :'job', skip_unchanged => true, on_error => 'skip', on_missing => 'error', on_duplicate => 'last');
DROP TRIGGER a ON large;
DROP TRIGGER b ON large;
DROP TRIGGER c ON large;
-- one changed row in 20,000 is one written row, in a statement with only that row
CREATE TABLE statements (n bigint);
CREATE FUNCTION log_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO statements SELECT count(*) FROM new_rows;
    RETURN NULL;
END
$$;
CREATE TRIGGER log AFTER UPDATE ON large REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_statement();
UPDATE large SET a = 0 WHERE id = 12345;
TRUNCATE statements;
SELECT sum(rows_updated) AS updated, sum(rows_unchanged) AS unchanged FROM bulk_update_query('large', :'job', skip_unchanged => true);
TABLE statements;

--
-- Types: the second run finds every row unchanged, also with NULL
--
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE with_json AS (a int, j json);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE EXTENSION citext SCHEMA skip_unchanged;
-- check_type(type, old, new): the unchanged rows when (old, NULL, new) is applied to rows that have
-- (old, NULL, old), and when it is applied again
CREATE FUNCTION check_type(type text, old text, new text, OUT first int, OUT second int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE typed (id int PRIMARY KEY, v %s)', type);
    EXECUTE format('INSERT INTO typed VALUES (1, %2$L::%1$s), (2, NULL), (3, %2$L::%1$s), (4, %2$L::%1$s), (5, NULL)', type, old);
    EXECUTE format('CREATE TEMP TABLE typed_new AS
                    SELECT * FROM (VALUES (1, %2$L::%1$s), (2, NULL), (3, %3$L::%1$s), (4, NULL), (5, %2$L::%1$s)) AS v (id, v)', type, old, new);
    first := (SELECT sum(rows_unchanged) FROM bulk_update_query('typed', 'TABLE typed_new', skip_unchanged => true));
    second := (SELECT sum(rows_unchanged) FROM bulk_update_query('typed', 'TABLE typed_new', skip_unchanged => true));
    IF EXISTS (SELECT v::text FROM typed EXCEPT SELECT v::text FROM typed_new) THEN
        RAISE NOTICE '% is wrong', type;
    END IF;
    DROP TABLE typed, typed_new;
END
$$;
CREATE TABLE sample (n int GENERATED ALWAYS AS IDENTITY, type text, old text, new text);
INSERT INTO sample (type, old, new) VALUES
    ('smallint', '1', '2'), ('int', '1', '2'), ('bigint', '1', '2'), ('numeric', '1.5', '2.5'), ('numeric(6,2)', '1', '2'),
    ('real', '0.1', '0.2'), ('float8', '0.1', 'NaN'), ('float8', 'NaN', 'Infinity'), ('money', '1', '2'),
    ('text', 'a', 'b'), ('text', '', ' '), ('varchar(5)', 'a', 'a '), ('char(5)', 'a', 'b'), ('"char"', 'a', 'b'), ('name', 'a', 'b'),
    ('bytea', '\x00', '\x0000'), ('boolean', 't', 'f'), ('date', '2024-01-01', 'infinity'), ('time', '10:00', '11:00'),
    ('timetz', '10:00+00', '10:00+01'), ('timestamp', '2024-01-01', '2024-01-02'), ('timestamptz', '2024-01-01 00:00+00', '2024-01-01 00:00+01'),
    ('interval', '1 day', '25 hours'), ('uuid', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'),
    ('inet', '10.0.0.1', '10.0.0.1/8'), ('cidr', '10.0.0.0/8', '10.0.0.0/16'), ('macaddr', '08:00:2b:01:02:03', '08:00:2b:01:02:04'),
    ('bit(3)', '101', '100'), ('varbit', '1', '10'), ('jsonb', '{"a": 1}', '{"a": 2}'), ('jsonb', 'null', '{}'), ('json', '{"a": 1}', '{"a": 2}'),
    ('json', '{"a": 1}', '{"a":1}'), ('xml', '<a/>', '<b/>'), ('point', '(1,2)', '(1,3)'), ('lseg', '(1,2),(3,4)', '(1,2),(3,5)'),
    ('box', '(0,0),(2,2)', '(0,0),(1,4)'), ('path', '((0,0),(1,1))', '[(0,0),(1,1)]'), ('polygon', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,1))'),
    ('line', '{1,2,3}', '{1,2,4}'), ('circle', '<(0,0),1>', '<(1,1),1>'), ('mood', 'sad', 'happy'), ('pair', '(1,x)', '(1,y)'),
    ('pair', '(1,)', '(,x)'), ('with_json', '(1,"{""a"":1}")', '(1,"{""a"":2}")'), ('positive', '1', '2'), ('int4range', '[1,3)', '[1,4)'),
    ('int4multirange', '{[1,3)}', '{[1,4)}'), ('int[]', '{1,2}', '{2,1}'), ('int[]', '{}', '{NULL}'), ('text[]', '{a,b}', '{"a,b"}'),
    ('int[]', '{{1,2}}', '{1,2}'), ('json[]', '{"{}"}', '{"[]"}'), ('point[]', '{"(1,2)"}', '{"(1,3)"}'), ('pair[]', '{"(1,x)"}', '{"(1,y)"}'),
    ('tsvector', 'a b', 'a c'), ('tsquery', 'a', 'b'), ('oid', '1', '2'), ('regclass', 'pg_class', 'pg_type'), ('xid', '1', '2'),
    ('pg_lsn', '0/1', '0/2'), ('citext', 'a', 'b');
SELECT count(*) AS types, count(*) FILTER (WHERE first = 2 AND second = 5) AS as_expected FROM sample, check_type(type, old, new);
SELECT sample.*, c.* FROM sample, check_type(type, old, new) AS c WHERE (first, second) <> (2, 5) ORDER BY n;

-- Values that are equal but not identical: the default operator class and the column's collation decide
SELECT type, old, new, first = 3 AS new_is_unchanged
  FROM (VALUES (1, 'numeric', '1.0', '1.00'), (2, 'citext', 'One', 'ONE'), (3, 'float8', '0', '-0'), (4, 'char(5)', 'a', 'a   '),
               (5, 'interval', '24 hours', '1 day'), (6, 'jsonb', '{"a": 1}', '{"a": 1.0}'), (7, 'json', '{"a": 1}', '{"a":  1}'),
               (8, 'point', '(0,0)', '(-0,0)'), (9, 'pair', '(1,"a")', '(1,a)'), (10, 'varchar(5)', 'a', 'a '),
               (11, 'numeric[]', '{1.0}', '{1.00}')) AS v (n, type, old, new), check_type(type, old, new) ORDER BY n;
CREATE TABLE by_numeric (id int PRIMARY KEY, v numeric);
INSERT INTO by_numeric VALUES (1, 1.0);
SELECT sum(rows_unchanged) FROM bulk_update_query('by_numeric', 'VALUES (1, 1.00)', '{id,v}', skip_unchanged => true);
TABLE by_numeric;
SELECT count(*) > 0 AS has_icu FROM pg_collation WHERE collprovider = 'i' \gset
\if :has_icu
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE by_collation (id int PRIMARY KEY, v text COLLATE caseless);
\else
CREATE TABLE by_collation (id int PRIMARY KEY, v citext);
\endif
INSERT INTO by_collation VALUES (1, 'a'), (2, 'a');
SELECT sum(rows_unchanged) AS unchanged FROM bulk_update_query('by_collation', $$ VALUES (1, 'A'), (2, 'b') $$, '{id,v}', skip_unchanged => true);

-- The coerced value is compared
CREATE TABLE coerced (id int PRIMARY KEY, n numeric(4,1), c varchar(5), d date, g int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO coerced VALUES (1, 1.2, 'abc', '2024-05-01');
SELECT sum(rows_unchanged) AS unchanged FROM bulk_update_query('coerced', $$ VALUES (1, 1.23, 'abc', timestamp '2024-05-01 12:00') $$, '{id,n,c,d}', skip_unchanged => true);
SELECT sum(rows_unchanged) AS unchanged FROM bulk_update_query('coerced', $$ VALUES (1, 1.26, 'abc', timestamp '2024-05-01 12:00') $$, '{id,n,c,d}', skip_unchanged => true);

-- Values stored out of line, compressed or not
CREATE TABLE toasted (id int PRIMARY KEY, v text, j json);
INSERT INTO toasted SELECT i, repeat(md5(i::text), 10000), to_json(repeat('x', 100000)) FROM generate_series(1, 4) AS i;
ALTER TABLE toasted ALTER COLUMN v SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, repeat(md5(i::text), 10000), to_json(repeat('x', 100000)) FROM generate_series(5, 8) AS i;
SELECT :report FROM bulk_update_query('toasted', 'SELECT i AS id, repeat(md5(i::text), 10000) || CASE i WHEN 5 THEN ''!'' ELSE '''' END AS v,
                                                         to_json(repeat(''x'', 100000)) AS j FROM generate_series(1, 8) AS i', skip_unchanged => true);
SELECT :report FROM bulk_update_query('toasted', 'SELECT id, v, j FROM toasted', skip_unchanged => true);

-- Partitions; children with the same key: one that differs is enough
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (filler text, v int, id int NOT NULL);
ALTER TABLE part_2 DROP COLUMN filler;
ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1, 1), (11, 11);
SELECT :report FROM bulk_update_query('parts', 'VALUES (1, 1), (2, 1), (11, 11)', '{id,v}', skip_unchanged => true);
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 1), (2, 2);
INSERT INTO child VALUES (1, 1), (2, 3);
SELECT :report FROM bulk_update_query('parent', 'VALUES (1, 1), (2, 2)', '{id,v}', skip_unchanged => true);
SELECT tableoid::regclass, * FROM parent ORDER BY id, 1;

-- Dense and sparse integer keys up to the limits of their types, with gaps at both ends
CREATE FUNCTION check_look(type text, lowest text, seed int) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    expected text;
    got text;
BEGIN
    EXECUTE format('CREATE TABLE look (id %s PRIMARY KEY, v int)', type);
    EXECUTE format('INSERT INTO look SELECT %s + i, i %% 3 FROM generate_series(0, 600) AS i WHERE (hashint4(i + %s) & 15) > %s',
                   lowest, seed, seed % 15);
    EXECUTE format('CREATE TABLE look_new AS SELECT (%s + i)::%s AS id, (i + i / 50) %% 3 AS v FROM generate_series(0, 600) AS i
                     WHERE (hashint4(i * 3 + %s) & 15) > %s', lowest, type, seed, seed * 7 % 16);
    SELECT (coalesce(sum((l.v = n.v)::int), 0), coalesce(sum((l.v <> n.v)::int), 0), count(*) - count(l.id))
      INTO expected FROM look_new AS n LEFT JOIN look AS l USING (id);
    SELECT (coalesce(sum(rows_unchanged), 0), coalesce(sum(rows_updated), 0), coalesce(sum(rows_missing), 0)) INTO got
      FROM bulk_update_query('look', 'SELECT * FROM look_new ORDER BY md5(id::text)', skip_unchanged => true, dry_run => true,
                             chunk_size => (ARRAY[1, 7, 100, 1000])[1 + seed % 4]);
    DROP TABLE look, look_new;
    RETURN expected = got;
END
$$;
SELECT type, count(*), count(*) FILTER (WHERE check_look(type, lowest, seed)) AS is_right
  FROM (VALUES ('smallint', '-32768'), ('smallint', '32767 - 600'), ('int', '-2147483648'), ('int', '2147483647 - 600'), ('int', '-300'),
               ('bigint', '-9223372036854775808'), ('bigint', '9223372036854775807 - 600'), ('numeric', '0.5')) AS v (type, lowest),
       generate_series(1, 16) AS seed
 GROUP BY type ORDER BY type;
-- with a user-defined order the lowest key is not the least number
CREATE FUNCTION even_cmp(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS
    'SELECT btint8cmp(($1 & 1) * 4294967296 + $1, ($2 & 1) * 4294967296 + $2)';
CREATE FUNCTION even_lt(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT skip_unchanged.even_cmp($1, $2) < 0';
CREATE FUNCTION even_le(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT skip_unchanged.even_cmp($1, $2) <= 0';
CREATE FUNCTION even_ge(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT skip_unchanged.even_cmp($1, $2) >= 0';
CREATE FUNCTION even_gt(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT skip_unchanged.even_cmp($1, $2) > 0';
CREATE OPERATOR <# (LEFTARG = int, RIGHTARG = int, FUNCTION = even_lt, COMMUTATOR = >#);
CREATE OPERATOR <=# (LEFTARG = int, RIGHTARG = int, FUNCTION = even_le, COMMUTATOR = >=#);
CREATE OPERATOR >=# (LEFTARG = int, RIGHTARG = int, FUNCTION = even_ge, COMMUTATOR = <=#);
CREATE OPERATOR ># (LEFTARG = int, RIGHTARG = int, FUNCTION = even_gt, COMMUTATOR = <#);
CREATE OPERATOR CLASS even_first FOR TYPE int USING btree AS
    OPERATOR 1 <#, OPERATOR 2 <=#, OPERATOR 3 =, OPERATOR 4 >=#, OPERATOR 5 >#, FUNCTION 1 even_cmp(int, int);
CREATE TABLE even (id int, v int);
CREATE UNIQUE INDEX ON even (id even_first);
INSERT INTO even SELECT i, i FROM generate_series(1, 9) AS i;
SELECT :report FROM bulk_update_query('even', 'SELECT id, id / 2 * 2 AS v FROM even', key_columns => '{id}', skip_unchanged => true);
SELECT :report FROM bulk_update_query('even', 'SELECT id, id / 2 * 2 AS v FROM even', key_columns => '{id}', skip_unchanged => true);

-- It reads the value columns
CREATE ROLE regress_bulk_update_unchanged;
GRANT USAGE ON SCHEMA skip_unchanged TO regress_bulk_update_unchanged;
GRANT SELECT (id), UPDATE (a) ON t TO regress_bulk_update_unchanged;
SET ROLE regress_bulk_update_unchanged;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1)', '{id,a}', skip_unchanged => true) $$);
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,a}');
RESET ROLE;

-- search_path does not affect the comparison
CREATE FUNCTION always(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = always);
SET search_path = skip_unchanged, pg_catalog, public;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 100)', '{id,a}', skip_unchanged => true);
SET search_path = skip_unchanged, public;

SET client_min_messages = warning;
DROP SCHEMA skip_unchanged CASCADE;
DROP ROLE regress_bulk_update_unchanged;
