"""Memory of the backend during bulk_update; test/memory/run describes the suite. Runs inside a server."""

import time

import psycopg2
import pytest

from harness import Sampler

MB = 1024 * 1024
BOUND = 32 * MB
LARGE_ROWS = 10  # the memory that a row larger than work_mem may take, as a multiple of its size


class Case:
    """One call: how its table and source are made, and the bound on its backend's growth."""

    def __init__(self, name, rows, *, columns="id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer",
                 load="SELECT i, i, 'object ' || i, i % 100 FROM generate_series(1, {rows}) i",
                 source="SELECT id, field1 + 1 AS field1, md5(field2) AS field2, field3 + 1 AS field3"
                        " FROM objects ORDER BY id",
                 prepare=(), settings=(), hold="", chunk_size=10000, call=None, check="field1 <> id + 1",
                 query_takes_memory=False, row_bytes=0, source_rows=None):
        self.name, self.rows, self.row_bytes, self.source_rows = name, rows, row_bytes, source_rows or rows
        self.call = call or f"bulk_update('objects', 'c', chunk_size => {chunk_size})"
        self.query_takes_memory = query_takes_memory
        self.columns, self.load, self.source = columns, load.format(rows=rows), source.format(rows=rows)
        self.prepare, self.settings, self.hold, self.check = prepare, settings, hold, check


# Incompressible text, made from a number, in parts of 89 characters.
WIDE = "(SELECT string_agg(encode(sha512(int8send(i * 100000 + j)), 'base64'), '') FROM generate_series(1, {parts}) j)"


def cases(sizes):
    for rows in sizes:
        yield Case(f"{rows} rows in key order", rows)
    yield Case("20000 rows of 20 kB", 20000, columns="id bigint PRIMARY KEY, field2 text",
               load="SELECT i, 'object ' || i FROM generate_series(1, {rows}) i",
               source=f"SELECT i AS id, {WIDE.format(parts=230)} AS field2 FROM generate_series(1, {{rows}}) i",
               check="length(field2) <> 20470 OR left(field2, 76)"
                     " <> left(encode(sha512(int8send(id * 100000 + 1)), 'base64'), 76)")
    # A row that is larger than work_mem is alone in its chunk, and is in memory several times: as it was
    # fetched, in the chunk, in the statement's parameter, as the new row, while it is compressed. So the bound is in
    # rows, besides what the query that makes such values needs itself, and another bound says that more rows add nothing.
    for rows in (10, 100):
        yield Case(f"{rows} rows of 5 MB", rows, columns="id bigint PRIMARY KEY, field2 text",
                   load="SELECT i, 'object ' || i FROM generate_series(1, {rows}) i",
                   source=f"SELECT i AS id, {WIDE.format(parts=58900)} AS field2 FROM generate_series(1, {{rows}}) i",
                   check="length(field2) <> 5242100", query_takes_memory=True,
                   row_bytes=5242100)
    yield Case("100000 chunks of 10 rows", 1000000, chunk_size=10)
    yield Case("random order", 1000000,
               prepare=["CREATE TABLE shuffled AS SELECT id, field1 + 1 AS field1 FROM objects ORDER BY random()"],
               source="SELECT * FROM shuffled")
    for rows in sizes:
        yield Case(f"{rows} rows in random order, sorted as a whole", rows,
                   source="SELECT id, id + 1 AS field1"
                          " FROM (SELECT i::bigint * 7919 % {rows} + 1 AS id FROM generate_series(1, {rows}) i) s",
                   call="bulk_update('objects', 'c', ordering => 'sort')")
    for key in ("id", "id::text"):
        yield Case(f"sorted as a whole, from parallel workers, key {key}", 1000000,
                   prepare=["CREATE TABLE shuffled AS SELECT id, id + 1 AS field1 FROM objects ORDER BY random()"],
                   settings=["SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0"],
                   call=f"bulk_update_query('objects', 'SELECT {key} AS id, field1 FROM shuffled', ordering => 'sort')")
    yield Case("streamed, the last of each run of equal keys", 1000000,
               source="SELECT id, id + d AS field1 FROM objects, generate_series(0, 1) d ORDER BY id, d",
               call="bulk_update('objects', 'c', ordering => 'stream', on_duplicate => 'last')", source_rows=2000000)
    yield Case("everything compiled by JIT", 1000000,
               settings=["SET jit = on", "SET jit_above_cost = 0", "SET jit_inline_above_cost = 0",
                         "SET jit_optimize_above_cost = 0"], query_takes_memory=True)
    yield Case("holdable cursor", 1000000, hold="WITH HOLD")
    yield Case("after row trigger", 1000000,
               prepare=["CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                        "CREATE TRIGGER each_row AFTER UPDATE ON objects FOR EACH ROW EXECUTE FUNCTION nothing()"])
    yield Case("after row trigger, after statement trigger with transition tables", 1000000,
               prepare=["CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                        "CREATE TRIGGER each_row AFTER UPDATE ON objects FOR EACH ROW EXECUTE FUNCTION nothing()",
                        "CREATE TRIGGER each_statement AFTER UPDATE ON objects REFERENCING OLD TABLE AS o"
                        " NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION nothing()"])
    yield Case("before row trigger that catches an error and skips rows", 300000,
               prepare=["CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        " BEGIN PERFORM 1 / (NEW.id % 2); RETURN NEW;"
                        " EXCEPTION WHEN division_by_zero THEN RETURN NULL; END; END $$",
                        "CREATE TRIGGER each_row BEFORE UPDATE ON objects FOR EACH ROW EXECUTE FUNCTION nothing()"],
               check="field1 <> id + id % 2")
    yield Case("partitions", 1000000,
               columns="id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer",
               prepare=["ALTER TABLE objects RENAME TO shuffled",
                        "CREATE TABLE objects (LIKE shuffled INCLUDING ALL) PARTITION BY HASH (id)",
                        *(f"CREATE TABLE objects_{n} PARTITION OF objects FOR VALUES WITH (MODULUS 50, REMAINDER {n})"
                          for n in range(50)),
                        "INSERT INTO objects TABLE shuffled"])
    # Old and new values are kept; wide ones, of which the old are stored out of line; and rows whose attempts fail.
    kept = "CREATE TABLE kept (run bigint, source_row bigint, id bigint, old_field1 integer, new_field1 integer, old_field2 text, new_field2 text)"
    for rows in sizes:
        yield Case(f"{rows} rows with old values", rows, prepare=[kept], chunk_size="10000, old_values => 'kept'",
                   source="SELECT id, field1 + 1 AS field1 FROM objects ORDER BY id")
    yield Case("old values by the SQL applier", 1000000, prepare=[kept], settings=["SET bulk_update.applier = sql"],
               chunk_size="10000, old_values => 'kept'", source="SELECT id, field1 + 1 AS field1 FROM objects ORDER BY id")
    yield Case("20000 rows of 20 kB with old values", 20000, columns="id bigint PRIMARY KEY, field2 text",
               load=f"SELECT i, {WIDE.format(parts=230)} FROM generate_series(1, {{rows}}) i",
               prepare=["CREATE TABLE kept (run bigint, source_row bigint, id bigint, old_field2 text, new_field2 text)"],
               source="SELECT id, right(field2, -100) || left(field2, 100) AS field2 FROM objects ORDER BY id",
               chunk_size="10000, old_values => 'kept'", check="length(field2) <> 20470")
    yield Case("old values of rows in error", 300000, prepare=[kept, "ALTER TABLE objects ADD CHECK (field1 >= 0)"],
               source="SELECT id, CASE WHEN id % 10 = 3 THEN -1 ELSE field1 + 1 END AS field1 FROM objects ORDER BY id",
               chunk_size="10000, on_error => 'skip', old_values => 'kept'",
               check="field1 <> id + (id % 10 <> 3)::integer")
    yield Case("undo", 1000000, prepare=[kept, "INSERT INTO kept SELECT 1, id, id, -id, field1, field2, field2 FROM objects"],
               call="bulk_update_undo('objects', 'kept')", check="field1 <> -id")
    yield Case("30000 calls of 10 rows in one transaction", 300000,
               prepare=["""
                   CREATE FUNCTION nothing() RETURNS SETOF record LANGUAGE plpgsql AS $$
                   BEGIN
                       FOR n IN 0 .. 29999 LOOP
                           RETURN QUERY SELECT b.rows_updated, b.rows_missing, b.rows_fetched, b.memory_bytes
                               FROM bulk_update_query('objects', format('SELECT id, field1 + 1 AS field1 FROM objects'
                                                      ' WHERE id BETWEEN %s AND %s', n * 10 + 1, n * 10 + 10)) b;
                       END LOOP;
                   END $$"""],
               call="nothing() c(rows_updated bigint, rows_missing bigint, rows_fetched bigint, memory_bytes bigint)")
    yield Case("foreign key", 1000000,
               prepare=["CREATE TABLE referenced (id integer PRIMARY KEY)",
                        "INSERT INTO referenced SELECT generate_series(0, 1000)",
                        "ALTER TABLE objects ADD FOREIGN KEY (field3) REFERENCES referenced"])
    yield Case("no such rows", 1000000, source="SELECT -i AS id, i AS field1 FROM generate_series(1, {rows}) i",
               check="field1 <> id")


def query_alone(case):
    """The growth of the backend when only the query of the case runs."""
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    for statement in case.settings:
        cursor.execute(statement)
    with Sampler(connection.get_backend_pid()) as sampler:
        cursor.execute(f"DECLARE c CURSOR FOR {case.source}")
        cursor.execute("MOVE FORWARD ALL IN c")
    connection.close()
    return sampler.growth


def run(case):
    """Run one case in a new session; return its report, the sampler, the seconds, and the problem if any."""
    connection = psycopg2.connect("")
    cursor = connection.cursor()

    def value(query):
        cursor.execute(query)
        return cursor.fetchone()

    cursor.execute(f"CREATE TABLE objects ({case.columns})")
    cursor.execute(f"INSERT INTO objects {case.load}")
    for statement in case.prepare:
        cursor.execute(statement)
    connection.commit()
    connection.autocommit = True
    cursor.execute("VACUUM (ANALYZE) objects")
    cursor.execute("CHECKPOINT")
    connection.close()

    connection = psycopg2.connect("")
    cursor = connection.cursor()
    for statement in case.settings:
        cursor.execute(statement)
    connection.commit()
    with Sampler(connection.get_backend_pid()) as sampler:
        started = time.perf_counter()
        cursor.execute(f"DECLARE c CURSOR {case.hold} FOR {case.source}")
        if case.hold:
            connection.commit()
        report = value(
            "SELECT sum(rows_updated), sum(rows_missing), count(*), sum(rows_fetched), max(memory_bytes)"
            f" FROM {case.call}")
        connection.commit()
        seconds = time.perf_counter() - started

    wrong = value(f"SELECT count(*) FROM objects WHERE {case.check}")[0]
    problem = None
    if wrong:
        problem = f"{wrong} rows do not have their values"
    elif report[3] != case.source_rows:
        problem = f"{report[3]} rows fetched instead of {case.source_rows}"
    connection.close()
    return report, sampler, seconds, problem


def clean():
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS objects, shuffled, referenced, kept CASCADE")
    cursor.execute("DROP FUNCTION IF EXISTS nothing CASCADE")
    connection.close()


class Measured:
    """The results of each case, which runs when it is first needed."""

    HEADER = ("case", "updated", "missing", "chunks", "seconds", "before", "growth", "bound", "reported")

    def __init__(self, sizes):
        self.cases = {case.name: case for case in cases(sizes)}
        self.table, self.known = [self.HEADER], {}

    def case(self, name):
        """The backend's growth, its bound, and the problem if any."""
        if name not in self.known:
            case = self.cases[name]
            clean()
            report, sampler, seconds, problem = run(case)
            bound = LARGE_ROWS * case.row_bytes or BOUND
            if case.query_takes_memory:
                bound += query_alone(case)
            clean()
            self.known[name] = sampler.growth, bound, problem
            self.table.append((name, *report[:3], f"{seconds:.1f}", *(
                f"{size / MB:.1f}" for size in (sampler.before, sampler.growth, bound, report[4]))))
        return self.known[name]

    def show(self):
        print("Private memory of the backend (RssAnon) in MB, at work_mem = 4MB; reported: the largest memory_bytes.\n")
        widths = [max(len(str(row[i])) for row in self.table) for i in range(len(self.HEADER))]
        for row in self.table:
            print("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))))


def flat(sizes):
    """Two cases, and how much more the backend may grow in the second one."""
    first, *others = [f"{rows} rows in key order" for rows in sizes]
    first_kept, *others_kept = [f"{rows} rows with old values" for rows in sizes]
    first_random, *others_random = [f"{rows} rows in random order, sorted as a whole" for rows in sizes]
    return [*((first, other, 4 * MB) for other in others),
            *((first_kept, other, 4 * MB) for other in others_kept),
            *((first_random, other, 4 * MB) for other in others_random),
            ("10 rows of 5 MB", "100 rows of 5 MB", 8 * MB),
            (first, "100000 chunks of 10 rows", 4 * MB)]


def pytest_generate_tests(metafunc):
    sizes = [int(size) for size in metafunc.config.option.rows.split(",")]
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [case.name for case in cases(sizes)])
    if "small" in metafunc.fixturenames:
        metafunc.parametrize("small, large, most", flat(sizes))


@pytest.fixture(scope="module")
def measured(pytestconfig):
    results = Measured([int(size) for size in pytestconfig.option.rows.split(",")])
    yield results
    results.show()


def test_growth(measured, name):
    """All rows have their values, and the backend grows by less than the bound."""
    growth, bound, problem = measured.case(name)
    assert problem is None
    assert growth < bound


def test_more_rows_take_no_more(measured, small, large, most):
    growth = [measured.case(name)[0] for name in (small, large)]
    assert growth[1] - growth[0] < most
