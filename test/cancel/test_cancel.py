"""Cancelling a call in every phase; test/cancel/run describes the suite. Runs inside a server."""

import os
import signal
import time

import psycopg2
import pytest

from harness import Session

BOUND = 0.5
RETRY_BELOW = 4 * BOUND  # too long even for a busy machine: not retried
TRIES = 3
ROWS = 500000  # of table target, all of which keep v = 'old'

SETUP = f"""
    CREATE EXTENSION bulk_update;
    CREATE TABLE target (id bigint PRIMARY KEY, v text, n integer CHECK (n <> -1));
    INSERT INTO target SELECT i, 'old', 0 FROM generate_series(1, {ROWS}) i;
    SELECT bulk_update_create_rejects('rejects');
    CREATE TYPE word AS (w text);
    CREATE FUNCTION slow_cast(word) RETURNS text VOLATILE LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(0.02); RETURN ($1).w; END';
    CREATE CAST (word AS text) WITH FUNCTION slow_cast(word) AS ASSIGNMENT;
    CREATE TABLE child (id bigint PRIMARY KEY, target bigint REFERENCES target);
    INSERT INTO child SELECT i, i FROM generate_series(1, {ROWS}) i;
    CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END';
    CREATE TRIGGER wait_here AFTER UPDATE ON child FOR EACH ROW WHEN (NEW.id = 1000) EXECUTE FUNCTION wait_here();
    CREATE TABLE turned (id bigint PRIMARY KEY, n integer UNIQUE DEFERRABLE);
    INSERT INTO turned SELECT i, i FROM generate_series(1, {ROWS}) i;
    CREATE TABLE sorted (id bigint PRIMARY KEY, a text, v text);
    INSERT INTO sorted SELECT i, md5(i::text), 'old' FROM generate_series(1, {ROWS}) i;
    CREATE INDEX ON sorted (a);
    CREATE INDEX ON sorted (v);
    VACUUM ANALYZE target, child, turned, sorted;
"""

ALL = f"SELECT i AS id, 'new'::text AS v FROM generate_series(1, {ROWS}) i"
ENDLESS = "SELECT {keys} AS id, 'new'::text AS v"
UPWARDS = "generate_series(1000000000, 1000000000000)"
DOWNWARDS = "generate_series(1000000000000, 1000000000, -1)"

# tuplesort's own work, after the last row was read. rows_fetched is reported at least every 1024 rows, not for each row.
SORTED_ROWS = 3000000
READ = f"p.phase = 'sorting' AND p.rows_fetched > {SORTED_ROWS} - 1024"


# The leader does not read, so nothing happens without the workers.
PAIRS = "SELECT t.id, 'new'::text AS v FROM target t JOIN target u ON t.id <> u.id"
PARALLEL = ("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET parallel_leader_participation = off;"
            " SET min_parallel_table_scan_size = 0")
WORKERS = "p.phase = 'sorting' AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.leader_pid = p.pid)"


class Phase:
    """A call, and a condition on its row p of the view that is true when the call is in the phase."""

    def __init__(self, name, source, when, options="", settings="", function="bulk_update_query", target="target",
                 blocked=False, cleanup=""):
        self.name, self.when, self.settings, self.blocked, self.cleanup = name, when, settings, blocked, cleanup
        quoted = source.replace("'", "''")
        self.call = (f"SELECT count(*) FROM {function}('{target}', '{quoted}'"
                     + (f", {options}" if options else "") + ")")


BIG_CHUNK = "SET work_mem = '256MB'"

# Each attempt fails before a statement runs, and reports nothing: only the loop checks for interrupts.
FAILING = BIG_CHUNK + "; LOAD 'bulk_update'; SET client_min_messages = error; SET bulk_update.fault = 'attempt:error:1+'"

PHASES = [
    Phase("fetching, slow query",
          "SELECT i AS id, 'new'::text AS v FROM generate_series(1, 1000000) i WHERE pg_sleep(0.01) IS NOT NULL",
          "p.phase = 'fetching'"),
    Phase("fetching, endless fast query in key order", ENDLESS.format(keys=UPWARDS), "p.rows_missing > 50000"),
    Phase("sorting, endless fast query", ENDLESS.format(keys=DOWNWARDS),
          "p.phase = 'sorting' AND p.rows_fetched > 50000"),
    Phase("sorting, endless query, on_duplicate 'last'", ENDLESS.format(keys=UPWARDS),
          "p.phase = 'sorting' AND p.rows_fetched > 50000", "on_duplicate => 'last'"),
    Phase("sorting, merging many runs",
          f"SELECT ({SORTED_ROWS} - i) * 7919::bigint % {SORTED_ROWS} AS id, 'new'::text AS v"
          f" FROM generate_series(1, {SORTED_ROWS}) i",
          READ, "on_duplicate => 'last'",
          "SET work_mem = '64kB'"),
    Phase("sorting in memory",
          f"SELECT ({SORTED_ROWS} - i) * 7919::bigint % {SORTED_ROWS} AS id, 'new'::text AS v"
          f" FROM generate_series(1, {SORTED_ROWS}) i",
          READ, "on_duplicate => 'last'",
          "SET work_mem = '1GB'"),
    Phase("sorting, endless query of parallel workers", PAIRS, f"{WORKERS} AND p.rows_fetched > 50000",
          "ordering => 'sort'", PARALLEL),
    Phase("sorting, endless query of parallel workers, keys that are cast later", PAIRS.replace("t.id,", "t.id::text AS id,"),
          f"{WORKERS} AND p.rows_fetched > 50000", "ordering => 'sort'", PARALLEL),
    Phase("waiting for parallel workers", f"{PAIRS} AND t.id + u.id < 0", WORKERS, "ordering => 'sort'", PARALLEL),
    Phase("coercing, slow cast", "SELECT i AS id, ROW('new')::word AS v FROM generate_series(1, 1000000) i",
          "p.phase = 'fetching' AND p.elapsed > interval '0.2 s'"),
    Phase("coercing, slow cast, 'skip'", "SELECT i AS id, ROW('new')::word AS v FROM generate_series(1, 1000000) i",
          "p.phase = 'fetching' AND p.elapsed > interval '0.2 s'", "on_error => 'skip'"),
    Phase("coercing, everything bad, 'skip'", f"SELECT {UPWARDS} AS id, 3000000000 AS n",
          "p.rows_rejected > 1000", "on_error => 'skip', chunk_size => 1000"),
    Phase("coercing, everything bad, 'skip', one huge chunk", f"SELECT {UPWARDS} AS id, 3000000000 AS n",
          "p.rows_fetched > 20000", "on_error => 'skip', chunk_size => 10000000", BIG_CHUNK),
    Phase("filling one huge chunk", ENDLESS.format(keys=UPWARDS), "p.phase = 'fetching' AND p.rows_fetched > 500000",
          "chunk_size => 10000000", BIG_CHUNK),
    Phase("applying the huge chunk", ENDLESS.format(keys=UPWARDS), "p.phase = 'applying'",
          "chunk_size => 10000000", BIG_CHUNK),
    Phase("applying, waiting for a row lock", ALL, "p.phase = 'applying'", "chunk_size => 10000", blocked=True),
    Phase("applying, waiting for a row lock, 'skip'", ALL, "p.phase = 'applying'", "on_error => 'skip'",
          blocked=True),
    Phase("applying a chunk of 200000 rows", f"{ALL} WHERE i <= 200000", "p.phase = 'applying'",
          "chunk_size => 200000", BIG_CHUNK, cleanup="VACUUM target"),
    Phase("applying a chunk of 200000 rows, 'skip'", f"{ALL} WHERE i <= 200000", "p.phase = 'applying'",
          "chunk_size => 200000, on_error => 'skip'", BIG_CHUNK, cleanup="VACUUM target"),
    Phase("checking 200000 foreign keys", "SELECT i AS id, i % 1000 + 1 AS target FROM generate_series(1, 200000) i",
          "EXISTS (SELECT FROM pg_locks l WHERE l.pid = p.pid AND l.locktype = 'advisory' AND l.objid = 77)",
          "chunk_size => 200000", BIG_CHUNK, target="child",
          cleanup="VACUUM child"),
    Phase("checking deferrable constraints at the end", f"SELECT i AS id, i % {ROWS} + 1 AS n FROM generate_series(1, {ROWS}) i",
          f"p.phase = 'applying' AND p.rows_updated = {ROWS}", target="turned", cleanup="VACUUM turned"),
    Phase("entering index entries", ALL, "p.phase = 'entering index entries'", target="sorted", cleanup="VACUUM sorted"),
    Phase("entering index entries, merging many runs", ALL, "p.phase = 'entering index entries'",
          settings="SET maintenance_work_mem = '1MB'", target="sorted", cleanup="VACUUM sorted"),
    Phase("entering index entries, 'skip'", ALL, "p.phase = 'entering index entries'", "on_error => 'skip'",
          target="sorted", cleanup="VACUUM sorted"),
    Phase("finding bad rows, everything bad", f"SELECT i AS id, -1 AS n FROM generate_series(1, {ROWS}) i",
          "p.phase = 'applying' AND p.elapsed > interval '2 s'", "on_error => 'skip', chunk_size => 200000", BIG_CHUNK,
          cleanup="VACUUM target"),
    Phase("finding bad rows, everything bad, rejects recorded", f"SELECT i AS id, -1 AS n FROM generate_series(1, {ROWS}) i",
          "p.rows_rejected > 0", "on_error => 'skip', chunk_size => 1000, rejects => 'rejects'",
          cleanup="VACUUM target"),
    Phase("finding bad rows, attempts that fail at once", ALL, "p.phase = 'applying' AND p.elapsed > interval '0.3 s'",
          f"on_error => 'skip', chunk_size => {ROWS}", FAILING),
    Phase("finding bad rows, probes that fail at once", ALL, "p.phase = 'applying' AND p.elapsed > interval '0.3 s'",
          f"on_error => 'skip', skip_unchanged => true, chunk_size => {ROWS}", FAILING),
    Phase("recording 200000 missing rows", "SELECT -i AS id, 'new'::text AS v FROM generate_series(200000, 1, -1) i",
          "p.phase = 'recording rejects'", "chunk_size => 200000, rejects => 'rejects'", BIG_CHUNK),
    Phase("probing, dry_run", ALL, "p.phase = 'applying'", f"chunk_size => {ROWS}, dry_run => true", BIG_CHUNK),
    Phase("probing, skip_unchanged", f"SELECT i AS id, 'old'::text AS v FROM generate_series(1, {ROWS}) i",
          "p.phase = 'applying'", f"chunk_size => {ROWS}, skip_unchanged => true", BIG_CHUNK),
]


class Again(Exception):
    """The reason for a retry."""


class Calls:
    def __init__(self):
        self.admin = Session()
        self.admin.run("SET synchronize_seqscans = off")
        for statement in SETUP.split(";\n    "):
            if statement.strip():
                self.admin.run(statement)
        self.server_started = self.admin.value("SELECT pg_postmaster_start_time()")
        self.holder = Session()
        self.session = None
        self.slowest = []
        self.last_try = True

    def prepare(self, phase):
        """A session for a call, in a transaction, so that the tables stay as they are if the call succeeds."""
        self.session = Session()
        self.session.run(phase.settings or "SELECT 1")
        if phase.blocked:
            self.holder.run("BEGIN; SELECT FROM target WHERE id = 5 FOR UPDATE")
        self.session.run("BEGIN")
        return self.session

    def reach(self, phase, session, statement):
        try:
            self.admin.wait_until(f"EXISTS (SELECT FROM bulk_update_progress p WHERE p.pid = {session.pid}"
                                  f" AND {phase.when})", unless=statement)
            if phase.blocked:
                self.admin.wait_until(f"wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {session.pid}",
                                      unless=statement)
        except AssertionError as problem:
            if statement.ended is None:
                raise
            raise Again(problem) from problem

    def measured(self, name, seconds):
        if BOUND <= seconds < RETRY_BELOW and not self.last_try:
            raise Again(f"ended after {seconds * 1000:.0f} ms")
        self.slowest.append((seconds, name))
        assert seconds < BOUND, f"{name}: ended after {seconds * 1000:.0f} ms, less than {BOUND * 1000:.0f}"

    def left_behind(self, phase, name, session, usable=True):
        """The checks after each call."""
        if phase.blocked:
            self.holder.run("ROLLBACK")
        assert self.admin.run("SELECT pid, phase FROM bulk_update_progress") == [], f"{name}: no row in the view"
        assert (self.admin.value("SELECT count(*) FROM target WHERE v <> 'old' OR n <> 0")
               + self.admin.value("SELECT count(*) FROM child WHERE target <> id")
               + self.admin.value("SELECT count(*) FROM sorted WHERE v <> 'old'")
               + self.admin.value("SELECT count(*) FROM turned WHERE n <> id")
               + self.admin.value("SELECT count(*) FROM rejects")) \
            == 0, \
            f"{name}: the tables are unchanged"
        assert self.admin.value("SELECT count(*) FROM pg_ls_tmpdir()") == 0, f"{name}: no temporary files"
        assert self.admin.value("SELECT pg_postmaster_start_time()") == self.server_started, f"{name}: no restart"
        if usable:
            session.run("ROLLBACK")
            assert session.run("""
                RESET ALL; BEGIN;
                CREATE TEMP TABLE again ON COMMIT DROP AS SELECT * FROM
                    bulk_update_query('target', 'SELECT 3 AS id, ''new'' AS v', on_error => 'skip');
                SELECT rows_fetched, rows_updated, (SELECT v FROM target WHERE id = 3) FROM again""") \
                == [(1, 1, "new")], \
                f"{name}: the session can continue"
            session.run("ROLLBACK")
        session.close()
        if phase.cleanup:
            self.admin.run(phase.cleanup)

    def end_session(self):
        """After a problem, whatever the session is doing."""
        self.holder.run("ROLLBACK")
        if self.session:
            self.admin.run(f"SELECT pg_terminate_backend({self.session.pid})")
            self.admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {self.session.pid})")
            self.session.close()

    def started(self, phase):
        """A session whose call is in the phase."""
        session = self.prepare(phase)
        statement = session.background(phase.call)
        self.reach(phase, session, statement)
        return session, statement

    def cancel(self, phase):
        """Returns the seconds it took to reach the phase."""
        name = f"{phase.name}, pg_cancel_backend"
        session, statement = self.started(phase)
        requested = time.perf_counter()
        self.admin.run(f"SELECT pg_cancel_backend({session.pid})")
        statement.wait()
        if not statement.error and not self.last_try:
            raise Again("ended before it was cancelled")
        self.measured(name, statement.ended - requested)
        assert statement.sqlstate == "57014", f"{name}: the error"
        self.left_behind(phase, name, session)
        return requested - statement.started

    def terminate(self, phase):
        name = f"{phase.name}, pg_terminate_backend"
        session, statement = self.started(phase)
        requested = time.perf_counter()
        self.admin.run(f"SELECT pg_terminate_backend({session.pid})")
        self.admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid})")
        self.measured(name, time.perf_counter() - requested)
        statement.wait()
        message = "FATAL:  terminating connection due to administrator command"
        with open(os.environ["BULK_UPDATE_SERVER_LOG"], encoding="utf-8", errors="replace") as log:
            logged = any(f"[{session.pid}]" in line and message in line for line in log)
        assert statement.error is not None and logged, (f"{name}: the error", statement.error)
        self.left_behind(phase, name, session, usable=False)

    def time_out(self, phase, setting, sqlstate, seconds):
        """The timeout is due the given seconds after the start; less if the call was faster than that."""
        name = f"{phase.name}, {setting}"
        session = self.prepare(phase)
        for divisor in (1, 1.5, 2, 3):
            milliseconds = int(seconds * 1000 / divisor)
            session.run(f"ROLLBACK; SET {setting} = {milliseconds}")
            session.run("BEGIN")
            statement = session.background(phase.call)
            started = statement.started
            if setting == "lock_timeout":  # counts from the start of the wait
                self.reach(phase, session, statement)
                started = time.perf_counter()
            statement.wait()
            if statement.error:
                break
        self.measured(name, statement.ended - started - milliseconds / 1000)
        assert statement.sqlstate == sqlstate, f"{name} of {milliseconds} ms: the error"
        self.left_behind(phase, name, session)

    def deadlock(self):
        """The call gets the error; no row is rejected. The call is the last to wait, so the deadlock exists when it checks."""
        name = "deadlock under 'skip'"
        self.holder.run("SET deadlock_timeout = '100s'; BEGIN; SELECT FROM target WHERE id = 5 FOR UPDATE")
        session = self.session = Session()
        session.run("SET deadlock_timeout = '100ms'; BEGIN; SELECT FROM target WHERE id = 9 FOR UPDATE")
        waiting = self.holder.background("SELECT FROM target WHERE id = 9 FOR UPDATE")
        self.admin.wait_until(f"wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {self.holder.pid}")
        statement = session.background(
            "SELECT count(*) FROM bulk_update_query('target', 'SELECT 5 AS id, ''new'' AS v', on_error => 'skip')")
        statement.wait()
        assert statement.sqlstate == "40P01", f"{name}: the error"
        session.run("ROLLBACK")
        assert waiting.wait().error is None, f"{name}: the other session can continue"
        self.holder.run("ROLLBACK; RESET ALL")
        assert self.admin.run("SELECT pid FROM bulk_update_progress") == [], f"{name}: no row in the view"
        session.close()

    def shutdown(self):
        """Fast shutdown while attempts fail at once; the last test."""
        name = "fast shutdown"
        phase = next(phase for phase in PHASES if phase.settings == FAILING)
        session, statement = self.started(phase)
        server = int(self.admin.value("SELECT pg_read_file('postmaster.pid')").split()[0])
        requested = time.perf_counter()
        os.kill(server, signal.SIGINT)
        while os.path.exists(f"/proc/{session.pid}") and time.perf_counter() < requested + 60:
            time.sleep(0.01)
        self.measured(name, time.perf_counter() - requested)
        assert statement.wait().error is not None, (f"{name}: the error", statement.error)

    def savepoint(self):
        """A cancelled call is undone to the savepoint; the transaction continues."""
        name = "cancelled inside a savepoint"
        session = self.session = Session()
        session.run("BEGIN; UPDATE target SET v = 'mine' WHERE id = 1; SAVEPOINT s")
        statement = session.background("SELECT count(*) FROM bulk_update_query('target',"
                                       " 'SELECT generate_series(2, 1000000000000) AS id, ''new'' AS v')")
        self.admin.wait_until(f"EXISTS (SELECT FROM bulk_update_progress WHERE pid = {session.pid}"
                              " AND rows_updated > 0)", unless=statement)
        self.admin.run(f"SELECT pg_cancel_backend({session.pid})")
        assert statement.wait().sqlstate == "57014", f"{name}: the error"
        session.run("ROLLBACK TO s")
        assert session.run("SELECT v, count(*) FROM target GROUP BY v ORDER BY count(*)") \
            == [("mine", 1), ("old", ROWS - 1)], \
            f"{name}: earlier changes remain"
        assert session.run("SELECT rows_updated FROM bulk_update_query('target', 'SELECT 2 AS id, ''new'' AS v')") \
            == [(1,)], \
            f"{name}: the next call works"
        session.run("ROLLBACK")
        session.close()


@pytest.fixture(scope="module")
def calls():
    made = Calls()
    yield made
    print("The slowest, in ms:")
    for seconds, name in sorted(made.slowest, reverse=True)[:8]:
        print(f"{seconds * 1000:6.0f}  {name}")


def attempt(calls, action, *parameters):
    """Up to three times: a busy machine can delay an end, and a phase can end before it is seen."""
    for left in reversed(range(TRIES)):
        calls.last_try = left == 0
        try:
            return action(*parameters)
        except (Again, AssertionError, psycopg2.Error) as problem:
            calls.end_session()
            if calls.last_try or not isinstance(problem, Again):
                raise
            print(f"{problem}; retrying")


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_phase(calls, phase):
    seconds = attempt(calls, calls.cancel, phase)
    attempt(calls, calls.terminate, phase)
    attempt(calls, calls.time_out, phase, "statement_timeout", "57014", max(seconds, 0.02) + 0.05)
    if phase.blocked:
        attempt(calls, calls.time_out, phase, "lock_timeout", "55P03", 0.5)


def test_deadlock(calls):
    attempt(calls, calls.deadlock)


def test_savepoint(calls):
    attempt(calls, calls.savepoint)


def test_shutdown(calls):
    """The last test: there is no server afterwards."""
    attempt(calls, calls.shutdown)
