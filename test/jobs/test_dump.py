"""Jobs in dumps, and after pg_upgrade; test/jobs/run describes the suite."""

import os
import signal
import subprocess

import pytest

import job_work as work
from cluster import BIN, Cluster, stage
from harness import Session

DONE = "SELECT name, batches_done, rows_done, rows_total FROM bulk_update_jobs ORDER BY name"
WAYS = {
    "plain": (["--format=plain"],),
    "custom": (["--format=custom"],),
    "schema and data": (["--schema-only"], ["--data-only"]),
    "schema and data, custom": (["--format=custom", "--schema-only"], ["--format=custom", "--data-only"]),
    "inserts": (["--column-inserts"],),
}


@pytest.fixture(scope="module")
def expected(database):
    with Session(**database) as session:
        session.run("TRUNCATE target, rejects, kept; INSERT INTO target TABLE before")
        return work.one_call(session)


@pytest.fixture
def dumped(database, expected):
    """A database with a job of which three batches are done, and one that is paused; and the number of the last run."""
    with Session(**database) as session:
        for name, in session.run("SELECT name FROM bulk_update_jobs"):
            work.drop(session, name)
        work.create(session)
        session.run("CALL bulk_update_job_run('job', max_batches => 3)")
        session.run("SELECT bulk_update_job_create('other', 'target', 'SELECT 1 AS id, ''x'' AS v')")
        session.run("SELECT bulk_update_job_pause('other')")
        session.run("UPDATE bulk_update_job SET lock_timeout = '1 s' WHERE name = 'other'")
        assert session.run(work.WRONG_ACCOUNT) == []
        yield session
        session.run("SELECT bulk_update_job_drop('other')")
        work.drop(session)


def program(*arguments, **keywords):
    return subprocess.run(arguments, check=True, capture_output=True, **keywords).stdout


def restore(options, dump):
    if any("custom" in option for option in options):
        program("pg_restore", "--exit-on-error", "--dbname=restored", input=dump)
    else:
        program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "restored", input=dump)


@pytest.mark.parametrize("way", WAYS)
def test_restored_jobs_are_paused_and_go_on(dumped, expected, way):
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS restored")
        session.run("CREATE DATABASE restored")
    for options in WAYS[way]:
        restore(options, program("pg_dump", *options, "--dbname=jobs"))
    last_run = dumped.value("SELECT last_value FROM bulk_update_run")
    with Session(dbname="restored") as session:
        assert session.run(DONE) == dumped.run(DONE)
        assert session.run("SELECT name, state FROM bulk_update_jobs ORDER BY 1") == [("job", "paused"), ("other", "paused")]
        session.run("CALL bulk_update_job_run('job')")
        assert session.run(DONE) == dumped.run(DONE)
        assert "restored" in session.connection.notices[-1]
        session.run("SELECT bulk_update_job_resume('job')")
        assert session.run("SELECT name, state FROM bulk_update_jobs ORDER BY 1") == [("job", "interrupted"), ("other", "paused")]
        assert session.run(work.WRONG_ACCOUNT) == []
        session.run("CALL bulk_update_job_run('job')")
        work.check_done(session, expected)
        session.run("SELECT bulk_update_job_drop('other')")
        # Another job has another number.
        session.run("SELECT bulk_update_job_create('next', 'target', 'SELECT 1 AS id, ''y'' AS v')")
        assert session.value("SELECT run FROM bulk_update_jobs WHERE name = 'next'") == last_run + 1
        session.run("CALL bulk_update_job_run('next')")
        assert session.value("SELECT v FROM target WHERE id = 1") == "y"
    # The dumped one goes on as well.
    dumped.run("CALL bulk_update_job_run('job')")
    work.check_done(dumped, expected)
    with Session() as session:
        session.run("DROP DATABASE restored")


@pytest.mark.parametrize("damage, sqlstate", (("DROP TABLE job_rows", "42P01"), ("DELETE FROM job_rows WHERE job_row = 100", "55000")))
def test_restored_without_all_rows(dumped, damage, sqlstate):
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS restored")
        session.run("CREATE DATABASE restored")
    restore([], program("pg_dump", "--dbname=jobs"))
    with Session(dbname="restored") as session:
        session.run(damage)
        assert session.fails("SELECT bulk_update_job_resume('job')") == sqlstate
        assert session.value("SELECT state FROM bulk_update_jobs WHERE name = 'job'") == "paused"
        session.run("SELECT bulk_update_job_drop('job')")
    with Session() as session:
        session.run("DROP DATABASE restored")


@pytest.mark.parametrize("table", ("job_rows", "other_target", "other_rejects", "other_kept"))
def test_job_without_its_table_is_not_dumped(database, expected, table):
    """What has been dropped would be dumped as a number, which another table can have after a restore."""
    assert expected
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS restored")
        session.run("CREATE DATABASE restored")
    with Session(**database) as session:
        session.run("CREATE TABLE other_target (LIKE target INCLUDING ALL)")
        session.run("SELECT bulk_update_create_rejects('other_rejects'), bulk_update_create_old_values('other_kept', 'other_target')")
        for name in ("job", "whole"):
            session.run(f"SELECT bulk_update_job_create('{name}', '{'other_target' if name == 'job' else 'target'}',"
                        " 'SELECT 1 AS id, ''x'' AS v'"
                        + (", on_error => 'skip', rejects => 'other_rejects', old_values => 'other_kept')" if name == "job" else ")"))
        session.run(f"DROP TABLE {table}")
        restore([], program("pg_dump", "--dbname=jobs"))
        for name in ("job", "whole"):
            session.run(f"SELECT bulk_update_job_drop('{name}')")
        session.run("DROP TABLE IF EXISTS other_target, other_rejects, other_kept")
    with Session(dbname="restored") as session:
        assert session.run("SELECT name, state FROM bulk_update_jobs") == [("whole", "paused")]
        session.run("SELECT bulk_update_job_drop('whole')")
    with Session() as session:
        session.run("DROP DATABASE restored")


def test_pg_upgrade(expected):
    """To a cluster of the same version, as PostgreSQL's own test does; the module is built for one version. Not a restore: OIDs
    and transaction IDs are the same, so the job goes on without a pause."""
    if not os.path.exists(f"{BIN}/pg_upgrade"):
        pytest.skip("there is no pg_upgrade")
    if "extension_control_path" in stage():
        pytest.skip("pg_upgrade looks for the module in the server's own directory, and it is in the stage")
    old, new = (Cluster(name) for name in ("upgrade_old", "upgrade_new"))
    try:
        old.run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        with old.session() as session:
            session.run(work.SETUP)
            work.create(session)
            session.run("CALL bulk_update_job_run('job', max_batches => 3)")
        for cluster in (old, new):
            cluster.stop(signal.SIGINT)
        new.program("pg_upgrade", "-b", BIN, "-B", BIN, "-d", old.data, "-D", new.data, "-U", "postgres",
                    directory=new.socket)
        new.start()
        with new.session() as session:
            assert session.run("SELECT state, batches_done FROM bulk_update_jobs") == [("interrupted", 3)]
            assert session.run(work.WRONG_ACCOUNT) == []
            session.run("CALL bulk_update_job_run('job')")
            work.check_done(session, expected)
        assert new.amcheck() == ""
    finally:
        old.end()
        new.end()


def test_the_owner_of_a_database_can_dump_it():
    """The extension is trusted, and its objects belong to the superuser all the same."""
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS owned")
        session.run("DROP ROLE IF EXISTS database_owner")
        session.run("CREATE ROLE database_owner LOGIN PASSWORD 'secret'")
        session.run("CREATE DATABASE owned OWNER database_owner")
    of_owner = {**os.environ, "PGUSER": "database_owner", "PGPASSWORD": "secret"}
    program("psql", "-X", "-q", "-d", "owned", "-v", "ON_ERROR_STOP=1", env=of_owner, input=b"""
        CREATE EXTENSION bulk_update;
        CREATE TABLE target (id integer PRIMARY KEY, v text);
        SELECT bulk_update_job_create('of owner', 'target', 'SELECT 1 AS id, ''x'' AS v');
        """)
    dump = program("pg_dump", "--dbname=owned", env=of_owner)
    assert b"of owner" in dump
    with Session() as session:
        session.run("DROP DATABASE owned")
        session.run("DROP ROLE database_owner")
