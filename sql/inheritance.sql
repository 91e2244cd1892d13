-- Inheritance children: each has its index on the key, and the rows of a chunk are looked up in all
-- of them at once.
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- which appliers were used, and the result of UPDATE on an equal tree
CREATE FUNCTION make_tree(prefix text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %1$s (id int PRIMARY KEY, v int CHECK (v <> -13), w text)', prefix);
    -- more columns, another order, a dropped column
    EXECUTE format('CREATE TABLE %1$s_a (gone int, extra text DEFAULT ''e'', w text, id int NOT NULL, v int)', prefix);
    EXECUTE format('ALTER TABLE %1$s_a DROP COLUMN gone, ADD UNIQUE (id)', prefix);
    EXECUTE format('ALTER TABLE %1$s_a ADD CONSTRAINT %1$s_v_check CHECK (v <> -13)', prefix);
    EXECUTE format('ALTER TABLE %1$s_a INHERIT %1$s', prefix);
    EXECUTE format('CREATE TABLE %1$s_b (PRIMARY KEY (id), doubled int GENERATED ALWAYS AS (v * 2) STORED) INHERITS (%1$s)', prefix);
    -- a child of a child
    EXECUTE format('CREATE TABLE %1$s_c (PRIMARY KEY (id)) INHERITS (%1$s_b)', prefix);
    EXECUTE format('INSERT INTO %1$s SELECT g, g, ''root'' FROM generate_series(1, 100) g', prefix);
    EXECUTE format('INSERT INTO %1$s_a (id, v, w) SELECT g, g, ''a'' FROM generate_series(101, 300, 2) g', prefix);
    EXECUTE format('INSERT INTO %1$s_b (id, v, w) SELECT g, g, ''b'' FROM generate_series(102, 300, 2) g', prefix);
    EXECUTE format('INSERT INTO %1$s_c (id, v, w) SELECT g, g, ''c'' FROM generate_series(301, 400) g', prefix);
    -- keys that more than one table has
    EXECUTE format('INSERT INTO %1$s_c (id, v, w) SELECT g, g, ''again'' FROM generate_series(91, 120) g', prefix);
    EXECUTE format('DELETE FROM %1$s WHERE id IN (50, 200, 350)', prefix);
END $$;
CREATE FUNCTION differences(a regclass, b regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT replace(tableoid::regclass::text, %1$L, '''') AS t, id, v, w FROM %1$s) x
                    FULL JOIN (SELECT replace(tableoid::regclass::text, %2$L, '''') AS t, id, v, w FROM %2$s) y
                    USING (t, id, v, w) WHERE x.t IS NULL OR y.t IS NULL', a, b) INTO n;
    RETURN n;
END $$;
SELECT make_tree('tree'), make_tree('same');
CREATE TABLE source AS SELECT g AS id, g * 10 AS v FROM generate_series(1, 420) g;

SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing
FROM bulk_update_query('tree', 'SELECT * FROM source', chunk_size => 100);
UPDATE same SET v = s.v FROM source s WHERE same.id = s.id;
SELECT differences('tree', 'same');
SELECT count(*) FROM tree_b WHERE doubled IS DISTINCT FROM v * 2;

-- a key in two tables: unchanged only if it is unchanged in both
UPDATE tree SET v = 7 WHERE id BETWEEN 91 AND 95;
UPDATE tree_c SET v = 8 WHERE id IN (94, 95);
UPDATE ONLY tree SET v = 8 WHERE id = 95;
SELECT rows_updated, rows_unchanged, rows_missing
FROM bulk_update_query('tree', 'SELECT g AS id, 8 AS v FROM generate_series(91, 95) g', skip_unchanged => true);
SELECT id, v, w FROM tree WHERE id BETWEEN 91 AND 95 ORDER BY id, w;
SELECT rows_updated, rows_unchanged, rows_missing
FROM bulk_update_query('tree', 'SELECT g AS id, 8 AS v FROM generate_series(91, 95) g', skip_unchanged => true);
SELECT rows_updated, rows_unchanged, rows_missing
FROM bulk_update_query('tree', 'SELECT g AS id, 9 AS v FROM generate_series(91, 95) g', dry_run => true);

-- errors of a child, and rows set aside
SELECT rows_updated FROM bulk_update_query('tree', 'VALUES (1, 1), (301, -13)', '{id,v}');
SELECT rows_updated, rows_rejected
FROM bulk_update_query('tree', 'VALUES (1, 1), (101, -13), (102, 2), (301, -13)', '{id,v}', on_error => 'skip');
SELECT id, v, w FROM tree WHERE id IN (1, 101, 102, 301) ORDER BY id, w;

-- triggers: the parent's statement triggers, the child's row triggers
CREATE TABLE log (n serial, what text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        INSERT INTO log (what) VALUES (format('%s %s %s %s', TG_WHEN, TG_TABLE_NAME, TG_LEVEL, NEW.id));
        IF NEW.v = 99 THEN
            RETURN NULL;
        END IF;
        RETURN NEW;
    END IF;
    INSERT INTO log (what) VALUES (format('%s %s %s', TG_WHEN, TG_TABLE_NAME, TG_LEVEL));
    RETURN NULL;
END $$;
CREATE TRIGGER s BEFORE UPDATE ON tree FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER sa AFTER UPDATE ON tree FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER sb BEFORE UPDATE ON tree_b FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER rb BEFORE UPDATE ON tree_b FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER rc AFTER UPDATE OF v ON tree_c FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER ra AFTER UPDATE OF extra ON tree_a FOR EACH ROW EXECUTE FUNCTION tell();
SELECT rows_updated, rows_unchanged
FROM bulk_update_query('tree', 'VALUES (1, 1), (101, 1), (102, 99), (104, 2), (301, 3)', '{id,v}');
SELECT what FROM log ORDER BY what COLLATE "C";
DROP TRIGGER s ON tree;
DROP TRIGGER sa ON tree;
DROP TRIGGER sb ON tree_b;
DROP TRIGGER rb ON tree_b;

-- a composite key, whose index has two sort directions
CREATE TABLE pair (a int, b text COLLATE "C", v int, PRIMARY KEY (a, b));
CREATE TABLE pair_1 (PRIMARY KEY (a, b)) INHERITS (pair);
CREATE TABLE pair_2 (UNIQUE (a, b)) INHERITS (pair);
CREATE TABLE pair_3 () INHERITS (pair);
CREATE UNIQUE INDEX ON pair_3 (a DESC, b);
INSERT INTO pair_1 SELECT g / 10, 'k' || g % 10, 0 FROM generate_series(0, 199) g WHERE g % 3 = 0;
INSERT INTO pair_2 SELECT g / 10, 'k' || g % 10, 0 FROM generate_series(0, 199) g WHERE g % 3 = 1;
INSERT INTO pair_3 SELECT g / 10, 'k' || g % 10, 0 FROM generate_series(0, 199) g WHERE g % 3 = 2;
SELECT sum(rows_updated) AS updated, sum(rows_missing) AS missing
FROM bulk_update_query('pair', $$SELECT g / 10 AS a, 'k' || g % 10 AS b, g AS v FROM generate_series(0, 209) g$$, chunk_size => 70);
SELECT count(*) FROM pair WHERE v = a * 10 + substr(b, 2)::int;

-- a key column that is not in the index
SELECT rows_updated, rows_missing
FROM bulk_update_query('tree', $$VALUES (2, 'root', 1), (2, 'other', 2), (301, 'c', 3)$$, '{id,w,v}', '{id,w}');
SELECT id, v FROM tree WHERE id IN (2, 301) ORDER BY id;

-- children in which no chunk has rows, and a parent without children any more
CREATE TABLE alone (id int PRIMARY KEY, v int);
CREATE TABLE alone_1 (PRIMARY KEY (id)) INHERITS (alone);
INSERT INTO alone VALUES (1, 1);
SELECT rows_updated FROM bulk_update_query('alone', 'SELECT 1 AS id, 2 AS v');
DROP TABLE alone_1;
SELECT rows_updated FROM bulk_update_query('alone', 'SELECT 1 AS id, 3 AS v');
TABLE alone;

-- a child without an index: the executor finds the rows
CREATE TABLE alone_2 () INHERITS (alone);
INSERT INTO alone_2 VALUES (1, 1), (1, 2), (2, 2);
SELECT rows_updated, rows_missing FROM bulk_update_query('alone', 'VALUES (1, 5), (2, 6), (3, 7)', '{id,v}');
SELECT tableoid::regclass, * FROM alone ORDER BY 1, 2, 3;
DROP TABLE log, tree, tree_a, tree_b, tree_c, same, same_a, same_b, same_c, source, pair, pair_1, pair_2, pair_3, alone, alone_2 CASCADE;
DROP FUNCTION make_tree, differences, tell;
