--
-- bulk_update_arrays(): the same from arrays, one for each column
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'

CREATE TABLE t (id int PRIMARY KEY, a numeric(6,2), b text, tags int[]);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, i, 'old ' || i FROM generate_series(1, 6) AS i;
INSERT INTO plain TABLE t;

-- One array for each column, in the order of the names
SELECT :report FROM bulk_update_arrays('t', '{id, b}', ROW('{2,4,8}'::int[], ARRAY['two', NULL, 'eight']));
UPDATE plain SET b = CASE id WHEN 2 THEN 'two' END WHERE id IN (2, 4);
SELECT * FROM test_diff('t', 'plain');

-- The types are assigned as those of a query: bigint to int, double precision to numeric
SELECT :report FROM bulk_update_arrays('t', '{a, id}', ROW('{1.006,2.5}'::float8[], '{3,1}'::bigint[]), chunk_size => 1);
UPDATE plain SET a = CASE id WHEN 1 THEN 2.5 WHEN 3 THEN 1.01 END WHERE id IN (1, 3);
SELECT * FROM test_diff('t', 'plain');

-- Arrays of text and array literals are read by the input function of the column's type
SELECT :report FROM bulk_update_arrays('t', '{id, a, b, tags}',
    ROW('{5,6}', ARRAY['5.555', NULL], '{"five, or 5",NULL}'::text, ARRAY['{5,55}', '{}']));
UPDATE plain SET a = CASE id WHEN 5 THEN 5.56 END, b = CASE id WHEN 5 THEN 'five, or 5' END,
    tags = CASE id WHEN 5 THEN '{5,55}'::int[] ELSE '{}' END WHERE id IN (5, 6);
SELECT * FROM test_diff('t', 'plain');

-- ... with the same errors and the same lengths as in INSERT
CREATE DOMAIN three AS bit(3);
CREATE TABLE typed (id int PRIMARY KEY, v varchar(3), c char(4), n three, j jsonb, d date, e interval day);
INSERT INTO typed VALUES (1), (2);
SELECT :report FROM bulk_update_arrays('typed', '{id, v, c, n, j, d, e}',
    ROW('{1}', '{abc}', '{ab}', '{101}', ARRAY['{"k": [1, 2]}'], '{2026-11-22}', '{"1 day 3 hours"}'));
SELECT * FROM typed ORDER BY id;
SELECT * FROM bulk_update_arrays('typed', '{id, v}', ROW('{1}', '{abcd}'));
SELECT * FROM bulk_update_arrays('typed', '{id, n}', ROW('{1}', '{1010}'));
SELECT * FROM bulk_update_arrays('typed', '{id, d}', ROW('{1}', '{tomorrow or so}'));
SELECT :report FROM bulk_update_arrays('typed', '{id, d}', ROW('{2,1,x}', '{2026-01-01,then,2026-01-01}'), on_error => 'skip');
SELECT id, d FROM typed ORDER BY id;

-- A domain over an array, a row of a named type, a variable that is an array
CREATE DOMAIN numbers AS int[];
CREATE TYPE pair AS (ids numbers, dropped int, names text[]);
ALTER TYPE pair DROP ATTRIBUTE dropped;
SELECT :report FROM bulk_update_arrays('t', '{id, b}', ROW('{1}', '{one}')::pair);
DO $$
DECLARE
    ids int[];
    names text[];
BEGIN
    FOR i IN 1 .. 6 LOOP
        ids[i] := i;
        names[i] := 'name ' || i;
    END LOOP;
    PERFORM bulk_update_arrays('t', '{id, b}', ROW(ids, names));
END $$;
SELECT id, b FROM t ORDER BY id;

-- A prepared statement, as drivers use it
PREPARE p(bigint[], text) AS
    SELECT rows_updated, rows_missing FROM bulk_update_arrays('t', '{id, b}', ROW($1, $2), on_missing => 'ignore');
EXECUTE p('{1,2,9}', '{a,b,c}');
EXECUTE p('{3}', '{"c d"}');
SELECT id, b FROM t ORDER BY id;

-- All options, the table of rejects, no rows
SELECT bulk_update_create_rejects('r');
SELECT :report FROM bulk_update_arrays('t', '{id, b}', ROW('{1,1,7,NULL}', '{x,y,z,n}'),
    key_columns => '{id}', chunk_size => 2, on_missing => 'ignore', on_duplicate => 'last', on_error => 'skip',
    skip_unchanged => true, rejects => 'r', reject_limit => 10, dry_run => false, ordering => 'sort');
SELECT reason, source_row, key, new_values FROM r ORDER BY source_row;
SELECT :report FROM bulk_update_arrays('t', '{id, b}', ROW('{}'::int[], '{}'));
SELECT count(*) FROM bulk_update_arrays('t', '{id, b}', ROW('[5:6]={1,2}'::int[], '{p,q}'));
SELECT id, b FROM t WHERE id <= 2 ORDER BY id;

-- Many rows: several chunks
INSERT INTO t SELECT i FROM generate_series(7, 25000) AS i;
SELECT count(*), sum(rows_updated) FROM bulk_update_arrays('t', '{id, a}', ROW(
    (SELECT array_agg(i ORDER BY i DESC) FROM generate_series(1, 25000) AS i),
    (SELECT array_agg(i % 100 ORDER BY i DESC) FROM generate_series(1, 25000) AS i)));
SELECT count(*) FROM t WHERE a IS DISTINCT FROM id % 100;

-- The number of rows is known, not estimated
CREATE FUNCTION show_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'of % rows', (SELECT rows_estimated FROM bulk_update_progress WHERE pid = pg_backend_pid());
    RETURN NULL;
END $$;
CREATE TRIGGER show_progress AFTER UPDATE ON t EXECUTE FUNCTION show_progress();
SELECT count(*) FROM bulk_update_arrays('t', '{id, a}', ROW('{1,2,3,4}', '{1,1,1,1}'), chunk_size => 3);
DROP TRIGGER show_progress ON t;
DROP FUNCTION show_progress;

-- Invalid arguments
SELECT * FROM bulk_update_arrays(NULL, '{id, b}', ROW('{1}', '{a}'));
SELECT * FROM bulk_update_arrays('t', NULL, ROW('{1}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{}', ROW('{1}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', NULL);
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1}', NULL));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1}'));
SELECT * FROM bulk_update_arrays('t', '{id}', ROW('{1}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW(1, 'a'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1}'::int[], 'a'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1,2}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{id, tags}', ROW('{1}', '{{1,2}}'::int[]));
SELECT * FROM bulk_update_arrays('t', '{id, a}', ROW('{1}', ARRAY[true]));
SELECT * FROM bulk_update_arrays('t', '{id, nope}', ROW('{1}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{one}', '{a}'));
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1}', '{a}'), chunk_size => 0);
SELECT * FROM bulk_update_arrays('t', '{id, b}', ROW('{1,1}', '{a,b}'));

-- varchar is read like text, as elements and as array literals
SELECT :report FROM bulk_update_arrays('t', '{id, a, tags}', ROW('{1,2}'::varchar[], '{1.5,2.5}'::varchar, ARRAY['{1}', NULL]::char(5)[]));
SELECT id, a, tags FROM t WHERE id < 3 ORDER BY id;

DROP TABLE t, plain, typed, r;
DROP DOMAIN three;
DROP TYPE pair;
DROP DOMAIN numbers;
