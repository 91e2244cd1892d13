-- Entries of indexes that wait until the call ends, and are entered in the order of the index.
CREATE SCHEMA sorting;
SET search_path = sorting, public;
CREATE EXTENSION amcheck;
SET bulk_update.applier = auto;

-- Each B-tree index of the tree has every row, and finds the same rows as a sequential scan.
CREATE FUNCTION check_indexes(target regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    i record;
    n bigint := 0;
    by_index bigint;
    by_scan bigint;
BEGIN
    FOR i IN SELECT x.indexrelid::regclass AS name, x.indrelid::regclass AS relation,
                    pg_get_indexdef(x.indexrelid, 1, false) AS first, pg_get_expr(x.indpred, x.indrelid) AS predicate
               FROM (SELECT target UNION SELECT relid FROM pg_partition_tree(target)) AS p (relid) JOIN pg_index x ON x.indrelid = p.relid
               JOIN pg_class c ON c.oid = x.indexrelid AND c.relkind = 'i' JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
    LOOP
        n := n + 1;
        PERFORM bt_index_check(i.name, true);
        PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true),
                set_config('enable_bitmapscan', 'off', true), set_config('enable_indexonlyscan', 'off', true);
        EXECUTE format('SELECT pg_catalog.count(*) FROM %s WHERE %s IS NOT NULL AND %s', i.relation, i.first, coalesce(i.predicate, 'true')) INTO by_scan;
        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true),
                set_config('enable_bitmapscan', 'on', true), set_config('enable_indexonlyscan', 'on', true);
        EXECUTE format('SELECT pg_catalog.count(*) FROM %s WHERE %s IS NOT NULL AND %s', i.relation, i.first, coalesce(i.predicate, 'true')) INTO by_index;
        PERFORM set_config('enable_seqscan', 'on', true);
        IF by_index <> by_scan THEN
            RAISE EXCEPTION 'index % finds % rows, and the table has %', i.name, by_index, by_scan;
        END IF;
    END LOOP;
    RETURN n || ' indexes';
END $$;

-- All kinds of B-tree indexes: of unchanged columns, of a changed one, unique, partial, with expressions; and others.
CREATE TABLE sorted (id integer PRIMARY KEY, a integer, b text, c uuid, v text, w integer) WITH (fillfactor = 90);
CREATE FUNCTION refill() RETURNS void LANGUAGE sql AS $$
    TRUNCATE sorted;
    INSERT INTO sorted SELECT i, (i * 7919) % 10007, md5(i::text), md5((-i)::text)::uuid, 'old ' || i, i FROM generate_series(1, 5000) i
$$;
SELECT refill();
CREATE INDEX ON sorted (a);
CREATE INDEX ON sorted (b DESC NULLS FIRST) INCLUDE (a);
CREATE UNIQUE INDEX ON sorted (c);
CREATE INDEX ON sorted (v);
CREATE INDEX ON sorted (lower(b)) WHERE a % 3 = 0;
CREATE INDEX ON sorted (length(v));
CREATE UNIQUE INDEX ON sorted (w);
CREATE INDEX ON sorted USING hash (a);
CREATE INDEX ON sorted USING gin (to_tsvector('simple', v));
CREATE INDEX ON sorted USING brin (a);
SELECT detail FROM bulk_update_explain_query('sorted', 'SELECT 1 AS id, text '''' AS v') WHERE topic = 'index entries';
SELECT chunk, rows_fetched, rows_updated, applier
  FROM bulk_update_query('sorted', 'SELECT i AS id, ''new '' || i AS v FROM generate_series(1, 5000) i ORDER BY md5(i::text)', chunk_size => 2000);
SELECT check_indexes('sorted');
SELECT count(*) FROM sorted WHERE v = 'new ' || id;
-- The unique index on a changed column checks each row, and changed entries move.
SELECT rows_updated FROM bulk_update_query('sorted', 'SELECT i AS id, text ''w'' AS v, i + 5000 AS w FROM generate_series(1, 5000, 3) i', report => 'total');
SELECT rows_updated FROM bulk_update_query('sorted', 'SELECT i AS id, 5 AS w FROM generate_series(2, 5000, 3) i', report => 'total');
SELECT check_indexes('sorted');
-- The same again and again, and without sorting; the contents are the same.
CREATE TABLE by_row AS SELECT * FROM sorted;
SELECT refill();
SET bulk_update.sort_index_entries = off;
SELECT detail FROM bulk_update_explain_query('sorted', 'SELECT 1 AS id, text '''' AS v') WHERE topic = 'index entries';
SELECT rows_updated FROM bulk_update_query('sorted', 'SELECT i AS id, ''new '' || i AS v FROM generate_series(1, 5000) i ORDER BY md5(i::text)', report => 'total');
SELECT rows_updated FROM bulk_update_query('sorted', 'SELECT i AS id, text ''w'' AS v, i + 5000 AS w FROM generate_series(1, 5000, 3) i', report => 'total');
RESET bulk_update.sort_index_entries;
SELECT count(*) FROM (TABLE sorted EXCEPT TABLE by_row) d;
SELECT check_indexes('sorted');
DO $$ BEGIN
    FOR i IN 1..5 LOOP
        PERFORM bulk_update_query('sorted', format('SELECT i AS id, text ''%s'' AS v FROM generate_series(1, 5000) i', i), chunk_size => 700);
    END LOOP;
END $$;
SELECT check_indexes('sorted');

-- Who could look at the table in the meantime: then entries do not wait. The functions find all rows by an index.
CREATE TABLE seen (id integer PRIMARY KEY, a integer, v text, n integer);
INSERT INTO seen SELECT i, (i * 7919) % 10007, 'old', i FROM generate_series(1, 2000) i;
CREATE INDEX seen_a ON seen (a);
CREATE FUNCTION look() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    n bigint;
BEGIN
    SELECT count(*) INTO n FROM seen WHERE a >= 0;
    IF n <> 2000 THEN
        RAISE EXCEPTION 'only % rows are found', n;
    END IF;
    RETURN true;
END $$ SET enable_seqscan = off SET enable_bitmapscan = off;
CREATE FUNCTION why(query text, variadic options text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT detail FROM bulk_update_explain_query('seen', query) WHERE topic = 'index entries'
$$;
SELECT why('SELECT 1 AS id, text '''' AS v');
-- in the source
SELECT why('SELECT i AS id, text ''x'' AS v FROM generate_series(1, 2000) i WHERE look()');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, ''x'' || look() AS v FROM generate_series(1, 2000) i WHERE i % 500 <> 3 OR look()', chunk_size => 100, report => 'total');
SELECT detail FROM bulk_update_explain_query('seen', 'SELECT i AS id, ''x'' || look() AS v FROM generate_series(1, 2000) i', ordering => 'sort') WHERE topic = 'index entries';
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, ''y'' || look() AS v FROM generate_series(1, 2000) i WHERE i % 10 = 0', chunk_size => 100, report => 'total', ordering => 'sort');
SELECT check_indexes('seen');
-- in a cursor that has all its rows, or gets them first
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT i AS id, 'z' || look() AS v FROM generate_series(1, 100) i;
COMMIT;
SELECT rows_updated FROM bulk_update('seen', 'c', chunk_size => 10, report => 'total');
CLOSE c;
-- in a cast, a domain, the comparison of a type
CREATE TYPE wrapped AS (value text);
CREATE FUNCTION unwrap(wrapped) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN look() THEN ($1).value END $$;
CREATE CAST (wrapped AS text) WITH FUNCTION unwrap(wrapped) AS ASSIGNMENT;
SELECT why('SELECT 1 AS id, ROW(''x'')::wrapped AS v');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, ROW(''x'')::wrapped AS v FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
-- of an expected value
SELECT detail FROM bulk_update_explain_query('seen', 'SELECT 1, text ''x'', ROW(''x'')::wrapped', '{id,v}', expected_columns => '{v}') WHERE topic = 'index entries';
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i, text ''y'', ROW(''x'')::wrapped FROM generate_series(1, 200) i', '{id,v}', expected_columns => '{v}', chunk_size => 50, report => 'total');
CREATE DOMAIN looking AS text CHECK (look() AND VALUE <> '');
ALTER TABLE seen ADD d looking DEFAULT 'd';
SELECT why('SELECT 1 AS id, text ''x'' AS d');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''x'' AS d FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
ALTER TABLE seen DROP d;
-- in a trigger; not in one of another column or event
CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM look(); RETURN NULL; END $$;
CREATE TRIGGER looks AFTER UPDATE ON seen FOR EACH STATEMENT EXECUTE FUNCTION on_row();
SELECT why('SELECT 1 AS id, text '''' AS v');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''x'' AS v FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
DROP TRIGGER looks ON seen;
CREATE TRIGGER looks AFTER UPDATE OF n ON seen FOR EACH ROW EXECUTE FUNCTION on_row();
SELECT why('SELECT 1 AS id, text '''' AS v'), why('SELECT 1 AS id, 1 AS n');
DROP TRIGGER looks ON seen;
CREATE TRIGGER looks AFTER INSERT OR DELETE ON seen FOR EACH ROW EXECUTE FUNCTION on_row();
SELECT why('SELECT 1 AS id, text '''' AS v');
-- in a constraint, a generated column, an index
ALTER TABLE seen ADD CONSTRAINT looks CHECK (look()) NOT VALID;
SELECT why('SELECT 1 AS id, text '''' AS v');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''c'' AS v FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
ALTER TABLE seen DROP CONSTRAINT looks;
CREATE FUNCTION looks(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN CASE WHEN current_setting('test.look', true) = 'on' THEN sorting.look() END || $1; END $$;
CREATE INDEX seen_looks ON seen (looks(v));
SELECT why('SELECT 1 AS id, 1 AS n');
SET test.look = on;
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, 1 AS n FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
RESET test.look;
DROP INDEX seen_looks;
ALTER TABLE seen ADD g text GENERATED ALWAYS AS (looks(v)) STORED;
SELECT why('SELECT 1 AS id, 1 AS n');
SET test.look = on;
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, 1 AS n FROM generate_series(1, 200) i', chunk_size => 50, report => 'total');
RESET test.look;
ALTER TABLE seen DROP g;
CREATE FUNCTION compare(integer, integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN btint4cmp($1, $2); END $$;
CREATE OPERATOR CLASS slow_int4 FOR TYPE integer USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compare(integer, integer);
CREATE INDEX seen_compare ON seen (n slow_int4);
SELECT why('SELECT 1 AS id, text '''' AS v');
DROP INDEX seen_compare;
-- in the table of rejects
SELECT bulk_update_create_rejects('seen_rejects');
CREATE TRIGGER looks AFTER INSERT ON seen_rejects FOR EACH ROW EXECUTE FUNCTION on_row();
SELECT rows_updated, rows_missing FROM bulk_update_query('seen', 'SELECT i AS id, text ''r'' AS v FROM generate_series(1901, 2050) i', chunk_size => 60, report => 'total', rejects => 'seen_rejects');
SELECT check_indexes('seen');

-- Foreign keys: not if one is checked.
CREATE TABLE other (id integer PRIMARY KEY);
INSERT INTO other SELECT generate_series(0, 2);
ALTER TABLE seen ADD other integer REFERENCES other DEFAULT 1;
CREATE TABLE below (id integer REFERENCES seen);
INSERT INTO below SELECT generate_series(1, 2000);
SELECT why('SELECT 1 AS id, text '''' AS v'), why('SELECT 1 AS id, 1 AS other');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''f'' AS v FROM generate_series(1, 2000) i', chunk_size => 60, report => 'total');
BEGIN;
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''f'' AS v FROM generate_series(1, 2000) i', chunk_size => 60, report => 'total');
SELECT rows_updated FROM bulk_update_query('seen', 'SELECT i AS id, text ''g'' AS v FROM generate_series(1, 2000) i', chunk_size => 60, report => 'total');
COMMIT;
ALTER TABLE seen ADD parent integer REFERENCES seen;
SELECT why('SELECT 1 AS id, text '''' AS v');
ALTER TABLE seen DROP parent;
CREATE UNIQUE INDEX seen_n ON seen (n, id);
CREATE UNIQUE INDEX seen_both ON seen (a, v);
CREATE TABLE above (a integer, v text, FOREIGN KEY (a, v) REFERENCES seen (a, v));
SELECT why('SELECT 1 AS id, text '''' AS v'), why('SELECT 1 AS id, 2 AS other');
SELECT check_indexes('seen');
DROP TABLE above, below;

-- Rows that are rejected: the entries of attempts that failed are never entered.
CREATE TABLE tried (id integer PRIMARY KEY, a integer, v integer CHECK (v <> 0), w integer) WITH (fillfactor = 100);
INSERT INTO tried SELECT i, (i * 7919) % 10007, i, i FROM generate_series(1, 3000) i;
CREATE INDEX ON tried (a);
CREATE INDEX ON tried (v);
CREATE UNIQUE INDEX ON tried (w);
SELECT rows_updated, rows_rejected FROM bulk_update_query('tried', 'SELECT i AS id, CASE WHEN i % 50 = 7 THEN 0 ELSE -i END AS v FROM generate_series(1, 3000) i', chunk_size => 400, on_error => 'skip', report => 'total');
SELECT check_indexes('tried');
SELECT rows_updated, rows_rejected FROM bulk_update_query('tried', 'SELECT i AS id, CASE WHEN i % 2 = 0 THEN 0 ELSE -i END AS v, CASE WHEN i % 9 = 1 THEN 2 ELSE i + 3000 END AS w FROM generate_series(1, 3000) i', chunk_size => 400, on_error => 'skip', report => 'total');
SELECT check_indexes('tried');
VACUUM tried;
INSERT INTO tried SELECT i, i, i, i + 10000 FROM generate_series(3001, 5000) i;
SELECT check_indexes('tried');

-- An entry that is too large for the index is an error of its row.
CREATE TABLE large (id integer PRIMARY KEY, a integer, v text);
INSERT INTO large SELECT i, -i, 'v' FROM generate_series(1, 300) i;
CREATE INDEX ON large (a);
CREATE INDEX ON large (v);
CREATE FUNCTION noise(i integer, length integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT left(string_agg(encode(sha512((i || '.' || n)::bytea), 'base64'), ''), length) FROM generate_series(0, length / 88) n
$$;
CREATE TABLE large_source AS SELECT i AS id, noise(i, 1500 + i * 10) AS v FROM generate_series(1, 300) i;
SELECT rows_updated, rows_rejected FROM bulk_update_query('large', 'TABLE large_source', on_error => 'skip', report => 'total');
SELECT check_indexes('large');
SELECT rows_updated FROM bulk_update_query('large', 'TABLE large_source', report => 'total');
SELECT check_indexes('large');

-- Memory: temporary files; and more indexes than there is memory for.
SET maintenance_work_mem = '1MB';
SELECT refill();
SELECT rows_updated, spilled_bytes > 0 AS spilled FROM bulk_update_query('sorted', 'SELECT i AS id, ''new '' || i AS v FROM generate_series(1, 5000) i', chunk_size => 500) ORDER BY chunk DESC LIMIT 1;
SELECT rows_updated FROM bulk_update_query('sorted', 'SELECT i AS id, ''newer '' || i AS v FROM generate_series(1, 5000) i', on_error => 'skip', report => 'total');
SELECT check_indexes('sorted');
CREATE TABLE parts (id integer, a integer, b text, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i * 100, (i + 1) * 100) FROM generate_series(0, 29) i \gexec
CREATE TABLE hashed (id integer, a integer, b text, v text, PRIMARY KEY (id)) PARTITION BY HASH (id);
SELECT format('CREATE TABLE hashed_%s PARTITION OF hashed FOR VALUES WITH (MODULUS 30, REMAINDER %s)', i, i) FROM generate_series(0, 29) i \gexec
INSERT INTO parts SELECT i, -i, md5(i::text), 'old' FROM generate_series(0, 2999) i;
INSERT INTO hashed TABLE parts;
CREATE INDEX ON parts (a);
CREATE INDEX ON parts (b);
CREATE INDEX ON hashed (a);
CREATE INDEX ON hashed (b);
SELECT detail FROM bulk_update_explain_query('parts', 'SELECT 1 AS id, text '''' AS v') WHERE topic = 'index entries';
SELECT rows_updated FROM bulk_update_query('parts', 'SELECT i AS id, text ''new'' AS v FROM generate_series(0, 2999) i', chunk_size => 150, report => 'total');
SELECT rows_updated FROM bulk_update_query('hashed', 'SELECT i AS id, text ''new'' AS v FROM generate_series(0, 2999) i', chunk_size => 150, report => 'total');
SELECT rows_updated FROM bulk_update_query('hashed', 'SELECT i AS id, text ''skip'' AS v FROM generate_series(0, 2999) i', chunk_size => 150, on_error => 'skip', report => 'total');
SELECT check_indexes('parts'), check_indexes('hashed');
RESET maintenance_work_mem;
SELECT rows_updated FROM bulk_update_query('hashed', 'SELECT i AS id, text ''all'' AS v FROM generate_series(0, 2999) i', chunk_size => 150, report => 'total');
SELECT check_indexes('hashed');

-- Inheritance: the same key in several tables.
CREATE TABLE family (id integer PRIMARY KEY, a integer, v text);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (family);
INSERT INTO family SELECT i, -i, 'old' FROM generate_series(1, 1000) i;
INSERT INTO child SELECT i, -i, 'old' FROM generate_series(500, 1500) i;
CREATE INDEX ON family (a);
CREATE INDEX ON child (a);
SELECT detail FROM bulk_update_explain_query('family', 'SELECT 1 AS id, text '''' AS v') WHERE topic = 'index entries';
SELECT rows_updated FROM bulk_update_query('family', 'SELECT i AS id, text ''new'' AS v FROM generate_series(1, 1500) i', chunk_size => 150, report => 'total');
SELECT check_indexes('family'), check_indexes('child'), (SELECT count(*) FROM family WHERE v = 'new');

-- Errors undo everything; a savepoint, an exception, a nested call, a prepared transaction.
BEGIN;
SAVEPOINT s;
SELECT rows_updated FROM bulk_update_query('tried', 'SELECT i AS id, CASE WHEN i = 2999 THEN 0 ELSE -i END AS v FROM generate_series(1, 3000) i', chunk_size => 400);
ROLLBACK TO s;
SELECT rows_updated FROM bulk_update_query('tried', 'SELECT i AS id, -i AS v FROM generate_series(1, 3000) i', chunk_size => 400, report => 'total');
DO $$ BEGIN
    PERFORM bulk_update_query('tried', 'SELECT i AS id, 3000 - i AS v FROM generate_series(1, 3000) i', chunk_size => 400);
EXCEPTION WHEN check_violation THEN
    PERFORM bulk_update_query('tried', 'SELECT i AS id, 3001 - i AS v FROM generate_series(1, 3000) i', chunk_size => 400);
END $$;
SELECT check_indexes('tried');
COMMIT;
SELECT check_indexes('tried');
CREATE FUNCTION nest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('tried', 'SELECT i AS id, 7 AS v FROM generate_series(1, 500) i');
    RETURN NULL;
END $$;
CREATE TRIGGER nests AFTER UPDATE ON large FOR EACH STATEMENT EXECUTE FUNCTION nest();
SELECT rows_updated FROM bulk_update_query('large', 'SELECT i AS id, text ''short'' AS v FROM generate_series(1, 300) i', chunk_size => 100, report => 'total');
SELECT check_indexes('tried'), check_indexes('large'), (SELECT count(*) FROM tried WHERE v = 7);
BEGIN;
SELECT rows_updated FROM bulk_update_query('tried', 'SELECT i AS id, -i AS v FROM generate_series(1, 3000) i', chunk_size => 400, report => 'total');
PREPARE TRANSACTION 'sorted entries';
COMMIT PREPARED 'sorted entries';
SELECT check_indexes('tried');

-- Deferrable constraints are checked when all entries are there.
ALTER TABLE tried ADD CONSTRAINT later UNIQUE (w, id) DEFERRABLE;
CREATE UNIQUE INDEX tried_both ON tried (id, a);
SELECT rows_updated FROM bulk_update_query('tried', 'SELECT i AS id, i + 20000 AS w FROM generate_series(1, 3000) i', chunk_size => 400, report => 'total');
SELECT check_indexes('tried');

-- Temporary and unlogged tables.
CREATE TEMP TABLE temporary_sorted AS SELECT i AS id, -i AS a, 'old' AS v FROM generate_series(1, 1000) i;
ALTER TABLE temporary_sorted ADD PRIMARY KEY (id);
CREATE INDEX ON temporary_sorted (a);
SELECT rows_updated FROM bulk_update_query('temporary_sorted', 'SELECT i AS id, text ''new'' AS v FROM generate_series(1, 1000) i', report => 'total');
SELECT check_indexes('temporary_sorted');

SET client_min_messages = warning;
DROP TABLE temporary_sorted;
DROP SCHEMA sorting CASCADE;
