--
-- The catalog changes during a call. Each command, at each place where user-defined code runs during the call,
-- has the same effect and the same error as during UPDATE.
--
SET client_min_messages = warning;
CREATE SCHEMA catalog_changes;
CREATE SCHEMA elsewhere;
SET search_path = catalog_changes, public;

-- Code that runs at row 20 of 40, once: as a trigger, in the source's query, in a cast
CREATE TABLE due (command text);
CREATE FUNCTION interfere() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c text;
BEGIN
    DELETE FROM catalog_changes.due RETURNING command INTO c;
    IF c IS NOT NULL THEN
        EXECUTE c;
    END IF;
END
$$;
CREATE FUNCTION interfere_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 20 THEN
        PERFORM catalog_changes.interfere();
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION interfere_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_changes.interfere();
    RETURN NULL;
END
$$;
CREATE FUNCTION interfere_query(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF i = 20 THEN
        PERFORM catalog_changes.interfere();
    END IF;
    RETURN i;
END
$$;
CREATE TYPE cast_from AS (i int);
CREATE FUNCTION interfere_cast(c cast_from) RETURNS int LANGUAGE sql AS 'SELECT catalog_changes.interfere_query(c.i)';
CREATE CAST (cast_from AS int) WITH FUNCTION interfere_cast(cast_from) AS ASSIGNMENT;

CREATE FUNCTION error_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- during(place, command, definition, chunk_size): the result of a bulk update when the command runs at that place ("#"
-- is the target), and whether UPDATE has the same result and leaves the same rows
CREATE FUNCTION during(place text, command text, definition text, chunk_size int DEFAULT 6, OUT result text, OUT as_update boolean) LANGUAGE plpgsql AS $$
DECLARE
    name text;
    value text := CASE place WHEN 'query' THEN 'interfere_query(i)' WHEN 'cast' THEN 'row(i)::cast_from' ELSE 'i' END;
    target oid;
    results text[];
    rows text[];
    updated int;
    r text;
    r_rows text;
BEGIN
    FOREACH name IN ARRAY '{t,p}'::text[] LOOP
        EXECUTE replace(definition, '#', name);
        EXECUTE format('INSERT INTO %s SELECT i, 0, i FROM generate_series(1, 40) AS i', name);
        IF place LIKE '%ROW' THEN
            EXECUTE format('CREATE TRIGGER interfere %s UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION interfere_row()', split_part(place, ' ', 1), name);
        ELSIF place LIKE '%STATEMENT' THEN
            EXECUTE format('CREATE TRIGGER interfere %s UPDATE ON %s EXECUTE FUNCTION interfere_statement()', split_part(place, ' ', 1), name);
        END IF;
        target := name::regclass;
        TRUNCATE due;
        INSERT INTO due VALUES (replace(command, '#', name));
        IF name = 't' THEN
            r := error_of(format('SELECT bulk_update_query(%L, %L, key_columns => ''{id}'', chunk_size => %s)', 't',
                                 format('SELECT i AS id, %s AS v FROM generate_series(1, 40) AS i', value), chunk_size));
        ELSE
            -- UPDATE has to find the rows by the same index
            SET LOCAL enable_seqscan = off;
            SET LOCAL enable_hashjoin = off;
            SET LOCAL enable_mergejoin = off;
            r := error_of(format('UPDATE p SET v = s.v FROM (SELECT i AS id, %s AS v FROM generate_series(1, 40) AS i OFFSET 0) AS s WHERE p.id = s.id', value));
            SET LOCAL enable_seqscan = on;
            SET LOCAL enable_hashjoin = on;
            SET LOCAL enable_mergejoin = on;
        END IF;
        IF r = 'done' AND EXISTS (SELECT FROM due) THEN
            r := 'the command did not run';
        END IF;
        -- the table and the column may have been renamed
        EXECUTE format('SELECT count(*), md5(string_agg(x::text, E''\n'' ORDER BY x::text)) FROM (SELECT id, r::text AS x, to_jsonb(r) AS j FROM %s AS r) AS s
                         WHERE coalesce(j->>''v'', j->>''x'') = id::text', target::regclass) INTO updated, r_rows;
        IF r = 'done' THEN
            r := 'updated ' || updated;
        END IF;
        results := results || regexp_replace(r, '"[tp](\d|_|")', '"#\1');
        rows := rows || coalesce(r_rows, 'none');
    END LOOP;
    result := results[1];
    as_update := results[1] = results[2] AND rows[1] = rows[2];
    FOR r IN SELECT format('DROP TABLE IF EXISTS %s CASCADE', x.oid::regclass) FROM pg_class AS x
              WHERE relkind IN ('r', 'p') AND relnamespace IN ('catalog_changes'::regnamespace, 'elsewhere'::regnamespace, pg_my_temp_schema()) AND relname NOT IN ('due', 'place_list', 'results') LOOP
        EXECUTE r;
    END LOOP;
END
$$;
CREATE TABLE place_list AS SELECT * FROM unnest('{BEFORE ROW,AFTER ROW,BEFORE STATEMENT,AFTER STATEMENT,query,cast}'::text[]) WITH ORDINALITY AS p (place, n);
CREATE VIEW definition AS SELECT $$
    CREATE TABLE # (id int NOT NULL, v int, u int CONSTRAINT #_u UNIQUE, w text DEFAULT 'w');
    CREATE UNIQUE INDEX #_key ON # (id);
    CREATE INDEX #_v ON # (v);
    CREATE TRIGGER pass BEFORE UPDATE ON # FOR EACH ROW WHEN (false) EXECUTE FUNCTION interfere_row();
$$::text AS definition;
-- all commands at all places, each in its own transaction
CREATE TABLE results (m int, n int, command text, place text, result text, as_update boolean);
CREATE PROCEDURE each() LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    TRUNCATE results;
    FOR c IN SELECT * FROM commands, place_list, definition LOOP
        INSERT INTO results SELECT c.m, c.n, c.command, c.place, d.* FROM during(c.place, c.command, c.definition) AS d;
        COMMIT;
    END LOOP;
END
$$;
\set show 'SELECT command, string_agg(place, '', '' ORDER BY n) AS places, result, as_update FROM results GROUP BY command, result, as_update, m ORDER BY m, min(n)'
-- Between two chunks, where the source's query and the casts run, only the key's index is in use. So a little more is
-- possible than during UPDATE.
CREATE VIEW commands AS SELECT * FROM unnest(ARRAY[
    'ALTER TABLE # ADD COLUMN x int', 'ALTER TABLE # DROP COLUMN v', 'ALTER TABLE # ALTER COLUMN v TYPE bigint',
    'ALTER TABLE # ADD CHECK (v < 0)', 'ALTER TABLE # ENABLE ROW LEVEL SECURITY', 'ALTER TABLE # DISABLE TRIGGER pass',
    'ALTER TABLE # DROP CONSTRAINT #_u', 'TRUNCATE #', 'DROP TABLE #', 'CREATE INDEX ON # (v)', 'CLUSTER # USING #_key',
    'DROP INDEX #_v', 'DROP INDEX #_key', 'REINDEX INDEX #_key', 'REINDEX TABLE #', 'VACUUM #',
    'ALTER TABLE # RENAME TO #_other', 'ALTER TABLE # RENAME COLUMN v TO x', 'ALTER TABLE # SET SCHEMA elsewhere', 'ALTER INDEX #_key RENAME TO #_other',
    'ALTER TABLE # RENAME TO #_other; CREATE TABLE # (LIKE #_other INCLUDING ALL); INSERT INTO # TABLE #_other',
    'CREATE TEMP TABLE # (id int PRIMARY KEY, v int); INSERT INTO pg_temp.# SELECT i, i FROM generate_series(1, 40) AS i',
    'CREATE TABLE #_other () INHERITS (#); INSERT INTO #_other (id, v) VALUES (41, 41)',
    'CREATE TRIGGER also BEFORE UPDATE ON # FOR EACH ROW WHEN (false) EXECUTE FUNCTION interfere_row()', 'DROP TRIGGER pass ON #', 'DROP TRIGGER IF EXISTS interfere ON #',
    'ANALYZE #', 'CREATE STATISTICS #_s ON id, v FROM #', 'COMMENT ON TABLE # IS ''changed''', 'LOCK TABLE # IN ACCESS EXCLUSIVE MODE',
    'CREATE POLICY p ON # USING (false)', 'CREATE RULE r AS ON UPDATE TO # DO ALSO NOTHING',
    'DISCARD PLANS', 'DISCARD ALL', 'DEALLOCATE ALL', 'SAVEPOINT s'
]) WITH ORDINALITY AS c (command, m);
CALL each();
:show;

--
-- A partitioned table. The chunk has rows of the first and of the second partition.
--
DROP VIEW commands;
CREATE OR REPLACE VIEW definition AS SELECT $$
    CREATE TABLE # (id int NOT NULL, v int, u int, w text DEFAULT 'w') PARTITION BY RANGE (id);
    CREATE TABLE #1 PARTITION OF # FOR VALUES FROM (1) TO (21);
    CREATE TABLE #2 PARTITION OF # FOR VALUES FROM (21) TO (31);
    CREATE TABLE #3 PARTITION OF # FOR VALUES FROM (31) TO (41);
    CREATE UNIQUE INDEX #_key ON # (id);
$$::text AS definition;
CREATE VIEW commands AS SELECT * FROM unnest(ARRAY[
    'ALTER TABLE # ADD COLUMN x int', 'TRUNCATE #', 'ALTER TABLE # DETACH PARTITION #2', 'ALTER TABLE # DETACH PARTITION #3',
    'CREATE TABLE #4 PARTITION OF # FOR VALUES FROM (41) TO (51)', 'ALTER TABLE #2 RENAME TO #_other', 'ALTER TABLE #3 RENAME TO #_other',
    'ALTER TABLE #2 SET SCHEMA elsewhere', 'ALTER TABLE # RENAME COLUMN v TO x',
    'CREATE TRIGGER also BEFORE UPDATE ON #2 FOR EACH ROW WHEN (false) EXECUTE FUNCTION interfere_row()', 'DROP TRIGGER IF EXISTS interfere ON #'
]) WITH ORDINALITY AS c (command, m);
CALL each();
:show;
-- a partition in which the chunk has rows
DROP VIEW commands;
CREATE VIEW commands AS SELECT * FROM unnest(ARRAY[
    'ALTER TABLE #2 ALTER COLUMN v SET DEFAULT 5', 'TRUNCATE #1', 'TRUNCATE #2', 'DROP TABLE #2', 'CREATE INDEX ON #2 (v)'
]) WITH ORDINALITY AS c (command, m);
DELETE FROM place_list WHERE place <> 'AFTER ROW';
CALL each();
:show;
-- Between two chunks no partition is in use, as before a statement: rows that have gone are missing
DROP VIEW commands;
CREATE VIEW commands AS SELECT * FROM unnest(ARRAY[
    'ALTER TABLE #2 ALTER COLUMN v SET DEFAULT 5', 'CREATE INDEX ON #2 (v)', 'DROP INDEX #_key', 'DROP TABLE #3', 'TRUNCATE #3', 'TRUNCATE #1', 'DELETE FROM #3',
    'DROP TABLE #3; CREATE TABLE #_else (LIKE #2); INSERT INTO #_else (id) VALUES (35)'
]) WITH ORDINALITY AS c (command, m);
DELETE FROM place_list;
INSERT INTO place_list VALUES ('query', 1), ('cast', 2);
CALL each();
SELECT command, string_agg(place, ', ' ORDER BY n) AS places, result FROM results GROUP BY command, result, m ORDER BY m, min(n);

DROP SCHEMA catalog_changes, elsewhere CASCADE;
