"""Memory of the sessions that create and run a job: it does not grow with the number of rows and batches."""

import time

import pytest

from harness import Sampler, Session

MB = 1024 * 1024
BATCH_ROWS = 1000
MOST = 4 * MB


def measure(rows):
    """The growth of the session that creates a job, and of two that run it."""
    with Session() as admin, Session() as creator:
        admin.run("DROP TABLE IF EXISTS objects; CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer, field2 text);"
                  f"INSERT INTO objects SELECT i, i, 'object ' || i FROM generate_series(1, {rows}) i")
        admin.run("VACUUM (ANALYZE) objects")
        creator.run("SET maintenance_work_mem = '4MB'")  # for the index of the job's rows, as CREATE INDEX
        begun = time.perf_counter()
        with Sampler(creator.pid) as created:
            creator.run("SELECT bulk_update_job_create('job', 'objects', 'SELECT id, field1 + 1 AS field1, md5(field2) AS field2"
                        f" FROM objects', batch_rows => {BATCH_ROWS})")
        admin.run("VACUUM (ANALYZE) job_rows")
        created_at = time.perf_counter()
        growth = []
        sessions = [Session(), Session()]
        samplers = [Sampler(session.pid) for session in sessions]
        for sampler in samplers:
            sampler.start()
        statements = [session.background("CALL bulk_update_job_run('job')") for session in sessions]
        for statement, sampler in zip(statements, samplers):
            statement.join()
            assert statement.error is None
            sampler.stopped.set()
            sampler.join()
            growth.append(sampler.growth)
        for session in sessions:
            session.close()
        ended = time.perf_counter()
        assert admin.run("SELECT state, batches, rows_updated FROM bulk_update_jobs") == [("done", rows // BATCH_ROWS, rows)]
        assert admin.value("SELECT count(*) FROM objects WHERE field1 <> id + 1") == 0
        admin.run("SELECT bulk_update_job_drop('job'); DROP TABLE objects")
    print(f"{rows} rows: created in {created_at - begun:.1f} s, run in {ended - created_at:.1f} s by two sessions;"
          f" growth in MB: {created.growth / MB:.1f} to create, {' and '.join(f'{g / MB:.1f}' for g in growth)} to run")
    return created.growth, max(growth)


@pytest.fixture(scope="module")
def measured(pytestconfig):
    return [measure(int(size)) for size in pytestconfig.option.rows.split(",")]


@pytest.mark.parametrize("what", ("create", "run"))
def test_job_takes_no_more_with_more_rows(measured, what):
    growths = [growth["create run".split().index(what)] for growth in measured]
    assert max(growths) < 32 * MB
    assert all(growth - growths[0] < MOST for growth in growths)
