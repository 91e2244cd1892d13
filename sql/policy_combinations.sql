--
-- All combinations of the policies, with one difficult source
--
-- The expected outcome of each row is computed by plain SQL: window functions
-- over the order of the source for duplicates and chunks, and one UPDATE for
-- each row, in the order in which it is applied, for constraints; those that
-- are checked at the end of a statement are deferred and looked up in the table.
-- Only differences are shown.
--
CREATE SCHEMA policy_combinations;
SET search_path = policy_combinations, public;
SET client_min_messages = warning;

CREATE TABLE t (
    id int PRIMARY KEY,
    v int,
    w int NOT NULL CONSTRAINT w_is_not_13 CHECK (w <> 13),
    u int CONSTRAINT u_is_unique UNIQUE,
    s int CONSTRAINT s_is_unique UNIQUE DEFERRABLE,
    ref int CONSTRAINT ref_is_known REFERENCES t (u) DEFERRABLE
);
INSERT INTO t SELECT i, i, 0, i * 10, i, CASE i WHEN 57 THEN 530 WHEN 58 THEN 510 END FROM generate_series(1, 65) AS i;
CREATE INDEX ON t (ref);
CREATE TABLE original AS TABLE t;
ALTER TABLE original ADD PRIMARY KEY (id), ADD UNIQUE (u);

-- The source's keys are text: some are no numbers, and some are equal but look different.
CREATE CAST (text AS integer) WITH INOUT AS ASSIGNMENT;

-- v is numeric and may not fit into an integer.  x: the expected value of v.  n: key order, with rows without a key in between.
CREATE TABLE source_row (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                         id int GENERATED ALWAYS AS (CASE WHEN k !~ 'x' THEN k::int END) STORED,
                         k text, v numeric, w int, u int, s int, ref int, x numeric, class text);
INSERT INTO source_row (k, v, w, u, class) VALUES
    ('x1',  1,     1,    NULL, 'uncoercible key'),          -- a key that cannot be coerced, first
    ('1',   1,     0,    10,   'good'),                     -- unchanged
    ('2',   -2.4,  1,    20,   'good'),
    (NULL,  3,     1,    NULL, 'missing'),
    ('3',   -3,    1,    30,   'good'),                     -- duplicates: adjacent
    ('03',  -3.1,  2,    30,   'duplicate'),
    ('4',   -4,    1,    40,   'good'),
    ('x2',  1e12,  13,   NULL, 'uncoercible key'),          -- everything is wrong
    ('5',   1e12,  1,    50,   'uncoercible'),              -- a value that cannot be coerced
    ('6',   6,     0,    60,   'good'),                     -- unchanged
    ('7',   -7,    1,    70,   'good'),                     -- three times the same key
    ('7',   -7.1,  2,    70,   'duplicate'),
    (' 7',  -7.2,  3,    70,   'duplicate'),
    (NULL,  1e12,  13,   NULL, 'missing'),                  -- its values are not coerced
    ('8',   -8,    13,   80,   'bad check'),                -- CHECK
    ('9',   -9,    13,   90,   'bad check'),                -- another one
    ('10',  -10,   NULL, 100,  'bad'),                      -- NOT NULL
    ('11',  -11,   1,    600,  'bad'),                      -- UNIQUE: a row that is not in the source has the value
    ('12',  -12,   1,    7001, 'good'),                     -- two rows with the same new value
    ('13',  -13,   1,    7001, 'bad'),
    ('14',  -14,   13,   7002, 'bad check'),                -- of these two, the first is bad anyway
    ('15',  -15,   1,    7002, 'good'),
    ('16',  -16,   1,    7003, 'good'),                     -- gives up its old value, which the next row gets
    ('17',  -17,   1,    160,  'good'),
    ('18',  -18,   1,    190,  'bad'),                      -- needs the value that the next row gives up
    ('19',  -19,   1,    7004, 'good'),
    ('20',  1e12,  1,    200,  'uncoercible'),              -- duplicates, one of them bad
    ('20',  -20,   1,    200,  'duplicate'),
    ('21',  -21,   1,    210,  'good'),
    ('21',  -21,   13,   210,  'duplicate bad'),
    ('22',  22,    0,    220,  'good'),                     -- duplicates, one of them unchanged
    ('22',  -22,   1,    220,  'duplicate'),
    ('23',  NULL,  1,    230,  'good'),
    ('24',  -24.5, 1,    NULL, 'good'),
    ('25',  25,    0,    250,  'good'),                     -- unchanged
    ('26',  -26,   1,    260,  'good'),
    ('x1',  1,     1,    NULL, 'uncoercible key'),          -- equal as text, but not keys: no duplicates
    ('27',  -27,   1,    270,  'good');
-- Rows that are checked at the end of a statement.  57, 58 and 60 are not in the source.
INSERT INTO source_row (k, v, w, u, s, ref, class) VALUES
    ('28',  -28,   1,    280,  28,   280,  'end good'),     -- refers to itself
    ('29',  -29,   1,    7029, 29,   7029, 'end good'),     -- and to its new value
    ('30',  -30,   1,    7030, 30,   7031, 'end together'), -- two rows that refer to each other's new value
    ('31',  -31,   1,    7031, 31,   7030, 'end together'),
    ('32',  -32,   1,    320,  32,   9999, 'end unknown'),  -- refers to nothing
    ('33',  -33,   13,   7033, 33,   NULL, 'end bad check'), -- the next row refers to its new value; this row is bad
    ('34',  -34,   1,    340,  34,   7033, 'end bad check'),
    ('35',  -35,   1,    350,  35,   330,  'end good'),     -- and this one to its old value
    ('36',  -36,   1,    360,  37,   NULL, 'end good'),     -- a shift of s
    ('37',  -37,   1,    370,  38,   NULL, 'end good'),
    ('38',  -38,   1,    380,  NULL, NULL, 'end good'),
    ('39',  -39,   13,   390,  139,  NULL, 'end bad check'), -- a shift whose first row is bad
    ('40',  -40,   1,    400,  39,   NULL, 'end bad check'),
    ('41',  -41,   1,    410,  42,   NULL, 'end good'),     -- a swap of s
    ('42',  -42,   1,    420,  41,   NULL, 'end good'),
    ('43',  -43,   1,    430,  57,   NULL, 'end taken'),    -- s of a row that is not in the source
    ('44',  -44,   1,    7044, 44,   NULL, 'end good'),
    ('45',  -45,   1,    450,  45,   7044, 'end together'), -- refers to the new value of the row before it
    ('46',  -46,   1,    460,  46,   7047, 'end together'), -- and to that of the row after it
    ('47',  -47,   1,    7047, 47,   NULL, 'end good'),
    ('48',  -48,   1,    7048, 48,   7050, 'end together'), -- the next row needs it, and it needs the one after
    ('49',  -49,   1,    480,  49,   NULL, 'end together'),
    ('50',  -50,   1,    7050, NULL, NULL, 'end good'),
    ('51',  -51,   1,    7051, 51,   NULL, 'end together'), -- 58 refers to its old value, which the next row gets
    ('52',  -52,   1,    510,  52,   NULL, 'end together'),
    ('53',  -53,   1,    7053, 53,   NULL, 'end unknown'),  -- 57 refers to its old value
    ('54',  -54,   1,    540,  55,   NULL, 'end bad check'), -- a swap: one refers to the new value of the other, a bad row
    ('55',  -55,   1,    550,  54,   7056, 'end bad check'),
    ('56',  -56,   13,   7056, 56,   NULL, 'end bad check');
INSERT INTO source_row (k, v, w, u, class) VALUES
    ('59',  59,    0,    590,  'good'),                     -- unchanged
    ('61',  -61,   1,    610,  'stale'),
    ('62',  62,    0,    620,  'stale'),                    -- unchanged, or stale
    ('63',  -63,   1,    630,  'stale'),                    -- duplicates, one of them stale
    ('63',  -63.1, 2,    630,  'duplicate'),
    ('64',  -64,   13,   640,  'stale bad check'),          -- the check fails only if it is not stale
    ('100', -100,  1,    NULL, 'missing'),
    ('101', 1e12,  1,    NULL, 'uncoercible'),              -- missing, but the value is coerced before that
    ('102', -102,  13,   NULL, 'missing'),                  -- missing, so no constraint is checked
    ('103', -103,  1,    NULL, 'missing'),                  -- duplicates of a missing row
    ('103', -103,  1,    NULL, 'duplicate missing'),
    ('104', 1e12,  1,    NULL, 'uncoercible'),
    ('104', 1,     1,    NULL, 'duplicate missing'),
    ('105', 105,   1,    NULL, 'missing'),
    (NULL,  NULL,  NULL, NULL, 'missing'),
    ('x3',  0,     1,    NULL, 'uncoercible key'),          -- last
    ('2',   -2.9,  1,    20,   'duplicate');            -- far from its first occurrence: out of key order
UPDATE source_row SET s = id WHERE id NOT BETWEEN 28 AND 56;
UPDATE source_row SET x = CASE WHEN class !~ 'stale' THEN id WHEN id <> 63 THEN -1 END;
ANALYZE t, original, source_row;

-- Four orders: that one, reversed, random, and late: two thirds in order, then the others.
-- Each whole and without some of the classes.
CREATE TABLE source AS
SELECT ord, without, concat_ws(' without ', ord, without) AS variant, s.*,
       row_number() OVER (PARTITION BY ord, without
                          ORDER BY CASE ord WHEN 'key' THEN n WHEN 'reversed' THEN -n
                                            WHEN 'late' THEN (n % 3 = 1)::int * 1000 + n END,
                                   md5(n::text)) AS pos
  FROM unnest('{key,reversed,random,late}'::text[]) AS ord,
       (SELECT DISTINCT concat_ws('|', bad, duplicate, missing) AS without
          FROM unnest('{NULL,uncoercible|check,uncoercible|bad,uncoercible|bad|unknown|taken,
                        uncoercible|bad|unknown|together,uncoercible|bad|unknown|taken|together,
                        end|stale,end|uncoercible|bad|stale,
                        end,end|uncoercible key,end|uncoercible,end|uncoercible|check,end|uncoercible|bad}'::text[]) AS bad,
               unnest('{NULL,duplicate}'::text[]) AS duplicate,
               unnest('{NULL,missing}'::text[]) AS missing) AS w, source_row AS s
 WHERE without = '' OR class !~ without;
CREATE INDEX ON source (variant, pos);

--
-- plan: what each source row is before it is applied, and when it is applied.
-- Rows stream while their keys ascend; from the first row that is out of order,
-- all rows are sorted: from the very first row if that row is in the first
-- chunk, and under 'last'.
--
CREATE TABLE plan AS
WITH keys AS (
    SELECT variant, without, on_duplicate, n, pos, k, v, w, u, s, ref, x,
           id, k ~ 'x' IS TRUE AS bad_key, v >= 1e12 IS TRUE AS bad_value
      FROM source, unnest('{error,first,last}'::text[]) AS on_duplicate
     WHERE on_duplicate = 'error' OR without !~ 'duplicate'
), numbered AS (
    SELECT *,
           CASE on_duplicate WHEN 'last' THEN last_value(pos) OVER same_key
                             ELSE first_value(pos) OVER same_key END AS kept,
           max(id) OVER (PARTITION BY variant, on_duplicate ORDER BY pos
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS highest_before
      FROM keys
    WINDOW same_key AS (PARTITION BY variant, on_duplicate, id ORDER BY pos
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), split AS (
    SELECT *, CASE WHEN on_duplicate = 'last' OR out_of_order <= chunk_size THEN 1 ELSE out_of_order END AS split
      FROM (SELECT *, coalesce(min(pos) FILTER (WHERE id < highest_before)
                               OVER (PARTITION BY variant, on_duplicate), 1000) AS out_of_order
              FROM numbered) AS n,
           unnest('{1,2,7,1000,2147483647}'::int[]) AS chunk_size
), fed AS (
    SELECT *, row_number() OVER (PARTITION BY variant, on_duplicate, chunk_size
                                 ORDER BY pos >= split, CASE WHEN pos < split THEN pos ELSE id END,
                                          CASE on_duplicate WHEN 'last' THEN -pos ELSE pos END) AS turn
      FROM split
)
SELECT variant, without, on_duplicate, chunk_size, n, pos, k, v, w, u, s, ref, x, id, bad_key, bad_value, kept,
       id IS NOT NULL AND kept <> pos AS is_duplicate, split, turn, (turn - 1) / chunk_size + 1 AS chunk,
       id IS NOT NULL AND kept = pos AND NOT bad_value AS has_image,
       EXISTS (SELECT FROM t WHERE t.id = fed.id) AS is_there,
       EXISTS (SELECT FROM t WHERE (t.id, t.v, t.w, t.u, t.s) = (fed.id, fed.v, fed.w, fed.u, fed.s) AND fed.ref IS NULL) AS is_same,
       EXISTS (SELECT FROM t WHERE t.id = fed.id AND t.v IS DISTINCT FROM fed.x) AS is_stale,
       NULL::text AS sqlstate, NULL::text AS constraint_name
  FROM fed;
CREATE INDEX ON plan (variant, on_duplicate, chunk_size);

-- The rows to apply: those of each chunk, by n, in key order
CREATE TABLE part AS
SELECT variant, without, on_duplicate, chunk_size, jsonb_agg(rows ORDER BY chunk) AS chunks
  FROM (SELECT variant, without, on_duplicate, chunk_size, chunk, jsonb_agg(n ORDER BY id) AS rows
          FROM plan WHERE has_image AND is_there GROUP BY 1, 2, 3, 4, 5) AS c
 GROUP BY 1, 2, 3, 4;

--
-- Which of them cannot be applied, and why
--
CREATE TABLE failure (chunks jsonb, on_error text, place int, n int, id int, sqlstate text, constraint_name text);

-- place: found when the row is written (1), at the end of its chunk (2), or of the call (3)
CREATE TYPE found AS (place int, n int, id int, sqlstate text, constraint_name text);

-- The errors that the end of a statement finds for the changed rows.  No row is changed twice.  Of
-- each row, the first is that of the first trigger by name.
CREATE FUNCTION late_failures(changed int[]) RETURNS SETOF found
LANGUAGE sql STABLE AS $$
    SELECT 2, n, t.id, violated.*
      FROM source_row JOIN t USING (id) JOIN original USING (id),
           LATERAL (SELECT '23505', 's_is_unique'
                     WHERE EXISTS (SELECT FROM t AS other WHERE other.s = t.s AND other.id <> t.id)
                    UNION ALL
                    SELECT '23503', 'ref_is_known'
                     WHERE t.ref IS NOT NULL AND NOT EXISTS (SELECT FROM t AS other WHERE other.u = t.ref)
                        OR EXISTS (SELECT FROM t AS other WHERE other.ref = original.u)
                           AND NOT EXISTS (SELECT FROM t AS other WHERE other.u = original.u)
                   ) AS violated (sqlstate, constraint_name)
     WHERE n = ANY (changed) ORDER BY id, sqlstate
$$;

-- Are there errors for which one changed row or another may be to blame?  Such cases are not tested.
CREATE FUNCTION is_ambiguous(changed int[]) RETURNS bool
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM late_failures(changed) AS f JOIN t USING (id),
                          source_row AS r JOIN t AS other USING (id) JOIN original USING (id)
                    WHERE r.n = ANY (changed) AND r.n <> f.n AND (t.s = other.s OR t.ref = original.u));
END
$$;

-- An UPDATE for each row
CREATE FUNCTION try_rows(rows int[], OUT changed int[], OUT failed found[], OUT late found[])
LANGUAGE plpgsql AS $$
DECLARE
    r record;
    violated text;
BEGIN
    changed := '{}';
    failed := '{}';
    FOR r IN SELECT * FROM source_row WHERE n = ANY (rows) ORDER BY id LOOP
        BEGIN
            UPDATE t SET v = r.v, w = r.w, u = r.u, s = r.s, ref = r.ref WHERE id = r.id;
            changed := changed || r.n;
        EXCEPTION WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
            failed := failed || ROW(1, r.n, r.id, SQLSTATE, nullif(violated, ''))::found;
        END;
    END LOOP;
    late := ARRAY(SELECT f FROM late_failures(changed) AS f);
    ASSERT late = '{}' OR NOT is_ambiguous(changed);
END
$$;

-- Under on_error 'skip': rows of a chunk that fail late are left out until none fails.
CREATE FUNCTION skip_failures(chunks jsonb) RETURNS SETOF found
LANGUAGE plpgsql AS $$
DECLARE
    rows int[];
    tried record;
    done bool;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    FOR rows IN SELECT ARRAY(SELECT jsonb_array_elements_text(value)::int) FROM jsonb_array_elements(chunks) LOOP
        done := false;
        WHILE NOT done LOOP
            BEGIN
                tried := try_rows(rows);
                IF tried.late <> '{}' THEN
                    RAISE EXCEPTION SQLSTATE 'TT001';
                END IF;
                done := true;
            EXCEPTION WHEN SQLSTATE 'TT001' THEN
                RETURN QUERY SELECT DISTINCT ON (n) * FROM unnest(tried.late) ORDER BY n, sqlstate;
                rows := ARRAY(SELECT unnest(rows) EXCEPT SELECT n FROM unnest(tried.late));
            END;
        END LOOP;
        RETURN QUERY SELECT * FROM unnest(tried.failed);
    END LOOP;
END
$$;

-- Under 'stop': the first error.  Deferrable unique constraints are checked when the call ends, in
-- the order in which rows were applied.
CREATE FUNCTION stop_failure(chunks jsonb) RETURNS SETOF found
LANGUAGE plpgsql AS $$
DECLARE
    rows int[];
    applied int[] := '{}';
    tried record;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    FOR rows IN SELECT ARRAY(SELECT jsonb_array_elements_text(value)::int) FROM jsonb_array_elements(chunks) LOOP
        tried := try_rows(rows);
        RETURN QUERY SELECT * FROM unnest(tried.failed || tried.late)
                      WHERE constraint_name IS DISTINCT FROM 's_is_unique' ORDER BY place, id LIMIT 1;
        IF FOUND THEN
            RETURN;
        END IF;
        applied := applied || tried.changed;
    END LOOP;
    ASSERT NOT is_ambiguous(applied);
    RETURN QUERY SELECT 3, n, id, sqlstate, constraint_name FROM late_failures(applied)
                  WHERE constraint_name = 's_is_unique' ORDER BY array_position(applied, n) LIMIT 1;
END
$$;
SET enable_seqscan = off; -- there will be many dead rows
SET plan_cache_mode = force_generic_plan;
DO $$
DECLARE
    todo record;
    failures found[];
BEGIN
    FOR todo IN SELECT chunks, 'stop' AS on_error FROM part
                UNION
                SELECT chunks, 'skip' FROM part WHERE without !~ 'uncoercible' LOOP
        BEGIN
            failures := CASE todo.on_error WHEN 'skip' THEN ARRAY(SELECT f FROM skip_failures(todo.chunks) AS f)
                                           ELSE ARRAY(SELECT f FROM stop_failure(todo.chunks) AS f) END;
            RAISE EXCEPTION SQLSTATE 'TT000';
        EXCEPTION WHEN SQLSTATE 'TT000' THEN
        END;
        INSERT INTO failure SELECT todo.chunks, todo.on_error, f.* FROM unnest(failures) AS f;
    END LOOP;
END
$$;
RESET enable_seqscan;
RESET plan_cache_mode;
VACUUM t;
UPDATE plan AS p SET sqlstate = f.sqlstate, constraint_name = f.constraint_name
  FROM part JOIN failure AS f USING (chunks)
 WHERE (p.variant, p.on_duplicate, p.chunk_size, p.n) = (part.variant, part.on_duplicate, part.chunk_size, f.n)
   AND on_error = 'skip';
CREATE TABLE stop AS
SELECT variant, on_duplicate, chunk_size, chunk, pos, id, place, f.sqlstate
  FROM part JOIN failure AS f USING (chunks) JOIN plan USING (variant, on_duplicate, chunk_size, n, id)
 WHERE on_error = 'stop';
CREATE INDEX ON stop (variant, on_duplicate, chunk_size);
ANALYZE plan, stop;

-- The data are as intended: every kind of error occurs, and some rows depend on their order.
SELECT sqlstate, constraint_name, count(*) > 100 AS often FROM plan WHERE sqlstate IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT place, sqlstate, count(*) > 10 AS often FROM stop GROUP BY 1, 2 ORDER BY 1, 2;
SELECT id, class, array_agg(DISTINCT coalesce(sqlstate, 'none')) AS failures
  FROM plan JOIN source_row USING (n, id) WHERE has_image AND without !~ 'uncoercible'
 GROUP BY n, id, class HAVING count(DISTINCT coalesce(sqlstate, 'none')) > 1 ORDER BY n;

SELECT bulk_update_create_rejects('rejects');

-- Half of the calls keep old values.  They are undone by the columns that are in no constraint of several rows.
SELECT bulk_update_create_old_values('kept', 't');
CREATE VIEW kept_v_w AS SELECT run, id, old_v, new_v, old_w, new_w FROM kept;

-- on_stale: NULL if no values are expected
CREATE TYPE policies AS (on_missing text, on_duplicate text, on_error text, skip_unchanged bool,
                         rejects regclass, reject_limit bigint, dry_run bool, on_stale text);

-- The outcome of each row if nothing stops the call
CREATE FUNCTION expected_rows(in_variant text, size int, p policies)
RETURNS TABLE (r plan, outcome text, code text, violated text)
LANGUAGE sql STABLE AS $$
    SELECT plan, o.outcome,
           CASE o.outcome WHEN 'rejected'
                THEN CASE WHEN bad_key THEN '22P02' WHEN bad_value THEN '22003' ELSE sqlstate END END,
           CASE WHEN o.outcome = 'rejected' AND has_image THEN constraint_name END
      FROM plan,
           LATERAL (SELECT CASE WHEN bad_key THEN 'rejected'
                                WHEN id IS NULL THEN 'missing'
                                WHEN is_duplicate THEN 'duplicate'
                                WHEN bad_value THEN 'rejected'
                                WHEN NOT is_there THEN 'missing'
                                WHEN p.skip_unchanged AND is_same THEN 'unchanged'
                                WHEN p.on_stale IS NOT NULL AND is_stale THEN 'stale'
                                WHEN p.dry_run OR p.on_error = 'stop' OR sqlstate IS NULL THEN 'updated'
                                ELSE 'rejected' END AS outcome) AS o
     WHERE variant = in_variant AND on_duplicate = p.on_duplicate AND chunk_size = size
$$;

-- The error that stops the call, if any: its SQLSTATE, and the text that names the row.
-- All keys of the first chunk are read first, and all remaining ones where the sort begins.
-- Then each chunk is filled, applied, counted.
CREATE FUNCTION expected_error(in_variant text, size int, p policies, OUT code text, OUT text_in_error text)
LANGUAGE sql STABLE AS $$
    WITH e AS MATERIALIZED (
        SELECT (x.r).*, outcome, x.code FROM expected_rows(in_variant, size, p) AS x
    )
    SELECT event.code, event.text_in_error
      FROM (SELECT CASE WHEN pos <= size THEN ARRAY[1, 1, 0, 0, pos]
                        ELSE ARRAY[(least(pos, split) - 1) / size + 1, 1, least(pos, split), 0, pos] END AS at,
                   '22P02' AS code, format('source row %s, column "id"', pos) AS text_in_error
              FROM e WHERE bad_key AND p.on_error = 'stop'
            UNION ALL
            SELECT ARRAY[chunk, 1, turn, 1, pos], '21000',
                   format('Key (id)=(%s) is in source rows %s and %s.', id, kept, pos)
              FROM e WHERE is_duplicate AND p.on_duplicate = 'error'
            UNION ALL
            SELECT ARRAY[chunk, 1, turn, 2, pos], '22003', format('source row %s, column "v"', pos)
              FROM e WHERE outcome = 'rejected' AND NOT bad_key AND NOT has_image AND p.on_error = 'stop'
            UNION ALL
            SELECT CASE place WHEN 3 THEN ARRAY[2147483647] ELSE ARRAY[chunk, 2, place] END, sqlstate,
                   CASE place WHEN 3 THEN format('at the end of the call, at the row with key (id)=(%s)', id)
                              ELSE format(', at source row %s with key (id)=(%s)', pos, id) END
              FROM stop WHERE variant = in_variant AND on_duplicate = p.on_duplicate AND chunk_size = size
                          AND p.on_error = 'stop' AND NOT p.dry_run
            UNION ALL
            SELECT ARRAY[chunk, 3, pos], 'P0002', format('source row %s', pos)
              FROM e WHERE outcome = 'missing' AND p.on_missing = 'error'
            UNION ALL
            SELECT ARRAY[chunk, 4, pos], '55000', format('that source row %s expects', pos)
              FROM e WHERE outcome = 'stale' AND p.on_stale = 'error'
            UNION ALL
            (SELECT ARRAY[chunk, 5], '54000', format('%s rows were rejected', rejected)
              FROM (SELECT chunk, sum(count(*) FILTER (WHERE outcome = 'rejected'))
                                  OVER (ORDER BY chunk) AS rejected
                      FROM e GROUP BY chunk) AS c
             WHERE rejected > p.reject_limit)) AS event
     ORDER BY event.at LIMIT 1
$$;

-- The expected rows of the table of rejects
CREATE FUNCTION expected_rejects(in_variant text, size int, p policies) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array((r).chunk, (r).pos, CASE outcome WHEN 'rejected' THEN 'error' ELSE outcome END,
                             CASE WHEN (r).has_image THEN jsonb_build_object('id', (r).id)
                                  ELSE jsonb_build_object('id', (r).k) END,
                             jsonb_build_object('v', CASE WHEN (r).has_image THEN (r).v::int ELSE (r).v END,
                                                'w', (r).w, 'u', (r).u, 's', (r).s, 'ref', (r).ref),
                             code, violated, outcome = 'rejected',
                             CASE outcome WHEN 'stale' THEN jsonb_build_object('v', (r).id) END)::text
      FROM expected_rows(in_variant, size, p) WHERE outcome NOT IN ('updated', 'unchanged')
     ORDER BY (r).pos
$$;

CREATE FUNCTION expected_table(in_variant text, size int, p policies) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN e.outcome IS NULL OR p.dry_run THEN t::text
                ELSE ROW(t.id, ((e.r).v)::int, (e.r).w, (e.r).u, (e.r).s, (e.r).ref)::text END
      FROM t LEFT JOIN expected_rows(in_variant, size, p) AS e ON t.id = (e.r).id AND e.outcome = 'updated'
     ORDER BY t.id
$$;

-- The expected rows of the table of old values
CREATE FUNCTION expected_kept(in_variant text, size int, p policies) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array((r).pos, t.id, jsonb_build_array(t.v, t.w, t.u, t.s, t.ref),
                             jsonb_build_array(((r).v)::int, (r).w, (r).u, (r).s, (r).ref))::text
      FROM expected_rows(in_variant, size, p) JOIN t ON t.id = (r).id
     WHERE outcome = 'updated' AND NOT p.dry_run
     ORDER BY (r).pos
$$;

--
-- check_combination: make the call, compare, undo it; return the differences.
--
CREATE FUNCTION check_combination(in_variant text, size int, p policies, expected_code text, needle text)
RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT t::text FROM t ORDER BY id);
    expected_counts jsonb;
    counts jsonb;
    wrong_chunks bigint;
    contents text[];
    recorded text[];
    runs bigint;
    keeps bool := hashtext(concat(in_variant, size, p)) % 2 = 0;
    kept text[] := '{}';
    kept_runs bigint;
    undone bigint;
    not_undone bigint;
    text_of_error text;
    detail text;
    context text;
BEGIN
    IF p.rejects IS NOT NULL AND (p.on_missing, p.on_duplicate, p.on_error, coalesce(p.on_stale, 'error')) = ('error', 'error', 'stop', 'error') THEN
        expected_code := '22023';
        needle := 'has no effect with these policies';
    END IF;
    SET LOCAL plan_cache_mode = auto;
    BEGIN
        SELECT jsonb_build_object('updated', coalesce(sum(rows_updated), 0),
                                  'unchanged', coalesce(sum(rows_unchanged), 0),
                                  'missing', coalesce(sum(rows_missing), 0),
                                  'stale', coalesce(sum(rows_stale), 0),
                                  'duplicate', coalesce(sum(rows_duplicate), 0),
                                  'rejected', coalesce(sum(rows_rejected), 0)),
               count(*) FILTER (WHERE rows_fetched <> rows_updated + rows_unchanged + rows_missing + rows_stale +
                                                      rows_duplicate + rows_rejected
                                      OR rows_fetched <> size AND NOT is_last
                                      OR rows_fetched NOT BETWEEN 1 AND size)
          INTO counts, wrong_chunks
          FROM (SELECT *, chunk = max(chunk) OVER () AS is_last
                  FROM bulk_update_query('t', format('SELECT k, v, w, u, s, ref%s FROM source WHERE variant = %L ORDER BY pos',
                                                     CASE WHEN p.on_stale IS NOT NULL THEN ', x' END, in_variant),
                                         '{id,v,w,u,s,ref}', chunk_size => size, on_missing => p.on_missing,
                                         on_duplicate => p.on_duplicate, on_error => p.on_error,
                                         skip_unchanged => p.skip_unchanged, rejects => p.rejects,
                                         reject_limit => p.reject_limit, dry_run => p.dry_run,
                                         expected_columns => CASE WHEN p.on_stale IS NOT NULL THEN '{v}'::name[] END,
                                         on_stale => coalesce(p.on_stale, 'ignore'),
                                         old_values => CASE WHEN keeps THEN 'kept'::regclass END)) AS c;
        SELECT array_agg(t::text ORDER BY id) INTO contents FROM t;
        SELECT coalesce(array_agg(jsonb_build_array(chunk, source_row, reason, key, new_values, sqlstate,
                                                    constraint_name, message IS NOT NULL, current_values)::text
                                  ORDER BY source_row), '{}'),
               count(DISTINCT (run, target)) INTO recorded, runs
          FROM rejects WHERE target = 't'::regclass;
        IF keeps THEN
            SELECT coalesce(array_agg(jsonb_build_array(source_row, id, jsonb_build_array(old_v, old_w, old_u, old_s, old_ref),
                                                        jsonb_build_array(new_v, new_w, new_u, new_s, new_ref))::text
                                      ORDER BY source_row), '{}'),
                   count(DISTINCT run) INTO kept, kept_runs FROM kept;
            SELECT coalesce(sum(rows_updated), 0) INTO undone
              FROM bulk_update_undo('t', 'kept_v_w', chunk_size => size, skip_unchanged => false);
            SELECT count(*) INTO not_undone FROM t JOIN original USING (id) WHERE (t.v, t.w) IS DISTINCT FROM (original.v, original.w);
        END IF;
        RAISE EXCEPTION SQLSTATE 'TT000';
    EXCEPTION
        WHEN SQLSTATE 'TT000' THEN
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
            text_of_error := concat_ws(E'\n', SQLERRM, detail, context);
            IF SQLSTATE IS DISTINCT FROM expected_code OR position(needle IN text_of_error) = 0 THEN
                RETURN NEXT format('expected %s %s, got %s %s', expected_code, needle, SQLSTATE,
                                   split_part(text_of_error, E'\nSQL statement', 1));
            END IF;
            RETURN;
    END;
    IF expected_code IS NOT NULL THEN
        RETURN NEXT format('expected %s %s, got no error', expected_code, needle);
        RETURN;
    END IF;

    SET LOCAL plan_cache_mode = force_generic_plan; -- for what is the same in each combination
    SELECT jsonb_build_object('updated', count(*) FILTER (WHERE outcome = 'updated'),
                              'unchanged', count(*) FILTER (WHERE outcome = 'unchanged'),
                              'missing', count(*) FILTER (WHERE outcome = 'missing'),
                              'stale', count(*) FILTER (WHERE outcome = 'stale'),
                              'duplicate', count(*) FILTER (WHERE outcome = 'duplicate'),
                              'rejected', count(*) FILTER (WHERE outcome = 'rejected'))
      INTO expected_counts FROM expected_rows(in_variant, size, p);
    IF counts <> expected_counts THEN
        RETURN NEXT format('expected %s, got %s', expected_counts, counts);
    END IF;
    IF wrong_chunks > 0 THEN
        RETURN NEXT format('%s chunks do not add up', wrong_chunks);
    END IF;
    RETURN QUERY SELECT format('table: expected %s, got %s', e, g)
                   FROM unnest(ARRAY(SELECT * FROM expected_table(in_variant, size, p)), contents) AS c (e, g)
                  WHERE e IS DISTINCT FROM g;
    IF p.rejects IS NOT NULL THEN
        RETURN QUERY SELECT format('rejects: expected %s, got %s', e, g)
                       FROM unnest(ARRAY(SELECT * FROM expected_rejects(in_variant, size, p)), recorded) AS c (e, g)
                      WHERE e IS DISTINCT FROM g;
        IF runs > 1 THEN
            RETURN NEXT format('%s runs', runs);
        END IF;
    ELSIF recorded <> '{}' THEN
        RETURN NEXT 'rejects without being asked for';
    END IF;
    IF keeps THEN
        RETURN QUERY SELECT format('kept: expected %s, got %s', e, g)
                       FROM unnest(ARRAY(SELECT * FROM expected_kept(in_variant, size, p)), kept) AS c (e, g)
                      WHERE e IS DISTINCT FROM g;
        IF kept_runs > 1 OR undone <> cardinality(kept) OR not_undone > 0 THEN
            RETURN NEXT format('%s runs kept, %s of %s rows undone, %s rows differ', kept_runs, undone, cardinality(kept), not_undone);
        END IF;
    END IF;
    IF before <> ARRAY(SELECT t::text FROM t ORDER BY id) THEN
        RETURN NEXT 'the table has changed';
    END IF;
END
$$;

-- All values of all policies; reject_limit only where it is allowed, and on_stale not with all others
CREATE TABLE combination AS
SELECT ord, chunk_size,
       ROW(on_missing, on_duplicate, on_error, skip_unchanged, rejects, reject_limit, dry_run, on_stale)::policies AS p
  FROM unnest('{key,reversed,random,late}'::text[]) AS ord,
       unnest('{1,2,7,1000,2147483647}'::int[]) AS chunk_size,
       unnest('{ignore,error}'::text[]) AS on_missing,
       unnest('{error,first,last}'::text[]) AS on_duplicate,
       unnest('{stop,skip}'::text[]) AS on_error,
       unnest('{f,t}'::bool[]) AS skip_unchanged,
       unnest('{NULL,rejects}'::regclass[]) AS rejects,
       unnest('{NULL,4,1000}'::bigint[]) AS reject_limit,
       unnest('{f,t}'::bool[]) AS dry_run,
       unnest('{NULL,ignore,error}'::text[]) AS on_stale
 WHERE (on_error = 'skip' OR reject_limit IS NULL)
   AND (on_stale IS NULL
        OR reject_limit IS NULL AND CASE on_stale WHEN 'ignore' THEN rejects IS NOT NULL
                                                  ELSE rejects IS NULL AND on_missing = 'ignore' END);

-- With all rows, and without those that the policies make an error of.  Where nothing else precedes
-- them, each kind of error should come first once.  Rows that are checked at a statement's end are not
-- in each call, because they take much longer.  Where errors stop the call, a row that would be stale
-- may be the first bad one otherwise: with expected values, there are no bad rows then.
CREATE TABLE run AS
SELECT r.*, e.*
  FROM (SELECT DISTINCT c.*, concat_ws(' without ', ord, concat_ws('|', bad, duplicate, missing)) AS variant
          FROM combination AS c,
               LATERAL (SELECT 'end', NULL, NULL WHERE (p).on_error = 'skip' OR (p).on_stale IS NULL
                        UNION ALL
                        SELECT v.bad, CASE (p).on_duplicate WHEN 'error' THEN 'duplicate' END,
                               CASE (p).on_missing WHEN 'error' THEN 'missing' END
                          FROM (SELECT 'end' AS bad WHERE (p).on_error = 'skip'
                                UNION ALL
                                SELECT 'end|stale' WHERE (p).on_error = 'skip' AND (p).on_stale = 'error'
                                UNION ALL
                                SELECT 'end|uncoercible|bad|stale' WHERE (p).on_error = 'stop' AND (p).on_stale = 'error'
                                UNION ALL
                                SELECT 'end|uncoercible|bad' WHERE (p).on_error = 'stop' AND (p).on_stale IS NOT NULL
                                UNION ALL
                                SELECT unnest('{end|uncoercible,end|uncoercible|bad}'::text[])
                                 WHERE (p).on_error = 'stop' AND (p).on_stale IS NULL
                                UNION ALL
                                SELECT unnest('{end|uncoercible key,end|uncoercible|check}'::text[])
                                 WHERE (p).on_error = 'stop' AND (p).on_stale IS NULL AND NOT (p).skip_unchanged AND (p).rejects IS NULL
                                UNION ALL
                                SELECT NULL WHERE (p).on_error = 'skip' AND (p).reject_limit IS NOT DISTINCT FROM
                                                  CASE WHEN (p).rejects IS NULL THEN 4 END
                                UNION ALL
                                SELECT unnest('{uncoercible|bad|unknown|taken,uncoercible|bad|unknown|taken|together}'::text[])
                                 WHERE (p).on_error = 'stop' AND (p).on_stale IS NULL AND (p).rejects IS NULL
                                UNION ALL
                                SELECT unnest('{uncoercible|check,uncoercible|bad,uncoercible|bad|unknown|together}'::text[])
                                 WHERE (p).on_error = 'stop' AND (p).on_stale IS NULL AND (p).rejects IS NULL AND NOT (p).skip_unchanged
                                   AND NOT (p).dry_run
                               ) AS v) AS w (bad, duplicate, missing)) AS r,
       LATERAL expected_error(variant, chunk_size, p) AS e;

SELECT count(*) AS combinations FROM combination;
SELECT ord, count(*) AS calls, count(*) FILTER (WHERE code IS NULL) AS without_error
  FROM run GROUP BY ord ORDER BY ord;
SELECT (p).on_error, (p).dry_run, chunk_size, count(*) AS without_error FROM run WHERE code IS NULL AND variant !~ 'end'
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT code, text_in_error ~ 'end of the call' AS at_the_end, count(*) > 10 AS often FROM run GROUP BY 1, 2 ORDER BY 1, 2;

-- Calls that are undone leave dead rows, which cost more than the calls: remove them now and then.
ALTER TABLE run ADD number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
CREATE TABLE differs (ord text, number int, mismatch text);
\set ECHO none
SELECT unnest(ARRAY['VACUUM t', format('INSERT INTO differs SELECT ord, number, mismatch FROM run, '
                                       'check_combination(variant, chunk_size, p, code, text_in_error) AS mismatch '
                                       'WHERE number BETWEEN %s AND %s', first, first + 99)])
  FROM generate_series(1, (SELECT max(number) FROM run), 100) AS first
\gexec
\set ECHO all
SELECT r.*, mismatch FROM (SELECT *, row_number() OVER (PARTITION BY ord ORDER BY number) AS n FROM differs) AS d JOIN run AS r USING (number)
 WHERE n <= 20 ORDER BY number, n;

DROP CAST (text AS integer);
DROP SCHEMA policy_combinations CASCADE;
