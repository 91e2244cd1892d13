--
-- Names that contain SQL, formats or escapes, or have the greatest length, for all kinds of objects that a call uses
--
SET client_min_messages = warning;
\set report 'chunk, rows_updated AS updated, rows_missing AS missing, rows_duplicate AS duplicate, rows_rejected AS rejected, first_key, last_key'
CREATE TABLE names (n int GENERATED ALWAYS AS IDENTITY, name name);
INSERT INTO names (name) VALUES
    ('a"b'), ('"'), (''''), ('a b '), (' '), ('sélect'), ('漢字😀'), ('SELECT'), ('select'), ('user'), ('null'), ('default'), ('excluded'), ('%'), ('%s%n%d'), ('100%$'),
    ('\'), ('\\x'), ('$1'), ('$$'), (':name'), ('a.b'), ('t; DROP TABLE names; --'), ('/*'), ('--'), ('{a,b}'), ('(a,b)'), ('NULL'), (E'a\nb'), (E'\t'),
    (repeat('x', 63)), (repeat('"', 63)), (repeat('漢', 21)), (repeat('é', 31)), ('t'), ('u'), ('w'), ('n'), ('c1'), ('new'), ('old'), ('ctid1'), ('true'), ('-1'), ('1'), ('public');

-- all_of(name): one schema, table, index, key, column, domain, composite type, enum, collation, constraint,
-- trigger, cursor, role's setting, table of rejects and operator schema of this name; the result, and whether
-- UPDATE has the same
CREATE FUNCTION all_of(name name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s text := quote_ident(name);
    target regclass;
    rejects regclass;
    counts text;
    record_of record;
    c refcursor := name::text;
    detail text;
    context text;
BEGIN
    -- a schema of this name may exist already
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %s', s);
    EXECUTE format($q$
        CREATE COLLATION %1$s.%1$s (provider = libc, locale = 'C');
        CREATE DOMAIN %1$s.%2$s AS int;
        CREATE TYPE %1$s.%3$s AS ENUM ('a', %4$L);
        CREATE TABLE %1$s.%1$s (%1$s text COLLATE %1$s.%1$s, "key 2" int, "v%%" %1$s.%2$s CONSTRAINT %1$s CHECK ("v%%" < 100), "e\" %1$s.%3$s, CONSTRAINT %5$s PRIMARY KEY (%1$s, "key 2"));
        INSERT INTO %1$s.%1$s SELECT 'k' || i, i, i FROM generate_series(1, 5) AS i;
        CREATE TABLE %1$s.plain AS TABLE %1$s.%1$s;
    $q$, s, quote_ident(left(name, 10) || '!d'), quote_ident(left(name, 10) || '!e'), left(name, 20), quote_ident(left(name, 10) || '!i'));
    target := to_regclass(format('%s.%s', s, s));
    rejects := bulk_update_create_rejects(format('%s.%s', s, quote_ident(left(name, 10) || '!r')));
    OPEN c FOR EXECUTE format('SELECT %s, "key 2", "key 2" * 10 AS "v%%", %L::%s AS "e\" FROM %s.plain UNION ALL SELECT %L, 7, 7, NULL UNION ALL SELECT ''k3'', 3, 700, NULL UNION ALL SELECT ''k4'', 4, 600, NULL',
                              s, left(name, 20), format('%s.%s', s, quote_ident(left(name, 10) || '!e')), s, name);
    SELECT format('%s updated, %s missing, %s duplicate, %s rejected', sum(rows_updated), sum(rows_missing), sum(rows_duplicate), sum(rows_rejected)) INTO counts
      FROM bulk_update(target, c, on_error => 'skip', on_duplicate => 'last', rejects => rejects, chunk_size => 3);
    CLOSE c;
    EXECUTE format('UPDATE %s.plain SET "v%%" = "key 2" * 10, "e\" = %L WHERE "key 2" NOT IN (3, 4)', s, left(name, 20));
    IF EXISTS (SELECT FROM test_diff(target, to_regclass(format('%s.plain', s)))) THEN
        counts := counts || ', differs from UPDATE';
    END IF;
    -- the record has the values under their names
    EXECUTE format('SELECT count(*) AS n, min(constraint_name) AS c, count(r.*) FILTER (WHERE r."v%%" IS NOT NULL AND r.%s IS NOT NULL) AS v FROM %s AS j, jsonb_populate_record(NULL::%s, j.key || j.new_values) AS r',
                   s, rejects, target) INTO record_of;
    IF record_of.n <> 5 OR record_of.c <> name OR record_of.v <> 5 THEN
        counts := counts || ', recorded ' || record_of;
    END IF;
    -- messages have the unchanged names
    BEGIN
        PERFORM bulk_update_query(target, format('SELECT %L AS %s, 7 AS "key 2", 5 AS "v%%"', name, s), on_missing => 'error', skip_unchanged => true);
    EXCEPTION WHEN no_data_found THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
        IF SQLERRM <> format('table "%s" has no row for source row 1', name) OR detail <> format('Key (%s, "key 2")=(%s, 7) is missing.', s, name) AND detail <> format('Key (%s, key 2)=(%s, 7) is missing.', name, name) THEN
            counts := counts || ', says ' || SQLERRM || ' ' || detail;
        END IF;
        IF strpos(context, format('bulk_update of table %s.%s, chunk 1', s, s)) = 0 THEN
            counts := counts || ', context ' || context;
        END IF;
    END;
    BEGIN
        PERFORM bulk_update(target, c);
        counts := counts || ', took the closed cursor';
    EXCEPTION WHEN invalid_cursor_name THEN
        IF SQLERRM <> format('cursor "%s" does not exist', name) THEN
            counts := counts || ', says ' || SQLERRM;
        END IF;
    END;
    EXECUTE format('DROP TABLE %1$s, %2$s, %3$s.plain; DROP TYPE %3$s.%4$s; DROP DOMAIN %3$s.%5$s; DROP COLLATION %3$s.%3$s', target, rejects, s, quote_ident(left(name, 10) || '!e'), quote_ident(left(name, 10) || '!d'));
    IF name <> 'public' THEN
        EXECUTE format('DROP SCHEMA %s', s);
    END IF;
    RETURN counts;
END
$$;
CREATE TABLE results AS SELECT name, all_of(name) AS result FROM names ORDER BY n;
SELECT result, count(*) FROM results GROUP BY 1 ORDER BY 1;
SELECT name, result FROM results WHERE result NOT LIKE '%rejected' ORDER BY name COLLATE "C";
DROP TABLE names, results;
DROP FUNCTION all_of;

-- A key that is cut off in a message is not cut within a character
CREATE TABLE long_key (k text PRIMARY KEY, v int CHECK (v > 0));
INSERT INTO long_key SELECT repeat(x, 60), 1 FROM unnest('{漢,a漢,é,aé,😀,a😀}'::text[]) AS x;
SELECT k, line FROM long_key, test_error(format('SELECT bulk_update_query(''long_key'', %L, ''{k,v}'')', format('SELECT %L, 0', k))) AS line WHERE line LIKE 'CONTEXT%' ORDER BY k COLLATE "C";
DROP TABLE long_key;
