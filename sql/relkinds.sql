--
-- Relations that are not tables are rejected; rules; kinds of tables
--
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
CREATE TABLE plain (LIKE t);
INSERT INTO plain TABLE t;

CREATE FUNCTION error_on(target regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT test_error(format('SELECT * FROM bulk_update_query(%L::regclass, %L)', target,
                             'SELECT id, v || ''!'' AS v FROM t'))
$$;

-- A view: also an updatable one, also with an INSTEAD OF trigger
CREATE VIEW view AS SELECT * FROM t;
SELECT * FROM error_on('view');
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF UPDATE ON view FOR EACH ROW EXECUTE FUNCTION instead();
SELECT * FROM error_on('view');
DROP VIEW view;
DROP FUNCTION instead;
-- A materialized view, also with a unique index
CREATE MATERIALIZED VIEW matview AS SELECT * FROM t;
CREATE UNIQUE INDEX ON matview (id);
SELECT * FROM error_on('matview');
DROP MATERIALIZED VIEW matview;
-- A foreign table
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE foreign_table (id int, v text) SERVER dummy;
SELECT * FROM error_on('foreign_table');
DROP FOREIGN DATA WRAPPER dummy CASCADE;
-- A sequence, an index, a partitioned index, a composite type
CREATE SEQUENCE sequence;
SELECT * FROM error_on('sequence');
DROP SEQUENCE sequence;
SELECT * FROM error_on('t_pkey');
CREATE TABLE partitioned (id int PRIMARY KEY, v text) PARTITION BY LIST (id);
SELECT * FROM error_on('partitioned_pkey');
CREATE TYPE composite AS (id int, v text);
SELECT * FROM error_on('composite');
DROP TYPE composite;
-- System catalogs and a TOAST table
SELECT * FROM error_on('pg_class');
SELECT * FROM error_on('pg_largeobject');
SELECT replace(line, 't'::regclass::oid::text, 'N') AS error_on
  FROM error_on((SELECT reltoastrelid FROM pg_class WHERE oid = 't'::regclass)) AS line;
-- Tables of the information schema are ordinary ones
SELECT * FROM test_error($$ SELECT bulk_update_query('information_schema.sql_parts', 'SELECT 1') $$);
-- No such relation
SELECT * FROM error_on(4000000000::oid::regclass);
-- The OID of another object
SELECT oid IS NOT NULL AS there FROM pg_proc WHERE oid = 1242;
SELECT * FROM error_on(1242::oid::regclass);

-- A partitioned table without partitions has no rows
SELECT rows_fetched, rows_updated, rows_missing FROM bulk_update_query('partitioned', 'TABLE t');
DROP TABLE partitioned;

-- Nothing has been changed by all this
SELECT * FROM test_diff('t', 'plain');

--
-- Temporary and unlogged tables; a temporary table hides another one
--
CREATE UNLOGGED TABLE unlogged (LIKE t INCLUDING ALL);
INSERT INTO unlogged TABLE t;
SELECT rows_updated FROM bulk_update_query('unlogged', 'SELECT id, v || ''!'' AS v FROM t');
SELECT * FROM unlogged ORDER BY id;
DROP TABLE unlogged;
CREATE TEMPORARY TABLE t (LIKE public.t INCLUDING ALL);
INSERT INTO t VALUES (1, 'temporary');
SELECT rows_updated, rows_missing FROM bulk_update_query('t', 'SELECT id, v || ''!'' AS v FROM public.t');
SELECT * FROM t ORDER BY id;
SELECT * FROM test_diff('public.t', 'plain');
DROP TABLE pg_temp.t;
CREATE TEMPORARY TABLE on_commit (LIKE t INCLUDING ALL) ON COMMIT DELETE ROWS;
BEGIN;
INSERT INTO on_commit TABLE t;
SELECT rows_updated FROM bulk_update_query('on_commit', 'SELECT id, v || ''!'' AS v FROM t');
SELECT * FROM on_commit ORDER BY id;
COMMIT;
DROP TABLE on_commit;
-- a table, or its index, that was created in this transaction
BEGIN;
CREATE TABLE fresh AS TABLE t;
CREATE UNIQUE INDEX ON fresh (id);
SELECT rows_updated FROM bulk_update_query('fresh', 'SELECT id, v || ''!'' AS v FROM t', key_columns => '{id}');
SELECT * FROM fresh ORDER BY id;
TRUNCATE fresh;
INSERT INTO fresh TABLE t;
SELECT rows_updated FROM bulk_update_query('fresh', 'SELECT id, v || ''?'' AS v FROM t', key_columns => '{id}');
SELECT * FROM fresh ORDER BY id;
ROLLBACK;
-- a typed table
CREATE TYPE pair AS (id int, v text);
CREATE TABLE typed OF pair (PRIMARY KEY (id));
INSERT INTO typed TABLE t;
SELECT rows_updated FROM bulk_update_query('typed', 'SELECT id, v || ''!'' AS v FROM t');
SELECT * FROM typed ORDER BY id;
DROP TABLE typed;
DROP TYPE pair;

--
-- Rules
--
CREATE TABLE log (id int, old text, new text);
CREATE RULE also AS ON UPDATE TO t DO ALSO INSERT INTO log VALUES (OLD.id, OLD.v, NEW.v);
CREATE RULE also AS ON UPDATE TO plain DO ALSO INSERT INTO log VALUES (-OLD.id, OLD.v, NEW.v);
SELECT rows_updated, rows_missing
  FROM bulk_update_query('t', 'VALUES (1, ''new one''), (2, ''new two''), (3, ''three'')', '{id,v}', chunk_size => 2);
UPDATE plain SET v = new.v FROM (VALUES (1, 'new one'), (2, 'new two'), (3, 'three')) AS new (id, v) WHERE plain.id = new.id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM log ORDER BY abs(id), id;
DROP RULE also ON t;
CREATE RULE instead AS ON UPDATE TO t DO INSTEAD NOTHING;
SELECT * FROM error_on('t');
-- a disabled one, rules for other commands
ALTER TABLE t DISABLE RULE instead;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, ''newer'')', '{id,v}');
-- a replica rule
ALTER TABLE t ENABLE REPLICA RULE instead;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, ''newer still'')', '{id,v}');
SET session_replication_role = replica;
SELECT * FROM error_on('t');
ALTER TABLE t ENABLE RULE instead;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, ''newest'')', '{id,v}');
RESET session_replication_role;
SELECT * FROM error_on('t');
SELECT v FROM t WHERE id = 1;
DROP RULE instead ON t;
CREATE RULE instead AS ON DELETE TO t DO INSTEAD NOTHING;
SELECT rows_updated FROM bulk_update_query('t', 'VALUES (1, ''newest'')', '{id,v}');
DROP RULE instead ON t;
-- a conditional one
CREATE RULE sometimes AS ON UPDATE TO t WHERE NEW.v = 'x' DO INSTEAD NOTHING;
SELECT * FROM error_on('t');

DROP TABLE t, plain, log;
DROP FUNCTION error_on;
