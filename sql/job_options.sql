--
-- Jobs: the options of a call, which are decided for the whole source or for each batch
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS job_options CASCADE;
CREATE SCHEMA job_options;
RESET client_min_messages;
SET search_path = job_options, public;
\set SHOW_CONTEXT never
CREATE TABLE t (id int PRIMARY KEY, v text, n int CHECK (n <> 13));
CREATE TABLE before AS SELECT i AS id, 'old' AS v, 0 AS n FROM generate_series(1, 12) AS i;
INSERT INTO t TABLE before;
CREATE VIEW batches AS
SELECT batch, state, first_row AS first, last_row AS last, rows_updated AS updated, rows_unchanged AS unchanged,
       rows_missing AS missing, rows_stale AS stale, rows_duplicate AS duplicate, rows_rejected AS rejected,
       first_key, last_key, sqlstate
  FROM bulk_update_job_batches WHERE name = 'j' ORDER BY batch;
-- The account of a job that is done, next to that of one call
CREATE VIEW account AS
SELECT rows_total AS total, rows_updated AS updated, rows_unchanged AS unchanged, rows_missing AS missing, rows_stale AS stale,
       rows_duplicate AS duplicate, rows_rejected AS rejected, rows_done = rows_total AS adds_up, state
  FROM bulk_update_jobs WHERE name = 'j';
CREATE PROCEDURE start_again() LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM bulk_update_jobs WHERE name = 'j') THEN
        PERFORM bulk_update_job_drop('j');
    END IF;
    TRUNCATE t;
    INSERT INTO t TABLE before;
END
$$;

-- Duplicates are decided over the whole source, not in a batch
\set twice 'SELECT 1 + i % 7 AS id, ''new '' || i AS v FROM generate_series(0, 15) AS i'
SELECT bulk_update_job_create('j', 't', :'twice', batch_rows => 2);
SELECT bulk_update_job_create('j', 't', :'twice', batch_rows => 2, on_duplicate => 'first');
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
SELECT * FROM t WHERE v <> 'old' ORDER BY id;
CALL start_again();
SELECT bulk_update_job_create('j', 't', :'twice', batch_rows => 2, on_duplicate => 'last');
CALL bulk_update_job_run('j');
SELECT * FROM account;
SELECT * FROM t WHERE v <> 'old' ORDER BY id;

-- Missing keys: counted with their batch, or its error; keys that no row can have are counted with batch 0
CALL start_again();
\set missing 'SELECT * FROM (VALUES (3::numeric, ''a''), (2.5, ''b''), (99, ''c''), (1e12, ''d''), (NULL, ''e''), (1, ''f'')) AS s (id, v)'
SELECT bulk_update_job_create('j', 't', :'missing', batch_rows => 2, on_error => 'skip');
SELECT * FROM batches;
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
CALL start_again();
SELECT bulk_update_job_create('j', 't', :'missing', on_error => 'skip', on_missing => 'error');
\echo :SQLSTATE
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''new'' AS v FROM generate_series(10, 14) AS i', batch_rows => 2, on_missing => 'error');
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
SELECT * FROM account;
INSERT INTO t SELECT i, 'late', 0 FROM generate_series(13, 14) AS i;
CALL bulk_update_job_run('j');
SELECT * FROM account;

-- Rows that cannot be coerced, rejected rows, with the chunk that is the batch and the row of the source
CALL start_again();
SELECT bulk_update_create_rejects('rejects');
\set bad 'SELECT * FROM (VALUES (''7'', ''a'', ''7''), (''6'', ''b'', ''x''), (''x'', ''c'', ''5''), (NULL, ''d'', ''4''), (''5'', ''e'', ''13''), (''77'', ''f'', ''1''), (''7'', ''g'', ''8''), (''3'', ''h'', ''13''), (''2'', ''i'', ''2''), (''1'', ''j'', ''1'')) AS s (id, v, n)'
SELECT bulk_update_job_create('j', 't', :'bad', batch_rows => 3, on_error => 'skip', on_duplicate => 'first', rejects => 'rejects');
SELECT * FROM batches;
SELECT chunk, source_row, reason, key, sqlstate FROM rejects ORDER BY source_row;
CALL bulk_update_job_run('j', 1);
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
SELECT chunk, source_row, reason, key, sqlstate, new_values FROM rejects ORDER BY source_row;
SELECT count(DISTINCT r.run), bool_and(r.run = j.run) FROM rejects AS r, bulk_update_jobs AS j;
SELECT rejects::text, rejects_bytes > 0 AS has_size FROM bulk_update_jobs;
SELECT * FROM t WHERE v <> 'old' ORDER BY id;
CALL start_again();
SELECT rows_updated, rows_missing, rows_duplicate, rows_rejected
  FROM bulk_update_query('t', :'bad', on_error => 'skip', on_duplicate => 'first', report => 'total');

-- reject_limit counts over the whole job: what creating rejected, and all batches
CALL start_again();
SELECT bulk_update_job_create('j', 't', :'bad', batch_rows => 3, on_error => 'skip', on_duplicate => 'first', reject_limit => 2);
\echo :SQLSTATE
SELECT bulk_update_job_create('j', 't', :'bad', batch_rows => 3, on_error => 'skip', on_duplicate => 'first', reject_limit => 4);
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
SELECT * FROM account;
ALTER TABLE t DROP CONSTRAINT t_n_check;
CALL bulk_update_job_run('j');
SELECT * FROM account;
CALL start_again();
ALTER TABLE t ADD CONSTRAINT t_n_check CHECK (n <> 13);
SELECT bulk_update_job_create('j', 't', :'bad', batch_rows => 1, on_error => 'skip', on_duplicate => 'first', reject_limit => 5);
CALL bulk_update_job_run('j');
SELECT * FROM account;

-- skip_unchanged
CALL start_again();
UPDATE t SET v = 'same' WHERE id % 3 = 0;
SELECT bulk_update_job_create('j', 't', 'SELECT id, ''same'' AS v FROM t', batch_rows => 5, skip_unchanged => true);
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;

-- A dry run counts, and writes nothing
CALL start_again();
UPDATE t SET v = 'same' WHERE id % 3 = 0;
TRUNCATE rejects;
SELECT bulk_update_job_create('j', 't', 'SELECT i AS id, ''same'' AS v, CASE i WHEN 5 THEN 13 ELSE 0 END AS n FROM generate_series(1, 14) AS i',
    batch_rows => 5, skip_unchanged => true, dry_run => true, rejects => 'rejects');
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
SELECT dry_run FROM bulk_update_jobs;
SELECT chunk, source_row, reason, key FROM rejects ORDER BY source_row;
SELECT v, count(*) FROM t GROUP BY v ORDER BY v;

-- Expected values: a row that was changed after the job was created is stale
CALL start_again();
SELECT bulk_update_job_create('j', 't', 'SELECT id, ''new'' AS v, v, n FROM t', '{id,v}', batch_rows => 5, expected_columns => '{v,n}');
SELECT * FROM j_rows ORDER BY job_row LIMIT 1;
UPDATE t SET n = 1 WHERE id IN (2, 11);
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
SELECT * FROM t WHERE v = 'old' ORDER BY id;
CALL start_again();
SELECT bulk_update_job_create('j', 't', 'SELECT id, ''new'' AS v, v FROM t', '{id,v}', batch_rows => 5, expected_columns => '{v}', on_stale => 'error');
UPDATE t SET v = 'changed' WHERE id = 8;
CALL bulk_update_job_run('j');
\echo :SQLSTATE
SELECT * FROM batches;
UPDATE t SET v = 'old' WHERE id = 8;
CALL bulk_update_job_run('j');
SELECT * FROM account;
-- expected nulls
CALL start_again();
UPDATE t SET n = NULL WHERE id < 3;
SELECT bulk_update_job_create('j', 't', 'SELECT id, ''new'' AS v, NULL::int FROM t', '{id,v}', batch_rows => 5, expected_columns => '{n}');
CALL bulk_update_job_run('j');
SELECT * FROM account;

-- Old values, with the number of the job
CALL start_again();
SELECT bulk_update_create_old_values('kept', 't');
SELECT bulk_update_job_create('j', 't', 'SELECT id, ''new'' AS v FROM t WHERE id <> 4', batch_rows => 5, old_values => 'kept');
CALL bulk_update_job_run('j');
SELECT count(*), count(DISTINCT k.run), bool_and(k.run = j.run), bool_and(old_v = 'old' AND new_v = 'new')
  FROM kept AS k, bulk_update_jobs AS j;
SELECT old_values::text, old_values_bytes > 0 AS has_size FROM bulk_update_jobs;
SELECT * FROM account;
SELECT rows_updated FROM bulk_update_undo('t', 'kept', report => 'total');
SELECT * FROM test_diff('t', 'before');

-- Everything together
CALL start_again();
TRUNCATE rejects, kept;
UPDATE t SET v = 'same' WHERE id = 9;
SELECT bulk_update_job_create('j', 't', $$ SELECT * FROM (VALUES (9, 'same', 0, 'same'), (8, 'new', 13, 'old'), (7, 'new', 1, 'stale'), (99, 'new', 1, 'old'),
    (6, 'new', 1, 'old'), (6, 'newer', 2, 'old'), (5, 'new', 3, 'old')) AS s $$, '{id,v,n}', batch_rows => 2, on_duplicate => 'last', on_error => 'skip',
    skip_unchanged => true, rejects => 'rejects', reject_limit => 1, expected_columns => '{v}', old_values => 'kept');
CALL bulk_update_job_run('j', 1);
CALL bulk_update_job_run('j');
SELECT * FROM batches;
SELECT * FROM account;
SELECT chunk, source_row, reason, key, sqlstate, new_values FROM rejects ORDER BY source_row;
SELECT * FROM t WHERE v <> 'old' ORDER BY id;

CALL start_again();
SET client_min_messages = warning;
DROP SCHEMA job_options CASCADE;
