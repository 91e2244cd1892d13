"""What the views show of a running job, and what it hears from other sessions while it waits between two batches."""

import re

import pytest

from harness import Session

ROWS = 40
NOTICE = re.compile(r'NOTICE:  job "j": (\d+) of 40 rows \((\d+) %\), .*left\n?$')


class Job:
    """A job of four batches, and the session that runs it."""

    def __init__(self, admin):
        self.admin = admin
        admin.run(f"""DROP TABLE IF EXISTS target;
            CREATE TABLE target (id int PRIMARY KEY, v text);
            INSERT INTO target SELECT i, 'old' FROM generate_series(1, {ROWS}) i;
            SELECT bulk_update_job_create('j', 'target',
                'SELECT i AS id, ''new'' AS v FROM generate_series(1, {ROWS}) i', batch_rows => 10)""")
        self.run = admin.value("SELECT run FROM bulk_update_jobs")
        self.session = Session()

    def alter(self, settings):
        self.admin.run(f"SELECT bulk_update_job_alter('j', {settings})")

    def call(self, arguments="'j'"):
        return self.session.background(f"CALL bulk_update_job_run({arguments})")

    def waits(self, reason, call):
        """Wait until the job waits for this."""
        self.admin.wait_until(f"(SELECT waits_for FROM bulk_update_jobs) = '{reason}'", unless=call)

    def progress(self):
        return self.admin.run("SELECT phase, job, batch, waits_for FROM bulk_update_progress"
                              f" WHERE pid = {self.session.pid}")

    def state(self):
        return self.admin.run("SELECT state, processes, waits_for, batches_done FROM bulk_update_jobs")[0]

    def end(self, call):
        call.wait()
        assert call.error is None, call.error

    def is_done(self):
        return (self.admin.value("SELECT state FROM bulk_update_jobs") == "done" and
                self.admin.value("SELECT count(*) FROM target WHERE v = 'new'") == ROWS)

    def cleanup(self):
        self.session.connection.cancel()
        self.session.close()
        self.admin.run("SELECT pg_advisory_unlock_all()")
        self.admin.wait_until("NOT EXISTS (SELECT FROM bulk_update_jobs WHERE processes IS NOT NULL)")
        self.admin.run("SELECT bulk_update_job_drop(name) FROM bulk_update_jobs")


@pytest.fixture(scope="module", autouse=True)
def extension(admin):
    admin.run("CREATE EXTENSION IF NOT EXISTS bulk_update")


@pytest.fixture
def job(admin):
    created = Job(admin)
    yield created
    created.cleanup()


def test_locked_batches(job):
    """A CALL waits for batches that another transaction has locked."""
    with Session() as other:
        other.run("BEGIN; SELECT bulk_update_job_alter('j', batch_rows => 7)")
        call = job.call()
        job.waits("retry", call)
        assert job.progress() == [("waiting", job.run, None, "retry")]
        assert job.state() == ("running", [job.session.pid], "retry", 0)
        other.run("COMMIT")
    job.end(call)
    assert job.is_done()


def test_batch(job):
    """While a batch is applied: its number, and the estimate of the end."""
    with Session() as other:
        other.run("BEGIN; SELECT FROM target WHERE id = 15 FOR UPDATE")
        call = job.call()
        job.admin.wait_until(f"cardinality(pg_blocking_pids({job.session.pid})) > 0", unless=call)
        assert job.progress() == [("applying", job.run, 2, None)]
        assert job.state() == ("running", [job.session.pid], None, 1)
        assert job.admin.run("SELECT batch, pid FROM bulk_update_job_batches WHERE state = 'running'") == [
            (2, job.session.pid)]
        assert job.admin.value("SELECT estimated_end > clock_timestamp() - interval '1 minute' FROM bulk_update_jobs")
        other.run("ROLLBACK")
    job.end(call)
    assert job.is_done() and job.progress() == []
    assert job.state() == ("done", None, None, 4)


@pytest.mark.parametrize("settings, reason, goes_on", [
    ("pause => '1 hour'", "pause", "pause => '0'"),
    ("rows_per_second => 1", "rows_per_second", "rows_per_second => 0"),
])
def test_wait_after_batch(job, settings, reason, goes_on):
    """Between two batches, without a transaction that holds anything; a changed setting is heard."""
    job.alter(settings)
    call = job.call()
    job.waits(reason, call)
    assert job.progress() == [("waiting", job.run, 1, reason)]
    assert job.state() == ("running", [job.session.pid], reason, 1)
    job.admin.wait_until("(SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity"
                         f" WHERE pid = {job.session.pid})", unless=call)
    job.alter(goes_on)
    job.end(call)
    assert job.is_done()


def test_throttle_query(job):
    """Before the first batch, too; until the answer changes."""
    job.admin.run("CREATE TABLE gate (closed boolean); INSERT INTO gate VALUES (true)")
    job.alter("throttle_query => 'SELECT closed FROM gate'")
    call = job.call()
    job.waits("throttle_query", call)
    assert job.state() == ("running", [job.session.pid], "throttle_query", 0)
    job.admin.run("UPDATE gate SET closed = false")
    job.end(call)
    assert job.is_done()
    job.admin.run("DROP TABLE gate")


def test_slot_lag(job):
    """A replication slot that holds back more WAL than the limit; and no end, with max_throttle, but an error."""
    job.admin.run("SELECT pg_create_physical_replication_slot('behind', true)")
    job.admin.run("CREATE TABLE wal AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
    job.alter("max_slot_lag_bytes => 100000, max_throttle => '1500 ms'")
    call = job.call()
    job.waits("max_slot_lag_bytes", call)
    call.wait()
    assert call.sqlstate == "55000" and "has waited too long for max_slot_lag_bytes" in call.error
    job.admin.run("SELECT pg_drop_replication_slot('behind'); DROP TABLE wal")
    job.end(job.call())
    assert job.is_done()


def test_replica_lag(job):
    """Without replicas there is no lag."""
    job.alter("max_replica_lag => '1 ms'")
    job.end(job.call())
    assert job.is_done()


def test_pause_is_heard(job):
    job.alter("pause => '1 hour'")
    call = job.call()
    job.waits("pause", call)
    job.admin.run("SELECT bulk_update_job_pause('j')")
    job.end(call)
    assert job.session.connection.notices == ['NOTICE:  job "j" is paused\n']
    assert job.state() == ("paused", None, None, 1)
    job.admin.run("SELECT bulk_update_job_resume('j')")
    job.alter("pause => '0'")
    job.end(job.call())
    assert job.is_done()


def test_cancel_is_heard(job):
    job.alter("rows_per_second => 1")
    call = job.call()
    job.waits("rows_per_second", call)
    job.admin.run("SELECT bulk_update_job_cancel('j')")
    assert call.wait().sqlstate == "55000"
    assert job.state() == ("cancelled", None, None, 1)


def test_drop_while_it_waits(job):
    """A job whose session sleeps cannot be dropped, but when the session has been canceled."""
    job.alter("pause => '1 hour'")
    call = job.call()
    job.waits("pause", call)
    assert job.admin.fails("SELECT bulk_update_job_drop('j')") == "55006"
    job.admin.run(f"SELECT pg_cancel_backend({job.session.pid})")
    assert call.wait().sqlstate == "57014"
    assert job.state() == ("interrupted", None, None, 1)


def test_terminated(job):
    """A session that ends leaves no trace of running."""
    job.alter("pause => '1 hour'")
    call = job.call()
    job.waits("pause", call)
    job.admin.run(f"SELECT pg_terminate_backend({job.session.pid})")
    call.wait()
    job.admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {job.session.pid})")
    assert job.state() == ("interrupted", None, None, 1)
    job.session = Session()
    job.alter("pause => '0'")
    job.end(job.call())
    assert job.is_done()


def test_max_time(job):
    """No batch begins after max_time, and no wait outlasts it by more than a second or so."""
    job.alter("pause => '1 hour'")
    call = job.call("'j', max_time => '1500 ms'")
    job.waits("pause", call)
    job.end(call)
    assert call.ended - call.started < 60
    assert job.state() == ("interrupted", None, None, 1)


def test_retry(job):
    """The wait before a batch is tried again."""
    job.alter("lock_timeout => '1 ms', max_retries => 100")
    with Session() as other:
        other.run("BEGIN; SELECT FROM target WHERE id = 15 FOR UPDATE")
        call = job.call()
        job.waits("retry", call)
        other.run("ROLLBACK")
    job.end(call)
    assert job.is_done()
    assert any("will be tried again" in notice for notice in job.session.connection.notices)


def test_pause_before_retry(job):
    job.alter("lock_timeout => '1 ms', max_retries => 100")
    with Session() as other:
        other.run("BEGIN; SELECT FROM target WHERE id = 15 FOR UPDATE")
        call = job.call()
        job.waits("retry", call)
        job.admin.run("SELECT bulk_update_job_pause('j')")
        job.end(call)
    assert job.state() == ("paused", None, None, 1)


def test_rate(job):
    """The rate of all sessions together."""
    job.alter("rows_per_second => 40")
    with Session() as second:
        calls = [job.call(), second.background("CALL bulk_update_job_run('j')")]
        for call in calls:
            job.end(call)
    assert job.is_done()
    # The last batches need not wait.
    assert max(call.ended for call in calls) - calls[0].started > 0.2


def test_notices(job):
    job.session.run("SET bulk_update.progress_interval = '1 ms'")
    job.alter("pause => '10 ms'")
    job.end(job.call())
    # The call of a batch has notices of its own if it takes longer than the interval.
    notices = [notice for notice in job.session.connection.notices if not notice.startswith("NOTICE:  bulk_update: ")]
    matches = [NOTICE.match(notice) for notice in notices]
    assert matches and all(matches), notices
    rows = [int(match[1]) for match in matches]
    assert rows == sorted(rows) and all(int(match[2]) == int(match[1]) * 100 // ROWS for match in matches)


def test_others(job):
    """Others see neither processes nor batches."""
    job.alter("pause => '1 hour'")
    call = job.call()
    job.waits("pause", call)
    with Session() as other:
        other.run("CREATE ROLE nobody_special; SET ROLE nobody_special")
        assert other.run("SELECT state, processes, waits_for FROM bulk_update_jobs") == [(None, None, None)]
        assert other.run("SELECT * FROM bulk_update_job_batches") == []
        assert other.run("SELECT phase, job, batch, waits_for FROM bulk_update_progress") == [(None,) * 4]
        other.run("RESET ROLE; DROP ROLE nobody_special")
