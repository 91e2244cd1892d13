--
-- Values of all types
--

-- Write each of the values, and NULL, to a column of the type; the same with
-- UPDATE ... FROM. Compare the two byte by byte.
CREATE FUNCTION test_value(type text, VARIADIC literals text[])
RETURNS TABLE (of_type text, rows bigint, updated bigint, same boolean)
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    DROP TABLE IF EXISTS t, plain, new;
    EXECUTE format('CREATE TABLE new (id int, v %s)', type);
    CREATE TABLE t (LIKE new, PRIMARY KEY (id));
    CREATE TABLE plain (LIKE new);
    FOR i IN 1 .. cardinality(literals) LOOP
        EXECUTE format('INSERT INTO new VALUES (%s, (%s)::%s)', i, literals[i], type);
    END LOOP;
    INSERT INTO new VALUES (0, NULL);
    -- the old value of each row is the new one of the next row
    INSERT INTO t SELECT (id + 1) % (SELECT count(*) FROM new), v FROM new;
    INSERT INTO plain TABLE t;

    SELECT count(*) INTO rows FROM new;
    SELECT sum(rows_updated) INTO updated
      FROM bulk_update_query('t', 'SELECT id, v FROM new ORDER BY id', chunk_size => 3);
    UPDATE plain SET v = new.v FROM new WHERE plain.id = new.id;
    of_type := type;
    SELECT count(*) = rows AND bool_and(t *= plain AND t::text = plain::text) INTO same
      FROM t JOIN plain USING (id);
    RETURN NEXT;
    DROP TABLE t, plain, new;
END
$$;

-- Numbers
SELECT * FROM test_value('smallint', '-32768', '32767', '0');
SELECT * FROM test_value('integer', '-2147483648', '2147483647', '0');
SELECT * FROM test_value('bigint', '-9223372036854775808', '9223372036854775807', '0');
SELECT * FROM test_value('real', '''NaN''', '''Infinity''', '''-Infinity''', '''-0''', '1e-45', '3.4e38', '0.1');
SELECT * FROM test_value('double precision', '''NaN''', '''Infinity''', '''-Infinity''', '''-0''', '5e-324', '1.7e308', '0.1');
SELECT * FROM test_value('numeric', '''NaN''', '''Infinity''', '''-Infinity''', '0', '-1.50', '1.5000', '1e1000', '1e-1000', '0.00');
SELECT * FROM test_value('numeric(6,2)', '''NaN''', '9999.99', '-0.01', '1.005', '0');
SELECT * FROM test_value('numeric(3,-2)', '12345', '-50', '49');
SELECT * FROM test_value('money', '-92233720368547758.08::numeric', '0::numeric', '1.23::numeric');
SELECT * FROM test_value('oid', '0', '4294967295');
-- Characters
SELECT * FROM test_value('text', '''''', ''' ''', '''NULL''', '''null''', '''{}''', '''"''', '''\''', '''a,b''', '''(a,"b")''', 'repeat(''x'', 100000)', 'E''\n\t''', '''æøå €''');
SELECT * FROM test_value('varchar', '''''', '''x  ''', 'repeat(''x'', 3000)');
SELECT * FROM test_value('varchar(3)', '''''', '''x''', '''xyz''', '''x  ''');
SELECT * FROM test_value('char(3)', '''''', '''x''', '''xyz''', '''æ''');
SELECT * FROM test_value('character', '''''', '''x''');
SELECT * FROM test_value('"char"', '''''', '''x''', '''\377''');
SELECT * FROM test_value('name', '''''', '''x''', 'repeat(''x'', 63)');
SELECT * FROM test_value('text COLLATE "C"', '''x''', '''''');
SELECT * FROM test_value('bytea', '''''', '''\x00''', '''\xdeadbeef00''', 'decode(repeat(''00ff'', 5000), ''hex'')');
-- Booleans and bits
SELECT * FROM test_value('boolean', 'true', 'false');
SELECT * FROM test_value('bit', '''0''', '''1''');
SELECT * FROM test_value('bit(9)', '''000000001''', '''101010101''');
SELECT * FROM test_value('bit varying', '''''', '''1''', 'repeat(''10'', 5000)');
SELECT * FROM test_value('varbit(3)', '''''', '''101''');
-- Date and time
SELECT * FROM test_value('date', '''infinity''', '''-infinity''', '''4713-01-01 BC''', '''5874897-12-31''', '''2000-02-29''');
SELECT * FROM test_value('time', '''00:00''', '''24:00''', '''12:34:56.789012''');
SELECT * FROM test_value('time(0)', '''23:59:59.4''');
SELECT * FROM test_value('timetz', '''00:00+15:59''', '''24:00-15:59''');
SELECT * FROM test_value('timestamp', '''infinity''', '''-infinity''', '''4713-01-01 BC''', '''294276-12-31 23:59:59.999999''');
SELECT * FROM test_value('timestamp(0)', '''2000-01-01 00:00:00.6''');
SELECT * FROM test_value('timestamptz', '''infinity''', '''-infinity''', '''2000-01-01 00:00+00''', '''1970-01-01 12:34:56.789+05:30''');
SELECT * FROM test_value('interval', '''0''', '''1 mon -1 day +01:00''', '''178000000 years''', '''-1.000001 s''');
SELECT * FROM test_value('interval day to second(0)', '''1 day 00:00:01.6''');
-- Identifiers, networks, places, positions
SELECT * FROM test_value('uuid', '''00000000-0000-0000-0000-000000000000''', '''ffffffff-ffff-ffff-ffff-ffffffffffff''');
SELECT * FROM test_value('inet', '''0.0.0.0/0''', '''10.1.2.3/8''', '''::1''', '''::ffff:1.2.3.4/128''');
SELECT * FROM test_value('cidr', '''10.0.0.0/8''', '''2001:db8::/32''');
SELECT * FROM test_value('macaddr', '''08:00:2b:01:02:03''');
SELECT * FROM test_value('macaddr8', '''08:00:2b:ff:fe:01:02:03''');
SELECT * FROM test_value('point', '''(0,-0)''', '''(NaN,Infinity)''');
SELECT * FROM test_value('polygon', '''((0,0),(1,1),(1,0))''');
SELECT * FROM test_value('box', '''(1,1),(0,0)''');
SELECT * FROM test_value('path', '''[(0,0),(1,1)]''', '''((0,0),(1,1))''');
SELECT * FROM test_value('circle', '''<(0,0),1>''');
SELECT * FROM test_value('line', '''{1,2,3}''');
SELECT * FROM test_value('lseg', '''[(0,0),(1,1)]''');
SELECT * FROM test_value('pg_lsn', '''0/0''', '''FFFFFFFF/FFFFFFFF''');
SELECT * FROM test_value('tid', '''(0,1)''');
SELECT * FROM test_value('xid', '''3''');
SELECT * FROM test_value('xid8', '''18446744073709551615''');
SELECT * FROM test_value('regclass', '''pg_class''');
SELECT * FROM test_value('refcursor', '''c''');
-- Documents and searching
SELECT * FROM test_value('json', '''null''', '''{"b": 1,  "a":2, "a":3}''', '''[]''', 'json_build_array(repeat(''x'', 10000))');
SELECT * FROM test_value('jsonb', '''null''', '''{"b": 1,  "a":2, "a":3}''', '''[]''', '''"\u00e6"''', 'jsonb_build_array(repeat(''x'', 10000))');
SELECT * FROM test_value('jsonpath', '''$.a[*] ? (@ > 1)''');
SELECT * FROM test_value('tsvector', '''''', '''a:1A b:2''');
SELECT * FROM test_value('tsquery', '''a & !b''');
-- xml, if the server is built with it
CREATE FUNCTION test_xml() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT same FROM test_value('xml', '''<a b="1">x</a>''', '''text &amp; more'''));
EXCEPTION WHEN feature_not_supported THEN
    RETURN true;
END
$$;
SELECT test_xml();
DROP FUNCTION test_xml;
-- Ranges
SELECT * FROM test_value('int4range', '''empty''', '''(,)''', '''[1,5)''', '''[,1]''');
SELECT * FROM test_value('numrange', '''empty''', '''(1.0,2.50]''');
SELECT * FROM test_value('tstzrange', '''[2000-01-01,infinity]''');
SELECT * FROM test_value('int4multirange', '''{}''', '''{[1,2),[5,9)}''');
SELECT * FROM test_value('nummultirange', '''{(,1),(2,)}''');
CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");
SELECT * FROM test_value('text_range', '''[a,b)''', 'text_range(repeat(''a'', 5000), repeat(''b'', 5000))');

-- Enums, domains, composites
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'bored' BEFORE 'ok';
SELECT * FROM test_value('mood', '''sad''', '''bored''', '''happy''');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 100);
CREATE DOMAIN word AS varchar(5) COLLATE "C" CHECK (VALUE <> 'wrong');
CREATE DOMAIN mood_domain AS mood;
CREATE DOMAIN ints AS int[] CHECK (cardinality(VALUE) < 4);
CREATE DOMAIN range_domain AS int4range;
SELECT * FROM test_value('small', '1', '99');
SELECT * FROM test_value('word', '''right''', '''''');
SELECT * FROM test_value('mood_domain', '''sad''');
SELECT * FROM test_value('ints', '''{}''', '''{1,NULL,3}''', '''[5:6]={5,6}''');
SELECT * FROM test_value('range_domain', '''[1,3)''');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, n numeric(5,2), d small, m mood[]);
CREATE DOMAIN pair_domain AS pair CHECK ((VALUE).a > 0);
SELECT * FROM test_value('pair', 'ROW(1, ''x'')', 'ROW(NULL, NULL)', 'ROW(2, repeat(''x'', 10000))', 'ROW(3, ''a "quoted", \ text'')');
SELECT * FROM test_value('nested', 'ROW(ROW(1, ''x''), 1.005, 5, ''{sad,ok}'')', 'ROW(NULL, NULL, NULL, NULL)');
SELECT * FROM test_value('pair_domain', 'ROW(1, ''x'')');
-- a composite type with a dropped column
CREATE TYPE worn AS (a int, b text, c int);
ALTER TYPE worn DROP ATTRIBUTE b;
SELECT * FROM test_value('worn', 'ROW(1, 2)');
-- the row type of a table
CREATE TABLE thing (id int, name text);
SELECT * FROM test_value('thing', 'ROW(1, ''x'')');

-- Arrays
SELECT * FROM test_value('int[]', '''{}''', '''{1}''', '''{NULL}''', '''{1,NULL,3}''', '''{{1,2},{3,4}}''', '''{{{1}}}''', '''[0:1]={1,2}''', '''[-3:-2][5:6]={{1,2},{3,4}}''');
SELECT * FROM test_value('text[]', '''{}''', '''{NULL}''', '''{"NULL"}''', '''{"",NULL," "}''', '''{{a,b},{c,NULL}}''', 'ARRAY[''a"b'', ''c\d'', ''e,f'', ''{}'']', 'ARRAY[repeat(''x'', 10000), NULL]');
SELECT * FROM test_value('int[3][3]', '''{1,2}''');
SELECT * FROM test_value('numeric(4,1)[]', '''{1.25,NULL}''');
SELECT * FROM test_value('varchar(3)[]', '''{abc,d}''');
SELECT * FROM test_value('char(3)[]', '''{abc,d}''');
SELECT * FROM test_value('boolean[]', '''{t,f,NULL}''');
SELECT * FROM test_value('timestamptz[]', '''{infinity,2000-01-01 00:00+00}''');
SELECT * FROM test_value('bytea[]', 'ARRAY[''\x00'', NULL, ''\xff'']::bytea[]');
SELECT * FROM test_value('jsonb[]', 'ARRAY[''{"a":1}'', NULL]::jsonb[]');
SELECT * FROM test_value('mood[]', '''{sad,NULL,happy}''');
SELECT * FROM test_value('pair[]', 'ARRAY[ROW(1, ''x''), NULL, ROW(NULL, NULL)]::pair[]', '''{}''', 'ARRAY[[ROW(1, ''x''), ROW(2, ''y'')]]::pair[]');
SELECT * FROM test_value('nested[]', 'ARRAY[ROW(ROW(1, ''x''), 1.5, 5, ''{sad}'')]::nested[]');
SELECT * FROM test_value('small[]', '''{1,99,NULL}''');
SELECT * FROM test_value('ints[]', 'ARRAY[''{1,2}''::ints, ''{}'', NULL]');
SELECT * FROM test_value('pair_domain[]', 'ARRAY[ROW(1, ''x'')]::pair_domain[]');
SELECT * FROM test_value('int4range[]', 'ARRAY[''[1,2)''::int4range, ''empty'', NULL]');
SELECT * FROM test_value('name[]', '''{a,NULL}''');
SELECT * FROM test_value('"char"[]', '''{a,NULL}''');
SELECT * FROM test_value('int2vector', '''1 2 3''', '''''');
SELECT * FROM test_value('oidvector', '''1 2 3''');
CREATE DOMAIN arrays AS text[];
SELECT * FROM test_value('arrays', '''{a,b}''', '''{{a},{b}}''');

-- A type that is not in pg_catalog
SET client_min_messages = warning;
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
RESET client_min_messages;
SELECT * FROM test_value('ext.citext', '''Mixed Case''', '''''');
SELECT * FROM test_value('ext.citext[]', '''{A,b,NULL}''');

-- Several such columns at once, with others that are not updated
CREATE TABLE t (before text DEFAULT 'stays', id int PRIMARY KEY, i int[], p pair, ps pair[], d small DEFAULT 7, j jsonb,
                r int4range, t text[][], m mood, after int DEFAULT 5);
CREATE TABLE plain (LIKE t INCLUDING DEFAULTS);
CREATE TABLE new (LIKE t);
ALTER TABLE new DROP COLUMN before, DROP COLUMN after, DROP COLUMN d;
INSERT INTO t (id) SELECT generate_series(1, 4);
INSERT INTO plain TABLE t;
INSERT INTO new VALUES
    (1, '{1,2}', ROW(1, 'one'), ARRAY[ROW(1, 'x')]::pair[], '{"a": [1]}', '[1,2)', '{{a,b},{c,d}}', 'ok'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (3, '{{3},{4}}', ROW(NULL, NULL), '{}', '[]', 'empty', '{}', 'sad'),
    (4, '{NULL}', ROW(4, NULL), ARRAY[NULL]::pair[], 'null', '(,)', '{NULL}', 'happy');
SELECT rows_updated FROM bulk_update_query('t', 'TABLE new', chunk_size => 3);
UPDATE plain SET (i, p, ps, j, r, t, m) = (new.i, new.p, new.ps, new.j, new.r, new.t, new.m) FROM new WHERE plain.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;
-- some of them, the array first
SELECT rows_updated FROM bulk_update_query('t', 'SELECT array_fill(id, ARRAY[2, 2], ARRAY[0, id]), id, ARRAY[p, p] FROM new', '{i,id,ps}', chunk_size => 3);
UPDATE plain SET i = array_fill(new.id, ARRAY[2, 2], ARRAY[0, new.id]), ps = ARRAY[new.p, new.p] FROM new WHERE plain.id = new.id;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain, new, thing;

SET client_min_messages = warning;
DROP SCHEMA ext CASCADE;
DROP FUNCTION test_value;
DROP TYPE nested, mood, text_range, worn, pair CASCADE;
DROP DOMAIN positive, word, ints, range_domain, arrays CASCADE;
