-- Jobs report how many rows they have written while they run, so that autovacuum notices; they
-- wait for a signal before the first batch of a CALL, too; settings may be longer than any wait.
CREATE TABLE counted (id integer PRIMARY KEY, v integer);
INSERT INTO counted SELECT i, 0 FROM generate_series(1, 30) AS i;
CREATE TABLE oracle AS TABLE counted;
SELECT bulk_update_job_create('counted', 'counted', 'SELECT id, 10 * id AS v FROM counted', batch_rows => 10);

-- The next batch begins when the rows of the batches before have been counted.
SELECT bulk_update_job_alter('counted', max_throttle => '30 s', throttle_query => $$
    SELECT pg_stat_get_tuples_updated('counted'::regclass) < (SELECT count(*) FROM counted WHERE v > 0) $$);
CALL bulk_update_job_run('counted');
SELECT state, batches_done, rows_updated FROM bulk_update_jobs WHERE name = 'counted';

-- In a DO, the CALL is part of another statement.
SELECT bulk_update_job_create('nested', 'counted', 'SELECT id, 10 * id AS v FROM oracle', batch_rows => 10);
DO $$
DECLARE
    c CURSOR FOR SELECT 1;
BEGIN
    FOR i IN 1 .. 2 LOOP
        CALL bulk_update_job_run('nested', max_batches => 1);
        RAISE NOTICE '%', (SELECT batches_done FROM bulk_update_jobs WHERE name = 'nested');
    END LOOP;
    FOR r IN c LOOP
        CALL bulk_update_job_run('nested');
        RAISE NOTICE '%', (SELECT batches_done FROM bulk_update_jobs WHERE name = 'nested');
    END LOOP;
END $$;

-- A signal holds the first batch, but not a CALL without a batch.
SELECT bulk_update_job_create('signal', 'counted', 'SELECT id, 10 * id AS v FROM oracle', batch_rows => 10);
SELECT bulk_update_job_alter('signal', throttle_query => 'SELECT true', max_throttle => '0');
CALL bulk_update_job_run('signal', max_batches => 1);
SELECT state, batches_done FROM bulk_update_jobs WHERE name = 'signal';
SELECT bulk_update_job_alter('nested', throttle_query => 'SELECT true', max_throttle => '0');
CALL bulk_update_job_run('nested');

-- Settings beyond what times and settings of the server can hold.
SELECT bulk_update_job_alter('signal', throttle_query => '', max_throttle => '178000000 years',
    lock_timeout => '178000000 years', pause => '178000000 years');
CALL bulk_update_job_run('signal', max_time => '0.5 s');
SELECT state, batches_done FROM bulk_update_jobs WHERE name = 'signal';
SELECT bulk_update_job_alter('signal', pause => '0');
CALL bulk_update_job_run('signal');
SELECT state, batches_done FROM bulk_update_jobs WHERE name = 'signal';

UPDATE oracle SET v = 10 * id;
SELECT count(*) FROM (TABLE counted EXCEPT TABLE oracle) AS differences;
SELECT bulk_update_job_drop(name) FROM (VALUES ('counted'), ('nested'), ('signal')) AS jobs (name);
DROP TABLE counted, oracle;
