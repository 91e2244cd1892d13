--
-- Random jobs, each compared with the same by UPDATE ... FROM. Only differences are shown.
--
CREATE FUNCTION run_jobs(jobs int)
RETURNS TABLE (job int, what text, problem text)
LANGUAGE plpgsql AS $$
DECLARE
    key_types text[] := '{int,bigint,numeric,text,uuid,date,"int, int","text, numeric"}';
    orders text[] := '{n,n DESC,random(),"k1 NULLS FIRST, n","k1 DESC, n"}';
    key_type text;
    composite boolean;
    key_columns name[];
    condition text;
    source_order text;
    size int;
    rows int;
    chunks int;
    fetched bigint;
    updated bigint;
    missing bigint;
    plain_updated bigint;
    sound boolean;
    all_updated bigint := 0;
    all_missing bigint := 0;
BEGIN
    PERFORM setseed(0.25);
    FOR i IN 1..jobs LOOP
        job := i;
        key_type := key_types[1 + i % cardinality(key_types)];
        source_order := orders[1 + i % cardinality(orders)];
        composite := key_type LIKE '%,%';
        key_columns := CASE WHEN composite THEN '{k2,k1}' ELSE '{k1}' END;
        size := (ARRAY[1, 2, 7, 50, 300, 10000])[1 + floor(random() * 6)::int];
        rows := (ARRAY[1, 2, 40, 300, 700])[1 + floor(random() * 5)::int];
        PERFORM set_config('work_mem', (ARRAY['64kB', '4MB'])[1 + floor(random() * 2)::int], true);
        what := format('key (%s), %s rows in chunks of %s, work_mem %s, order by %s',
                       key_type, rows, size, current_setting('work_mem'), source_order);

        -- the target has two thirds of the source's keys, and some others
        EXECUTE format('CREATE TABLE t (v text, k1 %s, gone int, %s n int, w numeric(9,1))',
                       split_part(key_type, ', ', 1),
                       CASE WHEN composite THEN format('k2 %s,', split_part(key_type, ', ', 2)) END);
        ALTER TABLE t DROP COLUMN gone;
        EXECUTE format('CREATE UNIQUE INDEX ON t (%s)', array_to_string(key_columns, ', '));
        EXECUTE format(
            'CREATE TABLE new AS
             SELECT i AS n, %s, CASE WHEN i %% 7 > 0 THEN repeat(chr(65 + i %% 26), (random() * random() * 3000)::int) END AS v,
                    (random() * 1000)::numeric AS w
               FROM generate_series(1, %s) AS i',
            (SELECT string_agg(format('CASE WHEN random() > 0.03 THEN (%s) END AS k%s',
                               CASE type WHEN 'text' THEN 'md5(i::text)'
                                         WHEN 'uuid' THEN 'md5(i::text)::uuid'
                                         WHEN 'date' THEN '''2000-01-01''::date + i'
                                         WHEN 'numeric' THEN 'i / 10.0'
                                         ELSE format('(i * 7919 %% 10007)::%s', type) END, n), ', ')
               FROM string_to_table(key_type, ', ') WITH ORDINALITY AS k(type, n)), rows);
        EXECUTE format('INSERT INTO t (n, %1$s) SELECT n, %1$s FROM new WHERE n %% 3 > 0', array_to_string(key_columns, ', '));
        INSERT INTO t (n) SELECT -x FROM generate_series(1, 5) AS x;
        CREATE TABLE plain AS TABLE t;

        EXECUTE format('CREATE TABLE result AS SELECT * FROM bulk_update_query(%L, %L, key_columns => %L, chunk_size => %s)',
                       't', format('SELECT v, %s, w FROM new ORDER BY %s', array_to_string(key_columns, ', '), source_order),
                       key_columns, size);
        SELECT string_agg(format('t.%1$I = new.%1$I', c), ' AND ') INTO condition FROM unnest(key_columns) AS c;
        EXECUTE 'UPDATE plain AS t SET v = new.v, w = new.w FROM new WHERE ' || condition;
        GET DIAGNOSTICS plain_updated = ROW_COUNT;

        SELECT count(*), sum(rows_fetched), sum(rows_updated), sum(rows_missing),
               bool_and(chunk = n AND rows_fetched BETWEEN 1 AND size AND memory_bytes > 0 AND elapsed_ms >= 0 AND
                        rows_fetched = rows_updated + rows_missing AND rows_unchanged + rows_stale + rows_duplicate + rows_rejected = 0)
          INTO chunks, fetched, updated, missing, sound
          FROM (SELECT *, row_number() OVER (ORDER BY chunk) AS n FROM result) AS r;
        problem := concat_ws(', ',
            CASE WHEN fetched <> rows THEN format('%s rows fetched', fetched) END,
            CASE WHEN updated <> plain_updated THEN format('%s rows updated instead of %s', updated, plain_updated) END,
            CASE WHEN chunks < ceil(rows::numeric / size) THEN format('%s chunks only', chunks) END,
            CASE WHEN NOT sound THEN 'a chunk with a wrong report' END,
            CASE WHEN EXISTS (SELECT FROM test_diff('t', 'plain')) THEN 'different tables' END);
        IF problem <> '' THEN
            RETURN NEXT;
        END IF;
        all_updated := all_updated + updated;
        all_missing := all_missing + missing;
        DROP TABLE t, plain, new, result;
    END LOOP;
    RAISE INFO 'there were rows to update: %, and missing ones: %', all_updated > 1000, all_missing > 1000;
END
$$;
SELECT * FROM run_jobs(80);
DROP FUNCTION run_jobs;
