"""Two jobs on one table, in several sessions each, next to other writers; test/jobs/run describes the suite.

The writers lock rows in the opposite order and for longer than lock_timeout, so batches fail with deadlocks and lock timeouts
on purpose. At the end each job has given each row its values, and no update of the writers is lost."""

import random
import threading
import time

import psycopg2
import pytest

from harness import Session
from job_work import Caller, wait_for_all

ROWS = 3000
WRITERS, SESSIONS = 6, 2

SETUP = f"""
    SELECT bulk_update_job_drop(name) FROM bulk_update_jobs;
    DROP TABLE IF EXISTS loaded CASCADE;
    CREATE TABLE loaded (id integer PRIMARY KEY, p integer NOT NULL DEFAULT 0, a integer, b integer, filler text DEFAULT repeat('x', 50));
    INSERT INTO loaded (id) SELECT generate_series(1, {ROWS});
    CREATE INDEX ON loaded (a);
    SELECT bulk_update_job_create('job a', 'loaded', 'SELECT id, id * 3 AS a FROM loaded ORDER BY id DESC', batch_rows => 100);
    SELECT bulk_update_job_create('job b', 'loaded', 'SELECT id, -id AS b FROM loaded', batch_rows => 150);
    SELECT bulk_update_job_alter(name, pause => '10 ms', lock_timeout => '120 ms', max_retries => 1000000) FROM unnest(ARRAY['job a', 'job b']) AS name;
"""


class Writer(threading.Thread):
    """Updates some rows in a transaction, highest key first, and counts those committed."""

    def __init__(self, number, parameters):
        super().__init__(daemon=True)
        self.rng, self.parameters = random.Random(f"writer {number}"), parameters
        self.stopped, self.updates, self.deadlocks, self.errors = threading.Event(), 0, 0, []
        self.start()

    def run(self):
        with Session(**self.parameters) as session:
            session.run("SET deadlock_timeout = '5 s'")  # so the jobs get the error
            while not self.stopped.is_set():
                first = self.rng.randrange(1, ROWS - 100)
                rows = sorted(self.rng.sample(range(first, first + 100), 8), reverse=True)
                try:
                    session.run("BEGIN")
                    for row in rows:
                        session.run(f"UPDATE loaded SET p = p + 1 WHERE id = {row}")
                        time.sleep(self.rng.choice((0, 0.01, 0.06)))
                    session.run("COMMIT")
                    self.updates += len(rows)
                except psycopg2.Error as error:
                    session.run("ROLLBACK")
                    self.deadlocks += error.pgcode == "40P01"
                    if error.pgcode != "40P01":
                        self.errors.append(str(error))


@pytest.mark.parametrize("on_error", ("stop", "skip"))
def test_load(database, on_error):
    with Session(**database) as session:
        session.run(SETUP.replace("batch_rows", f"on_error => '{on_error}', batch_rows"))
        writers = [Writer(number, database) for number in range(WRITERS)]
        begun = time.perf_counter()
        sqlstates = wait_for_all([Caller(database, name=name) for name in ("job a", "job b") for _ in range(SESSIONS)])
        seconds = time.perf_counter() - begun
        for writer in writers:
            writer.stopped.set()
        for writer in writers:
            writer.join()
        updates = sum(writer.updates for writer in writers)
        failures = session.run("SELECT sqlstate, count(*), sum(failures) FROM bulk_update_job_batches WHERE failures > 0 GROUP BY 1 ORDER BY 1")
        print(f"{seconds:.1f} s, {updates} updates, {sum(writer.deadlocks for writer in writers)} deadlocks of writers;"
              f" batches with failures: {failures}")
        assert sqlstates == [[]] * 2 * SESSIONS
        assert [error for writer in writers for error in writer.errors] == []
        assert session.value("SELECT sum(p) FROM loaded") == updates
        assert session.value("SELECT count(*) FROM loaded WHERE (a, b) IS DISTINCT FROM (id * 3, -id)") == 0
        assert session.run("SELECT name, state, rows_updated, rows_done FROM bulk_update_jobs ORDER BY 1") == \
            [(name, "done", ROWS, ROWS) for name in ("job a", "job b")]
        # The batches, also those in halves, are the rows: none twice, none forgotten.
        assert session.run("""SELECT name FROM (SELECT name, first_row, lag(last_row, 1, 0::bigint) OVER (PARTITION BY name ORDER BY first_row) AS before
            FROM bulk_update_job_batches WHERE batch > 0) b WHERE first_row <> before + 1""") == []
        # The rest of a batch that was divided has had none itself.
        assert {state for state, *_ in failures} >= {"40P01", "55P03"}
        assert session.value("SELECT count(*) FROM bulk_update_job_batches WHERE batch > 0") > ROWS // 100 + ROWS // 150
        assert session.value("SELECT count(bt_index_check(indexrelid, true)) FROM pg_index WHERE indrelid = 'loaded'::regclass") == 2
        assert session.run("SELECT * FROM verify_heapam('loaded')") == []
        session.run("SELECT bulk_update_job_drop(name) FROM bulk_update_jobs")


@pytest.mark.parametrize("on_error", ("stop", "skip"))
def test_batch_that_fails(database, on_error):
    """After max_retries its error ends the CALL; under 'skip' the other batches are done first."""
    with Session(**database) as session, Session(**database) as holder:
        session.run(SETUP.replace("batch_rows", f"on_error => '{on_error}', batch_rows").replace("1000000", "3"))
        holder.run("BEGIN; SELECT FROM loaded WHERE id = 1510 FOR UPDATE")
        assert session.fails("CALL bulk_update_job_run('job a')") == "55P03"
        state, failed, done, sqlstate = session.run("SELECT state, batches_failed, rows_done, last_sqlstate FROM bulk_update_jobs WHERE name = 'job a'")[0]
        assert (state, failed, sqlstate) == ("failed", 1, "55P03")
        rows = session.value("SELECT last_row - first_row + 1 FROM bulk_update_job_batches WHERE state = 'failed'")
        print(f"failed with {rows} rows, {done} rows done")
        assert rows < 100 and (done < 1510 if on_error == "stop" else done == ROWS - rows)
        assert session.value("SELECT count(*) FROM loaded WHERE a = id * 3") == done
        holder.run("COMMIT")
        session.run("CALL bulk_update_job_run('job a')")
        assert session.run("SELECT state, rows_done FROM bulk_update_jobs WHERE name = 'job a'") == [("done", ROWS)]
        session.run("SELECT bulk_update_job_drop(name) FROM bulk_update_jobs")
