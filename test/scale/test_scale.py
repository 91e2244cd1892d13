"""Many chunks, wide tables, large rows, large numbers; test/scale/run describes the suite. Runs inside a server."""

import time

import psycopg2
import pytest

from harness import Sampler, Session

MB = 1 << 20
APPLIERS = ("direct", "sql")
# A chunk's rows, a batch of the source, a sort: work_mem is 4 MB, and each uses part of it.
FLAT = 24 * MB
# How often a row is in memory at once, besides constant amounts: from the source's value to the new version; the SQL applier
# passes it as an array and through a plan.
COPIES = {"direct": 4, "sql": 7}
RATIO = 1.3
COLUMNS = 1600


class Call:
    """A call in a new session: its report's sums, time and the growth of the backend's private memory."""

    def __init__(self, applier, target, query, options="", settings=""):
        with Session() as session:
            session.run(f"SET bulk_update.applier = {applier}; SET client_min_messages = warning; {settings}")
            with Sampler(session.pid) as memory:
                started = time.perf_counter()
                (self.chunks, self.fetched, self.updated, self.largest, self.appliers) = session.run(
                    "SELECT count(*), sum(rows_fetched), sum(rows_updated), max(rows_fetched), string_agg(DISTINCT applier, ' ')"
                    f" FROM bulk_update_query('{target}', $q${query}$q$ {options})")[0]
                self.seconds = time.perf_counter() - started
            self.growth = memory.growth


@pytest.fixture(scope="module")
def session():
    with Session() as opened:
        opened.run("CREATE EXTENSION bulk_update; SET client_min_messages = warning")
        yield opened


@pytest.fixture
def options(pytestconfig):
    return pytestconfig.option


def show(name, call):
    print(f"{name}: {call.fetched} rows in {call.chunks} chunks, {call.seconds:.1f} s, {call.growth / MB:.1f} MB")


def test_chunks(session, options):
    count = options.chunks
    for applier in APPLIERS:
        name = f"{count} chunks of 10 rows, {applier}"
        session.run(f"""DROP TABLE IF EXISTS many; CREATE UNLOGGED TABLE many (id bigint PRIMARY KEY, v bigint);
            INSERT INTO many SELECT i, 0 FROM generate_series(1, {count * 10}) i""")
        session.run("VACUUM ANALYZE many")
        call = Call(applier, "many", f"SELECT i AS id, i * 3 AS v FROM generate_series(1, {count * 10}) i",
                    ", chunk_size => 10")
        show(name, call)
        assert (call.chunks, call.updated, call.appliers) == (count, count * 10, applier), name
        assert session.run("SELECT count(*), count(*) FILTER (WHERE v <> id * 3) FROM many") == [(count * 10, 0)], \
            f"{name}: the table"
        assert call.growth <= FLAT, (f"{name}: memory", call.growth)
    session.run("DROP TABLE many")


def test_columns(session):
    names = [f"c{i}" for i in range(1, COLUMNS)]
    values = ", ".join(f"(id * {i})::int AS {name}" for i, name in enumerate(names, 1))
    for applier in APPLIERS:
        name = f"{COLUMNS} columns, {applier}"
        session.run("DROP TABLE IF EXISTS wide, expected; CREATE TABLE wide (id int PRIMARY KEY, "
                    + ", ".join(f"{column} int" for column in names) + ")")
        session.run("INSERT INTO wide (id) SELECT generate_series(1, 500)")
        call = Call(applier, "wide", f"SELECT id, {values} FROM generate_series(1, 500) id", ", chunk_size => 100")
        show(name, call)
        assert (call.updated, call.appliers) == (500, applier), name
        session.run(f"CREATE TABLE expected AS SELECT id, {values} FROM generate_series(1, 500) id")
        assert session.value("SELECT count(*) FROM wide w JOIN expected e USING (id) WHERE w::text = e::text") == 500, \
            f"{name}: the table"
        assert call.growth <= FLAT, (f"{name}: memory", call.growth)
    session.run("DROP TABLE wide, expected")


def test_megabytes(session, options):
    size = options.megabytes * MB
    for applier in APPLIERS:
        name = f"rows of {options.megabytes} MB, {applier}"
        session.run("""DROP TABLE IF EXISTS large; CREATE UNLOGGED TABLE large (id int PRIMARY KEY, v text);
            ALTER TABLE large ALTER v SET STORAGE EXTERNAL;
            INSERT INTO large SELECT i, '' FROM generate_series(1, 3) i""")
        call = Call(applier, "large", f"SELECT i AS id, repeat(chr(64 + i), {size}) AS v FROM generate_series(1, 3) i")
        show(name, call)
        print(f"{name}: {call.growth / size:.1f} times a row")
        assert (call.updated, call.appliers) == (3, applier), name
        assert session.run(f"SELECT id FROM large WHERE v = repeat(chr(64 + id), {size}) ORDER BY id") \
            == [(1,), (2,), (3,)], \
            f"{name}: the table"
        assert call.growth <= FLAT + COPIES[applier] * size, (f"{name}: memory", call.growth)
    session.run("DROP TABLE large")


def failure(session, query):
    """SQLSTATE, message and detail of a statement's error."""
    try:
        session.run(query)
    except psycopg2.Error as error:
        return error.pgcode, error.diag.message_primary, error.diag.message_detail
    return None, "no error", ""


def test_limits(session):
    """Rows and keys that are too large, or nearly so, for a tuple of the server. Each large value is stored only once."""
    huge, refused = 600 * MB, "54000"
    session.run(f"""CREATE UNLOGGED TABLE stored (v text, w text); ALTER TABLE stored ALTER v SET STORAGE EXTERNAL;
        INSERT INTO stored VALUES (repeat('x', {100 * MB}), repeat('y', {10 * MB}));
        CREATE TABLE keyed (k text, l bytea, v int, UNIQUE (k), UNIQUE (l), UNIQUE (k, l)); INSERT INTO keyed VALUES ('k', 'l', 1);
        SELECT bulk_update_create_rejects('refused')""")
    for table, count, column_type in (("eleven", 11, "text"), ("cast_ones", 110, f"varchar({10 * MB})")):
        names = [f"c{i}" for i in range(count)]
        value = "v" if column_type == "text" else "w"
        session.run(f"CREATE TABLE {table} (id int PRIMARY KEY, {', '.join(f'{name} {column_type}' for name in names)});"
                    f"INSERT INTO {table} VALUES (1), (2)")
        # Sources with 1.1 GB in the first row and little in the second.
        query = ("SELECT i AS id, " + ", ".join(f"CASE i WHEN 1 THEN {value} ELSE 'small' END AS {name}" for name in names)
                 + " FROM stored, generate_series(1, 2) i")
        name = f"a row of 1.1 GB, {table}"
        session.run("TRUNCATE refused")
        assert failure(session, f"SELECT FROM bulk_update_query('{table}', $q${query}$q$)")[:2] \
            == (refused, "source row 1 is too large for bulk_update"), \
            name
        assert session.run(f"""SELECT sum(rows_updated), sum(rows_rejected) FROM bulk_update_query('{table}', $q${query}$q$,
            on_error => 'skip', rejects => 'refused')""") \
            == [(1, 1)], \
            f"{name}: set aside"
        assert session.run("SELECT source_row, sqlstate FROM refused") == [(1, refused)], f"{name}: recorded"
        assert session.run(f"SELECT id, {names[0]} FROM {table} ORDER BY id") == [(1, None), (2, "small")], \
            f"{name}: the table"
    # In memory, because this is not about time. As text, a bytea of this size would have more than 1 GB.
    session.run("SET work_mem = '8GB'")
    described = f"<{huge} bytes>"
    for key, made, text, applier, policy in (
            ("k", f"repeat('k', {huge})", described, "direct", "ignore"),
            ("l", f"repeat('k', {huge})::bytea", described, "sql", "ignore"),
            ("k,l", f"repeat('k', {huge}), 'l'::bytea", f'("{described}","\\\\x6c")', "direct", "ignore"),
            ("l,k", f"repeat('k', {huge})::bytea, 'k'", f"(l, k)=({described}, k)", "direct", "error")):
        name = f"a key of 600 MB, {key}, {applier}, {policy}"
        session.run(f"SET bulk_update.applier = {applier}")
        call = f"""SELECT rows_missing, first_key, last_key FROM bulk_update_query('keyed', $q$SELECT {made}, 2$q$, '{{{key},v}}',
            '{{{key}}}', on_missing => '{policy}')"""
        if policy == "ignore":
            assert session.run(call) == [(1, text, text)], name
        else:
            assert failure(session, call) \
                == ("P0002", 'table "keyed" has no row for source row 1', f"Key {text} is missing."), \
                name
    query = f"SELECT CASE i WHEN 1 THEN 'k' ELSE repeat(chr(105 + i), {huge}) END AS k, i AS v FROM generate_series(2, 1, -1) i"
    call = f"bulk_update_query('keyed', $q${query}$q$, key_columns => '{{k}}', ordering => 'sort'"
    assert failure(session, f"SELECT FROM {call})")[:2] == (refused, "source row 1 is too large to be sorted"), \
        "a key too large to be sorted"
    assert session.run(f"SELECT sum(rows_updated), sum(rows_rejected) FROM {call}, on_error => 'skip')") == [(1, 1)], \
        "a key too large to be sorted: set aside"
    assert session.run("SELECT k, v FROM keyed") == [("k", 1)], "a key too large to be sorted: the table"
    session.run("DROP TABLE stored, keyed, refused, eleven, cast_ones; RESET bulk_update.applier; RESET work_mem")


def test_chunk_size(session):
    rows = 300000
    for applier in APPLIERS:
        for work_mem in ("64kB", "1GB"):
            name = f"chunk_size 2147483647, work_mem {work_mem}, {applier}"
            session.run(f"""DROP TABLE IF EXISTS big; CREATE UNLOGGED TABLE big (id bigint PRIMARY KEY, v bigint);
                INSERT INTO big SELECT i, 0 FROM generate_series(1, {rows}) i""")
            session.run("VACUUM ANALYZE big")
            call = Call(applier, "big", f"SELECT i AS id, i * 3 AS v FROM generate_series({rows}, 1, -1) i",
                        ", chunk_size => 2147483647", f"SET work_mem = '{work_mem}'")
            show(name, call)
            assert (call.updated, session.value("SELECT count(*) FROM big WHERE v = id * 3")) == (rows, rows), name
            # At most 64 MB in a chunk, whatever work_mem is, plus the sort and the batch.
            limit = FLAT if work_mem == "64kB" else 6 * FLAT
            assert call.growth <= limit, (f"{name}: memory", call.growth)
    session.run("DROP TABLE big")


def test_counts(session):
    rows, most = 3000000000, (1 << 63) - 1
    session.run("CREATE TABLE few (id bigint PRIMARY KEY, v bigint); INSERT INTO few VALUES (1, 0)")
    types = session.run("""SELECT of, name, type::regtype::text FROM (
            SELECT proname, unnest(proargnames), unnest(proargtypes::oid[]) FROM pg_proc
            WHERE proname IN ('bulk_update', 'bulk_update_query')
            UNION ALL
            SELECT attrelid::regclass::name, attname, atttypid FROM pg_attribute
            WHERE attrelid IN ('bulk_update_chunk'::regclass, 'bulk_update_progress'::regclass)) AS c(of, name, type)
        WHERE name LIKE 'rows\\_%' AND name <> 'rows_per_second'
            OR name IN ('chunk', 'chunks', 'memory_bytes', 'spilled_bytes', 'reject_limit')""")
    assert [row for row in types if row[2] != "bigint"] == [], "counts are of type bigint"
    assert {of for of, name, _ in types if name == "rows_fetched"} == {"bulk_update_chunk", "bulk_update_progress"}, \
        "there are counts"
    with Session() as caller:
        statement = caller.background(f"""SELECT FROM bulk_update_query('few', $$SELECT i AS id, i AS v
            FROM (SELECT generate_series(1, {rows}::bigint) AS i) s$$, dry_run => true, on_error => 'skip', reject_limit => {most})""")
        session.wait_until(f"EXISTS (SELECT FROM bulk_update_progress WHERE pid = {caller.pid} AND rows_fetched > 0)", statement)
        assert session.value(f"SELECT rows_estimated FROM bulk_update_progress WHERE pid = {caller.pid}") == rows, \
            "an estimate beyond 32 bits is reported"
        session.run(f"SELECT pg_cancel_backend({caller.pid})")
        assert statement.wait().sqlstate == "57014", "the call of that many rows is cancelled"
    keys = (-most - 1, -(1 << 31) - 1, 1 << 31, 1 << 32, most)
    for applier in APPLIERS:
        session.run("TRUNCATE few; INSERT INTO few SELECT k, 0 FROM unnest(%s) k", (list(keys),))
        call = Call(applier, "few", f"SELECT k AS id, k AS v FROM unnest('{{{','.join(map(str, keys))}}}'::bigint[]) k")
        assert (call.updated, session.value("SELECT count(*) FROM few WHERE v = id")) == (len(keys), len(keys)), \
            f"keys beyond 32 bits, {applier}"


def test_rows(session, options):
    """Time and memory of this many rows compared with a tenth of them; each the better of two runs. Without JIT, which would
    compile the larger source's query only: it takes some 10 MB."""
    if not options.rows:
        pytest.skip("only with --rows")
    per_row, growth = [], []
    session.run("CREATE TABLE long (id bigint PRIMARY KEY, v bigint)")
    for count in (options.rows // 10, options.rows):
        session.run(f"TRUNCATE long; INSERT INTO long SELECT i, 0 FROM generate_series(1, {count}) i")
        session.run("VACUUM ANALYZE long")
        calls = []
        for factor in (2, 3):
            calls.append(Call("direct", "long", f"SELECT i AS id, i * {factor} AS v FROM generate_series(1, {count}) i",
                              settings="SET jit = off"))
            show(f"{count} rows", calls[-1])
            assert session.value(f"SELECT count(*) FROM long WHERE v = id * {factor}") == count, \
                f"{count} rows: the table"
            session.run("VACUUM long")
        per_row.append(min(call.seconds for call in calls) / count)
        growth.append(max(call.growth for call in calls))
    print(f"{options.rows} rows compared with a tenth: {per_row[1] / per_row[0]:.2f} times the time per row")
    assert per_row[1] <= RATIO * per_row[0], ("time per row", per_row)
    assert growth[1] <= growth[0] + 4 * MB, ("memory is flat", growth)
