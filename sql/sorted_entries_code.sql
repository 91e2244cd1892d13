-- Code that could look at the target while index entries wait, and is not easily seen. The function finds all rows by an index.
CREATE SCHEMA looking;
SET search_path = looking, public;
CREATE EXTENSION amcheck;
SET bulk_update.applier = auto;
CREATE TABLE seen (id integer PRIMARY KEY, a integer, v text, n integer);
INSERT INTO seen SELECT i, (i * 7919) % 10007, 'old', i FROM generate_series(1, 300) i;
CREATE INDEX seen_a ON seen (a);
CREATE INDEX seen_v ON seen (v);
CREATE FUNCTION look() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    n bigint;
BEGIN
    IF current_setting('test.look', true) = 'on' THEN
        SELECT count(*) INTO n FROM looking.seen WHERE a >= 0;
        IF n <> 300 THEN
            RAISE EXCEPTION 'only % rows are found', n;
        END IF;
    END IF;
    RETURN true;
END $$ SET enable_seqscan = off SET enable_bitmapscan = off;
CREATE FUNCTION looking_cmp(integer, integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM looking.look(); RETURN btint4cmp($1, $2); END $$;
CREATE FUNCTION looking_lt(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM looking.look(); RETURN $1 < $2; END $$;
CREATE OPERATOR <<< (LEFTARG = integer, RIGHTARG = integer, PROCEDURE = looking_lt);
CREATE OPERATOR CLASS looking_int4 FOR TYPE integer USING btree AS OPERATOR 1 <<<, OPERATOR 3 =, FUNCTION 1 looking_cmp(integer, integer);
CREATE TYPE looking_range AS RANGE (subtype = integer, subtype_opclass = looking_int4);
CREATE DOMAIN looking AS text CHECK (looking.look());
CREATE TYPE with_looking AS (a integer, d looking);
CREATE FUNCTION why(query text) RETURNS text LANGUAGE sql AS $$
    SELECT detail FROM bulk_update_explain_query('seen', query) WHERE topic = 'index entries'
$$;
CREATE PROCEDURE update_seen(query text) LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM set_config('test.look', 'on', true);
    SELECT rows_updated INTO n FROM bulk_update_query('seen', query, chunk_size => 50, report => 'total');
    PERFORM set_config('test.look', 'off', true);
    PERFORM bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = 'seen'::regclass;
    RAISE NOTICE '% rows updated; %', n, why(query);
END $$;
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');

-- In an index, of a column that is not in the source: a function that one of the server's calls.
ALTER TABLE seen ADD r looking_range, ADD rs looking_range[];
UPDATE seen SET r = looking_range(n, n + 5), rs = ARRAY[looking_range(n, n + 5)];
CREATE INDEX seen_r ON seen (r);
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
DROP INDEX seen_r;
CREATE INDEX seen_rs ON seen (rs);
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
DROP INDEX seen_rs;

-- In an index that the source's plan uses: its operator class, and the type of its column.
CREATE TABLE source (id integer, k integer, v text);
CREATE TABLE ranges (id integer, r looking_range, v text);
INSERT INTO source SELECT i, i, 'src' FROM generate_series(1, 300) i;
INSERT INTO ranges SELECT i, looking_range(i, i + 1), 'src' FROM generate_series(1, 300) i;
CREATE INDEX source_k ON source (k looking_int4);
CREATE INDEX ranges_r ON ranges USING gist (r);
ANALYZE source;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
EXPLAIN (COSTS OFF) SELECT s.id, s.v FROM generate_series(1, 300) i JOIN source s ON s.k = i;
CALL update_seen('SELECT s.id, s.v FROM generate_series(1, 300) i JOIN source s ON s.k = i');
CALL update_seen('SELECT s.id, s.v FROM ranges s WHERE s.r && ''[1,300)''');
SET enable_bitmapscan = on;
SET enable_indexscan = off;
CALL update_seen('SELECT s.id, s.v FROM ranges s WHERE s.r && ''[1,300)''');
CALL update_seen('SELECT s.id, s.v FROM generate_series(1, 300) i JOIN source s ON s.k = i');
RESET enable_indexscan;
CREATE INDEX source_id ON source (id looking_int4);
SET enable_sort = off;
SET enable_nestloop = off;
SET enable_mergejoin = on;
EXPLAIN (COSTS OFF) SELECT a.id, a.v FROM source a JOIN source b ON a.id = b.k;
CALL update_seen('SELECT a.id, a.v FROM source a JOIN source b ON a.id = b.k');
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;
RESET enable_nestloop;
RESET enable_sort;

-- In other parts of the plan: functions, VALUES, conditions of joins, order within an aggregate, columns that nobody reads.
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i, json_to_record(json_build_object(''d'', i)) x (d looking)');
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i, LATERAL (VALUES ((json_populate_record(NULL::with_looking, json_build_object(''d'', i))).a), (0)) x (y) WHERE x IS NOT NULL');
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i LEFT JOIN generate_series(1, 1) y ON (json_populate_record(NULL::with_looking, json_build_object(''d'', i * y))).a = y');
CALL update_seen('SELECT i AS id, (SELECT array_agg(x ORDER BY x USING <<<)::text FROM generate_series(1, 3) x WHERE x <> i) AS v FROM generate_series(1, 300) i');
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i, XMLTABLE(''/a'' PASSING xmlelement(NAME a, i) COLUMNS d looking PATH ''.'') x');
DO $$ BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i WHERE JSON_VALUE(jsonb ''{"a": "b"}'', ''$.a'' RETURNING looking) <> i::text');
        CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i, JSON_TABLE(to_jsonb(i), ''$'' COLUMNS (d looking PATH ''$''))');
    ELSE
        RAISE NOTICE '300 rows updated; entered with each row: The source''s query may run user-defined code between two chunks.';
        RAISE NOTICE '300 rows updated; entered with each row: The source''s query may run user-defined code between two chunks.';
    END IF;
END $$;
DO $$ BEGIN
    IF current_setting('server_version_num')::integer >= 160000 THEN
        CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i WHERE pg_input_is_valid(i::text, ''looking.looking'')');
    ELSE
        RAISE NOTICE '300 rows updated; entered with each row: The source''s query may run user-defined code between two chunks.';
    END IF;
END $$;
CREATE TYPE as_json AS (a integer);
CREATE FUNCTION looking_json(as_json) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM looking.look(); RETURN '{}'; END $$;
CREATE CAST (as_json AS json) WITH FUNCTION looking_json(as_json);
CREATE TABLE with_json AS SELECT i AS id, ROW(i)::as_json AS j FROM generate_series(1, 300) i;
CALL update_seen('SELECT id, to_json(j)::text AS v FROM with_json');
-- What the server brings along otherwise is no such code.
CALL update_seen('SELECT s.id, max(s.v) || count(*) OVER (ORDER BY s.id ROWS 1 PRECEDING) AS v FROM source s TABLESAMPLE system (100) JOIN LATERAL (VALUES (s.id), (0)) x (y) ON y = s.id WHERE s.ctid > ''(0,0)'' GROUP BY s.id LIMIT 300');
CALL update_seen('WITH RECURSIVE w AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM w WHERE id < 300) SELECT id, (SELECT array_agg(x ORDER BY x DESC)::text FROM unnest(ARRAY[id, 1]) x) AS v FROM w UNION SELECT 1, ''x'' WHERE false');

SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CALL update_seen('SELECT id, v FROM source WHERE ctid < ''(0,100)''');
CALL update_seen('SELECT id, v FROM source WHERE ctid = ''(0,100)''');
CALL update_seen('SELECT i AS id, s.v FROM generate_series(1, 300) i JOIN seen s ON s.id = i % 3 + 1');
RESET enable_seqscan;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- In a query that a function of the server gets as text, in the source or in a constraint.
CALL update_seen('SELECT i AS id, left(query_to_xml(''SELECT look()'', false, false, '''')::text, 3) AS v FROM generate_series(1, 300) i');
CALL update_seen('SELECT i AS id, (SELECT word FROM ts_stat(''SELECT to_tsvector(look()::text)'')) AS v FROM generate_series(1, 300) i');
ALTER TABLE seen ADD CONSTRAINT looks CHECK (query_to_xml('SELECT look()', false, false, '') IS NOT NULL) NOT VALID;
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
ALTER TABLE seen DROP CONSTRAINT looks;

-- In the check of a foreign key that does not change: only of rows that the transaction has written itself.
CREATE TABLE above (id integer);
CREATE UNIQUE INDEX above_id ON above (id looking_int4);
INSERT INTO above VALUES (1), (2), (3);
ALTER TABLE seen ADD above integer DEFAULT 1 REFERENCES above (id);
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
BEGIN;
UPDATE seen SET v = 'own' WHERE id % 3 = 0;
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
COMMIT;
ALTER TABLE seen DROP above;
-- The check finds the rows of the table itself by another index.
CREATE UNIQUE INDEX seen_n ON seen (n);
ALTER TABLE seen ADD parent integer REFERENCES seen (n);
BEGIN;
UPDATE seen SET parent = 301 - n;
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
SELECT rows_updated, rows_rejected FROM bulk_update_query('seen', 'SELECT i AS id, text ''y'' AS v FROM generate_series(1, 300) i', on_error => 'skip', report => 'total', chunk_size => 50);
SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = 'seen'::regclass;
COMMIT;

-- In the constraint of a partition: its hash function is that of the table above.
CREATE FUNCTION looking_hash(integer, bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM looking.look(); RETURN hashint4extended($1, $2); END $$;
CREATE OPERATOR CLASS looking_hash FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 2 looking_hash(integer, bigint);
CREATE TABLE hashed (LIKE seen) PARTITION BY HASH (id looking_hash);
ALTER TABLE seen DROP parent;
ALTER TABLE hashed DROP parent;
ALTER TABLE hashed ATTACH PARTITION seen FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL update_seen('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 300) i');
ALTER TABLE hashed DETACH PARTITION seen;
ALTER TABLE hashed ADD PRIMARY KEY (id);
SELECT detail FROM bulk_update_explain_query('hashed', 'SELECT 1 AS id, 1 AS n') WHERE topic = 'index entries';

-- In an exclusion constraint, of whose operator the index does not use the function.
CREATE FUNCTION looking_eq(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM looking.look(); RETURN $1 = $2; END $$;
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, PROCEDURE = looking_eq, COMMUTATOR = ===);
CREATE OPERATOR CLASS looking_excluding FOR TYPE integer USING hash AS OPERATOR 1 ===, FUNCTION 1 hashint4(integer);
ALTER TABLE seen ADD CONSTRAINT excluding EXCLUDE USING hash (n looking_excluding WITH ===);
SELECT why('SELECT 1 AS id, text ''x'' AS v');
ALTER TABLE seen DROP CONSTRAINT excluding;

-- Kinds of nodes and types that the queries above do not have.
CREATE TABLE many AS SELECT i AS id, i % 97 AS a, i % 89 AS b, text 'x' AS v, i % 3 AS k FROM generate_series(1, 20000) i;
CREATE INDEX ON many (a);
CREATE INDEX ON many (b);
ANALYZE many;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        line := substring(line FROM 'Bitmap(?:And|Or)|Memoize|Merge Join|Foreign Scan|Table Function Scan|Sort$');
        IF line IS NOT NULL THEN RETURN NEXT line; END IF;
    END LOOP;
END $$;
CREATE PROCEDURE examine(query text) LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '%: %', (SELECT string_agg(DISTINCT p, ', ') FROM plan_of(query) p), substring(why(query) FROM '^[a-z ]*');
END $$;
CALL examine('SELECT id, v FROM many ORDER BY k USING <<<');
CALL examine('SELECT id, v FROM many ORDER BY k');
SET enable_seqscan = off;
SET enable_indexscan = off;
CALL examine('SELECT id, v FROM many WHERE a = 5 AND b = 7');
CALL examine('SELECT id, v FROM many WHERE a = 5 OR b = 7');
RESET enable_indexscan;
SET enable_hashjoin = off;
SET enable_nestloop = off;
CALL examine('SELECT m.id, m.v FROM many m JOIN seen s ON s.id = m.id');
SET enable_mergejoin = off;
SET enable_nestloop = on;
CALL examine('SELECT m.id, s.v FROM many m JOIN seen s ON s.id = m.k');
RESET enable_seqscan;
RESET enable_hashjoin;
RESET enable_mergejoin;
CALL examine('SELECT x.a AS id, text ''x'' AS v FROM generate_series(1, 3) i, XMLTABLE(''/a'' PASSING xmlelement(NAME a, i) COLUMNS a integer PATH ''.'') x');
CALL examine('SELECT x.a AS id, text ''x'' AS v FROM generate_series(1, 3) i, XMLTABLE(''/a'' PASSING xmlelement(NAME a, i) COLUMNS a integer PATH ''.'', r looking_range PATH ''.'') x');
CALL examine('SELECT 1 AS id, NULL::looking_multirange::text AS v FROM many m, (SELECT NULL::looking_multirange AS r OFFSET 0) x WHERE m.id = 1');
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE lines (id integer, v text) SERVER files OPTIONS (filename '/dev/null');
CALL examine('SELECT id, v FROM lines');

-- Null values in an index whose entries wait, and values that the table stores out of line.
CREATE TABLE wide (id integer PRIMARY KEY, a integer, b text, v text, more text);
CREATE FUNCTION noise(i integer, n integer) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(md5(i || '.' || j), '') FROM generate_series(1, n) j $$;
INSERT INTO wide SELECT i, nullif(i % 3, 0), CASE i % 3 WHEN 0 THEN noise(1, 50) WHEN 1 THEN 'b' END, 'old', noise(2, 40) FROM generate_series(1, 60) i;
SELECT pg_column_size(b) > 1500 AS large, pg_relation_size(reltoastrelid) > 0 AS out_of_line FROM wide, pg_class WHERE id = 3 AND oid = 'wide'::regclass;
CREATE INDEX ON wide (a);
CREATE INDEX ON wide (b);
SELECT rows_updated FROM bulk_update_query('wide', 'SELECT i AS id, text ''new'' AS v FROM generate_series(1, 60) i', report => 'total');
SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = 'wide'::regclass;
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT v) FROM wide WHERE b = noise(1, 50);
SELECT count(*) FROM wide WHERE a IS NULL;
RESET enable_seqscan;

SET client_min_messages = warning;
DROP SERVER files CASCADE;
DROP EXTENSION file_fdw;
DROP SCHEMA looking CASCADE;
