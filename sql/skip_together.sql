--
-- on_error 'skip' with checks at the end of a statement: a bad row does not make good rows fail
--
CREATE SCHEMA skip_together;
SET search_path = skip_together, public;
SET client_min_messages = warning;
SELECT bulk_update_create_rejects('r');

-- check_call(table, rows, columns, chunk size): apply rows; show which were rejected and why, and whether one
-- plain UPDATE of all others leaves the same table
CREATE FUNCTION check_call(target regclass, query text, columns text[], size int, OUT rejected text, OUT same bool)
LANGUAGE plpgsql AS $$
DECLARE
    applied text[];
    whole text[];
    assignments text := (SELECT string_agg(format('%I = s.%I', c, c), ', ') FROM unnest(columns) AS c WHERE c <> 'id');
BEGIN
    TRUNCATE r;
    BEGIN
        PERFORM bulk_update_query(target, query, columns, chunk_size => size, on_error => 'skip', rejects => 'skip_together.r');
        SELECT string_agg(format('%s %s %s', key->>'id', sqlstate, constraint_name), ', ' ORDER BY source_row) INTO rejected FROM r;
        EXECUTE format('SELECT array_agg(t::text ORDER BY id) FROM %s AS t', target) INTO applied;
        RAISE EXCEPTION SQLSTATE 'TT000';
    EXCEPTION WHEN SQLSTATE 'TT000' THEN
    END;
    BEGIN
        EXECUTE format('UPDATE %s AS t SET %s FROM (%s) AS s (%s) WHERE t.id = s.id AND s.id <> ALL (%L)', target, assignments,
                       query, array_to_string(columns, ', '),
                       ARRAY(SELECT m[1]::int FROM regexp_matches(rejected, '(\d+) \w{5}', 'g') AS m));
        EXECUTE format('SELECT array_agg(t::text ORDER BY id) FROM %s AS t', target) INTO whole;
        RAISE EXCEPTION SQLSTATE 'TT000';
    EXCEPTION WHEN SQLSTATE 'TT000' THEN
    END;
    same := applied = whole;
END
$$;
-- with chunks of any size
CREATE FUNCTION check_sizes(target regclass, query text, columns text[], sizes int[] DEFAULT '{1000}')
RETURNS TABLE (size int, rejected text, same bool)
LANGUAGE sql AS $$
    SELECT s, c.* FROM unnest(sizes) AS s, check_call(target, query, columns, s) AS c
$$;

-- Self-references: a row gives up a code that another row no longer uses, or starts to use its new one
CREATE TABLE self (id int PRIMARY KEY, code text UNIQUE, parent text CONSTRAINT parent_known REFERENCES self (code), n int CHECK (n > 0));
INSERT INTO self VALUES (1, 'a', NULL, 1), (2, 'b', NULL, 1), (3, 'c', 'a', 1), (4, 'd', NULL, 1), (5, 'e', NULL, 1);
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', NULL, 1), (2, 'b', NULL, -1), (3, 'c', 'A', 1)$$, '{id,code,parent,n}');
-- two that need each other, on both sides of a bad row
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', 'E', 1), (3, 'c', NULL, -1), (5, 'E', 'A', 1)$$, '{id,code,parent,n}');
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', 'E', 1), (2, 'b', NULL, 0), (3, 'c', 'A', 1), (4, 'd', NULL, 0), (5, 'E', 'A', 1)$$, '{id,code,parent,n}');
-- a chain; one whose middle is bad
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', 'B', 1), (2, 'B', 'D', 1), (3, 'c', 'A', 1), (4, 'D', 'E', 1), (5, 'E', NULL, 1)$$, '{id,code,parent,n}');
SELECT * FROM check_sizes('self', $$VALUES (1, 'a', 'B', 1), (2, 'B', 'D', 1), (3, 'c', 'a', 1), (4, 'D', NULL, -1), (5, 'E', NULL, 1)$$, '{id,code,parent,n}');
-- the record has the reason why the row cannot be applied when all others are
CREATE TABLE same AS TABLE self;
ALTER TABLE same ADD PRIMARY KEY (id), ADD UNIQUE (code), ADD CONSTRAINT parent_same FOREIGN KEY (parent) REFERENCES same (code), ADD CHECK (n > 0);
SELECT rows_updated, rows_rejected
  FROM bulk_update_query('same', $$VALUES (1, 'A', 'nowhere', 1), (2, 'B', 'E', 1), (3, 'c', 'B', 1), (4, 'D', NULL, -1), (5, 'E', 'B', 1)$$,
                         columns => '{id,code,parent,n}', on_error => 'skip', rejects => 'r');
SELECT source_row, key, new_values, sqlstate, message, detail, constraint_name FROM r ORDER BY source_row;
TABLE same ORDER BY id;
-- the bad row itself fails late
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', NULL, 1), (2, 'b', 'nowhere', 1), (3, 'c', 'A', 1)$$, '{id,code,parent,n}');
-- a row gets the value that another row gives up, which is good only together with a third row
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', NULL, 1), (2, 'a', NULL, 1), (3, 'c', 'A', 1), (4, 'd', NULL, 0)$$, '{id,code,parent,n}');

-- rows that give up a code that only bad rows refer to: one with two references, then many
ALTER TABLE self ADD boss int CONSTRAINT boss_known REFERENCES self (id);
SELECT * FROM check_sizes('self', $$VALUES (1, 'A', NULL, NULL), (2, 'b', 'a', 99), (3, 'c', NULL, NULL), (4, 'd', 'a', 99)$$, '{id,code,parent,boss}');
INSERT INTO self SELECT i, 'code ' || i, CASE WHEN i BETWEEN 30 AND 49 THEN 'code ' || i - 20 END, 1 FROM generate_series(10, 69) AS i;
SELECT size, left(rejected, 40), right(rejected, 40), same FROM check_sizes('self', $$SELECT i, 'new ' || i, NULL, NULL FROM generate_series(10, 49) AS i
    UNION ALL SELECT i, 'code ' || i, 'code ' || i - 40, 99 FROM generate_series(50, 69) AS i$$, '{id,code,parent,boss}');
DELETE FROM self WHERE id > 5;
ALTER TABLE self DROP boss;

-- many that need each other, and bad rows next to each other
CREATE TABLE many (id int PRIMARY KEY, code text UNIQUE, parent text CONSTRAINT parent_many REFERENCES many (code));
INSERT INTO many SELECT i, 'c' || i FROM generate_series(1, 200) AS i;
SELECT * FROM check_sizes('many', $$SELECT i, 'N' || i, CASE WHEN i IN (40, 41) THEN 'nowhere' ELSE 'N' || 81 - i END FROM generate_series(1, 80) AS i$$, '{id,code,parent}');
SELECT * FROM check_sizes('many', $$SELECT i, 'N' || i, CASE WHEN i = 40 THEN 'nowhere' ELSE 'N' || 81 - i END FROM generate_series(1, 80) AS i$$, '{id,code,parent}');
SELECT size, left(rejected, 40), right(rejected, 40), same
  FROM check_sizes('many', $$SELECT i, 'N' || i, CASE WHEN i BETWEEN 81 AND 110 THEN 'nowhere' ELSE 'N' || 201 - i END FROM generate_series(1, 200) AS i$$, '{id,code,parent}');
-- two bad ones that want what two good ones give up, which need each other; and one in a cycle
ALTER TABLE many ADD boss text REFERENCES many (code);
SELECT * FROM check_sizes('many', $$VALUES (1, 'N1', 'N2', NULL), (2, 'N2', 'N1', NULL), (50, 'c50', 'c1', 'nowhere'), (51, 'c51', 'c2', 'nowhere')$$, '{id,code,parent,boss}');
SELECT * FROM check_sizes('many', $$SELECT i, 'N' || i, 'N' || i % 20 + 1, NULL FROM generate_series(1, 20) AS i UNION ALL VALUES (50, 'c50', 'c5', 'nowhere')$$, '{id,code,parent,boss}');
-- what is referenced is generated, or set by a trigger
CREATE TABLE derived (id int PRIMARY KEY, base text, code text GENERATED ALWAYS AS (base) STORED UNIQUE,
                      parent text CONSTRAINT parent_derived REFERENCES derived (code), boss text CONSTRAINT boss_derived REFERENCES derived (code));
INSERT INTO derived (id, base) VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT * FROM check_sizes('derived', $$VALUES (1, 'A', 'C', NULL), (2, 'b', 'a', 'nowhere'), (3, 'C', 'A', NULL)$$, '{id,base,parent,boss}');
ALTER TABLE derived ALTER code DROP EXPRESSION;
CREATE FUNCTION derive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.code := NEW.base; RETURN NEW; END $$;
CREATE TRIGGER derive BEFORE UPDATE ON derived FOR EACH ROW EXECUTE FUNCTION derive();
SELECT * FROM check_sizes('derived', $$VALUES (1, 'A', 'C', NULL), (2, 'b', 'a', 'nowhere'), (3, 'C', 'A', NULL)$$, '{id,base,parent,boss}');
-- a row takes over what another table refers to
CREATE TABLE known (id int PRIMARY KEY, code text UNIQUE, n int CHECK (n > 0));
INSERT INTO known VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 1);
CREATE TABLE referring (code text CONSTRAINT is_known REFERENCES known (code));
INSERT INTO referring VALUES ('a');
SELECT * FROM check_sizes('known', $$VALUES (1, 'x', 1), (2, 'b', 0), (3, 'a', 1)$$, '{id,code,n}');
ALTER TABLE referring DROP CONSTRAINT is_known, ADD CONSTRAINT is_known FOREIGN KEY (code) REFERENCES known (code) ON UPDATE RESTRICT;
-- (from 18 on the code is 23001)
SELECT size, replace(rejected, '23001', '23503') AS rejected, same FROM check_sizes('known', $$VALUES (1, 'x', 1), (2, 'b', 0), (3, 'a', 1)$$, '{id,code,n}');
DROP TABLE referring;

-- Deferrable constraints
CREATE TABLE late (id int PRIMARY KEY, u int CONSTRAINT u_once UNIQUE DEFERRABLE, n int CHECK (n > 0),
                   x int4range, CONSTRAINT apart EXCLUDE USING gist (x WITH &&) DEFERRABLE);
INSERT INTO late SELECT i, i, 1, int4range(i * 10, i * 10 + 10) FROM generate_series(1, 200) AS i;
SELECT * FROM check_sizes('late', 'VALUES (1, 3, 1), (2, 2, -1), (3, 1, 1)', '{id,u,n}');
SELECT * FROM check_sizes('late', 'SELECT i, int4range((201 - i) * 10, (201 - i) * 10 + 10), CASE i WHEN 77 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,x,n}');
-- a shift in which the end or the beginning depends on a bad row
SELECT size, length(rejected) - length(replace(rejected, 'u_once', '')) AS refused, left(rejected, 50), right(rejected, 50), same
  FROM check_sizes('late', 'SELECT i, i + 1, CASE i WHEN 150 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,u,n}');
SELECT size, length(rejected) - length(replace(rejected, 'u_once', '')) AS refused, left(rejected, 50), right(rejected, 50), same
  FROM check_sizes('late', 'SELECT i, CASE i WHEN 1 THEN 300 ELSE i - 1 END, CASE i WHEN 50 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,u,n}');
-- swaps of distant rows; every tenth row is bad, and so its partner
SELECT size, length(rejected) - length(replace(rejected, 'n_check', 'check')) AS bad, length(rejected) - length(replace(rejected, 'u_once', 'once')) AS refused, same
  FROM check_sizes('late', 'SELECT i, (i + 99) % 200 + 1, CASE WHEN i % 10 = 3 AND i < 100 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,u,n}', '{200,1000}');
-- of two that need the same value one gets it: the other must not make the row fail that gives it up
SELECT * FROM check_sizes('late', 'VALUES (1, 3, 1), (2, 3, 1), (3, 1, 1), (4, 4, 0)', '{id,u,n}');

-- many swaps of rows far from each other, and some bad rows
SELECT size, length(rejected) - length(replace(rejected, 'n_check', 'check')) AS bad, length(rejected) - length(replace(rejected, 'u_once', 'once')) AS refused, same
  FROM check_sizes('late', 'SELECT i, CASE WHEN i <= 100 THEN i + 100 ELSE i - 100 END, CASE WHEN i BETWEEN 10 AND 29 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,u,n}');

-- More than one chunk, also after one with bad rows: each is applied as one statement again if possible
SELECT size, length(rejected) - length(replace(rejected, 'n_check', 'check')) AS bad, length(rejected) - length(replace(rejected, 'u_once', 'once')) AS refused, same
  FROM check_sizes('late', 'SELECT i, (i - 1) / 2 * 2 + 2 - (i - 1) % 2, CASE i WHEN 5 THEN 0 ELSE 1 END FROM generate_series(1, 200) AS i', '{id,u,n}', '{2,4,10,50}');

-- Partitions: references between them, and a deferrable constraint of the partitioned table
CREATE TABLE parts (id int PRIMARY KEY, code text, parent int CONSTRAINT parent_there REFERENCES parts (id) DEFERRABLE, n int CHECK (n > 0),
                    u int, CONSTRAINT u_in_part UNIQUE (id, u) DEFERRABLE) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (4);
CREATE TABLE parts_2 (u int UNIQUE DEFERRABLE, n int CONSTRAINT parts_n_check CHECK (n > 0), parent int, code text, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (4) TO (100);
INSERT INTO parts SELECT i, i, NULL, 1, i FROM generate_series(1, 8) AS i;
SELECT * FROM check_sizes('parts', 'VALUES (1, 8, 1, 1), (2, 99, 1, 2), (3, 1, 1, 3), (4, 1, 1, 5), (5, 1, 0, 5), (6, 1, 1, 7), (7, 1, 1, 6), (8, 7, 1, 8)', '{id,parent,n,u}');

-- A user-defined constraint trigger
CREATE TABLE pairs (id int PRIMARY KEY, twin int, v int, n int CHECK (n > 0));
INSERT INTO pairs SELECT i, i # 1, 0, 1 FROM generate_series(2, 41) AS i;
CREATE FUNCTION twins_agree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v <> (SELECT v FROM pairs WHERE id = NEW.twin) THEN
        RAISE EXCEPTION 'twins differ' USING ERRCODE = 'TW001', CONSTRAINT = 'twins';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER twins AFTER UPDATE ON pairs FOR EACH ROW EXECUTE FUNCTION twins_agree();
SELECT * FROM check_sizes('pairs', 'SELECT i, i / 2, CASE i WHEN 21 THEN 0 ELSE 1 END FROM generate_series(2, 41) AS i', '{id,v,n}');
-- a statement trigger that checks a sum: its error names no row
DROP TRIGGER twins ON pairs;
CREATE FUNCTION is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(v) FROM new_rows) <> 0 THEN
        RAISE EXCEPTION 'no balance' USING ERRCODE = 'TW002';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER balance AFTER UPDATE ON pairs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION is_balanced();
SELECT * FROM check_sizes('pairs', 'VALUES (2, 5, 1), (3, 0, 0), (4, -5, 1)', '{id,v,n}');

-- With missing, unchanged and bad rows as well; the counts
SELECT rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_rejected
  FROM bulk_update_query('self', $$VALUES (1, 'A', NULL, 1), (2, 'b', NULL, -1), (3, 'c', 'A', 1), (4, 'd', NULL, 1), (9, 'x', 'y', 1)$$,
                         columns => '{id,code,parent,n}', on_error => 'skip', skip_unchanged => true);
TABLE self;

DROP SCHEMA skip_together CASCADE;
