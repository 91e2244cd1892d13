--
-- Rows that a BEFORE trigger skips are looked up again, but only if there is one
--
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (id int PRIMARY KEY, v int, w int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (101) WITH (autovacuum_enabled = off);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (101) TO (MAXVALUE) PARTITION BY RANGE (id);
CREATE TABLE p2_1 PARTITION OF p2 FOR VALUES FROM (101) TO (MAXVALUE) WITH (autovacuum_enabled = off);
CREATE TABLE h (id int PRIMARY KEY, v int, w int) WITH (autovacuum_enabled = off);
CREATE TABLE h1 (PRIMARY KEY (id)) INHERITS (h) WITH (autovacuum_enabled = off);
INSERT INTO p SELECT i, 0, 0 FROM generate_series(1, 200, 2) AS i;
INSERT INTO h1 TABLE p;
CREATE TABLE plain AS TABLE p;

-- The even keys are missing. The number of index scans for each of them shows whether they are looked up again.
CREATE FUNCTION try(relation regclass, columns text[] DEFAULT '{id,v}')
RETURNS TABLE (updated bigint, unchanged bigint, missing bigint, searches_for_missing bigint) LANGUAGE plpgsql AS $$
DECLARE
    tables regclass[] := CASE relation WHEN 'p'::regclass THEN '{p1,p2_1}'::regclass[] ELSE '{h,h1}'::regclass[] END;
    before bigint;
BEGIN
    SELECT sum(rows_updated), sum(rows_unchanged) INTO updated, unchanged
      FROM bulk_update_query(relation, 'SELECT i, i FROM generate_series(1, 199, 2) AS i', columns);
    before := (SELECT sum(idx_scan) FROM pg_stat_xact_all_tables WHERE relid = ANY (tables));
    SELECT sum(rows_missing) INTO missing FROM bulk_update_query(relation, 'SELECT i, i FROM generate_series(2, 200, 2) AS i', columns);
    searches_for_missing := ((SELECT sum(idx_scan) FROM pg_stat_xact_all_tables WHERE relid = ANY (tables)) - before) / missing;
    RETURN NEXT;
END
$$;
SET bulk_update.applier = sql;
SELECT * FROM try('p');
SELECT * FROM try('h');
-- AFTER triggers, statement triggers, triggers for other events and disabled ones cannot skip a row
CREATE TRIGGER after_row AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION skip();
CREATE TRIGGER before_statement BEFORE UPDATE ON p FOR EACH STATEMENT EXECUTE FUNCTION skip();
CREATE TRIGGER before_delete BEFORE DELETE OR INSERT ON p1 FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER off BEFORE UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION skip();
ALTER TABLE p1 DISABLE TRIGGER off;
CREATE TRIGGER only_replica BEFORE UPDATE ON p2_1 FOR EACH ROW EXECUTE FUNCTION skip();
ALTER TABLE p2_1 ENABLE REPLICA TRIGGER only_replica;
CREATE TRIGGER other_column BEFORE UPDATE OF w ON p2_1 FOR EACH ROW EXECUTE FUNCTION skip();
CREATE TRIGGER other_column BEFORE UPDATE OF w ON h1 FOR EACH ROW EXECUTE FUNCTION skip();
SELECT * FROM try('p');
SELECT * FROM try('h');
UPDATE plain SET v = id;
SELECT * FROM test_diff('p', 'plain');
SELECT * FROM test_diff('h', 'plain');
-- triggers that can, of any partition or child, enabled for the session's role, for updated columns
SELECT * FROM try('p', '{id,w}');
SELECT * FROM try('h', '{id,w}');
SET session_replication_role = replica;
SELECT * FROM try('p');
SELECT * FROM try('p', '{id,w}');
RESET session_replication_role;
DROP TRIGGER other_column ON p2_1;
DROP TRIGGER other_column ON h1;
CREATE TRIGGER maybe BEFORE UPDATE ON p2_1 FOR EACH ROW WHEN (OLD.id > 190) EXECUTE FUNCTION skip();
SELECT * FROM try('p');
DROP TRIGGER maybe ON p2_1;
UPDATE plain SET w = id WHERE id < 101;
SELECT * FROM test_diff('p', 'plain');
RESET bulk_update.applier;

-- Triggers and partitions that are added and removed between chunks are noticed, also by a prepared statement
CREATE FUNCTION at_row(i int, command text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF i = 51 THEN EXECUTE command; END IF;
    RETURN i;
END
$$;
-- The updated, unchanged and missing rows of each chunk, each result once. When the source reaches row 51 depends on
-- how far it is read ahead.
CREATE FUNCTION try_command(relation regclass, command text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(rows, ', then ' ORDER BY first) FROM (
        SELECT concat_ws(' ', rows_updated, rows_unchanged, rows_missing) AS rows, min(chunk) AS first
          FROM bulk_update_query(relation, format('SELECT i AS id, at_row(i, %L) AS v FROM generate_series(1, 99, 2) AS i', command),
                                 chunk_size => 5, ordering => 'stream')
         GROUP BY 1) AS answers
$$;
SET bulk_update.applier = sql;
SELECT try_command('p', 'CREATE TRIGGER skip BEFORE UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION skip()');
SELECT try_command('p', 'DROP TRIGGER skip ON p1');
SELECT try_command('h', 'CREATE TRIGGER skip BEFORE UPDATE ON h1 FOR EACH ROW EXECUTE FUNCTION skip()');
SELECT try_command('h', 'ALTER TABLE h1 DISABLE TRIGGER skip');
SELECT try_command('h', 'ALTER TABLE h1 ENABLE TRIGGER skip');
SELECT try_command('h', 'SET session_replication_role = replica');
SELECT try_command('h', 'SET session_replication_role = origin');
DROP TRIGGER skip ON h1;
-- a child with such a trigger is added
CREATE TABLE h2 (LIKE h1 INCLUDING INDEXES);
INSERT INTO h2 SELECT i, 0, 0 FROM generate_series(1, 99, 2) AS i;
DELETE FROM h1 WHERE id < 100;
CREATE TRIGGER skip BEFORE UPDATE ON h2 FOR EACH ROW EXECUTE FUNCTION skip();
SELECT try_command('h', 'ALTER TABLE h2 INHERIT h');
SELECT try_command('h', 'ALTER TABLE h2 NO INHERIT h');
-- custom plans, which are made for each chunk
SET plan_cache_mode = force_custom_plan;
SELECT try_command('p', 'CREATE TRIGGER skip BEFORE UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION skip()');
RESET plan_cache_mode;
RESET bulk_update.applier;
DROP TABLE p, h, h1, h2, plain;
DROP FUNCTION try_command, at_row, try, skip, note;
