--
-- Transactions: everything happens in that of the caller
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_missing AS missing, first_key, last_key'
\set SHOW_CONTEXT never

CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE TABLE plain (LIKE t);
CREATE TABLE new (id int, v int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 6) AS i;
INSERT INTO plain TABLE t;
INSERT INTO new SELECT i, i * 10 FROM generate_series(1, 6) AS i;

-- Rolled back, committed
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT * FROM new ORDER BY id', chunk_size => 4);
ROLLBACK;
SELECT * FROM test_diff('t', 'plain');
BEGIN;
SELECT :report FROM bulk_update_query('t', 'SELECT * FROM new ORDER BY id', chunk_size => 4);
COMMIT;
UPDATE plain SET v = id * 10;
SELECT * FROM test_diff('t', 'plain');
-- each call in its own transaction
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 1)', '{id,v}');
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (2, 2)', '{id,v}');
UPDATE plain SET v = id WHERE id <= 2;
SELECT * FROM test_diff('t', 'plain');
-- in a failed transaction
BEGIN;
SELECT 1/0;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 9)', '{id,v}');
ROLLBACK;
-- COMMIT AND CHAIN; a cursor WITHOUT HOLD ends with the transaction
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT id, v FROM new ORDER BY id;
DECLARE h CURSOR WITH HOLD FOR SELECT id, v + 1 AS v FROM new ORDER BY id;
SELECT :report FROM bulk_update('t', 'c');
COMMIT AND CHAIN;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
SELECT :report FROM bulk_update('t', 'h');
ROLLBACK AND CHAIN;
SHOW transaction_isolation;
-- the call was undone, but not the position of a cursor of another transaction
FETCH h;
COMMIT;
CLOSE h;
UPDATE plain SET v = id * 10;
SELECT * FROM test_diff('t', 'plain');

--
-- Savepoints
--
BEGIN;
SAVEPOINT a;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1 AS v FROM new WHERE id <= 3');
SAVEPOINT b;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 2 AS v FROM new WHERE id >= 3');
ROLLBACK TO b;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 3 AS v FROM new WHERE id >= 5');
RELEASE a;
COMMIT;
UPDATE plain SET v = CASE WHEN id <= 3 THEN 1 ELSE 3 END WHERE id <> 4;
SELECT * FROM test_diff('t', 'plain');
-- the cursor keeps its position after a rollback to a savepoint, as with FETCH
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, v FROM new ORDER BY id;
MOVE 2 IN c;
SAVEPOINT s;
SELECT :report FROM bulk_update('t', 'c');
ROLLBACK TO s;
FETCH c;
SELECT :report FROM bulk_update('t', 'c');
MOVE ABSOLUTE 2 IN c;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain SET v = id * 10 WHERE id > 2;
SELECT * FROM test_diff('t', 'plain');
-- a cursor of a rolled-back savepoint is gone, that of a released one is not
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT id, v FROM new ORDER BY id;
ROLLBACK TO s;
SELECT * FROM test_error($$ SELECT bulk_update('t', 'c') $$);
DECLARE c CURSOR FOR SELECT id, v + 5 AS v FROM new ORDER BY id;
RELEASE s;
SELECT :report FROM bulk_update('t', 'c');
COMMIT;
UPDATE plain SET v = id * 10 + 5;
SELECT * FROM test_diff('t', 'plain');
-- a cursor of the outer transaction, read in a savepoint
BEGIN;
DECLARE c CURSOR FOR SELECT id, v + 6 AS v FROM new ORDER BY id;
SAVEPOINT s;
SELECT :report FROM bulk_update('t', 'c');
RELEASE s;
FETCH c;
COMMIT;
UPDATE plain SET v = id * 10 + 6;
SELECT * FROM test_diff('t', 'plain');
-- errors in savepoints, over and over
BEGIN;
SELECT count(*), count(*) FILTER (WHERE line LIKE 'ERROR 22012%') AS failed
  FROM generate_series(1, 50) AS i,
       test_error(format('SELECT bulk_update_query(''t'', ''SELECT id, 1 / (%s - id * 10) FROM new'', ''{id,v}'')', 60 * (i % 2))) AS line
 WHERE line NOT LIKE 'CONTEXT%';
SELECT count(*) FROM pg_cursors WHERE name LIKE '<unnamed%' AND statement LIKE '%id * 10%';
COMMIT;

--
-- PL/pgSQL: EXCEPTION blocks
--
ALTER TABLE t ADD CHECK (v <> 99);
DO $$
DECLARE
    updated bigint;
BEGIN
    SELECT sum(rows_updated) INTO updated FROM bulk_update_query('t', 'SELECT id, 7 AS v FROM new');
    RAISE INFO 'updated %', updated;
    BEGIN
        SELECT sum(rows_updated) INTO updated
          FROM bulk_update_query('t', 'SELECT id, 93 + id AS v FROM new ORDER BY id', chunk_size => 2);
    EXCEPTION WHEN check_violation THEN
        RAISE INFO 'undone: %', SQLERRM;
    END;
    RAISE INFO 'sevens: %', (SELECT count(*) FROM t WHERE v = 7);
    BEGIN
        SELECT sum(rows_updated) INTO updated FROM bulk_update_query('t', 'SELECT id, 8 AS v FROM new WHERE id = 1');
        RAISE EXCEPTION 'enough';
    EXCEPTION WHEN raise_exception THEN
        RAISE INFO 'undone: %', SQLERRM;
    END;
    RAISE INFO 'sevens: %', (SELECT count(*) FROM t WHERE v = 7);
END
$$;
UPDATE plain SET v = 7;
SELECT * FROM test_diff('t', 'plain');
-- an EXCEPTION block in a trigger for each row: subtransactions while a chunk is applied
CREATE FUNCTION careful() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        IF NEW.id % 2 = 0 THEN
            RAISE EXCEPTION 'even';
        END IF;
        NEW.v := -NEW.v;
    EXCEPTION WHEN raise_exception THEN
        NEW.v := 0;
    END;
    RETURN NEW;
END
$$;
CREATE TRIGGER careful BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION careful();
CREATE TRIGGER careful BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION careful();
SELECT :report FROM bulk_update_query('t', 'SELECT * FROM new ORDER BY id', chunk_size => 4);
UPDATE plain SET v = id * 10;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER careful ON t;
DROP TRIGGER careful ON plain;
DROP FUNCTION careful;
-- in a function that is called for many rows, with one cursor each
CREATE FUNCTION give(who int, what int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
    updated bigint;
BEGIN
    OPEN c FOR SELECT who AS id, what AS v;
    SELECT sum(rows_updated) INTO updated FROM bulk_update('t', c);
    CLOSE c;
    RETURN updated;
END
$$;
SELECT sum(give(id, id * 3)) FROM new;
UPDATE plain SET v = id * 3;
SELECT * FROM test_diff('t', 'plain');
DROP FUNCTION give;

--
-- Isolation levels, in one session
--
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT :report FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 4);
SELECT :report FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 4);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
DECLARE c CURSOR FOR SELECT id, v + 1 AS v FROM t ORDER BY id;
UPDATE t SET v = v + 100;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 4);
COMMIT;
UPDATE plain SET v = v + 3;
SELECT * FROM test_diff('t', 'plain');
-- rows that the same transaction has inserted, changed and deleted after the cursor was opened
BEGIN;
DECLARE c CURSOR FOR SELECT id, v + 1 AS v FROM t UNION ALL SELECT 7, 77 ORDER BY id;
INSERT INTO t VALUES (7, 7);
DELETE FROM t WHERE id = 1;
UPDATE t SET id = 20 WHERE id = 2;
SELECT :report FROM bulk_update('t', 'c', chunk_size => 2);
COMMIT;
DELETE FROM plain WHERE id = 1;
UPDATE plain SET v = v + 1 WHERE id > 2;
UPDATE plain SET id = 20 WHERE id = 2;
INSERT INTO plain VALUES (7, 77);
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;

--
-- In other commands
--
-- WITH, its result inserted elsewhere
UPDATE plain SET v = 0;
WITH w AS (SELECT sum(rows_updated) AS n FROM bulk_update_query('t', 'SELECT id, 0 AS v FROM t'))
INSERT INTO new SELECT -1, n FROM w RETURNING *;
SELECT * FROM test_diff('t', 'plain');
-- a prepared statement
PREPARE call (int) AS SELECT :report FROM bulk_update_query('t', format('SELECT id, %s AS v FROM t ORDER BY id', $1), chunk_size => 4);
EXECUTE call (1);
EXECUTE call (2);
ALTER TABLE t ADD w int;
EXECUTE call (3);
DEALLOCATE call;
UPDATE plain SET v = 3;
ALTER TABLE t DROP w;
SELECT * FROM test_diff('t', 'plain');
-- EXPLAIN executes it only with ANALYZE
EXPLAIN (COSTS OFF) SELECT * FROM bulk_update_query('t', 'SELECT id, 4 AS v FROM t');
SELECT * FROM test_diff('t', 'plain');
-- a view
CREATE VIEW job AS SELECT :report FROM bulk_update_query('t', 'SELECT id, 5 AS v FROM t ORDER BY id', chunk_size => 4);
TABLE job;
UPDATE plain SET v = 5;
SELECT * FROM test_diff('t', 'plain');
DROP VIEW job;
-- no parallel plan is used
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT sum(x.n) FROM (SELECT (SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT id, ' || new.id || ' AS v FROM t')) AS n FROM new WHERE id > 0) AS x;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET max_parallel_workers_per_gather;
DROP TABLE t, plain, new;
