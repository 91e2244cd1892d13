"""Cancelling a job while it is created, runs and waits; test/cancel/run describes the suite. Before test_cancel.py, which ends the
server."""

import time

import pytest

from harness import Session

BOUND, TRIES = 0.5, 3
ROWS = 300000
DATABASE = {"dbname": "cancelled_jobs"}
CREATE = ("SELECT bulk_update_job_create('job', 'target', 'SELECT i AS id, ''new'' || i AS v FROM generate_series({rows}, 1, -1) i',"
          " batch_rows => 1000, on_duplicate => 'last')")
RUN = "CALL bulk_update_job_run('job')"
BLOCKER = "BEGIN; SELECT FROM target WHERE id = 5 FOR UPDATE"
PROGRESS = "EXISTS (SELECT FROM bulk_update_progress WHERE pid = {pid} AND %s)"
WAITS = "waits_for = '%s' FROM bulk_update_jobs"

# Name: settings of the job (None: while it is created), a statement of another session, and when to cancel.
PHASES = {
    "sorted while created": (None, "", PROGRESS % "phase = 'sorting'"),
    "stored while created": (None, "", PROGRESS % "chunk > 20"),
    "pause": ("pause => '1 hour'", "", WAITS % "pause"),
    "rate": ("rows_per_second => 1", "", WAITS % "rows_per_second"),
    "throttle query": ("throttle_query => 'SELECT true'", "", WAITS % "throttle_query"),
    "throttle query that is slow": ("throttle_query => 'SELECT pg_sleep(100) IS NULL'", "",
                                    "wait_event = 'PgSleep' AND backend_xmin IS NOT NULL FROM pg_stat_activity WHERE pid = {pid}"),
    "retry": ("lock_timeout => '5 ms', max_retries => 1000000", BLOCKER, "max(failures) > 9 FROM bulk_update_job_batches"),
    "row lock": ("lock_timeout => '0'", BLOCKER, "wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {pid}"),
    "batch": ("pause => '0'", "", "batches_done > 3 FROM bulk_update_jobs"),
}


@pytest.fixture(scope="module", autouse=True)
def target():
    with Session() as session:
        session.run("CREATE DATABASE cancelled_jobs")
    with Session(**DATABASE) as session:
        session.run("CREATE EXTENSION bulk_update; CREATE TABLE target (id bigint PRIMARY KEY, v text);"
                    f"INSERT INTO target SELECT i, 'old' FROM generate_series(1, {ROWS}) i")
        yield
    with Session() as session:
        session.run("DROP DATABASE cancelled_jobs WITH (FORCE)")


def cancelled(settings, blocker, when, how):
    """The seconds until the end."""
    with Session(**DATABASE) as admin, Session(**DATABASE) as other, Session(**DATABASE) as session:
        if settings:
            admin.run(CREATE.format(rows=ROWS))
            admin.run(f"SELECT bulk_update_job_alter('job', {settings})")
        if blocker:
            other.run(blocker)
        statement = session.background(RUN if settings else CREATE.format(rows=3000000))
        admin.wait_until(when.format(pid=session.pid), unless=statement)
        requested = time.perf_counter()
        admin.run(f"SELECT {how}({session.pid})")
        if how == "pg_terminate_backend":
            admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid})")
            seconds = time.perf_counter() - requested
            statement.wait()
        else:
            seconds = statement.wait().ended - requested
            assert statement.sqlstate == "57014"
        assert statement.error is not None
        assert admin.run("SELECT pid FROM bulk_update_progress") == []
        jobs = admin.run("SELECT processes, waits_for FROM bulk_update_jobs")
        assert jobs == ([(None, None)] if settings else [])
        if settings:
            assert admin.value("SELECT rows_updated = (SELECT count(*) FROM target WHERE v <> 'old') FROM bulk_update_jobs")
            other.run("ROLLBACK")
            admin.run("SELECT bulk_update_job_drop('job'); UPDATE target SET v = 'old' WHERE v <> 'old'")
            admin.run("VACUUM target")
    return seconds


@pytest.mark.parametrize("how", ("pg_cancel_backend", "pg_terminate_backend"))
@pytest.mark.parametrize("phase", PHASES)
def test_job(phase, how):
    for _ in range(TRIES):
        seconds = cancelled(*PHASES[phase], how)
        print(f"{phase}, {how}: {seconds * 1000:.0f} ms")
        if seconds < BOUND:
            return
    assert seconds < BOUND
