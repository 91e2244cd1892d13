--
-- A text column can be mapped to a column of any type: it is read as by COPY
--
CREATE SCHEMA text_source;
SET search_path = text_source, public;

-- The values of an array of text, from a query with a column of type text, varchar, char and a
-- domain over text, and as literals in INSERT: the same values, or the same error
CREATE DOMAIN some_text AS text;
CREATE FUNCTION test_reading(type text, given text[]) RETURNS TABLE (result text, same boolean)
LANGUAGE plpgsql AS $$
DECLARE
    source_type text;
    error text[];
BEGIN
    SET LOCAL client_min_messages = warning;
    same := true;
    FOREACH source_type IN ARRAY '{text,varchar,bpchar,some_text}'::text[] LOOP
        DROP TABLE IF EXISTS t, plain, new;
        EXECUTE format('CREATE TABLE t (id int PRIMARY KEY, v %s)', type);
        EXECUTE format('CREATE TABLE plain (LIKE t)');
        EXECUTE format('CREATE TABLE new AS SELECT id::int, v::%s FROM unnest($1) WITH ORDINALITY AS u (v, id)', source_type) USING given;
        INSERT INTO t (id) SELECT id FROM new;
        error := ARRAY(SELECT test_error($q$ SELECT bulk_update_query('t', 'SELECT id, v FROM new ORDER BY id') $q$));
        same := same AND error[1] = (ARRAY(SELECT test_error(
            (SELECT 'INSERT INTO plain VALUES ' || string_agg(format('(%s, %L)', id, v::text), ', ' ORDER BY id) FROM new))))[1];
        IF error = ARRAY['no error'] THEN
            same := same AND NOT EXISTS (SELECT FROM test_diff('t', 'plain'));
            SELECT coalesce(result, string_agg(coalesce(quote_literal(v::text), 'NULL'), ', ' ORDER BY id)) INTO result FROM t;
        ELSE
            result := coalesce(result, error[1]);
        END IF;
    END LOOP;
    RETURN NEXT;
    DROP TABLE t, plain, new;
END
$$;

CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a smallint, b varchar(3));
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(6,2);
CREATE DOMAIN required AS int NOT NULL;
SELECT * FROM test_reading('int', '{1," 2 ",NULL,-3}');
SELECT * FROM test_reading('int', '{1,one}');
SELECT * FROM test_reading('int', '{1,99999999999}');
SELECT * FROM test_reading('numeric(6,2)', '{1.005,NaN,1e3}');
SELECT * FROM test_reading('numeric(6,2)', '{1e4}');
SELECT * FROM test_reading('boolean', '{t,no,NULL}');
SELECT * FROM test_reading('date', '{2020-01-02,infinity}');
SELECT * FROM test_reading('date', '{2020-02-30}');
SELECT * FROM test_reading('timestamp(0)', '{2020-01-02 12:00:00.6}');
SELECT * FROM test_reading('interval hour', '{3,NULL}');
SELECT * FROM test_reading('interval year', '{3}');
SELECT * FROM test_reading('bit(3)', '{101}');
SELECT * FROM test_reading('bit(3)', '{1010}');
SELECT * FROM test_reading('uuid', '{00000000-0000-0000-0000-000000000001}');
SELECT * FROM test_reading('jsonb', ARRAY['{"a": [1, 2]}', 'null', NULL]);
SELECT * FROM test_reading('jsonb', '{x}');
SELECT * FROM test_reading('bytea', ARRAY['\x0102', 'x']);
SELECT * FROM test_reading('int[]', ARRAY['{1,NULL}', '{{1},{2}}', NULL]);
SELECT * FROM test_reading('varchar(2)[]', ARRAY['{ab,c}']);
SELECT * FROM test_reading('varchar(2)[]', ARRAY['{abc}']);
SELECT * FROM test_reading('mood', '{ok,NULL}');
SELECT * FROM test_reading('mood', '{angry}');
SELECT * FROM test_reading('pair', ARRAY['(1,abc)', '(,)']);
SELECT * FROM test_reading('pair', ARRAY['(1,abcd)']);
SELECT * FROM test_reading('int4range', ARRAY['[1,3]', 'empty']);
SELECT * FROM test_reading('tsvector', ARRAY['a:1 b']);
SELECT * FROM test_reading('inet', '{10.0.0.1/8}');
SELECT * FROM test_reading('positive', '{1,NULL}');
SELECT * FROM test_reading('positive', '{0}');
SELECT * FROM test_reading('price', '{1.005}');
-- if there is an assignment cast, it is used
SELECT * FROM test_reading('name', '{a}');
SELECT * FROM test_reading('regclass', '{pg_class}');

-- Untyped literals and nulls, of a cursor and of a query; a staging table that is all text
CREATE TABLE t (id int PRIMARY KEY, q int, d timestamp, v text);
CREATE TABLE plain (LIKE t);
INSERT INTO t SELECT g, g, now(), 'old' FROM generate_series(1, 9) AS g;
INSERT INTO plain TABLE t;
SELECT rows_updated FROM bulk_update_query('t', $$ SELECT 1 AS id, '21' AS q $$);
SELECT rows_updated FROM bulk_update_query('t', $$ VALUES (2, NULL), (3, NULL) $$, '{id,d}');
BEGIN;
DECLARE c CURSOR FOR VALUES ('4', '2020-01-01', NULL);
SELECT rows_updated FROM bulk_update('t', 'c', '{id,d,v}');
COMMIT;
CREATE TABLE staging (id text, q text, d text);
INSERT INTO staging VALUES ('9', '90', NULL), ('05', '50', '2020-01-05'), ('7', 'seventy', '2020-01-07'), ('8', '80', 'never'), ('x', '1', NULL),
                           ('6', '60', '2020-01-06'), ('99999999999', '1', NULL), (NULL, '1', NULL);
SELECT bulk_update_create_rejects('r');
SELECT rows_updated, rows_missing, rows_rejected FROM bulk_update_query('t', 'TABLE staging', on_error => 'skip', rejects => 'r');
SELECT source_row, reason, key, new_values, sqlstate, message FROM r ORDER BY source_row;
UPDATE plain SET q = CASE id WHEN 1 THEN 21 WHEN 5 THEN 50 WHEN 6 THEN 60 WHEN 9 THEN 90 ELSE q END,
    d = CASE WHEN id IN (2, 3, 9) THEN NULL WHEN id BETWEEN 4 AND 6 THEN timestamp '2020-01-01' + CASE id WHEN 4 THEN 0 ELSE id - 1 END * interval '1 day' ELSE d END,
    v = CASE WHEN id <> 4 THEN v END;
SELECT * FROM test_diff('t', 'plain');
-- the error names the row and the column
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'TABLE staging') $$);
SELECT * FROM test_error($$ SELECT bulk_update_query('t', 'SELECT id, q, d FROM staging WHERE id = ''7''') $$);

-- A key given as text is read as its type without the modifier
CREATE TABLE n (id numeric(6,2) PRIMARY KEY, v int);
INSERT INTO n VALUES (1.00, 0), (1.01, 0);
SELECT rows_updated, rows_missing, first_key FROM bulk_update_query('n', $$ VALUES ('1.005', 1), ('1.010', 2), ('1e10', 3) $$, '{id,v}');
SELECT * FROM n ORDER BY id;
CREATE TABLE p (id price PRIMARY KEY, v int);
INSERT INTO p VALUES (1.01, 0);
SELECT rows_updated, rows_missing FROM bulk_update_query('p', $$ VALUES ('1.005', 1), ('1.010', 2) $$, '{id,v}');
SELECT detail FROM bulk_update_explain_query('n', $$ SELECT '1' AS id, '2' AS v $$) WHERE topic LIKE '%column';

-- The constraints of a domain that forbids nulls are checked for a null
CREATE TABLE q (id int PRIMARY KEY, v required DEFAULT 1);
INSERT INTO q VALUES (1), (2);
SELECT rows_updated, rows_rejected FROM bulk_update_query('q', $$ VALUES ('1', '7'), ('2', NULL) $$, '{id,v}', on_error => 'skip');
SELECT * FROM q ORDER BY id;

-- EXECUTE on the input function is not required, as in COPY; a domain's check runs as the caller
BEGIN;
REVOKE EXECUTE ON FUNCTION timestamp_in(cstring, oid, int4) FROM PUBLIC;
CREATE ROLE regress_bulk_update_reader;
GRANT USAGE ON SCHEMA text_source TO regress_bulk_update_reader;
CREATE FUNCTION check_caller(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'checked by %', current_user; RETURN true; END $$;
CREATE DOMAIN watched AS int CHECK (check_caller(VALUE));
ALTER TABLE t ADD w watched;
GRANT SELECT, UPDATE ON t TO regress_bulk_update_reader;
SET ROLE regress_bulk_update_reader;
SELECT rows_updated FROM bulk_update_query('t', $$ VALUES (1, '2020-02-02', '7') $$, '{id,d,w}');
RESET ROLE;
SELECT d, w FROM t WHERE id = 1;
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA text_source CASCADE;
