"""A chunk that updates very many partitions needs no more buffers at once than UPDATE, and no more memory."""

import pytest

from ways import APPLIERS, PLAIN, settings, statement

# A table's kind, and the number of partitions with rows of a chunk. For temporary ones there are 1,024 buffers, for others 2,048
# (test/pins/run), and UPDATE holds one of each partition.
KINDS = [("temporary ", (700, 1000)), ("", (1150,))]
ROWS = 5    # of each partition


def make(session, number, kind):
    session.run(f"CREATE {kind}TABLE target (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)")
    session.run(f"""DO $$ BEGIN FOR p IN 0 .. {number} - 1 LOOP
        EXECUTE format('CREATE {kind}TABLE target_%s PARTITION OF target FOR VALUES FROM (%s) TO (%s)', p, p * {ROWS}, (p + 1) * {ROWS});
        END LOOP; END $$""")
    session.run(f"INSERT INTO target SELECT i, 0 FROM generate_series(0, {number * ROWS} - 1) i")
    session.run("ANALYZE target")


def drop(session, number):
    """In several transactions, because each locks everything that it drops."""
    for first in range(0, number, 200):
        session.run("DROP TABLE " + ", ".join(f"target_{p}" for p in range(first, min(first + 200, number))))
    session.run("DROP TABLE target")


@pytest.fixture(scope="module", params=KINDS, ids=("temporary", "permanent"))
def made(request, admin):
    """A session, the kind of its table, and the numbers of partitions."""
    kind, numbers = request.param
    admin.run("SET client_min_messages = warning")
    make(admin, max(numbers), kind)
    yield admin, kind, numbers
    admin.run("ROLLBACK")
    drop(admin, max(numbers))


@pytest.mark.parametrize("way", (PLAIN, *APPLIERS))
def test_partitions_in_one_chunk(made, way):
    session, kind, numbers = made
    for number in numbers:
        source = f"SELECT i * {ROWS} + j AS id, i + 1 AS v FROM generate_series(0, {number - 1}) i, generate_series(0, 1) j"
        session.run(f"BEGIN; {settings(way)}")
        call = session.background(statement(way, source, ("id",), "chunk_size => 100000")).wait()
        assert call.error is None, f"{number} {kind}partitions"
        assert call.rows[0] == (number * 2, way)
        assert session.value(f"""SELECT count(*) FROM target t LEFT JOIN ({source}) s USING (id)
            WHERE t.v IS DISTINCT FROM coalesce(s.v, 0)""") == 0
        session.run("ROLLBACK")
