--
-- Limits: long keys, many key columns, and how far the cursor is read. test/scale has values of hundreds of megabytes.
--
SET bulk_update.progress_interval = 0;

-- A key that fits in a B-tree only when compressed works like any other. The report shows only its length.
CREATE TABLE long_key (k text PRIMARY KEY, l text UNIQUE, v int);
CREATE TABLE plain (LIKE long_key);
INSERT INTO long_key VALUES (repeat('a', 60000), 'l', 0), (repeat('b', 100000), 'm', 0);
INSERT INTO plain TABLE long_key;
SELECT rows_updated, rows_missing, length(first_key) AS first, last_key
  FROM bulk_update_query('long_key', $$ VALUES (repeat('a', 60000), 1), (repeat('b', 100000), 2), (repeat('c', 100000), 3) $$, '{k,v}');
SELECT * FROM test_error($$ SELECT bulk_update_query('long_key', 'VALUES (repeat(''c'', 100000), 3)', '{k,v}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('long_key', 'VALUES (repeat(''c'', 100000), 3), (repeat(''c'', 100000), 4)', '{k,v}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('long_key', 'VALUES (repeat(''d'', 100000), 3), (repeat(''c'', 100000), 4)', '{k,v}', ordering => 'stream') $$);
SELECT rows_missing, first_key
  FROM bulk_update_query('long_key', $$ VALUES (repeat('c', 100000), 'a "quoted", one', 3) $$, '{k,l,v}', '{k,l}');
UPDATE plain SET v = CASE v1 WHEN 'a' THEN 1 ELSE 2 END FROM (SELECT k AS k1, left(k, 1) AS v1 FROM plain) AS x WHERE k = k1;
SELECT left(relation, 1) AS relation FROM test_diff('long_key', 'plain');

-- Composite keys are row literals, as before
CREATE TABLE composite (a int, b text, c date, v int, PRIMARY KEY (a, b, c));
SELECT first_key, last_key, last_key = ROW(1, 'x "y", \z', date '2024-01-02')::text AS as_row
  FROM bulk_update_query('composite', $$ VALUES (1, 'x "y", \z', date '2024-01-02', 1), (1, '', date '2024-01-02', 1) $$, '{a,b,c,v}');

-- 901 key columns: in key order, also with ordering => 'stream'; but they cannot be sorted
SELECT string_agg(format('c%s int DEFAULT 0', i), ', ' ORDER BY i) AS columns, string_agg('c' || i, ', ' ORDER BY i) AS names
  FROM generate_series(1, 900) AS i \gset
CREATE TABLE wide (id int PRIMARY KEY, :columns, v int);
INSERT INTO wide (id, v) VALUES (1, 1), (2, 2);
SELECT rows_updated, rows_missing FROM bulk_update_query('wide', format('SELECT id, %s, v * 10 AS v FROM wide ORDER BY id', :'names'),
                                                         key_columns => format('{id,%s}', :'names')::name[]);
SELECT rows_updated, rows_missing FROM bulk_update_query('wide', format('SELECT id, %s, v + 1 AS v FROM wide ORDER BY id', :'names'),
                                                         key_columns => format('{id,%s}', :'names')::name[], ordering => 'stream');
SELECT * FROM test_error(format($$ SELECT bulk_update_query('wide', 'SELECT id, %1$s, 0 AS v FROM wide ORDER BY id DESC', key_columns => '{id,%1$s}') $$, :'names'));
SELECT * FROM test_error(format($$ SELECT bulk_update_query('wide', 'SELECT id, %1$s, 0 AS v FROM wide ORDER BY id', key_columns => '{id,%1$s}',
                                                            ordering => 'sort') $$, :'names'));
SELECT id, v FROM wide ORDER BY id;

-- The cursor's position after a caught error: the end of the failed chunk, not that of a larger batch
CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v <> 25));
INSERT INTO t SELECT i, 0 FROM generate_series(1, 40) AS i;
-- position_after(query, size, ...): the error of a call that fails, and the row that the cursor returns next
CREATE FUNCTION position_after(query text, size int, ordering text DEFAULT 'auto', on_duplicate text DEFAULT 'error') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
    r record;
    message text;
BEGIN
    OPEN c FOR EXECUTE query;
    BEGIN
        PERFORM bulk_update('t', c, '{id,v}', chunk_size => size, ordering => position_after.ordering,
                            on_duplicate => position_after.on_duplicate);
    EXCEPTION WHEN OTHERS THEN
        message := SQLSTATE;
    END;
    FETCH c INTO r;
    CLOSE c;
    RETURN format('%s, next is %s', message, r.id);
END
$$;
-- the row that fails is number 25
SELECT size, position_after('SELECT i AS id, i AS v FROM generate_series(1, 40) AS i', size)
  FROM unnest('{1,2,10,24,25,26,39,40,100}'::int[]) AS size;
SELECT size, position_after('SELECT i AS id, i AS v FROM generate_series(1, 40) AS i', size, 'stream')
  FROM unnest('{1,2,10,24,25,26,39,40,100}'::int[]) AS size;
-- one more key is read before a row is passed on
SELECT size, position_after('SELECT i AS id, i AS v FROM generate_series(1, 40) AS i', size, 'stream', 'last')
  FROM unnest('{1,2,10,24,25,26,39,40,100}'::int[]) AS size;
-- a sort reads all of it
SELECT position_after('SELECT i AS id, i AS v FROM generate_series(1, 40) AS i', 10, 'sort');
SELECT position_after('SELECT i AS id, i AS v FROM generate_series(40, 1, -1) AS i', 10);
-- a cast that fails, a duplicate, a row out of order
SELECT size, position_after($$ SELECT i AS id, CASE WHEN i = 25 THEN 3000000000 ELSE 0 END AS v FROM generate_series(1, 40) AS i $$, size)
  FROM unnest('{1,10,25}'::int[]) AS size;
SELECT size, position_after($$ SELECT CASE i WHEN 25 THEN 24 ELSE i END AS id, 0 AS v FROM generate_series(1, 40) AS i $$, size)
  FROM unnest('{1,10,25}'::int[]) AS size;
SELECT size, position_after($$ SELECT CASE i WHEN 25 THEN 1 ELSE i END AS id, 0 AS v FROM generate_series(1, 40) AS i $$, size, 'stream')
  FROM unnest('{1,10,25}'::int[]) AS size;
SELECT count(*) AS changed FROM t WHERE v <> 0;
-- moved back, the cursor can be used again
CREATE TABLE t_plain (LIKE t);
INSERT INTO t_plain TABLE t;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT i AS id, i AS v FROM generate_series(1, 40) AS i;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c', chunk_size => 10) $$);
MOVE ABSOLUTE 0 IN c;
SELECT sum(rows_updated) AS updated FROM bulk_update('t', 'c', chunk_size => 10, on_error => 'skip');
COMMIT;
UPDATE t_plain SET v = id WHERE id <> 25;
SELECT * FROM test_diff('t', 't_plain');
-- many rows, chunk sizes that differ from those of batches: all rows are read, each once
INSERT INTO t SELECT i, 0 FROM generate_series(41, 5000) AS i;
INSERT INTO t_plain SELECT i, 0 FROM generate_series(41, 5000) AS i;
SELECT size, (SELECT array[count(*), sum(rows_fetched), sum(rows_updated)]
              FROM bulk_update_query('t', format('SELECT i AS id, i * %s AS v FROM generate_series(100, 5000) AS i', n), chunk_size => size))
  FROM unnest('{1,7,999,1000,1001,4901,5000}'::int[]) WITH ORDINALITY AS s(size, n);
UPDATE t_plain SET v = id * 7 WHERE id >= 100;
SELECT * FROM test_diff('t', 't_plain');

DROP FUNCTION position_after;
DROP TABLE long_key, plain, composite, wide, t, t_plain;
