--
-- How statements are planned: all but the extension's own statements are planned
-- as in a session that only runs UPDATE
--
CREATE TABLE tenant (id int PRIMARY KEY, t int) WITH (autovacuum_enabled = off);
INSERT INTO tenant SELECT i, i FROM generate_series(1, 20000) AS i;
CREATE INDEX ON tenant (t);
ANALYZE tenant;

-- A sequential scan is right for it, and the session keeps its first plan
CREATE FUNCTION tenants() RETURNS int STABLE LANGUAGE plpgsql AS $$
DECLARE
    seen text := current_setting('test.seen');
    settings text := concat_ws(' ', current_setting('enable_seqscan'), current_setting('enable_hashjoin'), current_setting('enable_bitmapscan'),
        current_setting('enable_memoize'), current_setting('cpu_tuple_cost'), current_setting('plan_cache_mode'), current_setting('jit'));
BEGIN
    PERFORM set_config('test.seen', seen || settings || '; ', false) WHERE strpos(seen, settings) = 0;
    RETURN (SELECT count(*) FROM tenant WHERE t < 19000) - 18998;
END
$$;
CREATE FUNCTION immutable_tenants() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM tenant WHERE t < 19000) - 18998;
END
$$;
-- Statistics not yet reported to the server: those of the running transaction, after a flush
CREATE FUNCTION tenant_scans() RETURNS TABLE (seq_scan bigint, idx_scan bigint) LANGUAGE sql AS
    $$ SELECT seq_scan, idx_scan FROM pg_stat_xact_all_tables WHERE relid = 'tenant'::regclass $$;

CREATE TABLE rp (id int PRIMARY KEY, owner int, v int);
INSERT INTO rp SELECT i, 1, 0 FROM generate_series(1, 3) AS i;
CREATE TABLE plain_rp AS TABLE rp;
ALTER TABLE rp ENABLE ROW LEVEL SECURITY;
CREATE POLICY stable ON rp USING (owner = tenants());
CREATE POLICY immutable ON rp AS RESTRICTIVE USING (owner = immutable_tenants());
-- a foreign key's action is planned with the statement
CREATE TABLE rule_log (id int, n bigint);
CREATE RULE log AS ON UPDATE TO rp DO ALSO INSERT INTO rule_log SELECT NEW.id, (SELECT count(*) FROM tenant WHERE t < 19000);
CREATE ROLE planning_guest;
GRANT ALL ON rp, tenant, rule_log TO planning_guest;

SET jit = on;
SET test.seen = 'seen: ';
SELECT pg_stat_force_next_flush();
SET ROLE planning_guest;
BEGIN;
SELECT rows_updated, applier FROM bulk_update_query('rp', 'VALUES (1, 5), (2, 6)', '{id,v}');
SELECT tenants(), immutable_tenants();
RESET ROLE;
SELECT seq_scan > 0 AS seq_scans, idx_scan AS idx_scans FROM tenant_scans();
SHOW test.seen;
SET ROLE planning_guest;
SELECT rows_unchanged, rows_updated FROM bulk_update_query('rp', 'VALUES (1, 5), (2, 7)', '{id,v}', skip_unchanged => true);
RESET ROLE;
SELECT seq_scan > 0 AS seq_scans, idx_scan AS idx_scans FROM tenant_scans();
SHOW test.seen;
COMMIT;
RESET jit;
SELECT id, count(*), min(n), max(n) FROM rule_log GROUP BY id ORDER BY id;
UPDATE plain_rp SET v = CASE id WHEN 1 THEN 5 ELSE 7 END WHERE id IN (1, 2);
SELECT * FROM test_diff('rp', 'plain_rp');
DROP TABLE rp, plain_rp, rule_log;
DROP FUNCTION tenants, immutable_tenants, tenant_scans;
DROP TABLE tenant;
DROP ROLE planning_guest;

-- Rows are updated in key order whatever the planner's settings, in tables of few rows, empty and tiny partitions,
-- tables that were never analyzed, and tables that were empty when they were analyzed
CREATE TABLE order_of (n serial, id int);
CREATE FUNCTION log_order() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO order_of (id) VALUES (NEW.id); RETURN NULL; END';
CREATE TABLE few (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0) WITH (autovacuum_enabled = off);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1) WITH (autovacuum_enabled = off);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2) WITH (autovacuum_enabled = off);
CREATE TABLE parent (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent) WITH (autovacuum_enabled = off);
CREATE TRIGGER log AFTER UPDATE ON few FOR EACH ROW EXECUTE FUNCTION log_order();
CREATE TRIGGER log AFTER UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION log_order();
CREATE TRIGGER log AFTER UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION log_order();
CREATE TRIGGER log AFTER UPDATE ON child FOR EACH ROW EXECUTE FUNCTION log_order();

CREATE FUNCTION orders(settings text[]) RETURNS TABLE (relation regclass, rows int, updated text, in_order text) LANGUAGE plpgsql AS $$
DECLARE
    setting text;
    table_name name;
    total bigint;
    statistics text;
BEGIN
    FOREACH setting IN ARRAY settings LOOP
        PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), true);
    END LOOP;
    FOREACH relation IN ARRAY '{few,parts,parent}'::regclass[] LOOP
        FOREACH rows IN ARRAY '{0,1,3,10,1000}'::int[] LOOP
            updated := '';
            in_order := '';
            FOREACH statistics IN ARRAY '{none,empty,right}'::text[] LOOP
                EXECUTE format('TRUNCATE %s, order_of', relation);
                IF statistics = 'empty' THEN EXECUTE format('ANALYZE %s', relation); END IF;
                -- inserted in descending order of the keys
                EXECUTE format('INSERT INTO %s SELECT i, 0 FROM generate_series(%s, 1, -1) AS i', relation, rows);
                IF relation = 'parent'::regclass THEN
                    WITH moved AS (DELETE FROM ONLY parent WHERE id % 2 = 0 RETURNING *) INSERT INTO child TABLE moved;
                END IF;
                IF statistics = 'right' THEN EXECUTE format('ANALYZE %s', relation); END IF;
                SELECT sum(rows_updated) INTO total
                  FROM bulk_update_query(relation, format('SELECT i AS id, i AS v FROM generate_series(1, %s) AS i', rows + 1));
                updated := concat_ws(' ', updated, total);
                in_order := concat_ws(' ', in_order, (SELECT coalesce(array_agg(o.id ORDER BY n) = array_agg(o.id ORDER BY o.id), true) FROM order_of AS o));
            END LOOP;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
SET bulk_update.applier = sql;
SELECT * FROM orders('{}');
-- none of these settings may make a difference
CREATE TABLE expected_orders AS SELECT * FROM orders('{}');
CREATE FUNCTION other_orders(settings text[]) RETURNS SETOF expected_orders LANGUAGE sql AS
    $$ SELECT * FROM orders(settings) EXCEPT TABLE expected_orders $$;
SELECT * FROM other_orders('{plan_cache_mode=force_custom_plan}');
SELECT * FROM other_orders('{enable_nestloop=off}');
SELECT * FROM other_orders('{enable_indexscan=off,enable_indexonlyscan=off}');
SELECT * FROM other_orders('{enable_indexscan=off,enable_bitmapscan=off,enable_nestloop=off,plan_cache_mode=force_custom_plan}');
SELECT * FROM other_orders('{random_page_cost=1000,cpu_index_tuple_cost=1000}');
SELECT * FROM other_orders('{seq_page_cost=0,cpu_tuple_cost=0,cpu_operator_cost=0}');
SELECT * FROM other_orders('{enable_hashjoin=off,enable_mergejoin=off}');
RESET bulk_update.applier;
DROP FUNCTION other_orders, orders;
DROP TABLE expected_orders, few, parts, child, parent, order_of;
DROP FUNCTION log_order;

-- Probing a dense range of keys, under settings that discourage it
CREATE TABLE dense (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
INSERT INTO dense SELECT i, i FROM generate_series(1, 20000) AS i;
SET bulk_update.applier = sql;
SELECT sum(rows_unchanged) AS unchanged, sum(rows_updated) AS updated
  FROM bulk_update_query('dense', 'SELECT i AS id, i / 2 * 2 AS v FROM generate_series(1, 20000) AS i', skip_unchanged => true, dry_run => true);
SET enable_hashjoin = off;
SELECT sum(rows_unchanged) AS unchanged, sum(rows_updated) AS updated
  FROM bulk_update_query('dense', 'SELECT i AS id, i / 2 * 2 AS v FROM generate_series(1, 20000) AS i', skip_unchanged => true, dry_run => true);
SET enable_mergejoin = off;
SELECT sum(rows_unchanged) AS unchanged, sum(rows_updated) AS updated
  FROM bulk_update_query('dense', 'SELECT i AS id, i / 2 * 2 AS v FROM generate_series(1, 20000) AS i', skip_unchanged => true, dry_run => true);
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET bulk_update.applier;
DROP TABLE dense;
