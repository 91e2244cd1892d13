"""A job with all six outcomes, what one call gives for its source, and clients that call it until it is done."""

import threading
import time

import psycopg2

from harness import TIMEOUT, Session

ROWS = 600
COUNTS = ("updated", "unchanged", "missing", "stale", "duplicate", "rejected")
SUMS = ", ".join(f"sum(rows_{count})::int" for count in COUNTS)

# Of the keys, by their remainder. The last row of the table has a value that no other may have, and is not in the source.
SETUP = f"""
    CREATE TABLE before AS SELECT i AS id, 'old ' || i AS v, i AS n, i AS u FROM generate_series(1, {ROWS + 1}) i;
    CREATE TABLE target (id integer PRIMARY KEY, v text, n integer CHECK (n <> -1), u integer UNIQUE);
    CREATE INDEX ON target (v);
    INSERT INTO target TABLE before;
    CREATE TABLE source (place serial, id integer, v text, n bigint, u integer, expected text);
    INSERT INTO source (id, v, n, u, expected)
        SELECT id, CASE id % 40 WHEN 5 THEN v WHEN 17 THEN 'new ' || turn ELSE 'new ' || id END,
            CASE id % 40 WHEN 5 THEN n WHEN 7 THEN 3000000000 WHEN 11 THEN -1 ELSE n * 2 END,
            CASE id % 40 WHEN 5 THEN u WHEN 13 THEN {ROWS + 1} ELSE u + 100000 END,
            CASE id % 40 WHEN 3 THEN 'other' ELSE v END
        FROM before, generate_series(1, 2) AS turn
        WHERE id <= {ROWS} AND (turn = 1 OR id % 40 = 17) ORDER BY id * 7919 % 601, turn;
    INSERT INTO source (id, v, n, u) SELECT 10000 + i, 'missing', 0, i FROM generate_series(1, 20) i;
    INSERT INTO source (id, v) VALUES (NULL, 'no key');
    SELECT bulk_update_create_rejects('rejects');
    SELECT bulk_update_create_old_values('kept', 'target');
"""

QUERY = "'SELECT id, v, n, u, expected FROM source ORDER BY place', '{id,v,n,u}'"
OPTIONS = ("on_duplicate => 'last', on_error => 'skip', skip_unchanged => true, rejects => 'rejects',"
           " expected_columns => '{v}', old_values => 'kept'")

# Everything but the run, the chunk and the time.
FACTS = {
    "table": "SELECT * FROM target ORDER BY id",
    "rejects": "SELECT target, source_row, reason, key, new_values, sqlstate, message, detail, constraint_name,"
               " current_values FROM rejects ORDER BY source_row",
    "kept": "SELECT to_jsonb(k) - 'run' FROM kept k ORDER BY source_row",
}

# At every moment: what is done is in the account, and nothing else.
WRONG_ACCOUNT = """
    SELECT * FROM (SELECT
        (SELECT count(*) FROM target t JOIN before b USING (id) WHERE (t.v, t.n, t.u) IS DISTINCT FROM (b.v, b.n, b.u)) AS changed,
        (SELECT count(*) FROM kept) AS kept,
        (SELECT count(*) FROM rejects) AS rejects,
        (SELECT coalesce(sum(rows_updated), 0) FROM bulk_update_job_batches) AS updated,
        (SELECT coalesce(sum(rows_missing + rows_stale + rows_duplicate + rows_rejected), 0) FROM bulk_update_job_batches) AS rejected,
        (SELECT count(*) FROM bulk_update_job_batches WHERE batch > 0 AND state = 'done' AND last_row - first_row + 1 <>
            rows_updated + rows_unchanged + rows_missing + rows_stale + rows_duplicate + rows_rejected) AS wrong_batches) f
    WHERE (changed, kept, rejects, wrong_batches) IS DISTINCT FROM (updated, updated, rejected, 0)"""


def one_call(session):
    """What one call gives: its counts, and FACTS; the tables are as before afterwards."""
    session.run("BEGIN")
    counts = session.run(f"SELECT {SUMS} FROM bulk_update_query('target', {QUERY}, {OPTIONS})")[0]
    facts = {name: session.run(query) for name, query in FACTS.items()}
    session.run("ROLLBACK")
    assert all(counts), counts
    return counts, facts


def create(session, name="job", batch_rows=40, settings=""):
    session.run(f"SELECT bulk_update_job_create('{name}', 'target', {QUERY}, batch_rows => {batch_rows}, {OPTIONS})")
    if settings:
        session.run(f"SELECT bulk_update_job_alter('{name}', {settings})")


def drop(session, name="job"):
    """And restore the tables."""
    rows_table = session.value(f"SELECT rows_table::text FROM bulk_update_jobs WHERE name = '{name}'")
    session.run(f"SELECT bulk_update_job_drop('{name}')")
    assert session.value("SELECT to_regclass(%s)", (rows_table,)) is None
    session.run("TRUNCATE target, rejects, kept; INSERT INTO target TABLE before")


def check_done(session, expected, name="job"):
    """Everything is as after one call."""
    counts, facts = expected
    view = session.run(f"SELECT state, processes, batches_done = batches, rows_done = rows_total, {SUMS.replace('sum', '')}"
                       f" FROM bulk_update_jobs WHERE name = '{name}'")[0]
    assert view == ("done", None, True, True, *counts)
    assert session.run(f"SELECT {SUMS} FROM bulk_update_job_batches WHERE name = '{name}'") == [counts]
    assert session.run("SELECT * FROM (SELECT run FROM rejects UNION SELECT run FROM kept) r"
                       f" EXCEPT SELECT run FROM bulk_update_jobs WHERE name = '{name}'") == []
    for fact, query in FACTS.items():
        assert session.run(query) == facts[fact], fact


class Caller(threading.Thread):
    """A client that calls a job until it is done, also after the server was restarted."""

    def __init__(self, parameters, faults=(), name="job", limits=""):
        """faults: one for each of its first calls. parameters: of the connection"""
        super().__init__(daemon=True)
        self.parameters, self.faults, self.limits, self.name_of_job = parameters, list(faults), limits, name
        self.pids, self.sqlstates, self.problem = [], [], None
        self.calls = threading.Event()  # it has called the job
        self.start()

    def run(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                with Session(**self.parameters) as session:
                    if self.once(session):
                        return
            except psycopg2.Error as error:
                self.sqlstates.append(error.pgcode)
                last = error
            time.sleep(0.02)  # the server starts, or others run the last batches
        self.problem = f"not done after {TIMEOUT} s: {last!r}"

    def once(self, session):
        if self.faults:
            self.pids.append(session.pid)
            session.run("SET client_min_messages = error; LOAD 'bulk_update'; RESET client_min_messages")
            session.run("SET bulk_update.fault = %s", (self.faults.pop(0),))
        self.calls.set()
        session.run(f"CALL bulk_update_job_run('{self.name_of_job}'{self.limits})")
        return session.value(f"SELECT state = 'done' FROM bulk_update_jobs WHERE name = '{self.name_of_job}'")

    def wait(self):
        self.join(2 * TIMEOUT)
        assert not self.is_alive() and self.problem is None, self.problem


def wait_for_all(callers):
    for caller in callers:
        caller.wait()
    return [caller.sqlstates for caller in callers]
