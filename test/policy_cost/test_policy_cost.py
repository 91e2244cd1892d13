"""The cost of the policies; test/policy_cost/run describes the suite. Runs inside a server."""

import time

import psycopg2
import pytest

from harness import Sampler, Session

MB = 1024 * 1024
MEMORY_BOUND = 32 * MB
BAD_ROWS = 100
SKIP_BOUND = 1.25


class Bench:
    """Table target with ids 1 to rows, values that differ between any two calls, and the times of the calls."""

    def __init__(self, rows, rounds):
        self.rows, self.rounds = rows, rounds
        self.session = Session()
        self.session.run("CREATE EXTENSION bulk_update")

    def build(self):
        self.session.run("DROP TABLE IF EXISTS target")
        self.session.run("CREATE TABLE target (id bigint PRIMARY KEY, n integer CHECK (n >= 0), v text)")
        self.session.run(f"INSERT INTO target SELECT i, 0, 'object ' || i FROM generate_series(1, {self.rows}) i")
        self.settle()

    def settle(self):
        """Each call starts with the same table as the first one."""
        self.session.run("VACUUM ANALYZE target")
        self.session.run("CHECKPOINT")

    def call(self, source, options="", session=None):
        """Seconds and the sums of the report."""
        source = source.replace("'", "''")
        started = time.perf_counter()
        counts = (session or self.session).run(
            "SELECT sum(rows_fetched)::bigint, sum(rows_updated)::bigint, sum(rows_unchanged)::bigint,"
            " sum(rows_missing)::bigint, sum(rows_duplicate)::bigint, sum(rows_rejected)::bigint"
            f" FROM bulk_update_query('target', '{source}'{', ' if options else ''}{options})")[0]
        return time.perf_counter() - started, counts

    def in_turns(self, *calls, within=lambda *seconds: True):
        """The minimum of the seconds of each call; a call is a function that gets the round and returns its seconds.

    Other work on the machine makes a call longer, never shorter: while the minimums are not within a bound,
        there are more rounds, up to three times as many.
        """
        times = [[] for _ in calls]
        for turn in range(3 * self.rounds):
            if turn >= self.rounds and within(*map(min, times)):
                break
            for call, seconds in zip(calls, times):
                seconds.append(call(turn))
                self.settle()
        self.turns = len(times[0])
        return [min(seconds) for seconds in times]

    def compare(self, what, seconds, to_what, base, most):
        """A test that the seconds are at most a multiple of base."""
        print(f"{what}: {seconds:.2f} s; {to_what}: {base:.2f} s; ratio {seconds / base:.3f}, at most {most:.2f}")
        assert seconds <= most * base


@pytest.fixture(scope="module")
def bench(pytestconfig):
    return Bench(pytestconfig.option.rows, pytestconfig.option.rounds)


def bad_rows(bench, source):
    """A hundred bad rows under 'skip' against the same source without them under 'stop'."""
    step = max(bench.rows // BAD_ROWS, 1)
    bad = bench.rows // step
    bench.build()
    last = {}

    def stop(turn):
        seconds, counts = bench.call(source.format(rows=bench.rows, condition="false", value=2 * turn + 1))
        last["stop"] = counts
        return seconds

    def skipping(turn):
        seconds, counts = bench.call(source.format(rows=bench.rows, condition=f"i % {step} = {step // 2}",
                                                   value=2 * turn + 2), "on_error => 'skip'")
        last["skip"] = counts
        return seconds

    base, seconds = bench.in_turns(stop, skipping, within=lambda stop, skip: skip <= SKIP_BOUND * stop)
    assert last["stop"] == (bench.rows, bench.rows, 0, 0, 0, 0), "all updated under 'stop'"
    assert last["skip"] == (bench.rows, bench.rows - bad, 0, 0, 0, bad), f"all but {bad} updated under 'skip'"
    assert bench.session.run("SELECT n, count(*) FROM target GROUP BY n ORDER BY n") \
        == [(2 * bench.turns - 1, bad), (2 * bench.turns, bench.rows - bad)], \
        "the table"
    bench.compare(f"{bad} bad of {bench.rows} rows, 'skip'", seconds, "none bad, 'stop'", base, SKIP_BOUND)


def test_bad_by_constraint(bench):
    bad_rows(bench, "SELECT i AS id, CASE WHEN {condition} THEN -1 ELSE {value} END AS n"
                          " FROM generate_series(1, {rows}) i")


def test_bad_by_coercion(bench):
    """Each row is coerced, from bigint to integer."""
    bad_rows(bench, "SELECT i AS id, CASE WHEN {condition} THEN 3000000000 ELSE {value} END AS n"
                          " FROM generate_series(1, {rows}) i")


def test_unchanged(bench):
    """A call, and the same again with skip_unchanged: leaves no dead tuples and almost no WAL."""
    source = f"SELECT i AS id, 1 AS n, 'new ' || i AS v FROM generate_series(1, {bench.rows}) i"
    session = bench.session
    last = {}

    def facts():
        # Other sessions' statistics include only what this one has reported.
        session.run("SELECT pg_stat_force_next_flush()" if session.connection.server_version >= 150000
                    else "SELECT pg_sleep(0.6)")
        return session.run("SELECT pg_current_wal_insert_lsn() - '0/0', n_dead_tup, n_tup_upd FROM pg_stat_user_tables"
                           " WHERE relname = 'target'")[0]

    def write(turn):
        bench.build()
        before = facts()
        seconds, counts = bench.call(source)
        last["write"] = counts
        last["written"] = [int(b - a) for a, b in zip(before, facts())]
        return seconds

    def leave(turn):
        before = facts()
        seconds, counts = bench.call(source, "skip_unchanged => true")
        last["leave"] = counts
        last["wal"], last["dead"], last["updated"] = (int(b - a) for a, b in zip(before, facts()))
        return seconds

    base, seconds = bench.in_turns(write, leave, within=lambda write, leave: 3 * leave <= write)
    assert last["write"] == (bench.rows, bench.rows, 0, 0, 0, 0), "all written without skip_unchanged"
    assert last["written"][0] > 50 * bench.rows and last["written"][1:] == [bench.rows, bench.rows], \
        ("and that shows in WAL, dead tuples and updates", last["written"])
    assert last["leave"] == (bench.rows, 0, bench.rows, 0, 0, 0), "all unchanged with it"
    assert (last["dead"], last["updated"]) == (0, 0), "no dead tuples, no updates"
    assert last["wal"] < 100000, f"{last['wal']} bytes of WAL (less than 100000)"
    bench.compare(f"{bench.rows} unchanged rows, skip_unchanged", seconds, "the same rows written", base, 1 / 3)


def test_duplicates(bench):
    """Two equal keys far apart in random order: found by 'error', resolved by 'first' and 'last'; memory does not grow."""
    bench.build()
    session = bench.session
    near, far = bench.rows // 20, bench.rows // 20 + bench.rows * 9 // 10
    session.run("DROP TABLE IF EXISTS shuffled")
    session.run("SELECT setseed(0.5)")
    session.run("CREATE TABLE shuffled (position bigint, id bigint, n integer)")
    session.run(f"""INSERT INTO shuffled SELECT row_number() OVER (), i, 1
                      FROM (SELECT i FROM generate_series(1, {bench.rows}) i ORDER BY random()) s""")
    session.run(f"UPDATE shuffled SET id = (SELECT id FROM shuffled WHERE position = {near}), n = 2"
                f" WHERE position = {far}")
    session.run("CREATE INDEX ON shuffled (position)")
    session.run("CLUSTER shuffled USING shuffled_position_idx")
    session.run("VACUUM ANALYZE shuffled")
    key = session.value(f"SELECT id FROM shuffled WHERE position = {near}")

    for policy in ("error", "first", "last"):
        title = f"'{policy}'"
        # A new session: memory that one call has freed would hide what the next one takes.
        with Session() as call:
            call.run("SET work_mem = '4MB'; SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0;"
                     " SET enable_indexscan = off")
            error = counts = None
            with Sampler(call.pid) as sampler:
                started = time.perf_counter()
                try:
                    counts = bench.call("SELECT id, n FROM shuffled", f"on_duplicate => '{policy}'", call)[1]
                except psycopg2.Error as caught:
                    error = caught
                seconds = time.perf_counter() - started
        print(f"{title}: {seconds:.1f} s, growth {sampler.growth / MB:.1f} MB")
        if policy == "error":
            assert (error and error.pgcode) == "21000", f"{title}: the error"
            text = error.diag.message_primary + " " + (error.diag.message_detail or "") if error else ""
            assert all(str(number) in text for number in (key, near, far)), \
                (f"{title}: names key {key} and source rows {near} and {far}", text)
            assert bench.session.value("SELECT count(*) FROM target WHERE n <> 0") == 0, f"{title}: nothing is changed"
        else:
            assert counts == (bench.rows, bench.rows - 1, 0, 0, 1, 0), f"{title}: one duplicate"
            assert bench.session.value(f"SELECT n FROM target WHERE id = {key}") == (1 if policy == "first" else 2), \
                f"{title}: the row that is kept"
            bench.session.run("UPDATE target SET n = 0 WHERE n <> 0")
            bench.settle()
        assert sampler.growth < MEMORY_BOUND, (f"{title}: the backend grows by {sampler.growth / MB:.1f} MB"
                                          f" (less than {MEMORY_BOUND // MB})")
    session.run("DROP TABLE shuffled")


def test_all_bad(bench):
    """Linear in the rows if every row is bad, and not much more expensive than applying good ones."""
    bench.build()
    few, many = min(10000, bench.rows // 2), min(20000, bench.rows)
    last = {}

    def bad(rows):
        def call(turn):
            seconds, last[rows] = bench.call(f"SELECT i AS id, -1 AS n FROM generate_series(1, {rows}) i",
                                             f"on_error => 'skip', chunk_size => {rows}")
            return seconds
        return call

    def good(turn):
        return bench.call(f"SELECT i AS id, {turn + 1} AS n FROM generate_series(1, {few}) i",
                          f"on_error => 'skip', chunk_size => {few}")[0]

    applied, base, seconds = bench.in_turns(
        good, bad(few), bad(many), within=lambda good, few, many: many <= 2.6 * few and few <= 12 * good)
    for rows in (few, many):
        assert last[rows] == (rows, 0, 0, 0, 0, rows), f"{rows} rejected"
    bench.compare(f"one chunk of {many}, all bad", seconds, f"one of {few}", base, 2.6)
    bench.compare(f"one chunk of {few}, all bad", base, "the same, all good", applied, 12)
