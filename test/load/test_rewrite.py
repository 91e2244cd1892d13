"""Bulk updates of a table that is written anew again and again; test/load/run describes the suite."""

import threading

import pytest

import oracle
from harness import Session

ROWS, CALLS = 20000, 6
REWRITTEN = "ARRAY['rewritten'::regclass]"
# The keys do not follow the heap.
SETUP = f"""
    CREATE EXTENSION IF NOT EXISTS bulk_update;
    CREATE EXTENSION IF NOT EXISTS amcheck;
    CREATE TABLE rewritten (id integer PRIMARY KEY, v bigint);
    INSERT INTO rewritten SELECT i FROM generate_series(1, {ROWS}) i ORDER BY hashint4(i);
    CREATE INDEX ON rewritten (v);
"""


class Calls(threading.Thread):
    """Bulk updates of all rows, one transaction each; call c gives row id the value c * ROWS + id."""

    def __init__(self, ordering, applier):
        super().__init__(daemon=True)
        self.ordering, self.applier = ordering, applier
        self.reports = []

    def run(self):
        with Session() as session:
            session.run(f"SET bulk_update.applier = {self.applier}")
            for call in range(1, CALLS + 1):
                query = (f"SELECT i AS id, {call}::bigint * {ROWS} + i AS v FROM generate_series(1, {ROWS}) i "
                         "ORDER BY md5(i::text)")
                self.reports.append(session.update("rewritten", query, ordering=f"'{self.ordering}'", chunk_size="500"))


@pytest.mark.parametrize("applier", ["auto", "sql"])
@pytest.mark.parametrize("ordering", ["sort", "place"])
def test_rewrite(session, ordering, applier):
    rewrite = "REPACK (CONCURRENTLY)" if session.connection.info.server_version >= 190000 else "VACUUM FULL"
    session.run(SETUP)
    calls = Calls(ordering, applier)
    calls.start()
    rounds = 0
    while calls.is_alive():
        session.run(f"{rewrite} rewritten")
        rounds += 1
    print(f"{rounds} rounds of {rewrite} during {len(calls.reports)} calls")
    assert rounds > 1
    assert calls.reports == [(ROWS, 0)] * CALLS
    assert session.run(f"SELECT count(*) FROM rewritten WHERE v = {CALLS}::bigint * {ROWS} + id") == [(ROWS,)]
    assert oracle.damaged_tables(session, REWRITTEN) == []
    assert oracle.check_indexes(session, REWRITTEN) == 2
    session.run("DROP TABLE rewritten")
