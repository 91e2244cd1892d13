"""Several sessions, lost and cancelled ones, isolation levels, waits and throttles; test/jobs/run describes the suite."""

import time

import psycopg2
import pytest

import job_work as work
from harness import Session
from job_work import Caller, wait_for_all

POINTS = ("job_claim", "job_batch", "job_account", "job_commit", "job_committed")
# Of a session that waits: the job's lock, and what each transaction has.
LOCKS = "SELECT locktype, mode FROM pg_locks WHERE pid = %s AND locktype <> 'virtualxid'"
STATE = "SELECT state, processes, waits_for FROM bulk_update_jobs WHERE name = 'job'"
# Until others hear of a change: a second, and what a busy machine needs.
HEARD = 2


@pytest.fixture(scope="module")
def expected(database):
    with Session(**database) as session:
        return work.one_call(session)


@pytest.fixture
def admin(database):
    """A session; the tables are as they were, also after a test that failed."""
    with Session(**database) as session:
        session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'jobs' AND pid <> pg_backend_pid()")
        for name, in session.run("SELECT name FROM bulk_update_jobs"):
            session.wait_until(f"processes IS NULL FROM bulk_update_jobs WHERE name = '{name}'")
            work.drop(session, name)
        session.run("DROP TABLE IF EXISTS control; CREATE TABLE control AS SELECT true AS waits")
        yield session


@pytest.fixture
def other(database):
    with Session(**database) as session:
        session.run("LOAD 'bulk_update'")
        yield session


def finish(admin, expected):
    admin.run("SELECT bulk_update_job_alter('job', pause => '0', rows_per_second => 0, throttle_query => '')")
    admin.run("CALL bulk_update_job_run('job')")
    work.check_done(admin, expected)
    work.drop(admin)


def started(admin, other, waits_for, call="CALL bulk_update_job_run('job')"):
    """A CALL that waits between two batches."""
    statement = other.background(call)
    admin.wait_until(f"waits_for = '{waits_for}' FROM bulk_update_jobs WHERE name = 'job'", unless=statement)
    return statement


@pytest.mark.parametrize("how", ("pg_cancel_backend", "pg_terminate_backend"))
@pytest.mark.parametrize("point", POINTS)
def test_lost(admin, other, expected, point, how):
    """The batch is as if it had never begun, "running" is gone at once, and CALL goes on."""
    work.create(admin)
    other.run(f"SET bulk_update.fault = '{point}:wait:{7 if point == 'job_commit' else 3}'")
    statement = other.background("CALL bulk_update_job_run('job')")
    admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {other.pid}", unless=statement)
    assert admin.run(STATE) == [("running", [other.pid], None)]
    done = admin.value("SELECT batches_done FROM bulk_update_jobs")
    requested = time.perf_counter()
    admin.run(f"SELECT {how}({other.pid})")
    assert statement.wait().error is not None
    if how == "pg_cancel_backend":
        assert statement.sqlstate == "57014"
    else:
        admin.wait_until("processes IS NULL FROM bulk_update_jobs")
    print(f"{(time.perf_counter() - requested) * 1000:.0f} ms")
    assert admin.run(STATE) == [("interrupted", None, None)]
    assert admin.run("SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state <> 'pending'), sum(failures),"
                     " count(pid) FROM bulk_update_job_batches WHERE batch > 0") == [(done, done, 0, 0)]
    assert admin.run(work.WRONG_ACCOUNT) == []
    assert admin.run("SELECT pid FROM bulk_update_progress") == []
    finish(admin, expected)


@pytest.mark.parametrize("level", ("read committed", "repeatable read", "serializable"))
def test_isolation(admin, database, expected, level):
    """No CALL ends with a serialization failure, though sessions take the same batches."""
    work.create(admin, batch_rows=3)
    callers = [Caller({**database, "options": f"-c default_transaction_isolation={level.replace(' ', chr(92) + ' ')}"})
               for _ in range(4)]
    assert wait_for_all(callers) == [[]] * 4
    work.check_done(admin, expected)
    print(admin.value("SELECT sum(failures) FROM bulk_update_job_batches"), "failures")
    work.drop(admin)


@pytest.mark.parametrize("settings, waits_for", (
    ("pause => '1 hour'", "pause"), ("rows_per_second => 1", "rows_per_second"),
    ("throttle_query => 'SELECT waits FROM public.control'", "throttle_query")))
def test_nothing_is_held_while_waiting(admin, other, expected, settings, waits_for):
    work.create(admin, settings=settings)
    statement = started(admin, other, waits_for)
    for _ in range(5):
        admin.wait_until(f"wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {other.pid}", unless=statement)
        assert admin.run("SELECT backend_xmin, backend_xid FROM pg_stat_activity WHERE pid = %s", (other.pid,)) == [(None, None)]
        assert admin.run(LOCKS, (other.pid,)) == [("object", "ShareLock")]
        time.sleep(0.05)
    assert admin.run(STATE) == [("running", [other.pid], waits_for)]
    admin.run(f"SELECT pg_cancel_backend({other.pid})")
    assert statement.wait().sqlstate == "57014"
    assert admin.run(STATE)[0][1:] == (None, None)
    finish(admin, expected)


CHANGES = {
    "pause": ("SELECT bulk_update_job_pause('job')", None),
    "cancel": ("SELECT bulk_update_job_cancel('job')", "55000"),
    "alter": ("SELECT bulk_update_job_alter('job', pause => '0', rows_per_second => 0, throttle_query => '')", None),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("settings, waits_for", (
    ("pause => '1 hour'", "pause"), ("rows_per_second => 1", "rows_per_second"),
    ("throttle_query => 'SELECT true'", "throttle_query")))
def test_changes_are_heard_while_waiting(admin, other, expected, settings, waits_for, change):
    work.create(admin, settings=settings)
    statement = started(admin, other, waits_for)
    requested = time.perf_counter()
    query, sqlstate = CHANGES[change]
    admin.run(query)
    statement.wait()
    print(f"after {(statement.ended - requested) * 1000:.0f} ms")
    assert statement.sqlstate == sqlstate
    assert statement.ended - requested < HEARD
    if change == "alter":
        work.check_done(admin, expected)
    elif change == "pause":
        assert admin.run(STATE) == [("paused", None, None)]
        assert len([notice for notice in other.connection.notices if "is paused" in notice]) == 1
        admin.run("SELECT bulk_update_job_resume('job')")
        finish(admin, expected)
    else:
        assert admin.run(STATE) == [("cancelled", None, None)]


@pytest.mark.parametrize("change", ("pause", "cancel", "drop"))
def test_changes_while_a_batch_runs(admin, other, expected, change):
    """The batch is done, and no other one begins; a job that runs cannot be dropped."""
    work.create(admin)
    admin.run("BEGIN; SELECT FROM target WHERE id = 100 FOR UPDATE")
    statement = other.background("CALL bulk_update_job_run('job')")
    with Session(dbname="jobs") as watcher:
        watcher.wait_until(f"wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {other.pid}", unless=statement)
        assert watcher.value("SELECT pid FROM bulk_update_job_batches WHERE state = 'running'") == other.pid
        code = watcher.fails(f"SELECT bulk_update_job_{change}('job')")
        assert code == ("55006" if change == "drop" else None)
        done = watcher.value("SELECT batches_done FROM bulk_update_jobs")
    admin.run("COMMIT")
    statement.wait()
    assert statement.sqlstate == ("55000" if change == "cancel" else None)
    if change == "drop":
        work.check_done(admin, expected)
    else:
        assert admin.value("SELECT batches_done FROM bulk_update_jobs") == done + 1
    assert admin.run(work.WRONG_ACCOUNT) == []


def test_pause_setting(admin, expected):
    work.create(admin, batch_rows=100, settings="pause => '100 ms'")
    begun = time.perf_counter()
    admin.run("CALL bulk_update_job_run('job')")
    seconds, batches = time.perf_counter() - begun, admin.value("SELECT batches FROM bulk_update_jobs")
    print(f"{batches} batches in {seconds:.2f} s")
    assert 0.1 * (batches - 1) <= seconds < 0.1 * (batches - 1) + 2
    work.check_done(admin, expected)


@pytest.mark.parametrize("sessions", (1, 2))
def test_rows_per_second(admin, database, expected, sessions):
    """Of all sessions together."""
    work.create(admin, batch_rows=20, settings="rows_per_second => 300")
    begun = time.perf_counter()
    wait_for_all([Caller(database) for _ in range(sessions)])
    seconds = time.perf_counter() - begun
    rows = admin.value("SELECT sum(last_row - first_row + 1)::int FROM bulk_update_job_batches WHERE batch > 0")
    print(f"{rows} rows in {seconds:.2f} s: {rows / seconds:.0f} rows per second")
    # No wait after the last batches, and the second session may begin later.
    assert 0.8 * (rows - 20 * sessions) / 300 < seconds < 1.25 * rows / 300 + 1
    work.check_done(admin, expected)


def test_transaction_timeout(admin, other, expected):
    """A wait is no long transaction, where the server limits these (from 17 on)."""
    other.run("SELECT set_config(name, '400ms', false) FROM pg_settings WHERE name = 'transaction_timeout'")
    work.create(admin, settings="pause => '1 hour'")
    statement = started(admin, other, "pause")
    time.sleep(1.5)
    assert statement.ended is None
    admin.run("SELECT bulk_update_job_alter('job', pause => '0')")
    assert statement.wait().error is None
    work.check_done(admin, expected)


def test_batches_that_others_have_locked(admin, other, expected):
    """Whoever divides the batches locks them: a CALL waits, and then takes the new ones."""
    work.create(admin)
    admin.run("BEGIN; SELECT bulk_update_job_alter('job', batch_rows => 7)")
    statement = other.background("CALL bulk_update_job_run('job')")
    with Session(dbname="jobs") as watcher:
        watcher.wait_until("waits_for = 'retry' FROM bulk_update_jobs WHERE name = 'job'", unless=statement)
        assert watcher.run(LOCKS, (other.pid,)) == [("object", "ShareLock")]
        time.sleep(0.5)
        assert statement.ended is None
    admin.run("COMMIT")
    assert statement.wait().error is None
    work.check_done(admin, expected)


def test_batches_that_are_locked_for_too_long(admin, other, expected):
    work.create(admin, settings="max_throttle => '500 ms'")
    admin.run("BEGIN; SELECT bulk_update_job_alter('job', batch_rows => 7)")
    with pytest.raises(psycopg2.Error, match="has waited too long for batches that other transactions have locked") as raised:
        other.run("CALL bulk_update_job_run('job')")
    assert raised.value.pgcode == "55000"
    admin.run("ROLLBACK")
    finish(admin, expected)


def test_batches_are_divided_meanwhile(admin, other, expected):
    """Again and again, while a session runs the job: it goes on to its end."""
    work.create(admin, batch_rows=10, settings="pause => '2 ms'")
    statement = other.background("CALL bulk_update_job_run('job')")
    for size in range(2, 40):
        admin.run(f"SELECT bulk_update_job_alter('job', batch_rows => {2 + size % 7})")
    assert statement.wait().error is None
    assert not any("other sessions" in notice for notice in other.connection.notices)
    work.check_done(admin, expected)


def test_throttle_query(admin, other, expected):
    """While it is true, no batch begins, not even the first of a CALL."""
    work.create(admin, settings="throttle_query => 'SELECT waits FROM public.control'")
    statement = started(admin, other, "throttle_query", "CALL bulk_update_job_run('job', max_batches => 1)")
    time.sleep(1.2)
    assert admin.value("SELECT batches_done FROM bulk_update_jobs") == 0 and statement.ended is None
    changed = time.perf_counter()
    admin.run("UPDATE control SET waits = false")
    assert statement.wait().error is None
    assert statement.ended - changed < HEARD
    assert admin.value("SELECT batches_done FROM bulk_update_jobs") == 1
    finish(admin, expected)


def test_max_throttle(admin, other, expected):
    work.create(admin, settings="throttle_query => 'SELECT true', max_throttle => '1200 ms'")
    begun = time.perf_counter()
    with pytest.raises(psycopg2.Error, match="has waited too long for throttle_query") as raised:
        other.run("CALL bulk_update_job_run('job')")
    print(f"after {time.perf_counter() - begun:.1f} s: {raised.value}")
    assert raised.value.pgcode == "55000"
    assert 1.2 <= time.perf_counter() - begun < 1.2 + HEARD
    # Nothing is left of it, in the same session.
    assert admin.run(STATE) == [("created", None, None)]
    assert admin.run(LOCKS, (other.pid,)) == []
    finish(admin, expected)


def test_slot_lag(admin, other, expected):
    """Of a slot that nobody uses."""
    admin.run("SELECT pg_create_physical_replication_slot('unused', true)")
    try:
        work.create(admin, settings="max_slot_lag_bytes => 1000, max_throttle => '1 s'")
        with pytest.raises(psycopg2.Error, match="has waited too long for max_slot_lag_bytes"):
            admin.run("SELECT pg_logical_emit_message(false, 'jobs', repeat('x', 2000))")
            other.run("CALL bulk_update_job_run('job')")
        statement = started(admin, other, "max_slot_lag_bytes")
    finally:
        admin.run("SELECT pg_drop_replication_slot('unused')")
    assert statement.wait().error is None
    work.check_done(admin, expected)


def test_retry_is_cancelled(admin, other, database, expected):
    """In the wait before a batch is tried again."""
    work.create(admin, settings="lock_timeout => '10 ms', max_retries => 1000")
    with Session(**database) as holder:
        holder.run("BEGIN; SELECT FROM target WHERE id = 300 FOR UPDATE")
        statement = started(admin, other, "retry")
        admin.wait_until("max(failures) > 4 FROM bulk_update_job_batches", unless=statement)
        admin.run(f"SELECT pg_cancel_backend({other.pid})")
        assert statement.wait().sqlstate == "57014"
        # Batches in halves, but no row more or less.
        assert admin.value("SELECT count(*) FILTER (WHERE failures > 0) FROM bulk_update_job_batches") > 2
        assert admin.run("SELECT sum(last_row - first_row + 1) = max(last_row) FROM bulk_update_job_batches WHERE batch > 0") == [(True,)]
        assert admin.run(work.WRONG_ACCOUNT) == []
    finish(admin, expected)


def test_one_failure_is_recorded_once(database, admin, other, expected):
    """Two sessions fail with the same batch before either has recorded it: it is divided once."""
    call = "CALL bulk_update_job_run('job')"
    waiting = "count(*) = {} FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CALL%'"
    work.create(admin, batch_rows=200, settings="lock_timeout => '50 ms', max_retries => 100")
    admin.run("UPDATE bulk_update_job_batch SET failures = 1 WHERE batch = 1")
    with Session(**database) as third, Session(**database) as row, Session(**database) as record:
        row.run("BEGIN")
        row.run("SELECT FROM target WHERE id = 1 FOR UPDATE")
        record.run("BEGIN")
        record.run("SELECT FROM bulk_update_job FOR UPDATE")
        statements = []
        for session in (other, third):
            session.run("SET bulk_update.progress_interval = 0")
            statements.append(session.background(call))
            # It has failed, and waits for the lock of the job.
            admin.wait_until(waiting.format(len(statements)), unless=statements[-1])
            time.sleep(0.2)
        record.run("ROLLBACK")
        row.run("ROLLBACK")
        for statement in statements:
            assert statement.wait().error is None
    assert admin.run("SELECT sum(last_row - first_row + 1), max(last_row) FROM bulk_update_job_batches WHERE batch > 0") == \
        admin.run("SELECT rows_to_apply, rows_to_apply FROM bulk_update_job")
    work.check_done(admin, expected)
    work.drop(admin)
