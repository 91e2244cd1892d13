"""Inheritance parents with very many children: a call costs at most a factor more than UPDATE … FROM with the same pairs.

Processor time of the backend is compared, not elapsed time, as the minimum of some runs; each is rolled back.
"""

import os

import psycopg2
import pytest

PAIRS = 500
# The number of children, and whether they have the index.
SHAPES = [(300, True), (1000, True), (300, False)]
ROWS = 400                  # of each child
RUNS = 2
RANDOM_PAGE_COST = 1.1      # a common value: few rows are then looked up in each child
# The factor, for coercing, looking up and reporting. When each pair was looked up in each child, it was 8
# for 1,000 children, and more with more children.
BOUND = 4
TICK = 1 / os.sysconf("SC_CLK_TCK")

SOURCE = "SELECT ((i * 7919::bigint) % {rows} + 1) AS id, -i AS field1 FROM generate_series(1, {pairs}) i"


@pytest.fixture(scope="module")
def connection():
    connection = psycopg2.connect("")
    connection.cursor().execute(f"SET random_page_cost = {RANDOM_PAGE_COST}")
    connection.commit()
    yield connection
    connection.close()


def make(connection, children, indexed):
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS target CASCADE")
    cursor.execute("CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text)")
    # In several transactions: dropping locks each child.
    for first in range(0, children, 100):
        cursor.execute(f"""DO $$ BEGIN FOR c IN {first} .. {first + 99} LOOP
                EXECUTE format('CREATE TABLE target_%s ({'PRIMARY KEY (id)' if indexed else ''}) INHERITS (target)', c);
                EXECUTE format('INSERT INTO target_%s SELECT i, i, ''object '' || i FROM generate_series(%s, %s) i', c,
                               c * {ROWS} + 1, (c + 1) * {ROWS});
            END LOOP; END $$""")
        connection.commit()
    cursor.execute("ANALYZE target")
    connection.commit()


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def cost(connection, statement):
    """Processor seconds, the minimum of some runs, and the updated rows. The first run fills caches."""
    pid, cursor, taken = connection.get_backend_pid(), connection.cursor(), []
    for _ in range(RUNS + 1):
        started = processor_time(pid)
        cursor.execute(statement)
        updated = cursor.fetchone()[0]
        taken.append(processor_time(pid) - started)
        connection.rollback()
    return min(taken[1:]), updated


@pytest.mark.parametrize("children, indexed", SHAPES)
def test_children(connection, children, indexed):
    make(connection, children, indexed)
    source = SOURCE.format(rows=children * ROWS, pairs=PAIRS)
    update, rows = cost(connection, f"WITH u AS (UPDATE target t SET field1 = s.field1 FROM ({source}) s"
                                    " WHERE t.id = s.id RETURNING 1) SELECT count(*) FROM u")
    call, updated = cost(connection, f"SELECT sum(rows_updated) FROM bulk_update_query('target', '{source}')")
    print(f"{PAIRS} pairs: {call:.2f} s of the processor, UPDATE {update:.2f} s")
    assert updated == rows == PAIRS
    assert call <= BOUND * max(update, 10 * TICK)
