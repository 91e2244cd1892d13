"""Jobs on tables of Citus; test/citus/run describes the suite."""

import os
import signal

import pytest

import test_policies as policies
from harness import Session
from job_work import Caller, wait_for_all

# Each remainder has another outcome: a bad value, a wrong type, the values that the row already has, a stale row, a duplicate.
SOURCE = """
    SELECT {key}i AS id, CASE WHEN i % {every} = 3 THEN '-5' WHEN i % {every} = 5 THEN 'x' WHEN i % 40 = 9 THEN i::text
        ELSE (i * 2 + j)::text END AS a,
        CASE WHEN i % 40 = 9 THEN 'old' || i ELSE 'new' || j END AS b, CASE WHEN i % 40 = 13 THEN -1 ELSE i END AS expected
    FROM generate_series(1, {last}) i, generate_series(1, 2) j WHERE j = 1 OR i % 40 = 17
"""
OPTIONS = ("on_duplicate => 'last', on_error => 'skip', skip_unchanged => true, rejects => 'rejects',"
           " expected_columns => '{a}', old_values => 'old'")
OUTCOMES = "rows_updated, rows_unchanged, rows_missing, rows_stale, rows_duplicate, rows_rejected"
# Of many rows, so many that those of a batch are staged.
SIZES = {"few": 300, "many": 13000}
# What a job has left: its account, rows, rejects, old values.
FACTS = {
    "job": f"SELECT state, batches_done = batches, rows_done = rows_total, {OUTCOMES} FROM bulk_update_jobs WHERE name = 'job'",
    "batches": f"SELECT batch, state, {OUTCOMES} FROM bulk_update_job_batches WHERE name = 'job' ORDER BY batch",
    "rows": "SELECT tenant, id, a, b FROM {table} ORDER BY id",
    "rejects": "SELECT source_row, reason, key::text, new_values::text, sqlstate, current_values::text FROM rejects ORDER BY 1",
    "old values": "SELECT to_jsonb(o) - 'run' FROM old o ORDER BY source_row",
}
UNDONE = {
    "undo": f"SELECT state, {OUTCOMES} FROM bulk_update_jobs WHERE name = 'undo'",
    "undone": FACTS["rows"],
}
CLEANUP = """
    ROLLBACK;
    SELECT bulk_update_job_drop(name) FROM (SELECT name FROM bulk_update_jobs ORDER BY run DESC) j;
    DROP TABLE IF EXISTS target, oracle, reference, old, rejects;
    DROP SCHEMA IF EXISTS tenant CASCADE
"""
# Rows of all shards in each batch; their values are those of the test after any number of crashes.
BATCHES = 5
PLAIN = ("SELECT bulk_update_job_create('job', 'target', 'SELECT i AS id, i * 2 AS a FROM generate_series(1, 1010) i',"
         " batch_rows => 202, old_values => 'old')")
DISTRIBUTED = """
    CREATE TABLE target (id bigint PRIMARY KEY, a int);
    SELECT create_distributed_table('target', 'id', shard_count => 4);
    INSERT INTO target SELECT i, i FROM generate_series(1, 1000) i;
    SELECT bulk_update_create_old_values('old', 'target')
"""
WRONG = "SELECT count(*) FROM target WHERE a <> id * 2"
STATES = "SELECT state, batches_done, rows_done, rows_updated, rows_missing FROM bulk_update_jobs WHERE name = 'job'"


@pytest.fixture(autouse=True)
def cleanup():
    with Session() as session:
        session.run(policies.SETUP)
        session.run(CLEANUP)
    yield
    with Session() as session:
        session.run(CLEANUP)


@pytest.fixture
def distributed():
    with Session() as session:
        session.run(DISTRIBUTED)


def facts(session, queries, table):
    return {name: session.run(query.format(table=table)) for name, query in queries.items()}


def run_job(session, kind, table, rows):
    """What a job, and then its undo, has left."""
    columns = policies.key_of(kind)
    query = SOURCE.format(key="i % 7 AS tenant, " if kind == "by tenant" else "", last=rows + 20, every=rows // 3)
    session.run("DROP TABLE IF EXISTS old, rejects; SELECT bulk_update_create_rejects('rejects')")
    session.run(f"SELECT bulk_update_create_old_values('old', '{table}')")
    session.run(f"SELECT bulk_update_job_create('job', '{table}', %s, columns => '{{{columns}, a, b}}', batch_rows => {rows // 3},"
                f" {OPTIONS})", (query,))
    session.run("CALL bulk_update_job_run('job')")
    found = facts(session, FACTS, table)
    session.run("SELECT bulk_update_job_undo('job', 'undo')")
    session.run("CALL bulk_update_job_run('undo')")
    found.update(facts(session, UNDONE, table))
    session.run("SELECT bulk_update_job_drop('undo'); SELECT bulk_update_job_drop('job')")
    return found


@pytest.mark.parametrize("kind, size", [(kind, "few") for kind in policies.KINDS] + [(kind, "many") for kind in policies.STAGED])
def test_job(session, kind, size):
    """The same as on an ordinary table: outcomes, rows, rejects, old values, and what the undo leaves."""
    target = policies.create(session, kind, "target", SIZES[size])
    oracle = policies.create(session, "tenant" if kind == "by tenant" else None, "oracle", SIZES[size])
    if "trigger" in kind:
        session.run("SET citus.enable_unsafe_triggers = on")
        for table in target, oracle:
            session.run(policies.TRIGGER.format(table=table))
    theirs = run_job(session, kind, oracle, SIZES[size])
    assert all(theirs["job"][0][3:]), theirs["job"]
    ours = run_job(session, kind, target, SIZES[size])
    for fact, rows in theirs.items():
        assert ours[fact] == rows, fact


def test_rows_of_a_job_in_a_sharded_schema(session):
    """Whatever search_path says, the rows of the job and its tables are on the coordinator."""
    table = policies.create(session, "schema", "target", 100)
    session.run("SET search_path = tenant, public")
    session.run("SELECT bulk_update_create_rejects('rejects'); SELECT bulk_update_create_old_values('old', 'target')")
    session.run(f"SELECT bulk_update_job_create('job', '{table}', 'SELECT i AS id, i * 2 AS a FROM generate_series(1, 110) i',"
                " batch_rows => 30, rejects => 'rejects', old_values => 'old')")
    session.run("CALL bulk_update_job_run('job')")
    assert session.run(STATES) == [("done", 4, 110, 100, 10)]
    assert session.value(f"SELECT sum(a) FROM {table}") == 10100
    session.run("SELECT bulk_update_job_undo('job', 'undo')")
    session.run("CALL bulk_update_job_run('undo')")
    assert session.value(f"SELECT sum(a) FROM {table}") == 5050


@pytest.fixture
def holder():
    """A session that locks a row of a node until it is closed."""
    with Session() as opened:
        yield opened


def waiting(session, caller, holder):
    """A CALL in another session, the second batch of which waits for a row of a node."""
    session.run(PLAIN)
    holder.run("BEGIN")
    holder.run("UPDATE target SET a = 0 WHERE id = 300")
    statement = caller.background("CALL bulk_update_job_run('job')")
    session.wait_until("EXISTS (SELECT FROM citus_lock_waits)", unless=statement)
    assert session.run(STATES) == [("running", 1, 202, 202, 0)]
    return statement


def check_done(session):
    """The account, the rows and the old values are those of one call."""
    assert session.run(STATES) == [("done", BATCHES, 1010, 1000, 10)]
    assert session.value(WRONG) == 0
    assert session.run("SELECT count(*), count(DISTINCT id), bool_and(old_a = id) FROM old") == [(1000, 1000, True)]


def go_on(session, state):
    """One batch was done; now the others are."""
    session.wait_until("processes IS NULL FROM bulk_update_jobs WHERE name = 'job'")
    assert session.run(STATES) == [(state, 1, 202, 202, 0)]
    assert session.value(WRONG) == 1000 - 202
    session.run("CALL bulk_update_job_run('job')")
    check_done(session)


@pytest.mark.parametrize("how", ("pg_cancel_backend", "pg_terminate_backend"))
def test_lost_session(distributed, session, holder, how):
    """The batch is as if it had never begun, on all nodes, and CALL goes on."""
    with Session() as caller:
        statement = waiting(session, caller, holder)
        session.run(f"SELECT {how}({caller.pid})")
        assert statement.wait().error is not None
    holder.close()
    go_on(session, "interrupted")


def test_killed_session(distributed, holder):
    """kill -9 ends all sessions of the coordinator, and what had not committed is undone on the nodes, too."""
    with Session() as session, Session() as caller:
        statement = waiting(session, caller, holder)
        os.kill(caller.pid, signal.SIGKILL)
        assert statement.wait().error is not None
    wait_for_all([Caller({})])
    with Session() as session:
        check_done(session)


def test_lost_node(distributed, session, holder):
    """The error is the node's, if it could still send it, and ends the CALL; or the batch has failed as the connection has."""
    with Session() as caller:
        statement = waiting(session, caller, holder)
        for port, in session.run("SELECT nodeport FROM pg_dist_node WHERE groupid > 0"):
            with Session(port=port) as node:
                node.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'citus_internal%'"
                         " AND wait_event_type = 'Lock'")
        statement.wait()
    holder.close()
    go_on(session, {"57P01": "interrupted", "08006": "failed"}[statement.sqlstate])


def test_lock_timeout_is_that_of_the_nodes(distributed, session, holder):
    """The rows are locked on the nodes, which have other settings than the session."""
    with Session() as caller:
        session.run(PLAIN)
        session.run("SELECT bulk_update_job_alter('job', lock_timeout => '300 ms', max_retries => 1)")
        holder.run("BEGIN")
        holder.run("UPDATE target SET a = 0 WHERE id = 300")
        assert caller.background("CALL bulk_update_job_run('job')").wait().sqlstate == "55P03"
    assert session.run("SELECT batch, failures, sqlstate FROM bulk_update_job_batches WHERE state = 'failed'") == [(2, 2, "55P03")]
    holder.close()
    session.run("SELECT bulk_update_job_alter('job', lock_timeout => '0')")
    session.run("CALL bulk_update_job_run('job')")
    check_done(session)


@pytest.mark.parametrize("level", ("read committed", "repeatable read"))
def test_several_sessions(distributed, session, level):
    session.run(PLAIN)
    callers = [Caller({"options": f"-c default_transaction_isolation={level.replace(' ', chr(92) + ' ')}"}) for _ in range(3)]
    print(wait_for_all(callers), session.value("SELECT sum(failures) FROM bulk_update_job_batches"), "failures")
    check_done(session)


def test_deferred_constraint_fails_in_its_batch(distributed, session):
    """The nodes check it when the batch commits."""
    session.run("CREATE TABLE reference (a int PRIMARY KEY); SELECT create_reference_table('reference')")
    session.run("INSERT INTO reference SELECT generate_series(1, 2000)")
    session.run("ALTER TABLE target ADD CONSTRAINT refers FOREIGN KEY (a) REFERENCES reference DEFERRABLE INITIALLY DEFERRED")
    session.run("DELETE FROM reference WHERE a = 1200")
    session.run(PLAIN)
    assert session.fails("CALL bulk_update_job_run('job')") == "23503"
    assert session.run("SELECT batch, state, sqlstate FROM bulk_update_job_batches WHERE sqlstate IS NOT NULL") == [
        (3, "failed", "23503")]
    assert session.run(STATES) == [("failed", 2, 404, 404, 0)]
    session.run("INSERT INTO reference VALUES (1200)")
    session.run("CALL bulk_update_job_run('job')")
    check_done(session)


def test_dropped_and_undistributed_targets(distributed, session):
    """Both are a table that is not there any more: undistribute_table() creates another one."""
    session.run(PLAIN)
    session.run("SELECT undistribute_table('target')")
    assert session.fails("CALL bulk_update_job_run('job')") == "42P01"
