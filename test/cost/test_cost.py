"""Cost of bulk_update; test/cost/run describes the suite. Runs inside a server."""

import time

import psycopg2
import pytest

# Settings of a session that make wrong plans cheap for the planner; the cost must not change.
SETTINGS = {
    "default settings": {},
    "custom plans": {"plan_cache_mode": "force_custom_plan"},
    "generic plans": {"plan_cache_mode": "force_generic_plan"},
    "random pages dear": {"random_page_cost": "1000", "cpu_index_tuple_cost": "10"},
    "scans free": {"seq_page_cost": "0", "cpu_tuple_cost": "0", "cpu_operator_cost": "0"},
    "custom plans, random pages dear": {"plan_cache_mode": "force_custom_plan", "random_page_cost": "1000"},
    "much work_mem": {"work_mem": "1GB", "hash_mem_multiplier": "10"},
    "no nested loops": {"enable_nestloop": "off"},
    "no index scans": {"enable_indexscan": "off", "enable_indexonlyscan": "off"},
    "no bitmap scans, no index scans": {"enable_indexscan": "off", "enable_bitmapscan": "off"},
    "parallel": {"parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0",
                 "max_parallel_workers_per_gather": "4", "force_parallel_mode": "on"},
    "constraint exclusion, partitionwise": {"constraint_exclusion": "on", "enable_partitionwise_join": "on"},
    "reading ahead": {"bulk_update.read_ahead": "on"},
}


TEMPTING = ["custom plans", "custom plans, random pages dear", "scans free", "reading ahead"]


class Shape:
    """A kind of target table.

    keys: the key columns of pair number i, if every {step}th row of the table is updated.
    lookups: how often a pair's row may be looked up; more than once if suppressed rows must be looked up again.
    tempting: the settings to test besides the default ones.
    skipped: a trigger skips every nth pair.
    """

    def __init__(self, name, create, load, keys, key_columns=None, statistics="analyzed", role=None,
                 lookups=1, skipped=None, tempting=TEMPTING):
        self.name, self.create, self.load, self.keys = name, create, load, keys
        self.key_columns, self.statistics, self.role = key_columns, statistics, role
        self.lookups, self.skipped, self.tempting = lookups, skipped, tempting


BIGINT = ("CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text)",
          "INSERT INTO target SELECT i, i, 'object ' || i FROM generate_series(1, {rows}) i",
          "i * {step} AS id")

SHAPES = [
    Shape("bigint key", *BIGINT),
    Shape("never analyzed", *BIGINT, statistics="none"),
    Shape("statistics from when it was small", *BIGINT, statistics="small"),
    Shape("statistics from when it was empty", *BIGINT, statistics="empty"),
    Shape("text key",
          "CREATE TABLE target (id text PRIMARY KEY, field1 integer, field2 text)",
          "INSERT INTO target SELECT 'key ' || lpad(i::text, 9, '0'), i, 'object ' || i"
          " FROM generate_series(1, {rows}) i",
          "'key ' || lpad((i * {step})::text, 9, '0') AS id"),
    Shape("varchar key in random order",
          "CREATE TABLE target (id varchar(40) COLLATE \"C\" PRIMARY KEY, field1 integer, field2 text)",
          "INSERT INTO target SELECT md5(i::text), i, 'object ' || i FROM generate_series(1, {rows}) i",
          "md5((i * {step})::text) AS id"),
    Shape("integer source for a bigint key",
          BIGINT[0], BIGINT[1], "(i * {step})::integer AS id"),
    Shape("numeric source for a bigint key",
          BIGINT[0], BIGINT[1], "(i * {step})::numeric AS id"),
    Shape("composite key",
          "CREATE TABLE target (part integer, name text, field1 integer, field2 text, PRIMARY KEY (part, name))",
          "INSERT INTO target SELECT i % 1000, 'name ' || i, i, 'object ' || i FROM generate_series(1, {rows}) i",
          "(i * {step}) % 1000 AS part, 'name ' || i * {step} AS name"),
    Shape("composite key, few values in its first column",
          "CREATE TABLE target (part integer, number bigint, field1 integer, field2 text, PRIMARY KEY (part, number))",
          "INSERT INTO target SELECT i % 2, i, i, 'object ' || i FROM generate_series(1, {rows}) i",
          "((i * {step}) % 2)::integer AS part, i * {step} AS number", statistics="none"),
    Shape("unique index besides the primary key",
          "CREATE TABLE target (id bigint PRIMARY KEY, code uuid NOT NULL UNIQUE, field1 integer, field2 text)",
          "INSERT INTO target SELECT i, md5(i::text)::uuid, i, 'object ' || i FROM generate_series(1, {rows}) i",
          "md5((i * {step})::text)::uuid AS code", key_columns=["code"]),
    Shape("partitioned by range",
          """CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text) PARTITION BY RANGE (id);
             DO $$ BEGIN FOR p IN 0..7 LOOP
                 EXECUTE format('CREATE TABLE target_%s PARTITION OF target FOR VALUES FROM (%s) TO (%s)', p,
                                {rows} / 8 * p + 1, CASE p WHEN 7 THEN {rows} + 1 ELSE {rows} / 8 * (p + 1) + 1 END);
             END LOOP; END $$""",
          BIGINT[1], BIGINT[2]),
    Shape("partitioned by hash, never analyzed",
          """CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text) PARTITION BY HASH (id);
             DO $$ BEGIN FOR p IN 0..7 LOOP
                 EXECUTE format('CREATE TABLE target_%s PARTITION OF target FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
                                p, p);
             END LOOP; END $$""",
          BIGINT[1], BIGINT[2], statistics="none"),
    # A child may lack such an index, so the planner decides here.
    Shape("inheritance, every table with the index",
          "CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text);"
          "CREATE TABLE target_child (PRIMARY KEY (id)) INHERITS (target)",
          "INSERT INTO target SELECT i, i, 'object ' || i FROM generate_series(1, {rows}) i;"
          "INSERT INTO target_child SELECT -i, i, 'object ' || i FROM generate_series(1, {rows}) i",
          BIGINT[2], lookups=2, tempting=["custom plans"]),
    Shape("trigger that skips rows, never analyzed",
          BIGINT[0] + """;
             CREATE FUNCTION pass_over() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RETURN CASE WHEN NEW.field1 % 4 <> 0 THEN NEW END; END $$;
             CREATE TRIGGER pass_over BEFORE UPDATE ON target FOR EACH ROW EXECUTE FUNCTION pass_over()""",
          BIGINT[1], BIGINT[2], statistics="none", lookups=2, skipped=4),
    Shape("row-level security",
          BIGINT[0] + """;
             CREATE ROLE guest;
             GRANT SELECT, UPDATE ON target TO guest;
             ALTER TABLE target ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON target USING (field2 NOT LIKE 'hidden%')""",
          BIGINT[1], BIGINT[2], role="guest"),
]

# (pairs, chunk_size), for tables of a million rows.
CHUNKS = [(200, 1), (2000, 10), (20000, 10000), (200000, 100000)]


class Bench:
    def __init__(self, rows):
        self.rows = rows
        self.connection = psycopg2.connect("")
        self.cursor = self.connection.cursor()
        self.built_in, self.built = 0, None

    def execute(self, query):
        self.cursor.execute(query)

    def build(self, shape, rows=None):
        """Create the table of a shape, unless it exists, with the shape's kind of statistics."""
        started = time.perf_counter()
        rows = rows or self.rows
        if self.built == (shape, rows):
            return
        self.built = None
        self.execute("DROP TABLE IF EXISTS target CASCADE")
        self.execute("DROP FUNCTION IF EXISTS pass_over")
        self.execute("DROP ROLE IF EXISTS guest")
        self.execute(shape.create.format(rows=rows))
        if shape.statistics in ("small", "empty"):
            if shape.statistics == "small":
                self.execute(shape.load.format(rows=10))
            self.execute("ANALYZE target")
            self.execute("TRUNCATE target")
        self.execute(shape.load.format(rows=rows))
        if shape.statistics == "analyzed":
            self.execute("ANALYZE target")
        self.connection.commit()
        self.built, self.built_in = (shape, rows), time.perf_counter() - started

    def call(self, shape, pairs, rows=None):
        """The query of a source with that many pairs, their keys spread over the whole table."""
        step = (rows or self.rows) // pairs
        return (f"SELECT {shape.keys.format(step=step)}, -i AS field1, 'new ' || i AS field2"
                f" FROM generate_series(1, {pairs}::bigint) i")

    def bulk_update(self, shape, pairs, chunk_size, settings, explain=False, rows=None):
        """Update in a transaction that is left open.

    A scan for each chunk or pair would take hours: the call is cancelled after some times the time of loading the table.
        """
        self.execute(f"SET LOCAL statement_timeout = '{30 + 5 * self.built_in:.0f}s'")
        for name, value in settings.items():
            if name == "force_parallel_mode" and self.connection.server_version >= 160000:
                name = "debug_parallel_query"
            self.cursor.execute(f"SET LOCAL {name} = %s", [value])
        if shape.role:
            self.execute(f"SET LOCAL ROLE {shape.role}")
        self.execute(f"DECLARE c CURSOR FOR {self.call(shape, pairs, rows)}")
        keys = "NULL" if shape.key_columns is None else "'{" + ",".join(shape.key_columns) + "}'"
        self.execute(("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " if explain else "")
                     + "SELECT sum(rows_updated), count(*)"
                     f" FROM bulk_update('target', 'c', key_columns => {keys}, chunk_size => {chunk_size})")
        return self.cursor.fetchone()

    def access(self):
        """How the target and its partitions have been read. Only differences within a transaction are meaningful:
    the view also counts what earlier transactions of the session have not yet reported."""
        self.execute("""SELECT sum(seq_scan), sum(seq_tup_read), sum(idx_scan), sum(idx_tup_fetch)
                        FROM pg_stat_xact_user_tables WHERE relname LIKE 'target%'""")
        return [int(n) for n in self.cursor.fetchone()]

    def buffers(self, shape, pairs, rows):
        """Buffers that one call accesses, after a first call that fills the session's caches."""
        for _ in range(2):
            plan = self.bulk_update(shape, pairs, 10000, {}, explain=True, rows=rows)[0][0]["Plan"]
            self.connection.rollback()
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    def processor_time(self):
        """Of the backend, in seconds, which other work on the machine does not affect."""
        with open(f"/proc/{self.connection.info.backend_pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9


@pytest.fixture(scope="module")
def shared(pytestconfig):
    return Bench(pytestconfig.option.rows)


@pytest.fixture
def bench(shared):
    yield shared
    shared.connection.rollback()


def calls(rows):
    """Shape, settings, pairs and chunk_size of each measured call.

    All settings with the simplest shape; with the others the default ones and those that favor other plans most.
    """
    for shape in SHAPES:
        for pairs, chunk_size in CHUNKS:
            yield shape, "default settings", min(pairs, rows // 5), chunk_size
        for settings in SETTINGS:
            if shape is SHAPES[0]:
                yield shape, settings, 20000, 10000
                yield shape, settings, 500, 10000
            elif settings in shape.tempting:
                yield shape, settings, 20000, 10000


def pytest_generate_tests(metafunc):
    if "settings" in metafunc.fixturenames:
        found = list(calls(metafunc.config.option.rows))
        metafunc.parametrize("shape, settings, pairs, chunk_size", found,
                             ids=[", ".join([shape.name, *map(str, others)]) for shape, *others in found])


def test_scans(bench, shape, settings, pairs, chunk_size):
    """No scan of the table, no more lookups than pairs, nothing else read. Reading ahead looks up each key once more,
    but fetches no row."""
    bench.build(shape)
    before = bench.access()
    updated, _ = bench.bulk_update(shape, pairs, chunk_size, SETTINGS[settings])
    seq_scan, seq_tup_read, idx_scan, idx_tup_fetch = (a - b for a, b in zip(bench.access(), before))
    about = shape.lookups * pairs * 1.1 + 10
    assert updated == pairs - (pairs // shape.skipped if shape.skipped else 0)
    assert (seq_scan, seq_tup_read) == (0, 0)
    assert idx_scan <= (2 * about if settings == "reading ahead" else about)
    assert idx_tup_fetch <= about


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.statistics == "analyzed"], ids=lambda shape: shape.name)
def test_buffers(bench, shape):
    """A call of 100 pairs reads for each pair a descent of the index, the row, and the pages that get the new version."""
    small_rows = max(bench.rows // 100, 1000)
    bench.build(shape, small_rows)
    small = bench.buffers(shape, 100, small_rows)
    bench.build(shape)
    large = bench.buffers(shape, 100, bench.rows)
    print(f"100 pairs touch {large} buffers with {bench.rows} rows, {small} with {small_rows}")
    assert large <= 3000
    assert large <= 3 * small


CHILDREN, PAIRS = 1000, 500
WAYS = {"UPDATE": "UPDATE target t SET field1 = s.field1, field2 = s.field2 FROM source s WHERE t.id = s.id",
        "bulk_update": "SELECT sum(rows_updated) FROM bulk_update_query('target', 'TABLE source')",
        "bulk_update, sql": "SET LOCAL bulk_update.applier = sql;"
                            "SELECT sum(rows_updated) FROM bulk_update_query('target', 'TABLE source')"}


def test_inheritance_many_children(bench):
    """An inheritance tree of many tables: a call takes no longer than UPDATE ... FROM of the same pairs, which finds
    a plan for all pairs and all tables. The minimum of some alternating runs; both change the same rows."""
    bench.built = None
    bench.execute("DROP TABLE IF EXISTS target, source CASCADE")
    bench.execute(BIGINT[0])
    for c in range(1, CHILDREN + 1):
        bench.execute(f"CREATE TABLE target_{c} (PRIMARY KEY (id)) INHERITS (target);"
                      f"INSERT INTO target_{c} SELECT i, i FROM generate_series({c * 100}, {c * 100 + 99}) i")
        bench.connection.commit()
    bench.execute(f"CREATE TABLE source AS SELECT 100 + i * {CHILDREN * 100 // PAIRS} AS id, -i AS field1, 'new ' || i"
                  f" AS field2 FROM generate_series(0, {PAIRS} - 1) i")
    bench.execute("ANALYZE target; ANALYZE source")
    bench.connection.commit()
    best, tables = {}, {}
    for _ in range(4):
        for way, statement in WAYS.items():
            started = bench.processor_time()
            bench.execute(statement)
            taken = bench.processor_time() - started
            assert PAIRS == (bench.cursor.rowcount if way == "UPDATE" else bench.cursor.fetchone()[0]), way
            best[way] = min(best.get(way, taken), taken)
            bench.execute("SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM target t")
            tables[way] = bench.cursor.fetchone()[0]
            bench.connection.rollback()
    print(", ".join(f"{way}: {seconds:.3f} s" for way, seconds in best.items()))
    for way in ("bulk_update", "bulk_update, sql"):
        assert tables[way] == tables["UPDATE"]
        assert best[way] <= 1.2 * best["UPDATE"]
