--
-- Large values
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, first_key, last_key'

-- How a value is stored: compressed or not, out of line or not
CREATE FUNCTION stored(relation regclass) RETURNS TABLE (id int, length int, compressed boolean, chunks bigint)
LANGUAGE plpgsql AS $$
DECLARE
    toast regclass := (SELECT reltoastrelid FROM pg_class WHERE oid = relation);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id, length(v), pg_column_compression(v) IS NOT NULL,
                (SELECT count(DISTINCT chunk_id) FROM %s)
           FROM %s ORDER BY id', toast, relation);
END
$$;
-- n incompressible bytes, the same in each run
CREATE FUNCTION noise(n int, seed int) RETURNS text LANGUAGE sql AS $$
    SELECT left(string_agg(md5(seed || '.' || i), '' ORDER BY i), n) FROM generate_series(1, n / 32 + 1) AS i
$$;

-- Several MB in a value
CREATE TABLE t (id int PRIMARY KEY, v text, other text);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, v text);
INSERT INTO t SELECT i, 'small', noise(5000, i) FROM generate_series(1, 4) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new VALUES (1, noise(3000000, 1)), (2, repeat('x', 5000000)), (3, noise(10000, 3)), (4, NULL), (5, noise(100000, 5));
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain SET v = new.v FROM new WHERE plain.id = new.id;
SELECT count(*) FROM t JOIN plain USING (id) WHERE t IS DISTINCT FROM plain;
SELECT id, length(v), md5(v) = md5((SELECT v FROM new WHERE new.id = t.id)) AS same, length(other) FROM t ORDER BY id;
-- from the target itself
BEGIN;
DECLARE c CURSOR FOR SELECT id, v || v AS v FROM t ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 2);
COMMIT;
UPDATE plain SET v = v || v;
SELECT count(*) FROM t JOIN plain USING (id) WHERE t IS DISTINCT FROM plain;
-- values of the target's rows for other rows, while the former are replaced
BEGIN;
DECLARE c CURSOR FOR SELECT id, lag(v, 1, 'first') OVER (ORDER BY id) AS v FROM t ORDER BY id;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 1);
COMMIT;
UPDATE plain SET v = coalesce(p.v, CASE WHEN plain.id = 1 THEN 'first' END)
  FROM plain AS q LEFT JOIN plain AS p ON p.id = q.id - 1 WHERE plain.id = q.id;
SELECT count(*) FROM t JOIN plain USING (id) WHERE t IS DISTINCT FROM plain;
SELECT id, length(v) FROM t ORDER BY id;
-- a cursor WITH HOLD from an earlier transaction, whose table has been dropped
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id, v FROM new ORDER BY id;
COMMIT;
UPDATE plain SET v = new.v FROM new WHERE plain.id = new.id;
DROP TABLE new;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 2);
CLOSE c;
SELECT count(*) FROM t JOIN plain USING (id) WHERE t IS DISTINCT FROM plain;
DROP TABLE t, plain;

-- A large value that is not in the source stays where it is: nothing new is stored
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, noise(10000, i), 0 FROM generate_series(1, 3) AS i;
SELECT * FROM stored('t');
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, id AS n FROM t');
SELECT * FROM stored('t');
SELECT id, n, v = noise(10000, id) AS same FROM t ORDER BY id;
DROP TABLE t;

-- All storage strategies; values from a table with another strategy
CREATE FUNCTION test_storage(source_storage text, target_storage text, OUT same boolean, OUT stored_as_by_update boolean)
LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE new (id int, v text);
    CREATE TABLE t (id int PRIMARY KEY, v text);
    EXECUTE 'ALTER TABLE new ALTER v SET STORAGE ' || source_storage;
    CREATE TABLE plain (id int PRIMARY KEY, v text);
    EXECUTE 'ALTER TABLE t ALTER v SET STORAGE ' || target_storage;
    EXECUTE 'ALTER TABLE plain ALTER v SET STORAGE ' || target_storage;
    INSERT INTO new VALUES (1, repeat('x', 7000)), (2, noise(7000, 2)), (3, repeat('y', 100)), (4, '');
    IF source_storage = 'EXTENDED' THEN -- compressed, and stored elsewhere all the same
        INSERT INTO new VALUES (5, repeat(noise(3000, 5), 2));
    END IF;
    INSERT INTO t SELECT i, 'old' FROM generate_series(1, 5) AS i;
    INSERT INTO plain TABLE t;
    PERFORM bulk_update_query('t', 'TABLE new', chunk_size => 3);
    UPDATE plain SET v = new.v FROM new WHERE plain.id = new.id;
    SELECT bool_and(t.v = plain.v AND t.v = new.v) INTO same
      FROM t JOIN plain USING (id) JOIN new USING (id);
    stored_as_by_update := ARRAY(SELECT stored('t')) = ARRAY(SELECT stored('plain'));
    DROP TABLE new, t, plain;
END
$$;
SELECT s, t, r.* FROM unnest('{PLAIN,MAIN,EXTERNAL,EXTENDED}'::text[]) AS s,
                      unnest('{PLAIN,MAIN,EXTERNAL,EXTENDED}'::text[]) AS t, test_storage(s, t) AS r
 ORDER BY s, t;
DROP FUNCTION test_storage;

-- Large values inside of arrays, composites and documents
CREATE TYPE pair AS (a int, b text);
CREATE TABLE t (id int PRIMARY KEY, a text[], p pair, j jsonb, b bytea);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (LIKE t);
INSERT INTO new SELECT i, ARRAY[noise(100000, i), NULL], ROW(i, noise(100000, i))::pair, jsonb_build_array(noise(100000, i)),
                       convert_to(noise(100000, i), 'UTF8')
  FROM generate_series(1, 3) AS i;
INSERT INTO t (id) SELECT generate_series(1, 3);
INSERT INTO plain TABLE t;
SELECT :report FROM bulk_update_query('t', 'SELECT * FROM new ORDER BY id', chunk_size => 2);
UPDATE plain SET (a, p, j, b) = (new.a, new.p, new.j, new.b) FROM new WHERE plain.id = new.id;
SELECT count(*) FROM t JOIN plain USING (id) WHERE NOT t *= plain;
-- composites and arrays made of stored values
SELECT :report FROM bulk_update_query('t', 'SELECT id, ARRAY[(p).b, a[1]] AS a, ROW(id, a[1])::pair AS p FROM new ORDER BY id DESC');
UPDATE plain SET a = ARRAY[(new.p).b, new.a[1]], p = ROW(plain.id, new.a[1])::pair FROM new WHERE plain.id = new.id;
SELECT count(*) FROM t JOIN plain USING (id) WHERE NOT t *= plain;
DROP TABLE t, plain, new;
DROP TYPE pair;

-- A row that is larger than work_mem is alone in its chunk, wherever it is stored
SET work_mem = '64kB';
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE new (id int, v text);
ALTER TABLE new ALTER v SET STORAGE EXTERNAL;
INSERT INTO t SELECT i FROM generate_series(1, 7) AS i;
INSERT INTO new SELECT i, CASE WHEN i % 3 = 0 THEN noise(300000, i) ELSE 'x' END FROM generate_series(1, 7) AS i;
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id, v FROM new ORDER BY id;
COMMIT;
SELECT :report FROM bulk_update('t', 'c');
CLOSE c;
SELECT count(*) FROM t JOIN new USING (id) WHERE t.v <> new.v;
-- large keys
CREATE TABLE k (id text COLLATE "C" PRIMARY KEY, v int);
INSERT INTO k SELECT repeat(chr(96 + i), 20000), 0 FROM generate_series(1, 9) AS i;
SELECT sum(rows_updated) AS updated, min(left(first_key, 1) COLLATE "C") AS first, max(length(last_key)) AS length
  FROM bulk_update_query('k', 'SELECT id, 1 AS v FROM k ORDER BY id');
SELECT count(*) FROM k WHERE v = 1;
RESET work_mem;
DROP TABLE t, new, k;
DROP FUNCTION stored, noise;
