--
-- Kinds of tables: partitioned, with inheritance, with unusual columns
--
\set report 'chunk, rows_fetched AS fetched, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, first_key, last_key'

-- The rows that two partitioned tables do not have in common, with their partitions
CREATE FUNCTION place_diff(a regclass, b regclass, suffix text) RETURNS TABLE (relation text, only_there text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH a AS (SELECT x.tableoid::regclass::text || '' '' || x::text AS r FROM %1$s AS x),
              b AS (SELECT replace(x.tableoid::regclass::text, %3$L, '''') || '' '' || x::text AS r FROM %2$s AS x)
         SELECT %1$L, r FROM (TABLE a EXCEPT ALL TABLE b) AS only_a
         UNION ALL
         SELECT %2$L, r FROM (TABLE b EXCEPT ALL TABLE a) AS only_b ORDER BY 1, 2', a, b, suffix);
END
$$;

--
-- Range partitions at two levels, leaves with columns in another order
-- and with dropped columns. The same again under names with "_plain".
--
CREATE FUNCTION make(suffix text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace($q$
        CREATE TABLE p# (id int, kind text COLLATE "C", v int, w text DEFAULT 'w', PRIMARY KEY (id, kind)) PARTITION BY RANGE (id);
        CREATE TABLE p1# PARTITION OF p# FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2# (gone int, w text, v int, gone_too text, kind text COLLATE "C" NOT NULL, id int NOT NULL);
        ALTER TABLE p2# DROP COLUMN gone, DROP COLUMN gone_too;
        ALTER TABLE p# ATTACH PARTITION p2# FOR VALUES FROM (10) TO (20);
        CREATE TABLE p3# PARTITION OF p# FOR VALUES FROM (20) TO (40) PARTITION BY LIST (kind);
        CREATE TABLE p3a# PARTITION OF p3# FOR VALUES IN ('a');
        CREATE TABLE p3b# (v int, id int NOT NULL, gone int, w text, kind text COLLATE "C" NOT NULL);
        ALTER TABLE p3b# DROP COLUMN gone;
        ALTER TABLE p3# ATTACH PARTITION p3b# FOR VALUES IN ('b', 'c');
        CREATE TABLE pd# PARTITION OF p# DEFAULT;
        INSERT INTO p# SELECT i, chr(97 + i % 3), i FROM generate_series(0, 50, 2) AS i;
    $q$, '#', suffix);
END
$$;
SELECT make(''), make('_plain');
CREATE TABLE new AS SELECT i AS id, chr(97 + i % 3) AS kind, i * 10 AS v, 'new ' || i AS w FROM generate_series(-3, 55) AS i;
SELECT :report FROM bulk_update_query('p', 'SELECT id, kind, v, w FROM new ORDER BY id', chunk_size => 20);
UPDATE p_plain AS p SET v = new.v, w = new.w FROM new WHERE p.id = new.id AND p.kind = new.kind;
SELECT * FROM place_diff('p', 'p_plain', '_plain');
SELECT tableoid::regclass, count(*), sum(v) FROM p GROUP BY tableoid ORDER BY tableoid::regclass::text COLLATE "C";
-- not in order, by position
SELECT :report FROM bulk_update_query('p', 'SELECT w || ''!'', kind, id FROM new ORDER BY v % 7, id', '{w,kind,id}', chunk_size => 40);
UPDATE p_plain AS p SET w = new.w || '!' FROM new WHERE p.id = new.id AND p.kind = new.kind;
SELECT * FROM place_diff('p', 'p_plain', '_plain');
-- as the target: a leaf, and a partition that is partitioned
SELECT :report FROM bulk_update_query('p2', 'SELECT id, kind, v + 1 AS v FROM new ORDER BY id');
UPDATE p2_plain AS p SET v = new.v + 1 FROM new WHERE p.id = new.id AND p.kind = new.kind;
SELECT :report FROM bulk_update_query('p3', 'SELECT id, kind, v + 2 AS v FROM new ORDER BY id');
UPDATE p3_plain AS p SET v = new.v + 2 FROM new WHERE p.id = new.id AND p.kind = new.kind;
SELECT * FROM place_diff('p', 'p_plain', '_plain');
-- a cursor over the partitioned table itself
BEGIN;
DECLARE c CURSOR FOR SELECT id, kind, -v AS v FROM p ORDER BY v;
SELECT :report FROM bulk_update('p', 'c', chunk_size => 20);
COMMIT;
UPDATE p_plain SET v = -v;
SELECT * FROM place_diff('p', 'p_plain', '_plain');

DROP TABLE p, p_plain;
DROP FUNCTION make;
CREATE FUNCTION make(suffix text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace($q$
        CREATE TABLE l# (id int, part text COLLATE "C", v int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
        CREATE TABLE la# PARTITION OF l# FOR VALUES IN ('a');
        CREATE TABLE lb# (v int, gone int, part text COLLATE "C" NOT NULL, id int NOT NULL);
        ALTER TABLE lb# DROP COLUMN gone;
        ALTER TABLE l# ATTACH PARTITION lb# FOR VALUES IN ('b');
        CREATE TABLE lc# PARTITION OF l# FOR VALUES IN ('c');
        INSERT INTO l# SELECT i, chr(97 + i % 3), i FROM generate_series(1, 9) AS i;
    $q$, '#', suffix);
END
$$;
SELECT make(''), make('_plain');
-- Rows move to other partitions. The partition key is part of every key, so
-- it is never among the values; but a BEFORE trigger can change it.
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.part := CASE NEW.part WHEN 'a' THEN 'b' WHEN 'b' THEN 'c' ELSE 'a' END;
    RETURN NEW;
END
$$;
CREATE TRIGGER move BEFORE UPDATE ON l FOR EACH ROW EXECUTE FUNCTION move();
CREATE TRIGGER move BEFORE UPDATE ON l_plain FOR EACH ROW EXECUTE FUNCTION move();
SELECT :report FROM bulk_update_query('l', 'SELECT id, part, v * 10 AS v FROM l ORDER BY id', chunk_size => 4);
UPDATE l_plain SET v = v * 10;
SELECT tableoid::regclass, * FROM l ORDER BY id;
SELECT * FROM place_diff('l', 'l_plain', '_plain');
DROP TRIGGER move ON l;
DROP TRIGGER move ON l_plain;
DROP FUNCTION move;
-- row and statement triggers of the partitioned table and of a leaf, with transition tables
CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY, line text);
CREATE FUNCTION log_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (line) VALUES (concat_ws(' ', TG_NAME, replace(TG_TABLE_NAME, '_plain', ''), TG_WHEN, TG_LEVEL,
                            CASE WHEN TG_LEVEL = 'ROW' THEN (OLD.id, OLD.part, OLD.v)::text || '->' || (NEW.id, NEW.part, NEW.v)::text END));
    RETURN CASE WHEN TG_LEVEL = 'ROW' THEN NEW END;
END
$$;
CREATE FUNCTION log_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (line) SELECT 'transition ' || array_agg(n ORDER BY n.id)::text FROM new_rows AS n;
    RETURN NULL;
END
$$;
CREATE FUNCTION add_triggers(suffix text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace($q$
        CREATE TRIGGER parent_row BEFORE UPDATE ON l# FOR EACH ROW EXECUTE FUNCTION log_event();
        CREATE TRIGGER parent_statement AFTER UPDATE ON l# EXECUTE FUNCTION log_event();
        CREATE TRIGGER leaf_row AFTER UPDATE ON lb# FOR EACH ROW EXECUTE FUNCTION log_event();
        CREATE TRIGGER leaf_statement AFTER UPDATE ON lb# EXECUTE FUNCTION log_event();
        CREATE TRIGGER transition AFTER UPDATE ON l# REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION log_transition();
    $q$, '#', suffix);
END
$$;
SELECT add_triggers(''), add_triggers('_plain');
SELECT :report FROM bulk_update_query('l', 'SELECT id, part, v + 1 AS v FROM l ORDER BY id');
CREATE TABLE log_bulk AS TABLE log;
TRUNCATE log;
UPDATE l_plain SET v = v + 1;
SELECT line FROM log_bulk EXCEPT ALL SELECT line FROM log;
SELECT line FROM log EXCEPT ALL SELECT line FROM log_bulk;
SELECT line FROM log_bulk ORDER BY line COLLATE "C";
SELECT * FROM place_diff('l', 'l_plain', '_plain');
-- a trigger of one leaf that skips rows
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON lc FOR EACH ROW EXECUTE FUNCTION skip_row();
SELECT :report FROM bulk_update_query('l', 'VALUES (1, ''c'', 0), (2, ''a'', 0), (3, ''b'', 0), (3, ''c'', 0), (4, ''c'', 0)', '{id,part,v}');
DROP TABLE l, l_plain, log, log_bulk;
DROP FUNCTION add_triggers, make, log_event, log_transition, skip_row;

-- A unique index of one partition is not a unique index of the partitioned table; with
-- the partition as the target it can be used, and the partition's constraint holds
CREATE TABLE m (id int, part int, v int) PARTITION BY LIST (part);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);
CREATE UNIQUE INDEX ON m1 (id);
INSERT INTO m VALUES (1, 1, 1), (2, 2, 2);
SELECT * FROM test_error($$ SELECT bulk_update_query('m', 'VALUES (1, 2)', '{id,part}', '{id}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('m1', 'VALUES (1, 2)', '{id,part}', '{id}') $$);
SELECT rows_updated FROM bulk_update_query('m1', 'VALUES (1, 11), (2, 22)', '{id,v}', '{id}');
-- so does that of a partition that is partitioned; a leaf of it has its columns in another order
CREATE TABLE n (part text, id int NOT NULL, v int) PARTITION BY LIST (part);
CREATE TABLE na PARTITION OF n FOR VALUES IN ('a') PARTITION BY RANGE (id);
CREATE TABLE na1 (v int, gone int, id int NOT NULL, part text);
ALTER TABLE na1 DROP gone;
ALTER TABLE na ATTACH PARTITION na1 FOR VALUES FROM (0) TO (3);
CREATE TABLE na2 PARTITION OF na FOR VALUES FROM (3) TO (6);
CREATE TABLE nb PARTITION OF n FOR VALUES IN ('b');
ALTER TABLE na ADD PRIMARY KEY (id);
INSERT INTO n SELECT 'a', i, i FROM generate_series(1, 4) AS i;
SELECT * FROM test_error($$ UPDATE na SET part = 'b' WHERE id = 2 $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('na', 'VALUES (1, ''a''), (2, ''b'')', '{id,part}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('na', 'VALUES (1, ''a''), (3, ''b'')', '{id,part}') $$);
SELECT rows_updated, rows_rejected
  FROM bulk_update_query('na', 'VALUES (1, ''a'', 10), (2, ''b'', 20), (3, ''b'', 30), (4, ''a'', 40)', '{id,part,v}', on_error => 'skip');
SELECT tableoid::regclass, id, part, v FROM n ORDER BY id;
DROP TABLE n;
-- partitions by hash
CREATE TABLE h (a int, b int, v int, UNIQUE (a, b)) PARTITION BY HASH (a);
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE h2 PARTITION OF h FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE h_plain (LIKE h);
INSERT INTO h SELECT i, -i, i FROM generate_series(1, 20) AS i;
INSERT INTO h_plain TABLE h;
SELECT rows_updated, rows_missing FROM bulk_update_query('h', 'SELECT a, b, v * 2 AS v FROM h UNION ALL SELECT 99, 99, 99', key_columns => '{b,a}');
UPDATE h_plain SET v = v * 2;
SELECT * FROM test_diff('h', 'h_plain');
DROP TABLE m, h, h_plain;

--
-- Inheritance: children are updated too
--
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child (extra text, PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE no_index () INHERITS (parent);
CREATE TABLE grandchild (more int) INHERITS (child);
CREATE TABLE other_order (v int, id int NOT NULL PRIMARY KEY);
ALTER TABLE other_order INHERIT parent;
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
    INSERT INTO parent VALUES (1, 1), (2, 2);
    INSERT INTO child VALUES (3, 3, 'x'), (4, 4, 'y');
    INSERT INTO no_index VALUES (5, 5), (6, 6);
    INSERT INTO grandchild VALUES (7, 7, 'z', 7);
    INSERT INTO other_order (id, v) VALUES (8, 8), (9, 9);
$$;
SELECT fill();
CREATE TABLE before AS SELECT tableoid::regclass AS place, * FROM parent;
SELECT :report FROM bulk_update_query('parent', 'SELECT i AS id, i * 10 AS v FROM generate_series(1, 12) AS i', chunk_size => 5);
SELECT tableoid::regclass, * FROM parent ORDER BY id;
SELECT count(*) FROM before JOIN parent USING (id) WHERE place <> parent.tableoid;
SELECT id, v, extra, more FROM grandchild;
-- only a child
SELECT :report FROM bulk_update_query('child', 'SELECT i AS id, i * 100 AS v, ''new'' AS extra FROM generate_series(1, 12) AS i');
SELECT tableoid::regclass, * FROM parent ORDER BY id;
-- the same key in the parent and in a child: both rows are updated, as by UPDATE
INSERT INTO child VALUES (1, 0, '');
SELECT rows_fetched FROM bulk_update_query('parent', 'VALUES (1, 1000)', '{id,v}');
SELECT tableoid::regclass, * FROM parent WHERE id = 1 ORDER BY tableoid::regclass::text COLLATE "C";
-- triggers of children
CREATE FUNCTION skip_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip_row BEFORE UPDATE ON no_index FOR EACH ROW EXECUTE FUNCTION skip_row();
SELECT :report FROM bulk_update_query('parent', 'SELECT i AS id, -i AS v FROM generate_series(4, 12) AS i');
SELECT tableoid::regclass, * FROM parent ORDER BY id, tableoid::regclass::text COLLATE "C";
SET client_min_messages = warning;
DROP TABLE before, parent CASCADE;
RESET client_min_messages;
DROP FUNCTION fill, skip_row;

--
-- Generated and identity columns
--
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED UNIQUE,
                d int GENERATED BY DEFAULT AS IDENTITY, s text GENERATED ALWAYS AS ('a=' || a) STORED);
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO t (a) SELECT generate_series(1, 5);
INSERT INTO plain (a) SELECT generate_series(1, 5);
SELECT :report FROM bulk_update_query('t', 'SELECT id, a + 10 AS a, d * 7 AS d FROM t ORDER BY id', chunk_size => 2);
UPDATE plain SET a = a + 10, d = d * 7;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;
-- a generated column as the key
SELECT :report FROM bulk_update_query('t', 'SELECT g, a + 100 AS a FROM t ORDER BY id', key_columns => '{g}');
UPDATE plain SET a = a + 100;
SELECT * FROM test_diff('t', 'plain');
-- generated from more columns than the source has
ALTER TABLE t ADD sum int GENERATED ALWAYS AS (a + d) STORED;
ALTER TABLE plain ADD sum int GENERATED ALWAYS AS (a + d) STORED;
SELECT :report FROM bulk_update_query('t', 'SELECT id, 1 AS d FROM t ORDER BY id');
UPDATE plain SET d = 1;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

-- a virtual one, if the server supports it
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
\set kind VIRTUAL
\else
\set kind STORED
\endif
CREATE TABLE t (v int, id int PRIMARY KEY, g int GENERATED ALWAYS AS (v * 2) :kind, w text);
CREATE TABLE plain (LIKE t INCLUDING ALL);
INSERT INTO t (id, v) SELECT i, i FROM generate_series(1, 3) AS i;
INSERT INTO plain (id, v) SELECT i, i FROM generate_series(1, 3) AS i;
SELECT :report FROM bulk_update_query('t', 'SELECT g + 1, id, ''g was '' || g FROM t', '{v,id,w}');
UPDATE plain SET v = g + 1, w = 'g was ' || g;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, g FROM t') $$);
-- as a key column that is not in the index
SELECT :report FROM bulk_update_query('t', 'SELECT id, g + id / 3 AS g, id * 100 AS v FROM t ORDER BY id', key_columns => '{id,g}');
UPDATE plain SET v = id * 100 WHERE id < 3;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;

--
-- Unusual columns
--
-- dropped ones at the start, in the middle, at the end; columns added later with a default
CREATE TABLE t (gone1 int, id int PRIMARY KEY, gone2 text, v int, gone3 int, x text DEFAULT 'x');
INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3);
ALTER TABLE t DROP COLUMN gone1, DROP COLUMN gone2, DROP COLUMN gone3, ADD late text DEFAULT 'late', ADD later int;
CREATE TABLE plain AS TABLE t;
SELECT :report FROM bulk_update_query('t', 'SELECT id, v * 2 AS v FROM t');
UPDATE plain SET v = v * 2;
SELECT * FROM test_diff('t', 'plain');
SELECT :report FROM bulk_update_query('t', 'SELECT id, late || id AS late, id AS later FROM t');
UPDATE plain SET late = late || id, later = id;
SELECT * FROM test_diff('t', 'plain');
SELECT * FROM t ORDER BY id;
DROP TABLE t, plain;
-- names that could be confused with others
CREATE TABLE t (t int PRIMARY KEY, u int, n int, c1 int, c2 int, "ordinality" int, "unnest" int, "chunk" int, target int);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, i, i, i, i, i, i, i, i FROM generate_series(1, 3) AS i;
INSERT INTO plain TABLE t;
SELECT :report FROM bulk_update_query('t', 'SELECT t, u + 1 AS u, n + 2 AS n, c1 + 3 AS c1, c2 + 4 AS c2, ordinality + 5 AS ordinality, unnest + 6 AS unnest, chunk + 7 AS chunk, target + 8 AS target FROM t');
UPDATE plain SET u = u + 1, n = n + 2, c1 = c1 + 3, c2 = c2 + 4, ordinality = ordinality + 5, "unnest" = "unnest" + 6, "chunk" = "chunk" + 7, target = target + 8;
SELECT * FROM test_diff('t', 'plain');
DROP TABLE t, plain;
CREATE TABLE u (u int PRIMARY KEY, v int);
INSERT INTO u VALUES (1, 1);
SELECT rows_updated FROM bulk_update_query('u', 'VALUES (1, 2)', '{u,v}');
TABLE u;
DROP TABLE u;
-- names that must be quoted, long names
CREATE SCHEMA "Schema ""1""";
CREATE TABLE "Schema ""1"""."Table.1" ("Key ""k""" int, "a b" int, "sélect" int, "SELECT" int, "'" text, "$1" text,
    abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_123456789 int, "%s" int, "\" int, PRIMARY KEY ("Key ""k""", "a b"));
INSERT INTO "Schema ""1"""."Table.1" VALUES (1, 1), (2, 2);
SELECT :report FROM bulk_update_query('"Schema ""1"""."Table.1"', $$
    SELECT 1 AS "Key ""k""", 1 AS "a b", 2 AS "sélect", 3 AS "SELECT", 'four' AS "'", 'five' AS "$1",
           6 AS abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_123456789, 7 AS "%s", 8 AS "\" $$);
SELECT :report FROM bulk_update_query('"Schema ""1"""."Table.1"', 'VALUES (2, 2, 22)',
                                      ARRAY['Key "k"', 'a b', 'abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_123456789']);
SELECT * FROM "Schema ""1"""."Table.1" ORDER BY 1;
SELECT * FROM test_error($$ SELECT bulk_update_query('"Schema ""1"""."Table.1"', 'VALUES (2, 2, 22), (2, 2, 23)', ARRAY['Key "k"', 'a b', 'SELECT']) $$);
SET client_min_messages = warning;
DROP SCHEMA "Schema ""1""" CASCADE;
RESET client_min_messages;
-- many columns: all of 1,000, and as many as a table can have
CREATE FUNCTION wide(columns int) RETURNS TABLE (updated bigint, same boolean) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT format('CREATE TABLE t (id int PRIMARY KEY, %s)', string_agg('c' || i || ' smallint', ', ' ORDER BY i))
               FROM generate_series(2, columns) AS i);
    INSERT INTO t (id) SELECT generate_series(1, 3);
    EXECUTE (SELECT format('CREATE TABLE wide_new AS SELECT id, %s FROM t', string_agg(format('(id * 100 + %s)::smallint AS c%s', i, i), ', ' ORDER BY i))
               FROM generate_series(2, columns) AS i);
    SELECT sum(rows_updated) INTO updated FROM bulk_update_query('t', 'TABLE wide_new');
    same := NOT EXISTS (SELECT FROM test_diff('t', 'wide_new'));
    RETURN NEXT;
    DROP TABLE t, wide_new;
END
$$;
SELECT * FROM wide(1000);
SELECT * FROM wide(1600);
DROP FUNCTION wide;

--
-- Replica identity, publications, fillfactor, CLUSTER and REINDEX
--
CREATE TABLE t (id int PRIMARY KEY, v int, u int NOT NULL UNIQUE);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT i, i, i FROM generate_series(1, 5) AS i;
INSERT INTO plain TABLE t;
SET client_min_messages = error;
CREATE PUBLICATION pub FOR TABLE t;
RESET client_min_messages;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t');
ALTER TABLE t REPLICA IDENTITY FULL;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t');
ALTER TABLE t REPLICA IDENTITY USING INDEX t_u_key;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t');
UPDATE plain SET v = v + 3;
SELECT * FROM test_diff('t', 'plain');
-- without an identity an update cannot be published
ALTER TABLE t REPLICA IDENTITY NOTHING;
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t') $$) AS line
 WHERE line IN (SELECT * FROM test_error('UPDATE t SET v = v + 1')) ORDER BY line COLLATE "C";
DROP PUBLICATION pub;
SELECT * FROM test_diff('t', 'plain');
ALTER TABLE t SET (fillfactor = 20);
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t');
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');
-- after CLUSTER, VACUUM FULL and a REINDEX
CLUSTER t USING t_u_key;
VACUUM FULL t;
REINDEX TABLE t;
SELECT rows_updated FROM bulk_update_query('t', 'SELECT id, v + 1 AS v FROM t');
UPDATE plain SET v = v + 1;
SELECT * FROM test_diff('t', 'plain');
-- all kinds of indexes on the column that changes
CREATE TABLE i (id int PRIMARY KEY, v int, j jsonb, r int4range);
CREATE INDEX i_hash ON i USING hash (v);
CREATE INDEX i_brin ON i USING brin (v);
CREATE INDEX i_gin ON i USING gin (j);
CREATE INDEX i_gist ON i USING gist (r);
CREATE INDEX i_expression ON i ((v * 2));
CREATE INDEX i_partial ON i (v) WHERE v > 5;
INSERT INTO i SELECT i, i, jsonb_build_object('k', i), int4range(i, i + 2) FROM generate_series(1, 10) AS i;
SELECT rows_updated FROM bulk_update_query('i', 'SELECT i AS id, 10 - i AS v, jsonb_build_object(''k'', 10 - i) AS j, int4range(10 - i, 12 - i) AS r FROM generate_series(1, 10) AS i');
SET enable_seqscan = off;
SELECT id FROM i WHERE v = 7;
SELECT id FROM i WHERE j @> '{"k": 7}';
SELECT id FROM i WHERE r @> 0;
SELECT id FROM i WHERE v * 2 = 14;
SELECT id FROM i WHERE v > 5 AND v = 8;
RESET enable_seqscan;
DROP TABLE t, plain, i, new;
DROP FUNCTION place_diff;
