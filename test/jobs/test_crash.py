"""Servers and sessions that crash while a job is created and run; test/jobs/run describes the suite."""

import random
import signal
import socket as sockets
import subprocess
import time

import psycopg2
import pytest

import job_work as work
from harness import Session
from job_work import Caller, wait_for_all

SESSIONS = (1, 2, 4)
POINTS = ("job_claim", "job_batch", "job_account", "job_commit", "job_committed", "job_failed")
# Batches wait for this row, and fail. The lock ends with the server.
LOCK = "BEGIN; SELECT FROM target WHERE id = 300 FOR UPDATE"
LOCKED = "lock_timeout => '30 ms'"


@pytest.fixture(scope="module")
def expected(primary):
    with primary.session() as session:
        return work.one_call(session)


@pytest.fixture
def cluster(primary, expected):
    """As it was, also after a test that failed."""
    if primary.process.poll() is not None:
        primary.start()
    with primary.session() as session:
        session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        for name, in session.run("SELECT name FROM bulk_update_jobs"):
            session.wait_until(f"processes IS NULL FROM bulk_update_jobs WHERE name = '{name}'")
            work.drop(session, name)
    return primary


def parameters(cluster):
    return {"host": cluster.socket, "port": cluster.port, "user": "postgres", "dbname": "postgres"}


def lock(cluster, point):
    """A session that makes a batch fail, if the point needs it; after the first crash it is gone."""
    holder = cluster.session()
    if point == "job_failed":
        holder.run(LOCK)
    return holder


def restart(cluster):
    """A caller may crash the server again at once."""
    try:
        cluster.start()
        with cluster.session() as session:
            assert session.run(work.WRONG_ACCOUNT) == []
    except (AssertionError, psycopg2.DatabaseError) as error:
        try:
            cluster.process.wait(1)
        except subprocess.TimeoutExpired:
            raise error from None


def check(cluster, expected):
    with cluster.session() as session:
        work.check_done(session, expected)
    assert cluster.amcheck() == ""
    with cluster.session() as session:
        work.drop(session)


@pytest.mark.parametrize("sessions", SESSIONS)
@pytest.mark.parametrize("point", POINTS)
def test_kill(cluster, expected, point, sessions):
    """kill -9 of a backend at a fault point, which ends all others; twice."""
    with cluster.session() as session:
        work.create(session, settings=LOCKED)
    holder = lock(cluster, point)
    # Others may have done all batches before its second one. Any of them may be the one whose batch fails.
    first = 2 if sessions == 1 else 1
    faults = [f"{point}:kill:{first}", f"{point}:kill:3"] if point != "job_failed" else [f"{point}:kill"]
    callers = [Caller(parameters(cluster), faults)]
    callers[0].calls.wait()  # so that the others do not do all batches before it
    callers += [Caller(parameters(cluster), faults if point == "job_failed" else ()) for _ in range(sessions - 1)]
    crashes = 0
    while any(caller.is_alive() for caller in callers):
        if cluster.process.poll() is not None:
            cluster.killed += [pid for caller in callers for pid in caller.pids]
            crashes += 1
            restart(cluster)
        time.sleep(0.01)
    holder.close()
    wait_for_all(callers)
    # With others, there may be too few batches left for the second one.
    assert crashes >= (len(faults) if sessions == 1 else 1)
    check(cluster, expected)


@pytest.mark.parametrize("sessions", SESSIONS)
@pytest.mark.parametrize("point", POINTS)
def test_immediate_shutdown(cluster, expected, point, sessions):
    """While one of the sessions is at a fault point."""
    with cluster.session() as session:
        work.create(session, settings=LOCKED)
        holder = lock(cluster, point)
        callers = [Caller(parameters(cluster), [f"{point}:wait:{1 if point == 'job_failed' else 2}"])]
        session.wait_until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Extension')")
        callers += [Caller(parameters(cluster)) for _ in range(sessions - 1)]
        if sessions > 1:
            session.wait_until("bool_or(batch > 2 AND state IN ('running', 'done')) FROM bulk_update_job_batches")
        assert session.run(work.WRONG_ACCOUNT) == []
    cluster.stop()
    restart(cluster)
    holder.close()
    wait_for_all(callers)
    check(cluster, expected)


@pytest.mark.parametrize("sessions", SESSIONS)
def test_random_moments(cluster, expected, sessions):
    rng = random.Random(f"jobs {sessions}")
    with cluster.session() as session:
        work.create(session, batch_rows=5, settings=f"pause => '{5 * sessions} ms'")
    callers = [Caller(parameters(cluster)) for _ in range(sessions)]
    crashes = 0
    while crashes < 6 and any(caller.is_alive() for caller in callers):
        time.sleep(rng.uniform(0.02, 0.25))
        rng.choice((cluster.crash, cluster.stop))()
        crashes += 1
        restart(cluster)
    wait_for_all(callers)
    print(f"{crashes} crashes")
    assert crashes > 1
    check(cluster, expected)


@pytest.mark.parametrize("how", ("kill", "crash", "immediate shutdown"))
def test_crash_while_created(cluster, expected, how):
    """Nothing of the job remains, and it can be created."""
    with cluster.session() as admin:
        session = cluster.session()
        session.run(f"SET bulk_update.fault = 'freeze:{'kill' if how == 'kill' else 'wait'}'")
        statement = session.background("SELECT bulk_update_job_create('job', 'target', 'SELECT id, v FROM source WHERE id < 500',"
                                       " on_duplicate => 'last')")
        if how == "kill":
            cluster.killed.append(session.pid)
            cluster.process.wait()
        else:
            admin.wait_until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Extension')", unless=statement)
    if how != "kill":
        cluster.crash() if how == "crash" else cluster.stop()
    assert statement.wait().error is not None
    cluster.start()
    with cluster.session() as session:
        assert session.run("SELECT name FROM bulk_update_jobs UNION SELECT relname::text FROM pg_class WHERE relname = 'job_rows'") == []
        work.create(session)
        session.run("CALL bulk_update_job_run('job')")
    check(cluster, expected)


def test_fast_shutdown(cluster, expected):
    """In a wait, and in a batch: the sessions end at once."""
    for settings, fault in (("pause => '1 hour'", ""), ("pause => '0'", "job_account:wait:3")):
        with cluster.session() as admin:
            work.create(admin, settings=settings)
            session = cluster.session()
            session.run(f"SET bulk_update.fault = '{fault}'")
            statement = session.background("CALL bulk_update_job_run('job')")
            admin.wait_until("bool_or(batch = 1 AND state = 'done') FROM bulk_update_job_batches", unless=statement)
            started = time.perf_counter()
        cluster.stop(signal.SIGINT)
        print(f"fast shutdown after {(time.perf_counter() - started) * 1000:.0f} ms")
        assert statement.wait().error is not None
        restart(cluster)
        with cluster.session() as session:
            session.run("SELECT bulk_update_job_alter('job', pause => '0')")
            session.run("CALL bulk_update_job_run('job')")
        check(cluster, expected)


def test_standby_promoted(new, expected):
    """In the middle of a batch: the job goes on there."""
    primary = new("jobs_primary")
    primary.run(work.SETUP)
    standby = new("jobs_standby", base=primary)
    with primary.session() as admin:
        work.create(admin)
        session = primary.session()
        session.run("SET bulk_update.fault = 'job_account:wait:4'")
        statement = session.background("CALL bulk_update_job_run('job')")
        admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}", unless=statement)
        position = admin.value("SELECT pg_current_wal_insert_lsn()")
        admin.run("SELECT pg_switch_wal()")
        admin.wait_until(f"bool_or(replay_lsn >= '{position}') FROM pg_stat_replication")
    with standby.session() as there:
        assert there.run("SELECT state, batches_done, processes FROM bulk_update_jobs") == [("interrupted", 3, None)]
        assert there.fails("CALL bulk_update_job_run('job')") == "25006"
        assert there.fails("SELECT bulk_update_job_pause('job')") == "25006"
    primary.crash()
    assert statement.wait().error is not None
    standby.run("SELECT pg_promote()")
    with standby.session() as there:
        assert there.run(work.WRONG_ACCOUNT) == []
    wait_for_all([Caller(parameters(standby)) for _ in range(2)])
    check(standby, expected)


def test_lost_client(cluster, expected):
    """A client that is gone: the server notices when it sends or, from 14 on, if client_connection_check_interval is set."""
    with cluster.session() as admin:
        work.create(admin, settings="pause => '1 hour'")
        session = Session(**parameters(cluster))
        session.run("SET client_connection_check_interval = '100ms'")
        session.background("CALL bulk_update_job_run('job')")
        admin.wait_until("bool_or(state = 'running' AND waits_for = 'pause') FROM bulk_update_jobs")
        sockets.socket(fileno=session.connection.fileno()).shutdown(sockets.SHUT_RDWR)
        admin.wait_until("bool_and(state = 'interrupted') FROM bulk_update_jobs")
        admin.run("SELECT bulk_update_job_alter('job', pause => '0')")
        admin.run("CALL bulk_update_job_run('job')")
    check(cluster, expected)
