"""Inheritance parents with very many children: a call costs what UPDATE … FROM with the same pairs costs, times a bound.

Processor time of the backend is compared, not the clock, and the better of some runs; each is rolled back.
"""

import os

PAIRS = 500
# How many children, and whether they have the index.
SHAPES = [(300, True), (1000, True), (300, False)]
ROWS = 400                  # of each child
RUNS = 2
RANDOM_PAGE_COST = 1.1      # as many set it: few rows are then looked up in each child
# Times the cost of UPDATE, for coercing, looking up and reporting. When each pair was looked up in each child, it was 8
# times the cost for 1,000 children, and more the more there were.
BOUND = 4
TICK = 1 / os.sysconf("SC_CLK_TCK")

SOURCE = "SELECT ((i * 7919::bigint) % {rows} + 1) AS id, -i AS field1 FROM generate_series(1, {pairs}) i"


def make(bench, children, indexed):
    bench.execute("DROP TABLE IF EXISTS target CASCADE")
    bench.execute("CREATE TABLE target (id bigint PRIMARY KEY, field1 integer, field2 text)")
    # In some transactions: each child has locks of its own.
    for first in range(0, children, 100):
        bench.execute(f"""DO $$ BEGIN FOR c IN {first} .. {first + 99} LOOP
                EXECUTE format('CREATE TABLE target_%s ({'PRIMARY KEY (id)' if indexed else ''}) INHERITS (target)', c);
                EXECUTE format('INSERT INTO target_%s SELECT i, i, ''object '' || i FROM generate_series(%s, %s) i', c,
                               c * {ROWS} + 1, (c + 1) * {ROWS});
            END LOOP; END $$""")
        bench.connection.commit()
    bench.execute("ANALYZE target")
    bench.connection.commit()


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def cost(bench, statement):
    """Seconds of the processor, the better of some runs, and the rows that were updated. The first run fills caches."""
    pid = bench.connection.get_backend_pid()
    best = None
    for n in range(RUNS + 1):
        started = processor_time(pid)
        bench.execute(statement)
        updated = bench.cursor.fetchone()[0]
        seconds = processor_time(pid) - started
        bench.connection.rollback()
        if n > 0:
            best = seconds if best is None else min(best, seconds)
    return best, updated


def check(bench):
    bench.execute(f"SET random_page_cost = {RANDOM_PAGE_COST}")
    for children, indexed in SHAPES:
        make(bench, children, indexed)
        source = SOURCE.format(rows=children * ROWS, pairs=PAIRS)
        update, rows = cost(bench, f"WITH u AS (UPDATE target t SET field1 = s.field1 FROM ({source}) s"
                                   " WHERE t.id = s.id RETURNING 1) SELECT count(*) FROM u")
        call, updated = cost(bench, f"SELECT sum(rows_updated) FROM bulk_update_query('target', '{source}')")
        name = f"{PAIRS} pairs of a parent with {children} children{'' if indexed else ', none with the index'}"
        bench.ok(updated == rows == PAIRS and call <= BOUND * max(update, 10 * TICK),
                 f"{name}: {call:.2f} s of the processor, UPDATE {update:.2f} s, {updated} rows and {rows}")
    bench.execute("RESET random_page_cost")
    bench.execute("DROP TABLE target CASCADE")
    bench.connection.commit()
