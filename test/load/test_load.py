"""Bulk updates, pgbench and maintenance of the same tables at once; test/load/run describes the suite. Runs inside a server."""

import collections
import os
import random
import re
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest

import oracle
from harness import Session
from schema import MAINTENANCE, PLACED, SCALE, SCRIPTS, SETUP, SILENT, SOURCE_KEYS, STATE, TABLES

ISOLATIONS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
# The numbers of bulk updates, and of pgbench's clients, for each isolation level.
WORKERS = (3, 1, 1)
CLIENTS = (3, 1, 1)
# With more rows there would hardly ever be a call without a serialization failure.
ROWS = {"READ COMMITTED": (20, 500, 4000), "REPEATABLE READ": (5, 20, 100), "SERIALIZABLE": (5, 20, 100)}
WRITTEN = (("a",), ("a", "b"), ("b", "c"), ("c",))
CHUNK_SIZES = (7, 100, 10000)
# With 'auto' the first chunk must show that rows are out of order: 7 rows of 4 keys are in order once in 24 times.
UNORDERED = ("md5(key::text), turn", "auto")
UNORDERED_CHUNK_SIZES = CHUNK_SIZES[1:]
# The source's order; the last begins in order, and only 'sort' orders it before the first row is locked.
ORDERS = (("key, turn", "auto"), ("turn, key", "auto"), ("key DESC, turn", "auto"), UNORDERED,
          ("key, turn", "sort"), ("turn, key DESC", "sort"), ("key % 7 = 3, key, turn", "sort"))
# Policy, how often each key occurs, and which of its rows has the right values.
DUPLICATES = (("error", 1, 1), ("error", 1, 1), ("first", 2, 1), ("last", 2, 2))
SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"
# The end takes as long as the longest statement.
GRACE = 60


class Task(threading.Thread):
    """A session that repeats something until the load ends; counts what it did, keeps its errors."""

    def __init__(self, name, end):
        super().__init__(daemon=True)
        self.name, self.end = name, end
        self.counts = collections.Counter()
        self.errors = []

    def run(self):
        try:
            with Session(application_name=self.name) as session:
                self.prepare(session)
                while time.monotonic() < self.end:
                    self.once(session)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(f"{self.name}: {error!r}")

    def prepare(self, session):
        pass


class Worker(Task):
    """Bulk updates at an isolation level."""

    def __init__(self, number, isolation, end, seed):
        super().__init__(f"bulk update {number}, {isolation}", end)
        self.isolation, self.rng = isolation, random.Random(f"{seed} {number}")

    def prepare(self, session):
        session.run(f"SET default_transaction_isolation = '{self.isolation}'")

    def keys(self):
        """A range of the keys, or keys from everywhere."""
        size = self.rng.choice(ROWS[self.isolation])
        step = self.rng.choice((1, 1, 2, len(SOURCE_KEYS) // size))
        first = self.rng.randrange(max(1, len(SOURCE_KEYS) - size * step))
        return list(SOURCE_KEYS[first:first + size * step:step])

    def once(self, session):
        call = session.value("SELECT nextval('call_numbers')")
        keys, table, written = self.keys(), self.rng.choice((*TABLES, SILENT, PLACED)), self.rng.choice(WRITTEN)
        order, ordering = self.rng.choice(ORDERS)
        ordering = "place" if table == PLACED else ordering
        session.run(f"SET bulk_update.applier = {self.rng.choice(('auto', 'sql'))}; SET load.call = {call}")
        session.run(f"SET bulk_update.sort_index_entries = {self.rng.choice(('on', 'on', 'off'))}")
        policy, turns, right = self.rng.choice(DUPLICATES)
        values = ", ".join(f"CASE turn WHEN {right} THEN {call} * {SCALE}::bigint + key ELSE -1 END AS {column}"
                           for column in written)
        source = (f"SELECT key AS id, {values} FROM unnest('{{{','.join(map(str, keys))}}}'::bigint[]) key, "
                  f"generate_series(1, {turns}) turn ORDER BY {order}")
        chunk_size = self.rng.choice(UNORDERED_CHUNK_SIZES if (order, ordering) == UNORDERED else CHUNK_SIZES)
        options = (f"chunk_size => {chunk_size}, ordering => '{ordering}', on_duplicate => '{policy}', "
                   f"on_error => '{self.rng.choice(('stop', 'stop', 'skip'))}'")
        started = session.value("SELECT pg_current_snapshot()")
        try:
            session.run("BEGIN")
            if self.rng.random() < 0.5:
                session.run(f"DECLARE source CURSOR FOR {source}")
                call_text = f"bulk_update('{table}', 'source', {options})"
            else:
                call_text = f"bulk_update_query('{table}', $source${source}$source$, {options})"
            chunks = session.run("SELECT rows_fetched, rows_updated, rows_missing, rows_duplicate, applier "
                                 f"FROM {call_text}")
            fetched, updated, missing, duplicate = (sum(chunk[i] for chunk in chunks) for i in range(4))
            if table in (SILENT, PLACED):
                assert fetched == updated + missing + duplicate
            else:
                session.run("INSERT INTO calls SELECT %s, %s, %s, %s, %s, %s, pg_current_snapshot(), last_value, %s, %s, %s, %s "
                            "FROM log_seq_seq",
                            (call, table, self.isolation, keys, [STATE.index(column) + 1 for column in written], started,
                             fetched, updated, missing, duplicate))
            session.run("COMMIT")
        except psycopg2.Error as error:
            # A serialization failure of COMMIT has ended the transaction.
            if session.connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                session.run("ROLLBACK")
            self.failed(error, table)
            return
        self.counts.update({"calls": 1, "updated": updated, "missing": missing, "duplicate": duplicate})
        self.counts.update(f"chunks {chunk[-1]}" for chunk in chunks)

    def failed(self, error, table):
        # A row that moves to another partition in the meantime is a failure at any level, as in UPDATE.
        if error.pgcode == SERIALIZATION_FAILURE and (
                self.isolation != "READ COMMITTED" or table == "parted" and "moved to another partition" in str(error)):
            self.counts["retried"] += 1
        elif error.pgcode == DEADLOCK and table == PLACED:
            self.counts["retried"] += 1
        else:
            self.counts["deadlocks"] += error.pgcode == DEADLOCK
            self.errors.append(f"{self.name}, table {table}: {error.pgcode} {error}")


class Maintenance(Task):
    def __init__(self, number, statements, end):
        super().__init__(f"maintenance {number}", end)
        self.statements = statements

    def once(self, session):
        # All of them, so that nothing is left half done.
        for statement in self.statements:
            session.run(statement)
        self.counts["rounds"] += 1


def write_scripts(directory):
    """pgbench's scripts, as options of it."""
    options = []
    for table in (*TABLES, SILENT, PLACED):
        for name, (weight, script) in SCRIPTS.items():
            path = os.path.join(directory, f"{name}_{table}.sql")
            with open(path, "x", encoding="utf-8") as file:
                file.write(script.format(table=table) + "\n")
            options += ["-f", f"{path}@{weight}"]
    return options


class Pgbench:
    """A pgbench process at an isolation level. scripts: options of pgbench that name them"""

    def __init__(self, isolation, clients, seconds, seed, scripts):
        self.isolation, self.counts, self.errors = isolation, collections.Counter(), []
        options = f"-c default_transaction_isolation={isolation.replace(' ', chr(92) + ' ')}"
        self.process = subprocess.Popen(
            ["pgbench", "--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--time={seconds}",
             f"--random-seed={seed}", "--max-tries=1000", *scripts],
            env={**os.environ, "PGOPTIONS": options}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait(self):
        output, _ = self.process.communicate(timeout=GRACE)
        for count, pattern in (("transactions", r"actually processed: (\d+)"), ("retried", r"transactions retried: (\d+)"),
                               ("failed", r"failed transactions: (\d+)")):
            match = re.search(pattern, output)
            self.counts[count] = int(match[1]) if match else 0
        if self.process.returncode != 0 or re.search(r"abort", output) or self.counts["failed"]:
            self.errors.append(f"pgbench, {self.isolation}: exit code {self.process.returncode}\n{output}")


def report(what, tasks):
    counts = sum((task.counts for task in tasks), collections.Counter())
    print(f"{what}: " + ", ".join(f"{value} {name}" for name, value in counts.items()))
    return counts


class Load:
    """Everything at once, for the given seconds."""

    def __init__(self, seconds, seed):
        # pg_ctlcluster, which waits for the server as the system's user, has no role there: it failed before.
        self.log_start = os.path.getsize(os.environ["BULK_UPDATE_SERVER_LOG"])
        end = time.monotonic() + seconds
        levels = [level for level, count in zip(ISOLATIONS, WORKERS) for _ in range(count)]
        self.workers = [Worker(i, level, end, seed) for i, level in enumerate(levels)]
        self.maintenance = [Maintenance(i, statements, end) for i, statements in enumerate(MAINTENANCE)]
        self.tasks = self.workers + self.maintenance
        with tempfile.TemporaryDirectory() as directory:
            # All are written before the first pgbench reads one.
            scripts = write_scripts(directory)
            self.benches = [Pgbench(level, clients, seconds, seed, scripts) for level, clients in zip(ISOLATIONS, CLIENTS)]
            for task in self.tasks:
                task.start()
            for task in self.tasks:
                task.join(max(0, end + GRACE - time.monotonic()))
            for bench in self.benches:
                bench.wait()


@pytest.fixture(scope="module", autouse=True)
def load(admin, pytestconfig):
    admin.run(SETUP)
    done = Load(pytestconfig.option.seconds, pytestconfig.option.seed)
    admin.run("ANALYZE log; ANALYZE calls")
    return done


def test_all_sessions_ended(load):
    assert [task.name for task in load.tasks if task.is_alive()] == []


@pytest.mark.parametrize("level", ISOLATIONS)
def test_there_was_load(load, level):
    """Both appliers have been used."""
    mine = report("bulk updates", [worker for worker in load.workers if worker.isolation == level])
    theirs = report("pgbench", [bench for bench in load.benches if bench.isolation == level])
    assert mine["calls"] > 0 and mine["updated"] > 0 and theirs["transactions"] > 0
    assert mine["chunks direct"] > 0 and mine["chunks sql"] > 0


def test_there_was_maintenance(load):
    assert all([report(task.name, [task])["rounds"] for task in load.maintenance])


def test_no_bulk_update_had_a_deadlock(load):
    assert sum(worker.counts["deadlocks"] for worker in load.workers) == 0


def test_no_unexpected_error(load):
    assert [error for task in load.tasks + load.benches for error in task.errors][:10] == []


@pytest.mark.parametrize("what", oracle.NOTHING)
def test_tables(session, what):
    assert oracle.wrong_rows(session, what) == []


def test_storage(session):
    assert oracle.damaged_tables(session) == []
    assert oracle.check_indexes(session) > 6
    assert oracle.invalid_indexes(session) == []


def test_server_log(load):
    assert oracle.unexpected_in_log(os.environ["BULK_UPDATE_SERVER_LOG"], load.log_start)[:10] == []
