--
-- Deferrable unique and exclusion constraints are checked when the call ends, as
-- for one UPDATE, however many chunks there are
--
CREATE TABLE t (id int PRIMARY KEY, v int CONSTRAINT t_v UNIQUE DEFERRABLE, w int);
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO t SELECT i, i, i FROM generate_series(1, 30) AS i;
INSERT INTO plain TABLE t;

-- The default chunk_size: a shift, ascending and descending
CREATE TABLE large (id int PRIMARY KEY, position int UNIQUE DEFERRABLE);
INSERT INTO large SELECT i, i FROM generate_series(1, 25000) AS i;
CREATE TABLE large_plain (LIKE large INCLUDING ALL);
INSERT INTO large_plain TABLE large;
SELECT chunk, rows_updated FROM bulk_update_query('large', 'SELECT id, position + 1 AS position FROM large ORDER BY id');
SELECT count(*) AS chunks, sum(rows_updated) AS updated
  FROM bulk_update_query('large', 'SELECT id, position - 3 AS position FROM large ORDER BY id', chunk_size => 999);
UPDATE large_plain SET position = position - 2;
SELECT * FROM test_diff('large', 'large_plain');
-- with little memory: a trigger shows that the rows to check are in a temporary file (no keys are kept here)
CREATE TABLE files (n bigint);
CREATE FUNCTION counts_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO files SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE format('pgsql_tmp%s.%%', pg_backend_pid());
    RETURN NULL;
END
$$;
CREATE TRIGGER counts AFTER UPDATE ON large FOR EACH ROW WHEN (NEW.id IN (1, 20000)) EXECUTE FUNCTION counts_files();
SET work_mem = '64kB';
SELECT sum(rows_updated) AS updated
  FROM bulk_update_query('large', 'SELECT id, 25000 - position AS position FROM large ORDER BY id', ordering => 'stream');
SELECT max(n) - min(n) AS files FROM files;
DROP TRIGGER counts ON large;
DROP FUNCTION counts_files;
RESET work_mem;
UPDATE large_plain SET position = 25000 - position;
SELECT * FROM test_diff('large', 'large_plain');
-- the first row keeps its position, and the second row moves to it
SELECT * FROM test_error($$ SELECT count(*) FROM bulk_update_query('large',
    'SELECT id, CASE id WHEN 1 THEN position ELSE position + 1 END AS position FROM large ORDER BY id') $$);
SELECT * FROM test_error($$ UPDATE large_plain SET position = CASE id WHEN 1 THEN position ELSE position + 1 END $$);
SELECT * FROM test_diff('large', 'large_plain');
DROP TABLE large, large_plain, files;

-- One row in each chunk: a shift, a swap, nulls, a cycle
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 1);
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');
SELECT count(*) FROM bulk_update_query('t', 'VALUES (1, 3), (2, 2), (7, NULL), (8, NULL), (9, 8), (10, 9), (11, 10), (12, 11), (13, 13), (14, 12), (15, 14)',
                                       '{id,v}', chunk_size => 1);
UPDATE plain AS t SET v = s.v FROM (VALUES (1, 3), (2, 2), (7, NULL), (8, NULL), (9, 8), (10, 9), (11, 10), (12, 11), (13, 13), (14, 12), (15, 14)) AS s (id, v)
 WHERE t.id = s.id;
SELECT * FROM test_diff('t', 'plain');
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v, w + 1 AS w FROM t', chunk_size => 2, skip_unchanged => true);
UPDATE plain SET w = w + 1;
SELECT * FROM test_diff('t', 'plain');

-- Duplicates that remain: UPDATE's error, with the row's key in the context, and nothing is changed
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 100), (2, 101), (3, 102), (4, 101), (5, 103)', '{id,v}', chunk_size => 2) $$);
SELECT * FROM test_error($$ UPDATE plain AS t SET v = s.v FROM (VALUES (1, 100), (2, 101), (3, 102), (4, 101), (5, 103)) AS s (id, v)
                             WHERE t.id = s.id $$);
-- with a row that is not in the source
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 100), (2, 21)', '{id,v}', chunk_size => 1) $$);
-- in the only chunk
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 21)', '{id,v}') $$);
SELECT * FROM test_diff('t', 'plain');
-- and the session can continue
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 100)', '{id,v}');
UPDATE plain SET v = 100 WHERE id = 1;

-- Under 'skip' each statement is checked, so that rows can be set aside
SELECT chunk, rows_updated, rows_rejected FROM bulk_update_query('t', 'VALUES (1, 101), (2, 21), (3, 102)', '{id,v}', chunk_size => 2, on_error => 'skip');
UPDATE plain AS t SET v = s.v FROM (VALUES (1, 101), (3, 102)) AS s (id, v) WHERE t.id = s.id;
SELECT * FROM test_diff('t', 'plain');
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 3), (3, 21)', '{id,v}', dry_run => true);

-- Deferred constraints are checked at commit, not when the call ends
BEGIN;
SET CONSTRAINTS t_v DEFERRED;
SELECT count(*) FROM bulk_update_query('t', 'VALUES (1, 200), (2, 201), (3, 200)', '{id,v}', chunk_size => 1);
SELECT * FROM test_error('SET CONSTRAINTS t_v IMMEDIATE');
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (3, 202)', '{id,v}');
COMMIT;
UPDATE plain SET v = 199 + id WHERE id < 4;
SELECT * FROM test_diff('t', 'plain');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 201)', '{id,v}');
\set SHOW_CONTEXT never
COMMIT;
\set SHOW_CONTEXT errors
SELECT * FROM test_diff('t', 'plain');
-- deferred, and made immediate again before the call
BEGIN;
SET CONSTRAINTS t_v DEFERRED;
SET CONSTRAINTS t_v IMMEDIATE;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 201)', '{id,v}') $$);
COMMIT;

-- Rows that were rolled back to a savepoint are not checked later
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 7);
ROLLBACK TO s;
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v - 1 AS v FROM t ORDER BY id', chunk_size => 7);
COMMIT;
UPDATE plain SET v = v - 1;
SELECT * FROM test_diff('t', 'plain');

-- The transaction can be prepared: no checks are left
SELECT current_setting('max_prepared_transactions')::int > 0 AS prepares \gset
BEGIN;
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 7);
\if :prepares
PREPARE TRANSACTION 'deferrable';
COMMIT PREPARED 'deferrable';
\else
COMMIT;
\endif
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');

-- A trigger defers the constraint during the call: rows due until then and later ones are checked at commit
CREATE FUNCTION defers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS t_v DEFERRED;
    RETURN NULL;
END
$$;
CREATE TRIGGER defers AFTER UPDATE ON t FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION defers();
BEGIN;
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, 300 AS v FROM t WHERE id < 4', chunk_size => 1);
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, 300 + id AS v FROM t WHERE id < 4', chunk_size => 1);
COMMIT;
UPDATE plain SET v = 300 + id WHERE id < 4;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER defers ON t;

-- A BEFORE trigger changes the values
CREATE FUNCTION doubles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.v := 2 * NEW.v;
    RETURN NEW;
END
$$;
CREATE TRIGGER doubles BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION doubles();
CREATE TRIGGER doubles BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION doubles();
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, id AS v FROM t ORDER BY id', chunk_size => 4);
UPDATE plain SET v = id;
SELECT * FROM test_diff('t', 'plain');
SELECT count(*) FROM bulk_update_query('t', 'SELECT id, 31 - id AS v FROM t ORDER BY id', chunk_size => 4);
UPDATE plain SET v = 31 - id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 5), (2, 6), (3, 5)', '{id,v}', chunk_size => 1) $$);
DROP TRIGGER doubles ON t;
DROP TRIGGER doubles ON plain;

-- AFTER triggers delete a row of an earlier chunk that is due, change the constrained value of another one, and update
-- a third one otherwise. All this happens before anything is checked, as by an UPDATE with a deferred check.
CREATE FUNCTION tidies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %s WHERE id = 5', TG_RELID::regclass);
    EXECUTE format('UPDATE %s SET v = 1001 WHERE id = 6', TG_RELID::regclass);
    EXECUTE format('UPDATE %s SET w = 0 WHERE id = 7', TG_RELID::regclass);
    RETURN NULL;
END
$$;
CREATE TRIGGER tidies AFTER UPDATE ON t FOR EACH ROW WHEN (NEW.id = 9) EXECUTE FUNCTION tidies();
CREATE TRIGGER tidies AFTER UPDATE ON plain FOR EACH ROW WHEN (NEW.id = 9) EXECUTE FUNCTION tidies();
UPDATE t SET v = id;
UPDATE plain SET v = id;
INSERT INTO t VALUES (5, 5, 5);
INSERT INTO plain VALUES (5, 5, 5);
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (5, 20), (6, 21), (7, 8), (8, 7), (9, 109)', '{id,v}', chunk_size => 1);
BEGIN;
SET CONSTRAINTS plain_v_key DEFERRED;
UPDATE plain AS t SET v = s.v FROM (VALUES (5, 20), (6, 21), (7, 8), (8, 7), (9, 109)) AS s (id, v) WHERE t.id = s.id;
COMMIT;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER tidies ON t;
DROP TRIGGER tidies ON plain;

-- A trigger makes a nested call, which is checked when that call ends
CREATE FUNCTION calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('t', 'VALUES (20, 21), (21, 20)', '{id,v}', chunk_size => 1);
    BEGIN
        PERFORM bulk_update_query('t', 'VALUES (22, 24), (23, 25)', '{id,v}', chunk_size => 1);
    EXCEPTION WHEN unique_violation THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    RETURN NULL;
END
$$;
CREATE TRIGGER calls AFTER UPDATE ON t FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION calls();
UPDATE t SET v = id;
UPDATE plain SET v = id;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (1, 2), (2, 3), (3, 1)', '{id,v}', chunk_size => 1);
UPDATE plain AS t SET v = s.v FROM (VALUES (1, 2), (2, 3), (3, 1), (20, 21), (21, 20)) AS s (id, v) WHERE t.id = s.id;
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER calls ON t;

-- An error of an AFTER trigger in a later chunk is found again, with rows due to be checked
CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'refused';
END
$$;
CREATE TRIGGER refuses AFTER UPDATE ON t FOR EACH ROW WHEN (NEW.id = 6) EXECUTE FUNCTION refuses();
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, id + 1 AS v FROM t ORDER BY id', chunk_size => 4) $$);
SELECT * FROM test_diff('t', 'plain');
DROP TRIGGER refuses ON t;

-- Triggers disabled
SET session_replication_role = replica;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 10)', '{id,v}');
RESET session_replication_role;
SELECT count(*) FROM t WHERE v = 10;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, 2)', '{id,v}');
SELECT * FROM test_diff('t', 'plain');

-- Two such constraints, one of them on two columns, and a key that is deferrable too
ALTER TABLE t ADD UNIQUE (w, v) DEFERRABLE, DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT id, id % 30 AS v, 1 AS w FROM t ORDER BY id', chunk_size => 4);
UPDATE plain SET v = id % 30, w = 1;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 3), (2, 1), (3, 3)', '{id,v}', chunk_size => 1) $$);
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

-- Exclusion constraints
CREATE TABLE t (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&) DEFERRABLE);
CREATE TABLE plain AS SELECT i AS id, int4range(i * 10, i * 10 + 10) AS r FROM generate_series(1, 9) AS i;
INSERT INTO t TABLE plain;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT id, int4range(id * 10 + 3, id * 10 + 13) AS r FROM t ORDER BY id', chunk_size => 2);
UPDATE plain SET r = int4range(id * 10 + 3, id * 10 + 13);
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, int4range(1, 5)), (2, int4range(0, 2)), (3, int4range(2, 3))', '{id,r}', chunk_size => 1) $$);
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

-- Partitions with columns in another order, at two levels
CREATE TABLE t (a int, b int, v int, PRIMARY KEY (a, b), UNIQUE (a, v) DEFERRABLE) PARTITION BY LIST (a);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE TABLE t2 (v int, dropped int, b int NOT NULL, a int NOT NULL);
ALTER TABLE t2 DROP dropped;
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (2);
CREATE TABLE t3 PARTITION OF t FOR VALUES IN (3, 4) PARTITION BY LIST (a);
CREATE TABLE t33 PARTITION OF t3 FOR VALUES IN (3);
CREATE TABLE t34 PARTITION OF t3 FOR VALUES IN (4);
INSERT INTO t SELECT i % 4 + 1, i, i FROM generate_series(1, 40) AS i;
CREATE TABLE plain AS TABLE t;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT a, b, v + 4 AS v FROM t ORDER BY a, b', chunk_size => 3);
UPDATE plain SET v = v + 4;
SELECT * FROM test_diff('t', 'plain');
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT a, b, v - 8 AS v FROM t ORDER BY b DESC', chunk_size => 3, ordering => 'sort');
UPDATE plain SET v = v - 8;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (2, 1, 4), (2, 5, 9), (2, 9, 4)', '{a,b,v}', chunk_size => 1) $$);
-- a partition as the target
SELECT sum(rows_updated) FROM bulk_update_query('t2', 'SELECT a, b, v + 4 AS v FROM t2 ORDER BY a, b', chunk_size => 3);
UPDATE plain SET v = v + 4 WHERE a = 2;
SELECT * FROM test_diff('t', 'plain');
-- rows of an earlier chunk are due to be checked in a partition: it cannot be truncated, as during UPDATE
CREATE FUNCTION empties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE t1;
    RETURN NULL;
END
$$;
CREATE TRIGGER empties AFTER UPDATE ON t2 FOR EACH ROW EXECUTE FUNCTION empties();
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 4, 4), (1, 8, 5), (2, 5, 6)', '{a,b,v}', chunk_size => 1) $$);
SELECT * FROM test_error($$ UPDATE t SET v = v + 4 WHERE a IN (1, 2) $$);
DROP TRIGGER empties ON t2;
-- a row that a trigger moves to another partition is checked there, also only at the end
CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.a := 3;
    RETURN NEW;
END
$$;
CREATE TRIGGER moves BEFORE UPDATE ON t1 FOR EACH ROW WHEN (NEW.b = 4) EXECUTE FUNCTION moves();
SELECT array_agg((a, b, v) ORDER BY a, b) FROM t WHERE b IN (2, 4, 6);
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (1, 4, -2), (3, 2, 100)', '{a,b,v}', chunk_size => 1);
UPDATE plain SET a = 3, v = -2 WHERE b = 4;
UPDATE plain SET v = 100 WHERE b = 2;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

-- Children of a parent have their own constraints
CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE DEFERRABLE);
CREATE TABLE t_child (extra int, UNIQUE (v) DEFERRABLE, PRIMARY KEY (id)) INHERITS (t);
INSERT INTO t SELECT i, i FROM generate_series(1, 9) AS i;
INSERT INTO t_child SELECT i, i FROM generate_series(10, 19) AS i;
CREATE TABLE plain AS TABLE t;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t ORDER BY id', chunk_size => 2);
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (11, 13), (12, 14), (13, 14)', '{id,v}', chunk_size => 1) $$);
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t CASCADE;
DROP TABLE plain;

--
-- Output of explain
--
CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE DEFERRABLE, w int UNIQUE DEFERRABLE INITIALLY DEFERRED, x int UNIQUE,
                parent int REFERENCES t, other int REFERENCES t (x) DEFERRABLE);
SELECT detail FROM bulk_update_explain_query('t', 'SELECT id, v, w, x, parent, other FROM t') WHERE topic = 'constraint';
SELECT detail FROM bulk_update_explain_query('t', 'SELECT id, v, w FROM t', on_error => 'skip') WHERE topic = 'constraint';

--
-- Foreign keys between rows of a call are checked after each chunk; the hint says what to do
--
INSERT INTO t SELECT i, i, i, i, 1 FROM generate_series(1, 6) AS i;
CREATE TABLE plain AS TABLE t;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1, 12), (2, 12, 2)', '{id,x,other}', chunk_size => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 7)', '{id,parent}', chunk_size => 1) $$);
-- no hint if the call has no other chunk
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 12)', '{id,other}') $$);
-- following the hint
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (1, 1, 12), (2, 12, 1)', '{id,x,other}');
BEGIN;
SET CONSTRAINTS t_other_fkey DEFERRED;
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (3, 3, 14), (4, 14, 3)', '{id,x,other}', chunk_size => 1);
COMMIT;
UPDATE plain AS t SET x = s.x, other = s.other
  FROM (VALUES (1, 1, 12), (2, 12, 1), (3, 3, 14), (4, 14, 3)) AS s (id, x, other) WHERE t.id = s.id;
SELECT * FROM test_diff('t', 'plain');
-- rows of other chunks that refer to the key that changes
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 15, 12), (2, 12, 15)', '{id,x,other}', chunk_size => 1) $$);
-- a foreign key to another table has no such hint, and a hint that is already there is kept
CREATE TABLE other (id int PRIMARY KEY);
ALTER TABLE t ADD z int REFERENCES other;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 1)', '{id,z}', chunk_size => 1) $$);
CREATE FUNCTION hints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'refused', HINT = 'Mine.', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
                                      CONSTRAINT = 't_parent_fkey';
END
$$;
CREATE TRIGGER hints AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION hints();
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 1), (2, 1)', '{id,parent}', chunk_size => 1) $$);
DROP TABLE t, plain, other;
DROP FUNCTION defers, doubles, tidies, calls, refuses, moves, hints, empties;

-- Between partitions of one table
CREATE TABLE t (a int, b int, up int, PRIMARY KEY (a, b), UNIQUE (a, up)) PARTITION BY LIST (a);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);
INSERT INTO t SELECT i % 2 + 1, i, i FROM generate_series(1, 6) AS i;
ALTER TABLE t ADD la int, ADD lb int, ADD CONSTRAINT l FOREIGN KEY (la, lb) REFERENCES t (a, up);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'VALUES (1, 2, 2, 2, 9), (2, 1, 9, NULL, NULL)', '{a,b,up,la,lb}', chunk_size => 1) $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t1', 'VALUES (1, 2, 2, 1, 9), (1, 4, 9, NULL, NULL)', '{a,b,up,la,lb}', chunk_size => 1) $$);
SELECT sum(rows_updated) FROM bulk_update_query('t', 'VALUES (1, 2, 2, 2, 9), (2, 1, 9, NULL, NULL)', '{a,b,up,la,lb}');
DROP TABLE t;
