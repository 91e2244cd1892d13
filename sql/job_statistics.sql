-- A job reports how many rows it has written while it runs, so that autovacuum notices
CREATE TABLE counted (id integer PRIMARY KEY, v integer);
INSERT INTO counted SELECT i, 0 FROM generate_series(1, 30) AS i;
CREATE TABLE oracle AS TABLE counted;
SELECT bulk_update_job_create('counted', 'counted', 'SELECT id, 10 * id AS v FROM counted', batch_rows => 10);

-- The next batch begins when the rows of the batches before have been counted
SELECT bulk_update_job_alter('counted', max_throttle => '30 s', throttle_query => $$
    SELECT pg_stat_get_tuples_updated('counted'::regclass) < (SELECT count(*) FROM counted WHERE v > 0) $$);
CALL bulk_update_job_run('counted');
SELECT state, batches_done, rows_updated FROM bulk_update_jobs WHERE name = 'counted';

-- In a DO, with its own connection to SPI and cursor
SELECT bulk_update_job_create('nested', 'counted', 'SELECT id, 20 * id AS v FROM oracle', batch_rows => 10);
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

UPDATE oracle SET v = 20 * id;

-- A batch takes no longer when there are many: of their records, few are read for each, also if no statistics say how many
-- are left
CREATE VIEW records_read AS
SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_user_tables WHERE relname = 'bulk_update_job_batch';
SELECT bulk_update_job_create('many', 'counted', 'SELECT 100 + i AS id, 0 AS v FROM generate_series(1, 500) AS i', batch_rows => 1);
SELECT pg_stat_force_next_flush();
SELECT n AS before FROM records_read \gset
CALL bulk_update_job_run('many');
SELECT pg_stat_force_next_flush();
SELECT n - :before < 500 * 8 AS few_read, CASE WHEN n - :before >= 500 * 8 THEN n - :before END AS read FROM records_read;
SELECT state, batches, rows_missing FROM bulk_update_jobs WHERE name = 'many';
SELECT bulk_update_job_drop('many');
DROP VIEW records_read;

SELECT count(*) AS differences FROM (TABLE counted EXCEPT TABLE oracle) AS d;
SELECT bulk_update_job_drop(name) FROM (VALUES ('counted'), ('nested')) AS jobs (name);
DROP TABLE counted, oracle;
