"""View bulk_update_progress and the notices; test/progress/run describes the suite. Runs inside a server.

A call is stopped at certain places by function gate(number), which waits as long as the tester holds the
advisory lock of that number, in the source's query, a cast, a trigger or a trigger on the table of rejects.
"""

import os
import re
from math import inf

import pytest

from harness import Session

COLUMNS = ("phase, chunk, rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected")
COUNTS = ("rows_fetched", "rows_updated", "rows_unchanged", "rows_missing", "rows_duplicate", "rows_rejected")

SETUP = """
    CREATE EXTENSION IF NOT EXISTS bulk_update;
    CREATE FUNCTION gate(number bigint) RETURNS bigint VOLATILE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_lock_shared(number);
        PERFORM pg_advisory_unlock_shared(number);
        RETURN number;
    END $$;
    CREATE FUNCTION gate_if(condition boolean, number bigint) RETURNS boolean VOLATILE LANGUAGE plpgsql AS $$
    BEGIN
        IF condition THEN PERFORM gate(number); END IF;
        RETURN true;
    END $$;
    CREATE FUNCTION gate_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM gate_if(to_jsonb(NEW) ->> TG_ARGV[0] = TG_ARGV[1], TG_ARGV[2]::bigint);
        RETURN NEW;
    END $$;
    CREATE TYPE word AS (w text);
    CREATE FUNCTION word_to_text(word) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM gate_if(($1).w LIKE 'gate%', 1);
        IF ($1).w = 'bad' THEN RAISE 'bad word'; END IF;
        RETURN ($1).w;
    END $$;
    CREATE CAST (word AS text) WITH FUNCTION word_to_text(word) AS ASSIGNMENT;
"""


class Case:
    def __init__(self):
        self.admin = Session()
        self.admin.run("""DROP TABLE IF EXISTS target, other, rejects, kept;
            CREATE TABLE target (id bigint PRIMARY KEY, v text CHECK (v <> 'forbidden'));
            INSERT INTO target SELECT i, 'old' FROM generate_series(1, 20000) i;
            CREATE TABLE other (id bigint PRIMARY KEY, v text);
            INSERT INTO other SELECT i, 'old' FROM generate_series(1, 20000) i;
            ANALYZE target, other;
            SELECT bulk_update_create_rejects('rejects')""")
        self.session = Session()

    def gate_at(self, table, when, row, number, column="id"):
        """A call waits at this gate when it reaches a certain row."""
        self.admin.run(f"CREATE TRIGGER gate_{number} {when} ON {table} FOR EACH ROW"
                       f" EXECUTE FUNCTION gate_row({column}, {row}, {number})")

    def close_gate(self, number=1):
        self.admin.run("SELECT pg_advisory_lock(%s)", [number])

    def open_gate(self, number=1):
        self.admin.run("SELECT pg_advisory_unlock(%s)", [number])

    def held(self, statement, number=1):
        """Wait until the call waits at the gate."""
        self.admin.wait_until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                              f" AND objid = {number} AND pid = {self.session.pid})", unless=statement)

    def row(self, columns=COLUMNS, observer=None):
        """The session's row of the view, or None."""
        rows = (observer or self.admin).run(f"SELECT {columns} FROM bulk_update_progress WHERE pid = {self.session.pid}")
        assert len(rows) <= 1, rows
        return rows[0] if rows else None

    def background(self, source, options="", function="bulk_update_query", target="target"):
        source = source.replace("'", "''")
        return self.session.background(f"SELECT chunk, {', '.join(COUNTS)} FROM {function}('{target}', '{source}'"
                                       + (f", {options})" if options else ")"))

    def end(self, statement):
        """The rows of the report of a successful call."""
        statement.wait()
        assert statement.error is None, statement.error
        return statement.rows

    def cleanup(self):
        """Even after a failure no gate stays closed, and no session open."""
        self.admin.run("SELECT pg_advisory_unlock_all()")
        self.session.close()
        self.admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        self.admin.close()


@pytest.fixture(scope="module", autouse=True)
def functions(admin):
    admin.run(SETUP)


@pytest.fixture
def case():
    sessions = Case()
    yield sessions
    sessions.cleanup()


def sums(report, chunks):
    """The total counts of the first chunks of a report."""
    return tuple(sum(int(row[i]) for row in report[:chunks]) for i in range(1, len(COUNTS) + 1))


def gated_source(*rows, last=20000):
    """Rows 1 to last in key order; the query waits at gate N when it computes the Nth of these rows."""
    gates = " AND ".join(f"gate_if(i = {row}, {number})" for number, row in enumerate(rows, 1))
    return f"SELECT i AS id, 'new'::text AS v FROM generate_series(1, {last}) i WHERE {gates}"


def test_fetching(case):
    """Fetching: the counts of the chunks before, increasing, and right."""
    case.close_gate(1)
    case.close_gate(2)
    statement = case.background(gated_source(5000, 15000), "chunk_size => 1000")
    case.held(statement, 1)
    first = case.row()
    case.open_gate(1)
    case.held(statement, 2)
    second = case.row()
    target, datname, usename, positive, order = case.row(
        "target::text, datname, usename, rows_per_second > 0 AND elapsed > interval '0',"
        " started_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() - elapsed")
    case.open_gate(2)
    report = case.end(statement)
    assert (first[0], second[0]) == ("fetching", "fetching"), "the phase is fetching"
    # Rows of a batch that is being fetched are not counted yet: 1,000 rows at most, in a chunk or between two.
    for row, at in ((first, 5000), (second, 15000)):
        assert at - 2000 < row[2] < at, (f"near row {at}: rows_fetched", row[2])
        assert row[3:] == sums(report, row[1])[1:], f"near row {at}: the outcomes are those of the chunks up to it"
        assert row[1] == row[3] // 1000 and row[3] <= row[2], (f"near row {at}: the chunk", row)
    assert (target, usename) == ("target", "postgres"), "target and user"
    assert datname == case.admin.value("SELECT current_database()"), "database"
    assert positive, "rows_per_second and elapsed are above zero"
    assert order, "started_at lies elapsed in the past"
    assert sums(report, len(report)) == (20000, 20000, 0, 0, 0, 0), "the call succeeds"


def test_sorting(case):
    """Sorting: rows_fetched grows, no outcomes yet; they follow later."""
    case.close_gate(1)
    case.close_gate(2)
    case.close_gate(3)
    case.gate_at("target", "BEFORE UPDATE", 15000, 3)
    statement = case.background("SELECT 20001 - i AS id, 'new'::text AS v FROM generate_series(1, 20000) i"
                                " WHERE gate_if(i = 5000, 1) AND gate_if(i = 15000, 2)")
    case.held(statement, 1)
    first = case.row()
    case.open_gate(1)
    case.held(statement, 2)
    second = case.row()
    case.open_gate(2)
    case.held(statement, 3)
    applying = case.row()
    case.open_gate(3)
    report = case.end(statement)
    for row, at in ((first, 5000), (second, 15000)):
        assert (row[0],) + row[3:] == ("sorting", 0, 0, 0, 0, 0), f"near row {at}: sorting, no outcome"
        assert at - 2100 < row[2] < at, (f"near row {at}: rows_fetched", row[2])
    assert applying == ("applying", 1, 20000, 10000, 0, 0, 0, 0), "applying the second chunk after the sort"
    assert sums(report, len(report)) == (20000, 20000, 0, 0, 0, 0), "the call succeeds"


def test_order(case):
    """The ordering, and the bytes spilled: increasing during the sort, and from chunk to chunk."""
    case.session.run("SET work_mem = '256kB'")
    case.gate_at("target", "BEFORE UPDATE", 15000, 3)

    def watch(source, options):
        for number in (1, 2, 3):
            case.close_gate(number)
        # At the first gate, even PostgreSQL 17, whose sort needs less memory, has spilled.
        statement = case.background(source + " WHERE gate_if(i = 10000, 1) AND gate_if(i = 15000, 2)", options)
        rows = []
        for number in (1, 2, 3):
            case.held(statement, number)
            rows.append(case.row("phase, ordering, spilled_bytes"))
            case.open_gate(number)
        case.end(statement)
        return [row[:2] for row in rows], [row[2] for row in rows]

    ascending = "SELECT i AS id, 'new'::text AS v FROM generate_series(1, 20000) i"
    descending = "SELECT 20001 - i AS id, 'new'::text AS v FROM generate_series(1, 20000) i"
    for name, source, options in (("a source in another order", descending, "ordering => 'auto'"),
                                  ("ordering => 'sort'", ascending, "ordering => 'sort'")):
        ways, spilled = watch(source, options)
        assert ways == [("sorting", "sort")] * 2 + [("applying", "sort")], f"{name}: it is sorted"
        assert 0 < spilled[0] < spilled[1] < spilled[2], (f"{name}: spilled_bytes grows while it is", spilled)
    ways, spilled = watch(ascending, "ordering => 'auto'")
    assert ways == [("fetching", "stream")] * 2 + [("applying", "stream")], "a source in key order: it streams"
    assert 0 <= spilled[0] < spilled[1] <= spilled[2], ("a source in key order: the list of its keys grows", spilled)
    assert watch(ascending, "ordering => 'stream'") == ([("fetching", "stream")] * 2 + [("applying", "stream")], [0] * 3), \
        "ordering => 'stream': it streams, and nothing is spilled"


def test_applying(case):
    """Applying: with the counts of all chunks before, which are those of the report."""
    case.close_gate()
    case.gate_at("target", "BEFORE UPDATE", 9500, 1)
    source = """SELECT CASE WHEN i % 10 = 1 THEN -i ELSE i END AS id,
                       CASE WHEN i % 10 = 2 THEN 'old' WHEN i % 10 = 3 THEN 'forbidden' ELSE 'new' END AS v
                  FROM generate_series(1, 9500) i
                UNION ALL SELECT i, 'again' FROM generate_series(1, 500) i"""
    statement = case.background(source, "chunk_size => 1000, on_duplicate => 'first', on_error => 'skip',"
                                        " skip_unchanged => true")
    case.held(statement)
    row = case.row()
    case.open_gate()
    report = case.end(statement)
    assert row[0] == "applying", "the phase is applying"
    assert row[1] == len(report) - 1, "chunk is the number of finished chunks"
    # The rows of this chunk have been fetched, and have no outcome yet.
    assert row[2:] == (sums(report, len(report))[0],) + sums(report, row[1])[1:], "all figures are those of the report"
    assert all(n > 0 for n in row[2:]), ("no figure is zero", row)


def test_stale(case):
    """Stale rows are counted with the other outcomes, which add up to the rows of the finished chunks."""
    case.close_gate()
    case.gate_at("target", "BEFORE UPDATE", 9499, 1)
    source = """SELECT CASE WHEN i % 10 = 1 THEN -i ELSE i END, 'new', CASE WHEN i % 4 = 0 THEN 'other' ELSE 'old' END
                  FROM generate_series(1, 9499) i ORDER BY 1"""
    statement = case.background(source, "'{id,v}', chunk_size => 1000, expected_columns => '{v}'")
    case.held(statement)
    counts = case.row("rows_updated, rows_missing, rows_stale, rows_unchanged + rows_duplicate + rows_rejected")
    chunk = case.row("chunk")[0]
    case.open_gate()
    case.end(statement)
    assert counts[1] > 0 and counts[2] > 1000 and counts[3] == 0 and sum(counts) == 1000 * chunk, counts


def test_recording(case):
    """Recording rejects: the outcomes of a chunk are added when its rejects are recorded."""
    case.close_gate()
    case.gate_at("rejects", "BEFORE INSERT", 3500, 1, column="source_row")
    statement = case.background("SELECT CASE WHEN i > 3000 THEN i + 100000 ELSE i END AS id, 'new'::text AS v"
                                " FROM generate_series(1, 4000) i", "chunk_size => 1000, rejects => 'rejects'")
    case.held(statement)
    row = case.row()
    case.open_gate()
    report = case.end(statement)
    assert row == ("recording rejects", 3, 4000, 3000, 0, 0, 0, 0), "the row of the view"
    assert sums(report, len(report)) == (4000, 3000, 0, 1000, 0, 0), "the call succeeds"


def test_keeping_old_values(case):
    """Keeping old values: the outcomes of a chunk are added when its old values are kept."""
    case.admin.run("SELECT bulk_update_create_old_values('kept', 'target')")
    case.close_gate()
    case.gate_at("kept", "BEFORE INSERT", 2500, 1, column="source_row")
    statement = case.background("SELECT CASE WHEN i > 3000 THEN i + 100000 ELSE i END AS id, 'new'::text AS v"
                                " FROM generate_series(1, 4000) i", "chunk_size => 1000, old_values => 'kept'")
    case.held(statement)
    row = case.row()
    case.open_gate()
    report = case.end(statement)
    assert row == ("keeping old values", 2, 3000, 2000, 0, 0, 0, 0), "the row of the view"
    assert sums(report, len(report)) == (4000, 3000, 0, 1000, 0, 0), "the call succeeds"
    assert case.admin.value("SELECT count(*) FROM kept") == 3000
    case.close_gate()
    case.gate_at("target", "BEFORE UPDATE", 2500, 1)
    statement = case.session.background(f"SELECT chunk, {', '.join(COUNTS)} FROM bulk_update_undo('target', 'kept', chunk_size => 1000)")
    case.held(statement)
    row = case.row("target::text, " + COLUMNS)
    case.open_gate()
    report = case.end(statement)
    assert row == ("target", "applying", 2, 3000, 2000, 0, 0, 0, 0), "the row of the view during an undo"
    assert sums(report, len(report)) == (3000, 3000, 0, 0, 0, 0), "the undo succeeds"


def test_slow_source(case):
    """Figures also increase when the rows come slowly, and a call that waits for its first row has a row."""
    case.close_gate(1)
    case.close_gate(2)
    statement = case.background(gated_source(1, 900, last=1000))
    case.held(statement, 1)
    assert case.row() == ("fetching", 0, 0, 0, 0, 0, 0, 0), "present from the beginning"
    case.open_gate(1)
    case.held(statement, 2)
    row = case.row()
    assert 0 < row[2] < 900, ("rows that have been read are counted before the chunk is full", row)
    case.open_gate(2)
    case.end(statement)


def test_row_disappears(case):
    """After success, error, rollback, cancel and the end of the backend."""
    session = case.session
    call = "SELECT count(*) FROM bulk_update_query('target', '{}')"
    good = call.format("SELECT 1 AS id, ''new'' AS v")
    bad = call.format("SELECT 1 AS id, ''forbidden'' AS v")

    session.run(f"BEGIN; {good}")
    assert case.row() is None, "after success, the transaction still open"
    session.run("COMMIT")
    assert case.row() is None, "after the commit"
    session.run("BEGIN")
    assert session.fails(bad) == "23514", "an error"
    assert case.row() is None, "after an error, the transaction still open"
    session.run("ROLLBACK")
    session.run("BEGIN; SAVEPOINT s")
    assert session.fails(bad) == "23514", "an error inside a savepoint"
    session.run("ROLLBACK TO s")
    assert case.row() is None, "after the rollback to the savepoint"
    session.run(f"{good}; ROLLBACK")
    assert case.row() is None, "after a rollback"
    assert session.fails(call.format("SELECT i AS id, (1 / (7000 - i))::text AS v FROM generate_series(1, 9000) i")) == "22012", \
        "an error of the query of the source"
    assert case.row() is None, "after an error of the query of the source"

    for function, sqlstate in (("pg_cancel_backend", "57014"), ("pg_terminate_backend", None)):
        case.close_gate()
        statement = case.background(gated_source(5000))
        case.held(statement)
        assert case.row() is not None, f"{function}: there before"
        case.admin.run(f"SELECT {function}({session.pid})")
        statement.wait()
        assert statement.error is not None and statement.sqlstate == sqlstate, f"{function}: ends with an error"
        case.admin.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid}"
                              " AND state = 'active')")
        assert case.row() is None, f"{function}: gone"
        case.open_gate()


def test_subtransactions(case):
    """PostgreSQL clears the entry when a subtransaction fails: it is restored, under 'skip' and otherwise."""
    case.close_gate(1)
    case.gate_at("target", "BEFORE UPDATE", 4500, 1)
    statement = case.background("SELECT i AS id, CASE WHEN i % 1000 = 7 THEN 'forbidden' ELSE 'new' END AS v"
                                " FROM generate_series(1, 5000) i", "chunk_size => 1000, on_error => 'skip'")
    case.held(statement)
    row = case.row()
    case.open_gate(1)
    report = case.end(statement)
    assert row == ("applying", 4, 5000) + sums(report, 4)[1:], "after a bad row in the same chunk, constraint"
    case.admin.run("DROP TRIGGER gate_1 ON target")

    # The source is fetched in batches of 1,000 rows: one has the bad row, the next one waits.
    case.close_gate(2)
    statement = case.background("SELECT i AS id, ROW(CASE WHEN i = 1030 THEN 'bad' ELSE 'new' END)::word AS v"
                                " FROM generate_series(1, 3000) i WHERE gate_if(i = 2000, 2)",
                                "chunk_size => 1000, on_error => 'skip'")
    case.held(statement, 2)
    row = case.row()
    case.open_gate(2)
    report = case.end(statement)
    assert (row and row[:2] + row[3:]) == ("fetching", 1, 1000, 0, 0, 0, 0), "after a row that could not be coerced"
    assert sums(report, 3) == (3000, 2999, 0, 0, 0, 1), "the bad word is rejected"

    # A trigger with an EXCEPTION clause.
    case.admin.run("""CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.id = 4 THEN
                BEGIN RAISE 'caught'; EXCEPTION WHEN raise_exception THEN NULL; END;
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER a_fails BEFORE UPDATE ON target FOR EACH ROW EXECUTE FUNCTION fails()""")
    for number, row in ((1, 500), (2, 1500)):
        case.gate_at("target", "BEFORE UPDATE", row, number)
        case.close_gate(number)
    statement = case.background("SELECT i AS id, 'new'::text AS v FROM generate_series(1, 2000) i",
                                "chunk_size => 1000")
    rows = []
    for number in (1, 2):
        case.held(statement, number)
        rows.append(case.row())
        case.open_gate(number)
    case.end(statement)
    assert rows[0] == ("applying", 0, 1000, 0, 0, 0, 0, 0), "in the same chunk, after an error that a trigger caught"
    assert rows[1] == ("applying", 1, 2000, 1000, 0, 0, 0, 0), "in the chunk after it"


def test_nested(case):
    """A trigger with a call: the inner call is shown while it runs, the outer one before and after."""
    case.admin.run("""CREATE OR REPLACE FUNCTION calls() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.id = 1100 THEN
                PERFORM bulk_update_query('other', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 700) i');
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER b_calls BEFORE UPDATE ON target FOR EACH ROW EXECUTE FUNCTION calls()""")
    case.gate_at("target", "BEFORE UPDATE", 1050, 1)
    case.gate_at("other", "BEFORE UPDATE", 500, 2)
    case.gate_at("target", "BEFORE UPDATE", 1500, 3)
    case.gate_at("target", "BEFORE UPDATE", 2050, 4)
    for number in (1, 2, 3, 4):
        case.close_gate(number)
    statement = case.background("SELECT i AS id, 'new'::text AS v FROM generate_series(1, 3000) i",
                                "chunk_size => 1000")
    rows = []
    for number in (1, 2, 3, 4):
        case.held(statement, number)
        rows.append(case.row("target::text, " + COLUMNS))
        case.open_gate(number)
    report = case.end(statement)
    assert rows[0] == ("target", "applying", 1, 2000, 1000, 0, 0, 0, 0), "before, the outer call"
    assert rows[1] == ("other", "applying", 0, 700, 0, 0, 0, 0, 0), "the inner call"
    assert rows[2] == ("target", "applying", 1, 2000, 1000, 0, 0, 0, 0), "after it, the outer call"
    assert rows[3] == ("target", "applying", 2, 3000, 2000, 0, 0, 0, 0), "in the chunk after it, the outer call"
    assert sums(report, 3) == (3000, 3000, 0, 0, 0, 0), "the outer call succeeds"
    assert case.row() is None, "no row afterwards"


def test_privileges(case):
    password = os.environ["PGPASSWORD"]
    case.admin.run("""CREATE ROLE owner_of_call LOGIN SUPERUSER PASSWORD %s; CREATE ROLE stranger; CREATE ROLE reader;
                      CREATE ROLE member; GRANT owner_of_call TO member; GRANT pg_read_all_stats TO reader""",
                   [password])
    case.session = Session(user="owner_of_call", password=password)
    case.close_gate()
    statement = case.background(gated_source(5000))
    case.held(statement)
    everything = ("pid, datname, usename, target::text, phase, chunk, rows_fetched, rows_updated, rows_unchanged,"
                  " rows_missing, rows_stale, rows_duplicate, rows_rejected, rows_estimated, rows_per_second IS NULL,"
                  " elapsed IS NULL, started_at IS NULL, ordering IS NULL,"
                  " spilled_bytes IS NULL")
    whole = case.row(everything)
    assert None not in whole and whole[3:5] == ("target", "fetching"), ("a superuser sees all", whole)
    with Session() as observer:
        for role, expected in (("reader", whole), ("member", whole), ("owner_of_call", whole),
                               ("stranger", whole[:3] + (None,) * 11 + (True,) * 5)):
            observer.run(f"SET ROLE {role}")
            assert case.row(everything, observer) == expected, f"{role} sees what is for them"
    columns = case.admin.run("SELECT column_name::text FROM information_schema.columns"
                             " WHERE table_name = 'bulk_update_progress' ORDER BY ordinal_position")
    assert [name for name, in columns] == (
        "pid datname usename target phase chunk rows_fetched rows_updated rows_unchanged rows_missing rows_stale"
        " rows_duplicate rows_rejected rows_estimated rows_per_second elapsed started_at ordering spilled_bytes"
        " job batch waits_for").split()
    case.open_gate()
    case.end(statement)


def test_estimated(case):
    """From the plan of the query; minus the rows read before; null if there is no estimate."""
    query = "SELECT id, 'new'::text AS v FROM other"
    plan = case.admin.value(f"EXPLAIN (FORMAT JSON) {query}")[0]["Plan"]["Plan Rows"]
    case.gate_at("target", "BEFORE UPDATE", 5, 1)

    def estimate(open_cursor):
        case.session.run(open_cursor)
        case.close_gate()
        statement = case.session.background("SELECT count(*) FROM bulk_update('target', 'c')")
        case.held(statement)
        rows = case.row("rows_estimated")
        case.open_gate()
        case.end(statement)
        case.session.run("COMMIT")
        case.session.run("CLOSE ALL")
        return rows and rows[0]

    assert plan > 1000, ("the plan's estimate", plan)
    assert estimate(f"BEGIN; DECLARE c CURSOR FOR {query} ORDER BY id") == plan, "of a cursor"
    assert estimate(f"BEGIN; DECLARE c CURSOR FOR {query} ORDER BY id; MOVE 3 IN c") == plan - 3, \
        "of a cursor that was moved"
    assert estimate(f"BEGIN; DECLARE c CURSOR WITH HOLD FOR {query} ORDER BY id") == plan, "of a holdable cursor"
    assert estimate(f"BEGIN; DECLARE c CURSOR WITH HOLD FOR {query} ORDER BY id; COMMIT; BEGIN") == plan, \
        "of a holdable cursor from an earlier transaction"
    case.session.run("PREPARE prepared AS SELECT 5 AS id, 'new' AS v")
    assert estimate("BEGIN; DECLARE c CURSOR FOR SELECT 5 AS id, 'new' AS v") == 1, "of a cursor for one row"

    case.close_gate()
    statement = case.background(query + " ORDER BY id")
    case.held(statement)
    assert case.row("rows_estimated") == (plan,), "of a query"
    case.open_gate()
    case.end(statement)

    case.close_gate()
    statement = case.background("EXECUTE prepared")
    case.held(statement)
    assert case.row("rows_estimated") == (None,), "null for a query without a plan"
    case.open_gate()
    case.end(statement)


def test_without_activities(case):
    """With track_activities = off, which is a superuser's to set, the session shows nothing of what it does."""
    case.close_gate()
    case.session.run("SET track_activities = off")
    case.gate_at("target", "BEFORE UPDATE", 5, 1)
    call = case.background("SELECT id, 'new' AS v FROM target ORDER BY id")
    case.held(call)
    assert case.row() is None
    case.open_gate()
    assert sum(row[2] for row in case.end(call)) == 20000


def test_other_database(case):
    database = case.admin.value("SELECT current_database()")
    case.admin.run("CREATE DATABASE elsewhere")
    case.close_gate()
    statement = case.background(gated_source(5000))
    case.held(statement)
    with Session(dbname="elsewhere") as observer:
        observer.run("CREATE EXTENSION bulk_update")
        assert case.row("datname, target, phase", observer) == (database, None, "fetching"), "target is null there"
    assert case.row("datname, target::text") == (database, "target"), "and is not here"
    case.open_gate()
    case.end(statement)
    case.admin.run("DROP DATABASE elsewhere WITH (FORCE)")


def test_other_views(case):
    assert case.admin.run("SELECT current_setting(name) FROM pg_settings WHERE name LIKE '%preload_libraries'") == [("",)] * 3, \
        "nothing is preloaded"
    case.close_gate()
    statement = case.background(gated_source(5000))
    case.held(statement)
    with Session() as observer:
        assert case.row(observer=observer) is not None, "seen by a session that has not called the library before"
        views = [view for view, in observer.run("""SELECT viewname FROM pg_views
            WHERE schemaname = 'pg_catalog' AND viewname LIKE 'pg\\_stat\\_progress\\_%' ORDER BY 1""")]
        assert len(views) >= 6, ("this server has other progress views", views)
        for view in views:
            assert observer.run(f"SELECT * FROM {view}") == [], f"{view} is empty"
    case.open_gate()
    case.end(statement)

    # COPY reports progress in the same place, and was first.
    case.admin.run("""CREATE TABLE copied (id bigint);
        CREATE OR REPLACE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM bulk_update_query('other', 'SELECT i AS id, ''new'' AS v FROM generate_series(1, 7) i');
            RETURN NEW;
        END $$;
        CREATE TRIGGER a_calls BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION copies()""")
    case.gate_at("other", "BEFORE UPDATE", 5, 2)
    case.gate_at("copied", "BEFORE INSERT", 3, 3)
    case.close_gate(2)
    case.close_gate(3)
    copy = case.session.background("COPY copied FROM PROGRAM 'seq 5'")
    for number, tuples in ((2, 0), (3, 2)):
        case.held(copy, number)
        assert case.admin.run("SELECT command, tuples_processed FROM pg_stat_progress_copy") == [("COPY FROM", tuples)], \
            f"COPY with a trigger that calls: its progress stays ({tuples} rows)"
        assert case.row() is None, f"COPY with a trigger that calls: none of ours ({tuples} rows)"
        case.open_gate(number)
    assert copy.wait().error is None, "COPY with a trigger that calls ends well"
    case.admin.run("DROP TABLE copied")


NOTICE = re.compile(r"NOTICE:  bulk_update: ([\d,]+)(?: of about ([\d,]+))? rows( read for sorting)?(?: \(\d+ %\))?, ([\d,]+) rows/s(?:, about [\d.]+ (?:s|min|h) left)?\n?$")
GROUPED = re.compile(r"\d{1,3}(,\d{3})*$")
SLOW = ("SELECT i AS id, ''new''::text AS v FROM generate_series(1, 20000) i"
        " WHERE i % 100 > 0 OR pg_sleep(0.004) IS NOT NULL")


def number(grouped):
    return int(grouped.replace(",", ""))


def notices_of(case, settings, source, options="chunk_size => 1000"):
    """The notices of a call in a new session, parsed (None: not of their form), all of its messages, its seconds."""
    with Session() as session:
        session.run(settings or "SELECT 1")
        statement = session.background(f"SELECT count(*) FROM bulk_update_query('target', '{source}', {options})")
        case.end(statement)
        messages = list(session.connection.notices)
    return [NOTICE.match(message) for message in messages], messages, statement.ended - statement.started


def test_notices(case):
    fast = "SET bulk_update.progress_interval = '100ms'"
    matches, messages, seconds = notices_of(case, fast, SLOW)
    assert matches and all(matches), ("each 100 ms, set before the library is loaded: their form", messages)
    # The source sleeps for 0.8 s in total, which may take longer.
    assert 3 <= len(matches) <= seconds / 0.1, ("as many as expected", (seconds, messages))
    numbers = [number(match[1]) for match in matches]
    assert numbers == sorted(set(numbers)), "the numbers of rows grow"
    assert all(GROUPED.match(match[1]) and GROUPED.match(match[4]) for match in matches), \
        ("digits in groups of three", messages)
    assert any("," in match[1] for match in matches), ("a number with a comma", messages)
    moments = [number(match[1]) / number(match[4]) for match in matches]
    assert moments == sorted(moments) and 0.09 < moments[0] and moments[-1] < 1.01 * seconds, \
        ("the rates are right", (seconds, messages))
    assert not any(match[3] for match in matches), ("not for sorting", messages)

    matches, messages, _ = notices_of(case, fast, SLOW, "chunk_size => 1000, on_duplicate => 'last'")
    assert matches and all(matches) and matches[0][3], ("while sorting", messages)

    few = SLOW.replace("20000", "700").replace("i % 100 > 0 OR pg_sleep(0.004)", "pg_sleep(0.001)")
    matches, messages, _ = notices_of(case, fast, few, "chunk_size => 10000")
    assert len(matches) >= 3 and all(matches), ("some too when a second brings few rows", messages)

    # For id + 0 = id the planner estimates one row of 200; an estimate that was exceeded is not shown.
    source = "SELECT id, CASE WHEN id % 10 = 0 THEN pg_sleep(0.001)::text END AS v FROM target {} ORDER BY id"
    for condition, estimates in (("", True), ("WHERE id + 0 = id", False)):
        matches, messages, _ = notices_of(case, fast, source.format(condition))
        assert len(matches) >= 3 and all(matches) and bool(matches[-1][2]) is estimates, \
            (f"{'an' if estimates else 'no'} estimate at the end", messages)
        assert all(match and (not match[2] or number(match[1]) <= number(match[2])) for match in matches), \
            ("an estimate is not below the rows", messages)

    for name, settings, interval in (("at 0", "SET bulk_update.progress_interval = 0", inf),
                                     ("at the default of 10 s", "", 10)):
        _, messages, seconds = notices_of(case, settings, SLOW)
        assert not messages or seconds > interval, (f"none {name}", (seconds, messages))
    with Session() as session:
        session.run("SELECT * FROM bulk_update_progress")
        assert session.value("SHOW bulk_update.progress_interval") == "10s", "the default"
        for value, sqlstate in (("-1", "22023"), ("'often'", "22023"), ("'1h'", None), ("'250ms'", None)):
            assert session.fails(f"SET bulk_update.progress_interval = {value}") == sqlstate, f"SET to {value}"
        assert session.fails("SET bulk_update.no_such_setting = 1") == "42602", "a setting that there is not"
        session.run("CREATE ROLE nobody_special; SET ROLE nobody_special")
        assert session.fails("SET bulk_update.progress_interval = '5s'") is None, "everyone may set it"
    with Session() as session:
        session.run("SET bulk_update.progress_interval = 'often'")
        assert session.fails("SELECT * FROM bulk_update_query('target', 'SELECT 1 AS id, ''new'' AS v')") is None, \
            "an invalid value from before the library was loaded does not stop a call"
        assert any("often" in message and message.startswith("WARNING") for message in session.connection.notices), \
            ("it is reported", session.connection.notices)
        assert session.value("SHOW bulk_update.progress_interval") == "10s", "the default holds then"
