"""A job that waits for a standby; test/jobs/run describes the suite."""

import psycopg2
import pytest

import job_work as work

LAG = "max_replica_lag => '300 ms'"


@pytest.fixture(scope="module")
def standby(primary, new):
    created = new("lag_standby", base=primary, wal_receiver_status_interval="1s")
    with primary.session() as session:
        session.wait_until("count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
    return created


@pytest.fixture(scope="module")
def expected(primary):
    with primary.session() as session:
        return work.one_call(session)


def test_lag_of_a_standby_that_stops(primary, standby, expected):
    """The job waits as long as the standby replays nothing, says so, and goes on when it does."""
    with primary.session() as admin, primary.session() as session, standby.session() as there:
        work.create(admin, batch_rows=5, settings=f"{LAG}, pause => '50 ms'")
        statement = session.background("CALL bulk_update_job_run('job')")
        admin.wait_until("batches_done > 10 FROM bulk_update_jobs", unless=statement)
        there.run("SELECT pg_wal_replay_pause()")
        admin.wait_until("waits_for = 'max_replica_lag' FROM bulk_update_jobs", unless=statement)
        assert admin.run("SELECT backend_xmin FROM pg_stat_activity WHERE pid = %s", (session.pid,)) == [(None,)]
        print("waits after", admin.value("SELECT batches_done FROM bulk_update_jobs"), "batches, at a lag of",
              admin.value("SELECT replay_lag FROM pg_stat_replication"))
        there.run("SELECT pg_wal_replay_resume()")
        admin.wait_until("waits_for IS DISTINCT FROM 'max_replica_lag' FROM bulk_update_jobs")
        assert statement.wait().error is None
        work.check_done(admin, expected)
        work.drop(admin)


def test_limit_of_the_wait(primary, standby, expected):
    with primary.session() as admin, primary.session() as session, standby.session() as there:
        work.create(admin, batch_rows=5, settings=f"{LAG}, pause => '50 ms', max_throttle => '1 s'")
        there.run("SELECT pg_wal_replay_pause()")
        with pytest.raises(psycopg2.Error, match="has waited too long for max_replica_lag") as raised:
            session.run("CALL bulk_update_job_run('job')")
        assert raised.value.pgcode == "55000"
        there.run("SELECT pg_wal_replay_resume()")
        assert admin.run(work.WRONG_ACCOUNT) == []
        work.drop(admin)


def test_standby_that_is_always_late(primary, standby, expected):
    """By more than the limit: the job goes on when the standby has caught up."""
    standby.run("ALTER SYSTEM SET recovery_min_apply_delay = '600 ms'")
    standby.run("SELECT pg_reload_conf()")
    with primary.session() as admin, primary.session() as session:
        work.create(admin, batch_rows=5, settings=f"{LAG}, pause => '50 ms'")
        statement = session.background("CALL bulk_update_job_run('job')")
        admin.wait_until("waits_for = 'max_replica_lag' FROM bulk_update_jobs", unless=statement)
        done = admin.value("SELECT batches_done FROM bulk_update_jobs")
        admin.wait_until(f"batches_done > {done} FROM bulk_update_jobs", unless=statement)
        standby.run("ALTER SYSTEM RESET recovery_min_apply_delay")
        standby.run("SELECT pg_reload_conf()")
        assert statement.wait().error is None
        work.check_done(admin, expected)
        work.drop(admin)


def test_lag_that_the_role_may_not_see(primary, expected):
    """An error, not "no lag"."""
    with primary.session() as admin, primary.session() as session:
        admin.run("CREATE ROLE plain; GRANT ALL ON TABLE target, source, rejects, kept TO plain; GRANT CREATE ON SCHEMA public TO plain")
        session.run("SET ROLE plain")
        work.create(session)
        admin.run(f"SELECT bulk_update_job_alter('job', {LAG})")
        assert session.fails("CALL bulk_update_job_run('job')") == "42501"
        assert session.value("SELECT batches_done FROM bulk_update_jobs") == 0
        admin.run("GRANT pg_read_all_stats TO plain")
        session.run("CALL bulk_update_job_run('job')")
        assert session.value("SELECT state FROM bulk_update_jobs") == "done"
        session.run("RESET ROLE")
        work.drop(admin)
