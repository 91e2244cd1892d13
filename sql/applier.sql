--
-- The direct applier is used wherever it leaves the same table as UPDATE, the executor for everything else
--
CREATE SCHEMA applier;
SET search_path = applier, public;
CREATE TABLE t (id int PRIMARY KEY, v int, d int UNIQUE DEFERRABLE, CHECK (v >= 0));
INSERT INTO t SELECT i, 0, i FROM generate_series(1, 20) AS i;

-- Add 1 to v of some rows of a relation, and return the appliers that were used
CREATE FUNCTION works(relation regclass, key_columns name[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT applier, ',') || ' ' || sum(rows_updated)
      FROM bulk_update_query(relation, format('SELECT %I, v + 1 AS v FROM %s WHERE id <= 15', coalesce(key_columns[1], 'id'), relation),
                             key_columns => key_columns, chunk_size => 4)
$$;
SELECT works('t');
-- also when rows are only read
SELECT DISTINCT applier FROM bulk_update_query('t', 'SELECT 1 AS id, 7 AS v', dry_run => true);
SELECT DISTINCT applier FROM bulk_update_query('t', 'SELECT id, v FROM t', skip_unchanged => true);

-- The setting forces one of them
SHOW bulk_update.applier;
SET bulk_update.applier = sql;
SELECT works('t');
SET bulk_update.applier = direct;
SELECT works('t');
SET bulk_update.applier = quick;
RESET bulk_update.applier;

-- Direct
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION with_triggers() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := 2 * NEW.v; RETURN NEW; END';
CREATE TRIGGER before_row BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION with_triggers();
CREATE TRIGGER after_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER before_statement BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION pass();
SELECT works('t');
SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
DROP TRIGGER before_row ON t;
CREATE TEMP TABLE temporary (id int PRIMARY KEY, v int);
INSERT INTO temporary VALUES (1, 1), (2, 2);
SELECT works('temporary');
CREATE TABLE descending (id int, v int);
CREATE UNIQUE INDEX ON descending (id DESC NULLS LAST) INCLUDE (v);
INSERT INTO descending SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT works('descending', '{id}');
-- of two unique indexes on the key, the one that is not deferrable is used, whichever is older
CREATE TABLE two_keys (id int UNIQUE DEFERRABLE, v int);
CREATE UNIQUE INDEX immediate ON two_keys (id);
INSERT INTO two_keys SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT works('two_keys', '{id}');
ALTER TABLE two_keys DROP CONSTRAINT two_keys_id_key, ADD UNIQUE (id) DEFERRABLE;
SELECT works('two_keys', '{id}');
DROP INDEX immediate;
SELECT works('two_keys', '{id}');

-- Partitions at two levels, one with its columns in another order
CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (6);
CREATE TABLE p2 (v int, gone text, id int NOT NULL);
ALTER TABLE p2 DROP COLUMN gone;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (6) TO (11);
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (11) TO (100) PARTITION BY HASH (id);
CREATE TABLE p3a PARTITION OF p3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p3b PARTITION OF p3 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO p SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT works('p');
SELECT tableoid::regclass, v, count(*) FROM p GROUP BY 1, 2 ORDER BY 1, 2;
-- keys outside of all partitions are missing
SELECT applier, rows_updated, rows_missing FROM bulk_update_query('p', 'VALUES (-1, 5), (3, 5), (100, 5), (NULL, 5)', '{id,v}');
-- the partition itself as the target; its constraint holds
SELECT works('p2');
CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id := 99; RETURN NEW; END';
CREATE TRIGGER away BEFORE UPDATE ON p2 FOR EACH ROW WHEN (NEW.v = 13) EXECUTE FUNCTION away();
SELECT rows_updated FROM bulk_update_query('p2', 'SELECT 7 AS id, 13 AS v');
-- through the root such a row moves: the executor updates the chunks that have rows in that partition
SELECT chunk, applier, rows_updated FROM bulk_update_query('p', 'SELECT id, 13 AS v FROM p WHERE id IN (1, 2, 7, 12) ORDER BY id', chunk_size => 2);
SELECT tableoid::regclass, id, v FROM p WHERE v = 13 ORDER BY id;
DROP TRIGGER away ON p2;
-- list partitions, with a default partition
CREATE TABLE l (k text, id int, v int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE l_ab PARTITION OF l FOR VALUES IN ('a', 'b');
CREATE TABLE l_rest PARTITION OF l DEFAULT;
INSERT INTO l VALUES ('a', 1, 0), ('b', 1, 0), ('c', 1, 0), ('a', 2, 0);
SELECT applier, rows_updated, rows_missing
  FROM bulk_update_query('l', $$VALUES ('a', 1, 1), ('b', 1, 2), ('c', 1, 3), ('d', 1, 4), ('c', 2, 5)$$, '{k,id,v}');
SELECT tableoid::regclass, * FROM l ORDER BY k, id;

-- Why the executor is used, and not the direct applier
SET bulk_update.applier = direct;
CREATE TABLE with_deferrable (id int PRIMARY KEY DEFERRABLE, v int);
SELECT works('with_deferrable');
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child () INHERITS (parent);
SELECT works('parent');
CREATE TABLE ruled (id int PRIMARY KEY, v int);
CREATE RULE also AS ON UPDATE TO ruled DO ALSO NOTIFY ruled;
SELECT works('ruled');
ALTER TABLE ruled DISABLE RULE also;
SELECT works('ruled') IS NULL AS "an empty source";
CREATE TABLE logged (id int PRIMARY KEY, v int);
CREATE TRIGGER transition AFTER UPDATE ON logged REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION pass();
SELECT works('logged');
CREATE TABLE secured (id int PRIMARY KEY, v int);
INSERT INTO secured VALUES (1, 1), (2, 2);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON secured USING (id % 2 = 1);
CREATE ROLE regress_applier;
GRANT ALL ON secured TO regress_applier;
GRANT USAGE ON SCHEMA applier TO regress_applier;
SELECT works('secured');
SET ROLE regress_applier;
SELECT works('secured');
SET bulk_update.applier = auto;
SELECT works('secured');
RESET ROLE;
-- what prevents it in a partition is found when a chunk has rows there, and no policy treats it as an error of a row
SET bulk_update.applier = direct;
CREATE TRIGGER away BEFORE UPDATE ON p2 FOR EACH ROW EXECUTE FUNCTION pass();
SELECT chunk, applier, rows_updated FROM bulk_update_query('p', 'SELECT 1 AS id, 3 AS v', on_error => 'skip');
SELECT chunk, applier, rows_updated FROM bulk_update_query('p', 'SELECT 7 AS id, 3 AS v', on_error => 'skip');
-- with the setting "auto", all of them can be updated
SET bulk_update.applier = auto;
INSERT INTO with_deferrable VALUES (1, 1);
INSERT INTO child VALUES (1, 1);
INSERT INTO logged VALUES (1, 1);
SELECT relation, works(relation)
  FROM unnest('{with_deferrable,parent,logged,p}'::regclass[]) AS relation;

-- Fast defaults and dropped columns: a new version has them as after UPDATE
CREATE TABLE changed (a int, id int PRIMARY KEY, v int, b text);
INSERT INTO changed SELECT i, i, 0, 'b' || i FROM generate_series(1, 3) AS i;
ALTER TABLE changed DROP COLUMN a, ADD COLUMN c int DEFAULT 42, ADD COLUMN g int GENERATED ALWAYS AS (v * 2) STORED;
ALTER TABLE changed ALTER COLUMN c SET DEFAULT 43, ADD COLUMN e text DEFAULT 'new';
SELECT works('changed');
SELECT * FROM changed ORDER BY id;

-- Indexes grow as much as with UPDATE, also when dead versions of earlier calls can make room in them
CREATE FUNCTION pages(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(pg_relation_size(indexrelid))::bigint / 8192 FROM pg_index WHERE indrelid = relation
$$;
CREATE TABLE by_sql (id int PRIMARY KEY, v int, w int) WITH (autovacuum_enabled = off);
CREATE INDEX ON by_sql (w);
INSERT INTO by_sql SELECT i, 0, i % 100 FROM generate_series(1, 10000) AS i;
CREATE TABLE by_direct (LIKE by_sql INCLUDING ALL) WITH (autovacuum_enabled = off);
INSERT INTO by_direct TABLE by_sql;
\set job 'SELECT id, v + 1 AS v FROM by_sql ORDER BY id'
SELECT pages('by_sql') AS at_first \gset
SET bulk_update.applier = sql;
SELECT sum(rows_updated) FROM bulk_update_query('by_sql', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_sql', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_sql', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_sql', :'job');
SET bulk_update.applier = direct;
SELECT sum(rows_updated) FROM bulk_update_query('by_direct', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_direct', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_direct', :'job');
SELECT sum(rows_updated) FROM bulk_update_query('by_direct', :'job');
RESET bulk_update.applier;
SELECT pages('by_sql') > :at_first AS grown, pages('by_direct') <= pages('by_sql') * 1.1 AS alike;

DROP TABLE secured;
REVOKE USAGE ON SCHEMA applier FROM regress_applier;
DROP ROLE regress_applier;
