"""Measures ways of updating (peers.py, clients.py) on jobs (shapes.py) in interleaved rounds, into a CSV file.

Runs inside a server, PGHOST and so on name it; bench/README.md says what is measured and how.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from contextlib import closing

import psycopg2

import records
from harness import Sampler
from peers import PEERS, constants
from shapes import SHAPES

SETTINGS = ["shared_buffers", "work_mem", "jit", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size",
            "checkpoint_timeout", "autovacuum"]
WAL_PER_ROW = 700  # bytes; for the WAL files that are created beforehand


def say(text):
    print(text, file=sys.stderr, flush=True)


def connect(database):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


class Backend(Sampler):
    """The resources that a backend uses during the body of a with statement."""

    def __init__(self, pid):
        self.scheduled = f"/proc/{pid}/schedstat"
        self.used = self.taken()
        super().__init__(pid)

    def taken(self):
        """Seconds on a processor, and seconds of waiting for one; none if the kernel does not count them."""
        try:
            with open(self.scheduled, encoding="ascii") as file:
                return [int(word) / 1e9 for word in file.read().split()[:2]]
        except FileNotFoundError:
            return None

    def __exit__(self, *exception):
        if self.used:
            self.used = [after - before for before, after in zip(self.used, self.taken())]
        super().__exit__(*exception)

    def facts(self):
        cpu, queued = self.used or (None, None)
        return {"backend_before": self.before, "backend_peak": self.peak, "cpu_seconds": cpu, "queued_seconds": queued}


class Wrong(Exception):
    """The table does not have the expected rows."""


class Job:
    """One shape at one size, in database `prepared`; each run has a copy of it, `run`.

    roll_back: inside the server, runs are rolled back and share a copy; for trying out, not for measuring.
    """

    def __init__(self, server, name, rows, roll_back=False):
        self.server, self.name, self.shape, self.roll_back = server, name, SHAPES[name], roll_back
        self.copied = False
        self.rows = max(rows // self.shape.divisor, 1)
        self.execute("DROP DATABASE IF EXISTS prepared")
        self.execute("CREATE DATABASE prepared")
        with closing(connect("prepared")) as connection:
            cursor = connection.cursor()
            cursor.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'")
            cursor.execute("CREATE EXTENSION bulk_update; CREATE EXTENSION pg_prewarm")
            for statement in self.shape.statements(self.rows):
                cursor.execute(statement)
            cursor.execute("SELECT string_agg(oid::regclass::text, ', ') FROM pg_class"
                           " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
            cursor.execute(f"VACUUM (FREEZE, ANALYZE) {cursor.fetchone()[0]}")
            cursor.execute("SELECT count(*) FROM source")
            self.pairs = cursor.fetchone()[0]
            self.before = self.digest(cursor, self.objects())
            self.updated = self.digest(cursor, self.after_update())
            self.all_constant = self.digest(cursor, self.after_floor()) if self.shape.whole_table() else None

    def execute(self, statement):
        with self.server.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def digest(self, cursor, query):
        """Number and checksum of rows, in any order."""
        cursor.execute(f"SELECT count(*), sum(hash_record_extended(q, 0)::numeric) FROM ({query}) q")
        return cursor.fetchone()

    def after_update(self):
        """The expected `objects`: the source's values where it has the key, the old ones elsewhere."""
        shape = self.shape
        keys = list(shape.keys)
        matched = f"s.{keys[0]} IS NOT NULL"
        new = [f"CASE WHEN {matched} THEN s.{name} ELSE o.{name} END" for name in shape.values]
        others = [f"CASE WHEN {matched} THEN {shape.triggered[name]} ELSE o.{name} END" if name in shape.triggered
                  else f"o.{name}" for name in shape.others]
        return (f"SELECT {', '.join(keys + new + others)} FROM objects o LEFT JOIN source s USING ({', '.join(keys)})")

    def objects(self):
        return f"SELECT {', '.join([*self.shape.keys, *self.shape.values, *self.shape.others])} FROM objects"

    def after_floor(self):
        shape = self.shape
        others = [shape.triggered.get(name, name) for name in shape.others]
        return f"SELECT {', '.join([*shape.keys, *constants(shape).values(), *others])} FROM objects"

    def fresh_copy(self):
        """The same files for every run: compact, frozen, with statistics; nothing left to write."""
        self.execute("DROP DATABASE IF EXISTS run")
        self.execute("CREATE DATABASE run TEMPLATE prepared STRATEGY file_copy")
        with closing(connect("run")) as connection:
            # Shared buffers hold as much as fits, the source first: the same for every run.
            connection.cursor().execute("""
                SELECT sum(pg_prewarm(oid)) FROM (
                    SELECT oid FROM pg_class
                    WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
                    ORDER BY relname NOT LIKE 'source%', relkind DESC, relname) c""")
        self.execute("CHECKPOINT")

    def measure(self, name):
        """Run one peer once; return the figures to record."""
        if not self.copied:
            self.fresh_copy()
        self.copied = self.rolls_back(name)
        size = self.table_size()
        wal = self.execute("SELECT pg_current_wal_insert_lsn()")
        found = self.run_inside(name) if PEERS[name].run else self.run_client(name)
        found["wal_bytes"] = int(self.execute(f"SELECT pg_current_wal_insert_lsn() - '{wal}'::pg_lsn"))
        found["table_growth"] = self.table_size() / size
        if not self.copied:
            with closing(connect("run")) as connection:
                self.verify(connection.cursor(), name)
        return found

    @staticmethod
    def table_size():
        with closing(connect("run")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT (pg_table_size('objects') + coalesce(sum(pg_table_size(relid)), 0))::bigint"
                           " FROM pg_partition_tree('objects')")
            return cursor.fetchone()[0]

    def rolls_back(self, name):
        return self.roll_back and PEERS[name].run is not None and not PEERS[name].commits

    def run_inside(self, name):
        rolls_back = self.rolls_back(name)
        with closing(psycopg2.connect(dbname="run")) as connection:
            cursor = connection.cursor()
            if PEERS[name].prepare:
                PEERS[name].prepare(cursor, self.shape)
                if not rolls_back:
                    connection.commit()
                    self.execute("CHECKPOINT")
            if PEERS[name].commits:
                connection.autocommit = True
            if self.shape.warm:
                PEERS[name].run(cursor, self.shape)
                connection.rollback()
            with Backend(connection.get_backend_pid()) as backend:
                started = time.perf_counter()
                way = PEERS[name].run(cursor, self.shape)
                if not rolls_back:
                    connection.commit()
                seconds = time.perf_counter() - started
            if rolls_back:
                self.verify(cursor, name)
        return {"seconds": seconds, "way": way, **backend.facts()}

    def run_client(self, name):
        here = os.path.dirname(os.path.abspath(__file__))
        with subprocess.Popen([sys.executable, "-B", os.path.join(here, "clients.py"), name, self.name],
                              env={**os.environ, "PGDATABASE": "run"}, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            with Backend(int(client.stdout.readline())) as backend:
                print(file=client.stdin, flush=True)
                found = json.loads(client.stdout.readline())
            client.stdin.close()
        return {**found, **backend.facts()}

    def verify(self, cursor, name):
        expected = self.all_constant if name == "floor" else self.before if PEERS[name].takes_back else self.updated
        found = self.digest(cursor, self.objects())
        if found != expected:
            raise Wrong(f"rows and checksum are {found}, they should be {expected}")


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.server = connect("postgres")
        self.failed = False
        with self.server.cursor() as cursor:
            def value(query):
                cursor.execute(query)
                return cursor.fetchone()[0]

            self.facts = {
                **records.machine(), "date": datetime.date.today().isoformat(),
                "postgresql": value("SHOW server_version").split()[0], "settings": arguments.settings,
                "server_settings": ", ".join(f"{name} = {value('SHOW ' + name)}" for name in SETTINGS),
                "command": arguments.command, "rounds": arguments.rounds}

    def make_log_files(self, rows):
        """So that no run includes the time to create them: they are reused after a checkpoint."""
        with self.server.cursor() as cursor:
            cursor.execute("SELECT count(pg_logical_emit_message(false, '', repeat('x', 1000000)))"
                           " FROM generate_series(1, %s)", [rows * WAL_PER_ROW // 1000000])
            cursor.execute("CHECKPOINT")

    def run(self):
        for rows in self.arguments.rows:
            self.make_log_files(rows)
            for shape in self.arguments.shapes:
                say(f"{shape}, {rows} rows, {self.arguments.settings} settings")
                job = Job(self.server, shape, rows, self.arguments.roll_back)
                peers = [name for name in self.arguments.peers if PEERS[name].fits(job.shape)
                         and not (PEERS[name].most_rows and rows > PEERS[name].most_rows)]
                self.run_rounds(job, rows, peers)
        return 1 if self.failed else 0

    def run_rounds(self, job, rows, peers):
        for n in range(self.arguments.rounds):
            # Each round begins with a different peer, so that none always runs after the same one.
            turn = n % len(peers) if peers else 0
            for name in peers[turn:] + peers[:turn]:
                try:
                    found = job.measure(name)
                except (Wrong, psycopg2.Error, ValueError, OSError) as error:
                    # A client that failed has printed the reason; its line is empty, its backend has ended.
                    say(f"  round {n + 1}: {name} on {job.name}: {error}")
                    self.failed = True
                    continue
                records.append(self.arguments.csv, {
                    **self.facts, "shape": job.name, "rows": rows, "table_rows": job.rows, "pairs": job.pairs,
                    "peer": name, "round": n + 1, **found})
                say(f"  round {n + 1}: {name} {found['seconds']:.3f} s, {found['backend_peak'] / 1e6:.1f} MB,"
                    f" {found['wal_bytes'] / 1e6:.1f} MB of WAL")


def names(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--shapes", type=names)
    parser.add_argument("--peers", type=names)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--settings")
    parser.add_argument("--roll-back", action="store_true")
    parser.add_argument("--csv")
    parser.add_argument("--command")
    return Bench(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
