"""What remains after errors at the fault points of jobs, and in the calls of their batches; test/faults/run describes the suite."""

import os
import time

import psycopg2
import pytest

import job_work as work
from expect import JOB, RECORDED
from harness import Session

APPLIERS = ("direct", "sql")
ERRORS = {"error": "22000", "internal": "XX000", "memory": "53200"}
RUN = "CALL bulk_update_job_run('job')"
CREATE = f"SELECT bulk_update_job_create('job', 'target', {work.QUERY}, batch_rows => 100, {work.OPTIONS})"
# Batches wait for this row until they fail, if the point needs that.
LOCK = "BEGIN; SELECT FROM target WHERE id = 300 FOR UPDATE"
DATABASE = {"dbname": "fault_jobs"}
LEFT = """SELECT (SELECT count(*) FROM bulk_update_progress), (SELECT count(*) FROM pg_ls_tmpdir()),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'bulk_update_job'::regclass),
    (SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'bulk_update%'), (SELECT count(*) FROM pg_cursors)"""


def points():
    with Session() as session:
        session.run("LOAD 'bulk_update'")
        return session.value("SHOW bulk_update.fault_points").split()


def connect():
    """As soon as the server, which restarts after a crash, accepts connections."""
    end = time.monotonic() + 60
    while True:
        try:
            session = Session(**DATABASE)
            session.run("LOAD 'bulk_update'")
            return session
        except psycopg2.DatabaseError:
            assert time.monotonic() < end
            time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def expected():
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS fault_jobs")
        session.run("CREATE DATABASE fault_jobs")
    with connect() as session:
        session.run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        session.run(work.SETUP)
        yield work.one_call(session)


@pytest.fixture(autouse=True)
def clean(expected):
    """Without jobs and other sessions, also after a test that failed."""
    with connect() as session:
        session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'fault_jobs' AND pid <> pg_backend_pid()")
        session.wait_until("count(*) = 1 FROM pg_stat_activity WHERE datname = 'fault_jobs'")
        for name, in session.run("SELECT name FROM bulk_update_jobs"):
            work.drop(session, name)


def begin(point, applier):
    """The sessions that hold a lock, and that pass the point, and its statement."""
    holder, session = connect(), connect()
    if point == "freeze":
        statement = CREATE
    else:
        holder.run(CREATE)
        holder.run("SELECT bulk_update_job_alter('job', lock_timeout => '20 ms')")
        statement = RUN
    if point == "job_failed":
        holder.run(LOCK)
    session.run(f"SET bulk_update.applier = {applier}; SET work_mem = '64kB'")
    return holder, session, statement


def check(session, point, expected, sqlstate=None):
    """The account is right, nothing is left, and the job goes on."""
    session.run("RESET bulk_update.fault")
    assert session.run(LEFT) == [(0, 0, 0, 0, 0)]
    assert session.run(work.WRONG_ACCOUNT) == []
    if point == "freeze":
        assert session.run("SELECT name FROM bulk_update_jobs UNION SELECT relname::text FROM pg_class WHERE relname = 'job_rows'") == []
        session.run(CREATE)
    failed = session.run("SELECT sqlstate, message IS NOT NULL FROM bulk_update_job_batches WHERE state = 'failed'")
    assert failed == ([(sqlstate, True)] if point in RECORDED and sqlstate in ERRORS.values() else [])
    session.run(RUN)
    work.check_done(session, expected)
    assert session.value("SELECT count(bt_index_check(indexrelid, true)) FROM pg_index WHERE indrelid = 'target'::regclass") == 3
    work.drop(session)


@pytest.mark.parametrize("applier", APPLIERS)
@pytest.mark.parametrize("action", ERRORS)
@pytest.mark.parametrize("point", sorted(JOB))
def test_error(expected, point, action, applier):
    """In the same session."""
    for passes in (1, 2) if point != "job_failed" else (1,):
        holder, session, statement = begin(point, applier)
        session.run(f"SET bulk_update.fault = '{point}:{action}:{passes}'")
        assert session.fails(statement) == ERRORS[action]
        assert any(f"fault point {point}: {action}" in notice for notice in session.connection.notices)
        holder.close()
        check(session, point, expected, ERRORS[action])
        session.close()


@pytest.mark.parametrize("applier", APPLIERS)
@pytest.mark.parametrize("how", ("pg_cancel_backend", "pg_terminate_backend", "kill"))
@pytest.mark.parametrize("point", sorted(JOB))
def test_end(expected, point, how, applier):
    holder, session, statement = begin(point, applier)
    action = "kill" if how == "kill" else "wait"
    session.run(f"SET bulk_update.fault = '{point}:{action}:{1 if point == 'job_failed' else 2}'")
    if how == "kill":
        with open(os.environ["KILLED"], "a", encoding="ascii") as killed:
            killed.write(f"{session.pid}\n")
    running = session.background(statement)
    if how != "kill":
        with connect() as admin:
            admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}", unless=running)
            admin.run(f"SELECT {how}({session.pid})")
            admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid} AND state = 'active')")
    running.wait()
    assert running.error is not None and running.sqlstate == ("57014" if how == "pg_cancel_backend" else None)
    if how == "kill":
        # The server restarts once it has noticed, which ends all sessions.
        with pytest.raises(psycopg2.Error):
            while True:
                holder.run("SELECT 1")
    holder.close()
    if how != "pg_cancel_backend":
        session.close()
        session = connect()
    check(session, point, expected)
    session.close()


@pytest.mark.parametrize("action", ("internal", "memory"))
@pytest.mark.parametrize("point", [point for point in points() if point not in JOB])
def test_points_of_calls(expected, point, action):
    """An error within the call of a batch: the batch fails as a whole, and CALL tries it again."""
    for applier in APPLIERS:
        holder, session, statement = begin(point, applier)
        session.run(f"SET bulk_update.fault = '{point}:{action}:3'")
        code = session.fails(statement)
        passed = any(f"fault point {point}: {action}" in notice for notice in session.connection.notices)
        assert code == (ERRORS[action] if passed else None)
        holder.close()
        session.run("RESET bulk_update.fault")
        assert session.run(LEFT) == [(0, 0, 0, 0, 0)]
        assert session.run(work.WRONG_ACCOUNT) == []
        session.run(RUN)
        work.check_done(session, expected)
        work.drop(session)
        session.close()
