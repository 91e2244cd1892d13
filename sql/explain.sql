--
-- bulk_update_explain(), bulk_update_explain_query(): what a call would do
--
SET bulk_update.applier = auto;
CREATE SCHEMA x;
CREATE TABLE x.t (id bigint PRIMARY KEY, a int NOT NULL, b text, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO x.t SELECT i, i, 'row ' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE x.new AS SELECT id::int AS id, a, b FROM x.t;
ANALYZE x.t, x.new;

-- Nothing is changed: neither a row nor the cursor's position
BEGIN;
DECLARE c CURSOR FOR SELECT id, -a AS a FROM x.new ORDER BY id;
SELECT * FROM bulk_update_explain('x.t', 'c');
FETCH c;
SELECT * FROM bulk_update_explain('x.t', 'c') WHERE topic = 'source';
SELECT count(*) FROM x.t WHERE a < 0;
SELECT mode FROM pg_locks WHERE relation = 'x.t'::regclass AND pid = pg_backend_pid();
COMMIT;
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT id, -a, b FROM x.new', '{id,a,b}', on_missing => 'error',
    on_duplicate => 'last', on_error => 'skip', reject_limit => 10, skip_unchanged => true, chunk_size => 100);
SELECT bulk_update_create_rejects('x.rejects');
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT id, -a AS a FROM x.new', ordering => 'stream', rejects => 'x.rejects',
    on_error => 'skip', dry_run => true) WHERE topic IN ('ordering', 'rejects', 'dry run');
SELECT detail FROM bulk_update_explain_query('x.t', 'SELECT id, -a AS a FROM x.new', ordering => 'sort') WHERE topic = 'ordering';
BEGIN READ ONLY;
SELECT count(*) > 0 AS explains FROM bulk_update_explain_query('x.t', 'SELECT id, a FROM x.new');
COMMIT;
CREATE SEQUENCE x.s;
SELECT count(*) > 0 AS explains FROM bulk_update_explain_query('x.t', 'SELECT nextval(''x.s'') AS id, 1 AS a');
SELECT is_called FROM x.s;

-- Everything that runs and is checked
CREATE DOMAIN x.short AS text CHECK (length(VALUE) < 100);
CREATE TABLE x.parent (a int PRIMARY KEY);
INSERT INTO x.parent SELECT generate_series(1, 1000);
CREATE UNIQUE INDEX t_b ON x.t (b);
CREATE INDEX t_lower ON x.t (lower(b)) WHERE a > 0;
CREATE INDEX "t brin" ON x.t USING brin (twice);
ALTER TABLE x.t ALTER b TYPE x.short, ADD CHECK (a > 0), ADD UNIQUE (b) DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (a) REFERENCES x.parent, ADD CONSTRAINT pair UNIQUE (a, id);
CREATE TABLE x.child (a int, id bigint, FOREIGN KEY (a, id) REFERENCES x.t (a, id) ON UPDATE CASCADE);
CREATE FUNCTION x.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "before, a row" BEFORE UPDATE ON x.t FOR EACH ROW EXECUTE FUNCTION x.f();
CREATE TRIGGER of_a AFTER UPDATE OF a ON x.t FOR EACH ROW WHEN (NEW.a > OLD.a) EXECUTE FUNCTION x.f();
CREATE TRIGGER of_b AFTER UPDATE OF b ON x.t FOR EACH ROW EXECUTE FUNCTION x.f();
CREATE TRIGGER disabled AFTER UPDATE ON x.t FOR EACH ROW EXECUTE FUNCTION x.f();
ALTER TABLE x.t DISABLE TRIGGER disabled;
CREATE TRIGGER of_chunks BEFORE UPDATE ON x.t EXECUTE FUNCTION x.f();
CREATE TRIGGER of_chunks AFTER UPDATE OR INSERT ON x.new EXECUTE FUNCTION x.f();
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON x.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION x.f();
CREATE RULE also AS ON UPDATE TO x.t DO ALSO NOTHING;
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT id, a FROM x.new') WHERE topic IN
    ('applier', 'trigger', 'rule', 'constraint', 'generated column', 'indexes', 'limit');
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT id, b FROM x.new') WHERE topic IN
    ('trigger', 'constraint', 'indexes');

-- Which applier is used, and why
CREATE FUNCTION applier(target regclass, source text, key_columns name[] DEFAULT NULL) RETURNS SETOF text
BEGIN ATOMIC
    SELECT detail FROM bulk_update_explain_query(target, source, key_columns => key_columns) WHERE topic = 'applier';
END;
DROP RULE also ON x.t;
SELECT applier('x.t', 'SELECT id, a FROM x.new');
ALTER TABLE x.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE explain_reader;
GRANT USAGE ON SCHEMA x TO explain_reader;
GRANT SELECT, UPDATE ON x.t TO explain_reader;
SET ROLE explain_reader;
SELECT applier('x.t', 'SELECT 1 AS id, 2 AS a');
SELECT detail FROM bulk_update_explain_query('x.t', 'SELECT 1 AS id, 2 AS a') WHERE topic = 'limit';
RESET ROLE;
SET bulk_update.applier = sql;
SELECT applier('x.t', 'SELECT id, a FROM x.new');
SET bulk_update.applier = auto;

-- Partitions
CREATE TABLE x.p (id int, part int, a int, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
CREATE TABLE x.p1 PARTITION OF x.p FOR VALUES IN (1);
CREATE TABLE x.p2 PARTITION OF x.p FOR VALUES IN (2) PARTITION BY RANGE (id);
CREATE TABLE x.p21 PARTITION OF x.p2 FOR VALUES FROM (0) TO (1000);
ALTER TABLE x.p ADD CHECK (a > 0);
CREATE TRIGGER on_root AFTER UPDATE ON x.p FOR EACH ROW EXECUTE FUNCTION x.f();
CREATE TRIGGER on_chunks AFTER UPDATE ON x.p FOR EACH STATEMENT EXECUTE FUNCTION x.f();
CREATE TRIGGER not_fired AFTER UPDATE ON x.p1 FOR EACH STATEMENT EXECUTE FUNCTION x.f();
SELECT * FROM bulk_update_explain_query('x.p', 'SELECT 1 AS id, 1 AS part, 2 AS a')
WHERE topic NOT IN ('chunks', 'missing keys', 'duplicate keys', 'rows in error', 'unchanged rows');
CREATE TRIGGER on_leaf BEFORE UPDATE ON x.p21 FOR EACH ROW EXECUTE FUNCTION x.f();
SELECT * FROM bulk_update_explain_query('x.p', 'SELECT 1 AS id, 1 AS part, 2 AS a') WHERE topic IN ('applier', 'trigger');

-- Is the source in key order?
CREATE FUNCTION ordering(target regclass, source text, key_columns name[] DEFAULT NULL) RETURNS SETOF text
BEGIN ATOMIC
    SELECT split_part(detail, ':', 1) FROM bulk_update_explain_query(target, source, key_columns => key_columns)
    WHERE topic = 'ordering';
END;
CREATE TABLE x.o (id bigint PRIMARY KEY, b text COLLATE "C" UNIQUE, a int);
INSERT INTO x.o SELECT i, to_char(i, 'FM000000'), i FROM generate_series(1, 10000) AS i;
ANALYZE x.o;
CREATE VIEW x.v AS SELECT a * 2 AS a, id FROM x.o;
SET enable_sort = on;
SELECT ordering('x.o', q), q FROM unnest(ARRAY[
    'SELECT id, a FROM x.new ORDER BY id',
    'SELECT a, id FROM x.new ORDER BY id, a',
    'SELECT id, a FROM x.new ORDER BY id LIMIT 100',
    'SELECT id, a FROM x.new ORDER BY id FOR UPDATE',
    'SELECT id, a FROM x.o ORDER BY id',
    'SELECT id, a * 3 AS a FROM x.v ORDER BY id',
    'SELECT * FROM (SELECT id, a FROM x.o ORDER BY id OFFSET 0) AS s',
    'SELECT id, a * 2 AS a FROM (SELECT id, a FROM x.o ORDER BY id OFFSET 0) AS s WHERE a > 0',
    'SELECT id, row_number() OVER (ORDER BY id) AS a FROM x.new',
    'SELECT DISTINCT ON (id) id, a FROM x.new ORDER BY id',
    'SELECT id, a FROM x.new',
    'SELECT id, a FROM x.new ORDER BY id DESC',
    'SELECT id, a FROM x.o ORDER BY id DESC',
    'SELECT id, a FROM x.new ORDER BY a, id',
    'SELECT id, a FROM x.new ORDER BY -id',
    'SELECT id + 0 AS id, a FROM x.o ORDER BY x.o.id',
    'SELECT * FROM (VALUES (1, 2), (2, 3)) AS v(id, a)',
    'INSERT INTO x.new SELECT id, a FROM x.o ORDER BY id RETURNING id, a',
    'SELECT id::numeric AS id, a FROM x.new ORDER BY 1'
    ]) WITH ORDINALITY AS u(q, n) ORDER BY n;
SELECT ordering('x.o', q, '{b}'), q FROM unnest(ARRAY[
    'SELECT b, a FROM x.o ORDER BY b',
    'SELECT b COLLATE "POSIX" AS b, a FROM x.o ORDER BY b COLLATE "POSIX"',
    'SELECT b, a FROM x.o ORDER BY b COLLATE "POSIX"'
    ]) WITH ORDINALITY AS u(q, n) ORDER BY n;
SELECT ordering('x.p', q), q FROM unnest(ARRAY[
    'SELECT id, a, 1 AS part FROM x.new ORDER BY part, id',
    'SELECT id, a, id % 2 AS part FROM x.new ORDER BY part, id',
    'SELECT id, a, id % 2 AS part FROM x.new ORDER BY id, part',
    'SELECT id, a, id % 2 AS part FROM x.new ORDER BY part'
    ]) WITH ORDINALITY AS u(q, n) ORDER BY n;
-- Sources sorted by an index: not if the plan returns something else
SET enable_seqscan = off;
SET enable_sort = off;
SELECT ordering('x.o', 'SELECT a, id FROM x.o ORDER BY id'), ordering('x.o', 'SELECT id, 1 AS a FROM x.o ORDER BY id'),
    ordering('x.o', 'SELECT a AS id, id AS a FROM x.o ORDER BY x.o.id');
SELECT ordering('x.o', 'SELECT id, a FROM x.o UNION ALL SELECT id, a FROM x.o ORDER BY id'),
    ordering('x.o', 'SELECT id, a FROM x.o UNION ALL SELECT id, a FROM x.o ORDER BY id DESC');
RESET enable_seqscan;
RESET enable_sort;

-- A cursor WITH HOLD of an earlier transaction
DECLARE held CURSOR WITH HOLD FOR SELECT id, a FROM x.new ORDER BY id;
SELECT topic, detail FROM bulk_update_explain('x.t', 'held') WHERE topic IN ('source', 'ordering', 'chunks');
CLOSE held;
-- the plan is gone if it was the cursor of a loop with a COMMIT (which is unnamed from 16 on)
CREATE PROCEDURE held() LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT id, a FROM x.new ORDER BY id;
    r record;
BEGIN
    FOR r IN c LOOP
        COMMIT;
        FOR r IN SELECT topic, regexp_replace(detail, 'cursor "[^"]+"', 'cursor') FROM bulk_update_explain('x.t', c)
                  WHERE topic IN ('source', 'ordering') LOOP
            RAISE NOTICE '%', r;
        END LOOP;
        EXIT;
    END LOOP;
END
$$;
CALL held();
-- a key of which the index covers a part
SELECT detail FROM bulk_update_explain_query('x.o', 'SELECT id, b, a FROM x.o', key_columns => '{id,b}') WHERE topic = 'key';

-- The errors are those of the call
SELECT * FROM bulk_update_explain('x.t', 'nowhere');
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT id FROM x.new');
SELECT * FROM bulk_update_explain_query('x.t', '');
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT 1 AS id, 1 AS a', on_error => 'never');
SELECT * FROM bulk_update_explain_query('x.v', 'SELECT 1 AS id, 1 AS a');
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT 1 AS id, 1 AS a', rejects => 4000000000::oid::regclass);
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT 1 AS id, 1 AS a', rejects => 'x.new');
SET ROLE explain_reader;
SELECT * FROM bulk_update_explain_query('x.t', 'SELECT 1 AS id, 1 AS a', rejects => 'x.rejects');
RESET ROLE;

-- A hostile search_path
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.format(text, VARIADIC "any") RETURNS text LANGUAGE internal IMMUTABLE AS 'text_format';
CREATE FUNCTION hostile.pg_get_constraintdef(oid) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END';
CREATE TABLE hostile.pg_trigger (a int);
SET search_path = hostile, pg_catalog, public;
SELECT count(*) > 10 AS explains FROM public.bulk_update_explain_query('x.t', 'SELECT id, a FROM x.new');
SHOW search_path;
RESET search_path;

DROP FUNCTION applier, ordering;
DROP PROCEDURE held;
SET client_min_messages = warning;
DROP SCHEMA x, hostile CASCADE;
DROP ROLE explain_reader;
