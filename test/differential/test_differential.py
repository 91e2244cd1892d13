"""Random jobs, each applied in several ways; test/differential/run describes what is compared."""

import os
import random
import time

import psycopg2
import pytest

from compare import differences
from job import Job
from schema import Schema
from ways import SLOT, Ways

OUTPUT = "build/differential"
# The catalogs grow with each seed's tables.
SEEDS_PER_VACUUM = 10


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    connection.cursor().execute("SET client_min_messages = warning; SET jit = off")
    return connection


def prepare(connection):
    """Common set-up; returns the server's version, and the choices: an applier, an ordering."""
    cursor = connection.cursor()
    for extension in ("bulk_update", "amcheck", "pageinspect"):
        cursor.execute(f"CREATE EXTENSION {extension}")
    cursor.execute("CREATE ROLE d_user")
    cursor.execute(f"SELECT pg_create_logical_replication_slot('{SLOT}', 'test_decoding')")
    cursor.execute("SELECT 'ordering' = ANY (proargnames[:pronargs]) FROM pg_proc WHERE proname = 'bulk_update'")
    has_ordering = cursor.fetchone()[0]
    cursor.execute("LOAD 'bulk_update'")
    cursor.execute("SELECT FROM pg_settings WHERE name = 'bulk_update.applier'")
    return connection.server_version // 10000, cursor.rowcount == 1, has_ordering


def refused(outcome):
    """Is the direct applier not possible?"""
    return outcome.error is not None and outcome.error["sqlstate"] in ("0A000", "55000") and outcome.error["message"].endswith(" directly")


class Run:
    def __init__(self, options):
        self.options = options
        self.connection = connect()
        self.version, self.has_applier, self.has_ordering = prepare(self.connection)
        self.tried = self.direct = self.ended = self.undone = 0
        self.started = time.monotonic()

    def ways_of(self, seed):
        rng = random.Random(seed)
        schema = Schema(rng, self.options.rows, self.version)
        job = Job(rng, schema)
        return Ways(self.connection, schema, job, self.has_applier), rng

    def outcomes(self, ways, rng):
        """Each way's outcome, by name."""
        job = ways.job
        ordering, other = (None, None)
        if self.has_ordering:
            # The SQL applier never has the order of places, so its chunks have other rows.
            ordering, other = rng.choice((None, "auto", "sort")), rng.choice(("sort", "place"))
        found = {"sql": ways.bulk("sql", job.chunk_size, ordering), "auto": ways.bulk("auto", job.chunk_size, ordering),
                 "direct": ways.bulk("direct", job.chunk_size_other, other)}
        if refused(found["direct"]):
            found["refused"] = found.pop("direct")
            found["other chunks"] = ways.bulk("auto", job.chunk_size_other, other)
        found["plain"] = ways.plain()
        if job.whole:
            found["whole"] = ways.whole()
        return found

    def seed(self, seed):
        """The differences, as text."""
        ways, rng = self.ways_of(seed)
        try:
            found = self.outcomes(ways, rng)
            problems = differences(ways.schema, ways.job, found)
            self.count(found)
            self.undone += ways.undone
        except psycopg2.Error as error:
            found, problems = {}, [f"not comparable: {type(error).__name__}: {error}"]
            self.recover()
        if self.options.seed or problems:
            print(", ".join(ways.schema.features + ways.job.features))
            self.write_script(seed, ways, problems)
        if self.options.seed:
            for name, outcome in found.items():
                print(f"{name}: applier {outcome.applier}, {outcome.totals}, error {outcome.error},"
                      f" at commit {outcome.commit_error}")
        return "\n".join(problems)

    def count(self, found):
        self.direct += "direct" in found
        self.ended += not (found["sql"].error or found["sql"].commit_error)

    def recover(self):
        """After a crash the server starts again."""
        try:
            self.connection.cursor().execute("ROLLBACK")
        except psycopg2.Error:
            for _ in range(100):
                time.sleep(0.3)
                try:
                    self.connection = connect()
                    return
                except psycopg2.OperationalError:
                    pass
            raise

    def write_script(self, seed, ways, problems):
        os.makedirs(OUTPUT, exist_ok=True)
        path = f"{OUTPUT}/seed-{seed}.sql"
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"-- {line}\n" for problem in problems for line in problem.splitlines()) + ways.script())
        print(f"its SQL: {path} (scripts/with-server -o wal_level=logical psql -f {path})\n"
              f"again:   test/differential/run --rows {self.options.rows} --seed {seed}")

    def vacuum(self):
        self.connection.cursor().execute("SELECT pg_logical_slot_get_changes(%s, NULL, NULL)", [SLOT])
        cursor = self.connection.cursor()
        cursor.execute("SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class"
                       " WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'"
                       " AND pg_relation_size(oid) > 1000000 AND NOT relisshared")
        for name, in cursor.fetchall():
            cursor.execute(f"VACUUM {name}")


@pytest.fixture(scope="module")
def run(pytestconfig):
    made = Run(pytestconfig.option)
    yield made
    print(f"{made.tried} seeds: the direct applier was possible in {made.direct}, {made.ended} ended without an error,"
          f" {made.undone} were undone")


def test_seed(run, seed):
    if run.options.seconds and time.monotonic() - run.started > run.options.seconds:
        pytest.exit(f"ended after {run.options.seconds:.0f} s, before seed {seed}", returncode=0)
    run.tried += 1
    problems = run.seed(seed)
    if run.tried % SEEDS_PER_VACUUM == 0:
        run.vacuum()
    assert not problems, problems
