"""What remains after errors at fault points; test/faults/run describes the suite. Runs inside a server of the fault build."""

import os
import signal
import time
from collections import deque

import psycopg2
import pytest
from psycopg2 import extensions

from expect import JOB, ends_with, passed_somewhere, rejected_by_first, skippable, worth_trying
from harness import Session
from workloads import SETS, SETUP, TABLES, WORKLOADS

APPLIERS = ("direct", "sql")
CLEAN = (0, 0, 0, 0, 0)
# Not by a regular expression: from 16 on, that has a memory context with itself as its ident.
LEFT = """
    SELECT (SELECT count(*) FROM pg_ls_tmpdir()), (SELECT count(*) FROM bulk_update_progress WHERE pid = %s),
        (SELECT count(*) FROM pg_backend_memory_contexts
         WHERE name LIKE 'bulk_update%%' OR ident LIKE '%%unnest%%ORDINALITY%%'
            OR ident LIKE '%%INSERT INTO public.rejects%%' OR ident LIKE '%%INSERT INTO public.kept%%'),
        (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM rejects) + (SELECT count(*) FROM kept)
"""


class Problem(Exception):
    """The problem of a case."""


def require(actual, expected, what):
    if actual != expected:
        raise Problem(f"{what}: {actual!r} instead of {expected!r}")


class Case:
    """A call with a fault point in it."""

    def __init__(self, point, workload, applier, policy, passes):
        self.point, self.workload, self.applier, self.policy, self.passes = point, workload, applier, policy, passes
        self.name = f"{point}, {workload.name}, {applier}, {policy}"

    @property
    def middle(self):
        return self.passes // 2 + 1

    def arm(self, session, action, passes):
        session.run(f"SET bulk_update.applier = {self.applier}; SET work_mem = '64kB';"
                    f" SET bulk_update.fault = '{self.point}:{action}:{passes}'")


def new_session():
    session = Session()
    session.run("LOAD 'bulk_update'")
    session.connection.notices = deque()
    return session


def disarm(session):
    session.run("RESET bulk_update.fault; RESET work_mem")


def check_result(session, workload, report, point=None):
    """A call that has succeeded: the report adds up, the table is as expected."""
    session.run("RESET bulk_update.fault; SET work_mem = '64MB'")
    fetched, updated, unchanged, missing, stale, duplicate, rejected = (sum(row[i] for row in report) for i in range(1, 8))
    rejects = dict(session.run("SELECT reason, count(*) FROM rejects GROUP BY 1"))
    bad = session.run("SELECT key->>'id', message FROM rejects WHERE reason = 'error'")

    require(fetched, session.value(f"SELECT count(*) FROM {workload.source}"), "rows_fetched")
    require(updated + unchanged + missing + stale + duplicate + rejected, fetched, "sum of the outcomes")
    require((missing, stale, rejected), tuple(rejects.get(reason, 0) for reason in ("missing", "stale", "error")),
            "missing, stale and rejected rows")
    by_fault = [key for key, message in bad if point and message == f"fault at point {point}"]
    if not by_fault:
        expected = () if workload.dry else workload.rejected
        require(sorted(key for key, _ in bad), sorted(expected), "keys of the rejected rows")
        require((missing, unchanged, stale), (2, workload.unchanged, workload.stale), "missing, unchanged and stale rows")
    require(session.value(workload.wrong()), 0, "wrong rows")
    require(session.value(workload.checked()) > 0, True, "indexes")
    if workload.keeps:
        require(session.value("SELECT count(*) FROM kept"), updated, "kept rows")
        require(session.value(workload.kept_wrongly()), 0, "rows kept wrongly")
    return len(by_fault)


def check_next_call(session, case):
    """The same call without a fault."""
    disarm(session)  # a rollback has set it again
    session.run("BEGIN")
    try:
        session.run("SET LOCAL work_mem = '64kB'")
        if case.workload.fails:
            require(session.fails(case.workload.call(case.policy)), case.workload.fails, "next call")
            return
        check_result(session, case.workload, session.run(case.workload.call(case.policy)))
    except psycopg2.Error as error:
        raise Problem(f"next call: {error}") from error
    finally:
        session.run("ROLLBACK")


def check_failure(session, case, k=1, pid=None):
    """After a call that has failed."""
    disarm(session)
    require(session.run(LEFT, (pid or session.pid,))[0], CLEAN,
            "temporary files, progress, memory contexts and plans, cursors, rejects and old values")
    require(session.value(case.workload.changed(k)), 0, "changed rows")
    require(session.value(case.workload.checked(k)) > 0, True, "indexes")


class Suite:
    def __init__(self):
        self.admin = new_session()
        self.admin.run("SET synchronize_seqscans = off")
        self.admin.run(SETUP)
        for k in range(1, SETS + 1):
            self.admin.run(TABLES.format(k=k))
        self.admin.run("VACUUM ANALYZE")
        self.session = new_session()
        self.count = 0

    def probe(self, point, workload, applier, policy):
        """The case, with the number of times that it passes its point."""
        case = Case(point, workload, applier, policy, 0)
        session = self.session
        case.arm(session, "notice", "1+")
        session.run("BEGIN")
        session.connection.notices = deque()
        code = session.fails(workload.call(policy))
        if code != workload.fails:
            raise Problem(f"{case.name}: the call ends with {code}")
        session.run("ROLLBACK")
        case.passes = len(session.connection.notices)
        disarm(session)
        return case

    def call(self, case, action, passes, wrapped):
        """Returns the report, or None and the SQLSTATE."""
        session = self.session
        case.arm(session, action, passes)
        session.connection.notices = deque()
        if wrapped:
            session.run("BEGIN; UPDATE control SET n = 1; SAVEPOINT s")
        try:
            return session.run(case.workload.call(case.policy)), None
        except psycopg2.Error as error:
            return None, error.pgcode
        finally:
            if not any(f"fault point {case.point}: {action}" in notice for notice in session.connection.notices):
                raise Problem("the point was not passed")

    def check_after_error(self, case, wrapped):
        session = self.session
        if wrapped:
            session.run("ROLLBACK TO s")
            require(session.value("SELECT n FROM control"), 1, "what came before the savepoint")
            check_failure(session, case)
            session.run("ROLLBACK")
        else:
            require(session.connection.info.transaction_status, extensions.TRANSACTION_STATUS_IDLE, "transaction")
            check_failure(session, case)
            require(session.value(f"SELECT count(*) FROM pg_locks WHERE pid = {session.pid}"
                                  f" AND relation::regclass::text ~ '^(plain|spill|parted|late|turned)'"), 0, "locks")
        check_next_call(session, case)

    def fails(self, case, action, sqlstate):
        """An error that ends the call, within a savepoint and as a separate transaction."""
        for wrapped in (True, False):
            report, code = self.call(case, action, case.middle, wrapped)
            require(report is None and code in ends_with(case, sqlstate), True, f"error {code}")
            self.check_after_error(case, wrapped)

    def error(self, case):
        """An error of a row: at the first, a middle, and the last passing, at two of them, and at all."""
        middle = case.middle
        each = {"1", str(middle), str(case.passes)}
        if case.policy == "skip":
            each |= {f"{middle},{middle + middle}", "1+"}
        for passes in sorted(each):
            skips = skippable(case, passes)
            wrapped = skips is not False or passes == "1"  # a skipped row would be committed
            report, code = self.call(case, "error", passes, wrapped)
            if skips is not None:
                require(report is not None, skips, f"passes {passes}: skipped, not {code}")
            if report is None:
                # While a row is searched for, it counts as the error that is searched for.
                require(code in ("22000", case.workload.fails), True, f"error {code}")
                self.check_after_error(case, wrapped)
                continue
            rejected = check_result(self.session, case.workload, report, case.point)
            if passes == "1":
                require(rejected, rejected_by_first(case), "rows rejected for an error that does not come again")
            self.session.run("ROLLBACK")
            disarm(self.session)
            check_failure(self.session, case)

    def start_waiting(self, case, k=1):
        session = new_session()
        case.arm(session, "wait", case.middle)
        statement = session.background(case.workload.call(case.policy, k))
        self.admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}",
                              unless=statement)
        return session, statement

    def cancel(self, case):
        session, statement = self.start_waiting(case)
        self.admin.run(f"SELECT pg_cancel_backend({session.pid})")
        code = statement.wait().sqlstate
        require(code in ends_with(case, "57014"), True, f"error {code}")
        check_failure(session, case)
        check_next_call(session, case)
        session.close()

    def terminate(self, case):
        session, statement = self.start_waiting(case)
        self.admin.run(f"SELECT pg_terminate_backend({session.pid})")
        statement.wait()
        require(statement.error is not None, True, "error")
        self.admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid})")
        session.close()
        check_failure(self.admin, case, pid=session.pid)
        check_next_call(self.session, case)

    def kill(self, cases):
        """kill -9 of some cases, which wait in separate sessions, with separate tables."""
        waiting = [self.start_waiting(case, k) for k, case in enumerate(cases, 1)]
        with open(os.environ["KILLED"], "a", encoding="ascii") as killed:
            for session, _ in waiting:
                killed.write(f"{session.pid}\n")
        for session, _ in waiting:
            try:
                os.kill(session.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # the server ends all others after the first
        for session, statement in waiting:
            require(statement.wait().error is not None, True, "error")
            session.close()
        self.admin, self.session = self.restarted(), new_session()
        for k, case in enumerate(cases, 1):
            try:
                check_failure(self.admin, case, k)
                check_next_call(self.session, case)
            except Problem as problem:
                raise Problem(f"{case.name}: {problem}") from problem

    def restarted(self):
        end = time.perf_counter() + 60
        while True:
            try:
                return new_session()
            except psycopg2.DatabaseError:
                if time.perf_counter() > end:
                    raise
                time.sleep(0.02)

    def repair(self):
        """After a problem: sessions and tables for the next case."""
        self.session.close()
        self.session, self.admin = self.restarted(), self.restarted()
        self.admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE backend_type = 'client backend' AND pid NOT IN"
                       f" ({self.session.pid}, {self.admin.pid})")
        self.admin.run("TRUNCATE rejects, kept; TRUNCATE plain1, spill1, parted1, late1, turned1; INSERT INTO plain1 TABLE plain_before;"
                       "INSERT INTO spill1 TABLE spill_before; INSERT INTO parted1 TABLE plain_before;"
                       "INSERT INTO late1 TABLE plain_before; INSERT INTO turned1 TABLE plain_before")

    def attempt(self, test, *parameters):
        """Returns the problem, or None."""
        self.count += 1
        if self.count % 100 == 0:
            self.admin.run("VACUUM plain1, spill1, parted1, late1, turned1, rejects, kept, control")
        try:
            test(*parameters)
        except (Problem, AssertionError, psycopg2.Error) as problem:
            self.repair()
            return f"{problem}".strip()
        return None


def points():
    """Those of calls; test_jobs.py has the others."""
    with new_session() as session:
        return [point for point in session.value("SHOW bulk_update.fault_points").split() if point not in JOB]


@pytest.fixture(scope="module")
def suite():
    return Suite()


@pytest.fixture(scope="module", params=points())
def probed(request, suite):
    """All kinds of calls, with the number of times that they pass a point."""
    return [suite.probe(request.param, workload, applier, policy)
            for workload in WORKLOADS for applier in APPLIERS for policy in workload.policies]


@pytest.fixture(scope="module")
def cases(probed):
    """The kinds of calls in which something happens at the point."""
    return [case for case in probed if case.passes > 0 and worth_trying(case)]


def test_passed_where_it_should_be(probed, pytestconfig):
    passing = [case for case in probed if case.passes > 0]
    if pytestconfig.option.verbose > 1:
        print(*(f"{case.name} {case.passes}" for case in passing), sep="\n")
    assert [case.name for case in passing] == [case.name for case in probed if passed_somewhere(case)]


@pytest.mark.parametrize("test, parameters", (
    (Suite.error, ()), (Suite.fails, ("internal", "XX000")), (Suite.fails, ("memory", "53200")), (Suite.cancel, ()),
    (Suite.terminate, ())), ids=("error of a row", "internal error", "out of memory", "cancel", "terminate"))
def test_fault(suite, cases, test, parameters):
    assert cases
    problems = {case.name: suite.attempt(test, suite, case, *parameters) for case in cases}
    assert {name: problem for name, problem in problems.items() if problem} == {}


def test_kill(suite, cases):
    """kill -9; as many sessions at a time as there are sets of tables."""
    for i in range(0, len(cases), SETS):
        assert suite.attempt(suite.kill, cases[i:i + SETS]) is None


def test_lost_entries_end_the_call(suite):
    """Entries that are entered within an attempt, because foreign keys are checked at its end: an error is not a row's."""
    suite.admin.run("""CREATE TABLE above (id integer PRIMARY KEY); INSERT INTO above VALUES (1);
        CREATE TABLE below (id bigint PRIMARY KEY, v text, above integer DEFAULT 1 REFERENCES above);
        INSERT INTO below SELECT id, v FROM plain_before; CREATE INDEX ON below (v)""")
    call = ("SELECT sum(rows_updated) FROM bulk_update_query('below', 'SELECT id, ''new'' AS v FROM plain_before',"
            " chunk_size => 10, on_error => 'skip')")
    with new_session() as session:
        for point in ("entry_flush", "entry_enter"):
            session.run(f"BEGIN; UPDATE below SET v = 'own'; SET LOCAL bulk_update.fault = '{point}:error:4'")
            assert session.fails(call) == "XX000", point
            session.run("ROLLBACK")
        session.run("BEGIN; UPDATE below SET v = 'own'")
        assert session.value(call) == 40
        assert session.value("SELECT count(bt_index_check(indexrelid, true)) FROM pg_index"
                             " WHERE indrelid = 'below'::regclass") == 2
        session.run("COMMIT")


def test_progress_while_entering(suite):
    """The phase that test/progress cannot make wait."""
    suite.admin.run("CREATE TABLE entered AS SELECT i AS id, 'old' AS v FROM generate_series(1, 20000) i;"
                    "ALTER TABLE entered ADD PRIMARY KEY (id); CREATE INDEX ON entered (v);"
                    "CREATE INDEX ON entered (length(v)) WHERE id < 100; ANALYZE entered")
    with new_session() as session:
        session.run("SET bulk_update.fault = 'entry_enter:wait:20050'")
        call = session.background("SELECT bulk_update_query('entered', 'SELECT i AS id, ''new'' AS v"
                                  " FROM generate_series(1, 20000) i', chunk_size => 5000)")
        suite.admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}", unless=call)
        shown = suite.admin.run(f"SELECT phase, chunk, rows_fetched, rows_updated FROM bulk_update_progress WHERE pid = {session.pid}")
        suite.admin.run(f"SELECT pg_cancel_backend({session.pid})")
        assert shown == [("entering index entries", 4, 20000, 20000)]
        assert call.wait().sqlstate == "57014"
