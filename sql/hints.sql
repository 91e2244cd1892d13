--
-- Hints say what to do
--
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_bu_reader;
RESET client_min_messages;

-- Names that differ only in case
CREATE TABLE camel ("userName" text PRIMARY KEY, "favColor" text, plain text);
INSERT INTO camel VALUES ('a', 'red', '');
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'SELECT ''a'' AS userName, ''blue'' AS favColor') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'SELECT ''a'' AS "userName", ''blue'' AS favColor') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'SELECT ''a'' AS "userName", ''blue'' AS "Plain"') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'VALUES (''a'', ''blue'')', '{username,favcolor}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'VALUES (''a'', ''blue'')', '{userName,favColor}', '{username}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'VALUES (''a'', ''blue'')', '{userName,color}') $$);
-- following the hint
SELECT rows_updated FROM bulk_update_query('camel', 'SELECT ''a''::text AS "userName", ''blue''::text AS "favColor"');
SELECT rows_updated FROM bulk_update_query('camel', 'VALUES (''a''::text, ''green''::text)', '{userName,favColor}');
SELECT * FROM camel;
-- a dropped column is not a column
ALTER TABLE camel DROP COLUMN plain;
SELECT * FROM test_error($$ SELECT bulk_update_query('camel', 'VALUES (''a'', ''blue'')', '{userName,Plain}') $$);

-- A missing row that a policy may hide; a null key is missing whatever the policies
CREATE ROLE regress_bu_reader;
CREATE TABLE own (id int PRIMARY KEY, owner name, v int);
INSERT INTO own VALUES (1, 'somebody', 0), (2, 'regress_bu_reader', 0);
GRANT SELECT, UPDATE ON own TO regress_bu_reader;
SET ROLE regress_bu_reader;
SELECT * FROM test_error($$ SELECT bulk_update_query('own', 'VALUES (3, 1)', '{id,v}', on_missing => 'error') $$);
RESET ROLE;
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON own FOR SELECT USING (true);
CREATE POLICY its_own ON own FOR UPDATE USING (owner = current_user);
SET ROLE regress_bu_reader;
SELECT * FROM test_error($$ SELECT bulk_update_query('own', 'VALUES (1, 1)', '{id,v}', on_missing => 'error') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('own', 'VALUES (NULL::int, 1)', '{id,v}', on_missing => 'error') $$);
SELECT rows_updated FROM bulk_update_query('own', 'VALUES (2, 1)', '{id,v}', on_missing => 'error');
RESET ROLE;
-- no hint for the owner, to whom the policies do not apply
SELECT * FROM test_error($$ SELECT bulk_update_query('own', 'VALUES (3, 1)', '{id,v}', on_missing => 'error') $$);

-- No unique index on the key: what is wrong with the index that exists
CREATE TABLE k (a int, b int, c text, p point, j json);
INSERT INTO k VALUES (1, 1, 'x'), (1, 2, 'y');
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2)', '{a,b}', '{a}') $$);
CREATE INDEX k_a ON k (a);
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2)', '{a,b}', '{a}') $$);
CREATE UNIQUE INDEX k_b ON k (b) WHERE b > 0;
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2)', '{b,a}', '{b}') $$);
CREATE UNIQUE INDEX k_lower ON k (lower(c));
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (''x'', 2)', '{c,a}', '{c}') $$);
CREATE UNIQUE INDEX k_mixed ON k (a, (b + 1));
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2)', '{a,b}', '{a}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2, ''z'')', '{a,b,c}', '{a,b}') $$);
DROP INDEX k_b, k_mixed;
CREATE UNIQUE INDEX CONCURRENTLY k_invalid ON k (a);
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (1, 2)', '{a,b}', '{a}') $$);
-- types that no B-tree supports; one other type is enough
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (point ''(1,2)'', 2)', '{p,b}', '{p}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (point ''(1,2)'', json ''1'', 2)', '{p,j,b}', '{p,j}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('k', 'VALUES (point ''(1,2)'', 2, 1)', '{p,b,a}', '{p,b}') $$);
-- a deferrable index is usable
CREATE TABLE lazy (id int UNIQUE DEFERRABLE, v int);
INSERT INTO lazy VALUES (1, 1);
SELECT rows_updated FROM bulk_update_query('lazy', 'VALUES (1, 2)', '{id,v}', '{id}');

-- On a partitioned table, a unique index must include the partition key of every level
CREATE TABLE parted (day date, id int, kind text, v int) PARTITION BY RANGE (day);
CREATE TABLE parted_2024 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
CREATE TABLE parted_2024_a PARTITION OF parted_2024 FOR VALUES IN ('a');
SELECT * FROM test_error($$ SELECT bulk_update_query('parted', 'VALUES (1, 2)', '{id,v}', '{id}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('parted', 'VALUES (1, date ''2024-01-01'', 2)', '{id,day,v}', '{id,day}') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('parted', 'VALUES (1, date ''2024-01-01'', ''a''::text, 2)', '{id,day,kind,v}', '{id,day,kind}') $$);
-- one that not every partition has yet
CREATE UNIQUE INDEX parted_key ON ONLY parted (day, id, kind);
SELECT * FROM test_error($$ SELECT bulk_update_query('parted', 'VALUES (1, date ''2024-01-01'', ''a''::text, 2)', '{id,day,kind,v}', '{id,day,kind}') $$);
-- an index of a single partition can be on any column
SELECT * FROM test_error($$ SELECT bulk_update_query('parted_2024_a', 'VALUES (1, 2)', '{id,v}', '{id}') $$);
CREATE TABLE by_expression (id int, v int) PARTITION BY RANGE ((id / 10));
CREATE TABLE by_expression_0 PARTITION OF by_expression FOR VALUES FROM (0) TO (10);
SELECT * FROM test_error($$ SELECT bulk_update_query('by_expression', 'VALUES (1, 2)', '{id,v}', '{id}') $$);

-- Only a trigger can move a row to another partition
CREATE TABLE moved (day date, id int, v int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE moved_2024 PARTITION OF moved FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE moved_2025 PARTITION OF moved FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO moved VALUES ('2024-02-01', 1, 1);
SELECT detail FROM bulk_update_explain_query('moved', 'VALUES (date ''2024-02-01'', 1, 2)', '{day,id,v}') WHERE topic = 'limit';
CREATE FUNCTION next_year() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.day := NEW.day + interval '1 year';
    RETURN NEW;
END
$$;
CREATE TRIGGER next_year BEFORE UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION next_year();
SELECT detail FROM bulk_update_explain_query('moved', 'VALUES (date ''2024-02-01'', 1, 2)', '{day,id,v}') WHERE topic = 'limit';
SELECT rows_updated FROM bulk_update_query('moved', 'VALUES (date ''2024-02-01'', 1, 2)', '{day,id,v}');
SELECT tableoid::regclass, * FROM moved;

SET client_min_messages = warning;
DROP TABLE camel, own, k, lazy, parted, by_expression, moved;
DROP FUNCTION next_year;
DROP ROLE regress_bu_reader;
