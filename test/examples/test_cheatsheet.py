"""examples/psql/cheatsheet.sql: as a whole after a call, and its queries about progress while a call waits."""

import itertools
import re
import subprocess
import tempfile
import threading

from database import EXAMPLES, ROWS
from harness import TIMEOUT, Session

SCRIPT = f"{EXAMPLES}/psql/cheatsheet.sql"
BAD, MISSING, DUPLICATE, UNCHANGED = 3, 2, 4, 5
THEIRS = 20000  # a row that others change after the call
CALL = """
    SELECT * FROM bulk_update_query('objects', $$
        SELECT i AS id, CASE WHEN i <= {BAD} THEN -1 WHEN i <= {BAD} + {UNCHANGED} THEN i ELSE i + 1 END AS field1,
               CASE WHEN i > {BAD} AND i <= {BAD} + {UNCHANGED} THEN o.field2 ELSE 'x' END AS field2
        FROM generate_series(1, {ROWS} + {MISSING}) i LEFT JOIN objects o ON o.id = i
        UNION ALL
        SELECT id, 0, 'x' FROM objects WHERE id > {ROWS} - {DUPLICATE} ORDER BY 1 $$,
        on_error => 'skip', on_duplicate => 'first', skip_unchanged => true, rejects => 'objects_rejects',
        old_values => 'objects_old_values')
""".format(**globals())


def blocks():
    """The statements of each part of the script."""
    with open(SCRIPT, encoding="utf-8") as file:
        parts = re.split(r"^\\echo .*$", file.read(), flags=re.MULTILINE)[1:]
    return [[statement.strip() + ";" for statement in re.split(r";$", part, flags=re.MULTILINE) if statement.strip()]
            for part in parts]


def fresh_objects(database):
    database.fresh_objects()
    database.execute("ALTER TABLE objects ADD CHECK (field1 >= 0); DROP TABLE IF EXISTS objects_rejects;"
                     "SELECT bulk_update_create_rejects('objects_rejects');"
                     "SELECT bulk_update_create_old_values('objects_old_values', 'objects', '{field1, field2}')")


def test_after_a_call(database):
    fresh_objects(database)
    database.execute(f"CREATE TABLE report AS {CALL};"
                     f"UPDATE objects SET field1 = 7 WHERE id = {THEIRS}; DELETE FROM objects WHERE id = {THEIRS} - 1")
    done = subprocess.run(["psql", "-X", "--csv", "-v", "ON_ERROR_STOP=1", "-f", SCRIPT],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, ("cheatsheet: the whole file runs", done.stdout)
    said = done.stdout.splitlines()
    fetched, updated = ROWS + MISSING + DUPLICATE, ROWS - BAD - UNCHANGED
    for line, name in (
        (f"{fetched},{updated},{UNCHANGED},{MISSING},0,{DUPLICATE},{BAD}", "the outcomes"),
        (f"updated,{updated},{100 * updated / fetched:.1f}", "a row for each outcome"),
        (f"direct,stream,3,{fetched}", "the applier and the ordering"),
        (f"3,{MISSING},20001,{ROWS + MISSING}", "where keys are missing"),
        (f"23514,objects_field1_check,{BAD},"
         '"new row for relation ""objects"" violates check constraint ""objects_field1_check"""', "why rows were rejected"),
        (f"1,error,{BAD}", "the recorded runs"),
        (f"0,0,{BAD}", "whether the rejects can be applied"),
        (f"1,{updated}", "the runs whose old values are kept"),
        (r"12,12,13,back\slash12,x", "what a run has changed"),
        (f"{updated - 2},0,1,1", "what an undo would do"),
        (f'{THEIRS},{THEIRS + 1},x,"({THEIRS},7,x,0)"', "which rows have changed since"),
    ):
        assert line in said, (f"cheatsheet: {name}", f"no {line!r}")
    assert len([line for line in said if re.match(r'\d+,error,"\(\d', line)]) == BAD, \
        "cheatsheet: the rejected rows with the values in the table"


def watched(script, line):
    """How often a psql that repeats a statement prints a line: twice is enough."""
    with tempfile.TemporaryFile("w+") as file:
        file.write(script)
        file.seek(0)
        with subprocess.Popen(["psql", "-XAt"], stdin=file, stdout=subprocess.PIPE, text=True) as psql:
            late = threading.Timer(TIMEOUT, psql.kill)
            late.start()
            seen = list(itertools.islice((said for said in psql.stdout if line in said), 2))
            late.cancel()
            psql.kill()
    return len(seen)


def test_while_a_call_runs(database):
    """A trigger of the last row waits for a lock of this session."""
    fresh_objects(database)
    database.execute(f"""
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
        CREATE TRIGGER wait BEFORE UPDATE ON objects FOR EACH ROW WHEN (NEW.id = {ROWS}) EXECUTE FUNCTION wait();
        ANALYZE objects;
        SELECT pg_advisory_lock(1)""")
    me = database.connection.get_backend_pid()
    with Session() as session, Session() as watcher:
        call = session.background(
            "SELECT sum(rows_updated) FROM bulk_update_query('objects', 'SELECT id, 5 AS field1 FROM objects ORDER BY id')")
        watcher.wait_until(f"EXISTS (SELECT FROM bulk_update_progress WHERE {me} = ANY (pg_blocking_pids(pid)))",
                           unless=call)
        progress = blocks()[0]
        how_far, outcomes, waiting, sorting = (watcher.run(statement) for statement in progress)
        target, phase, chunk, fetched, estimated, percent, rate, _, remaining = how_far[0]
        assert (target, phase, chunk, fetched, estimated, percent) == ("objects", "applying", 2, ROWS, ROWS, 100), \
            "cheatsheet: how much is done"
        assert rate > 0 and remaining.total_seconds() == 0, ("cheatsheet: how long it will take", how_far)
        assert outcomes == [(session.pid, "objects", 20000, 0, 0, 0, 0, 0)], \
            "cheatsheet: the outcomes so far"
        assert waiting == [(session.pid, "objects", "Lock", "advisory", [me])], "cheatsheet: for which session it waits"
        assert sorting == [(session.pid, "objects", "stream", "0 bytes")], "cheatsheet: whether it sorts"

        seen = watched(progress[0][:-1] + "\n\\watch 0.1\n", "objects|applying|2|")
        assert seen == 2, ("cheatsheet: \\watch", seen)
        database.execute("SELECT pg_advisory_unlock(1)")
        assert call.wait().rows == [(ROWS,)], "cheatsheet: the call continues"
    database.execute("DROP FUNCTION wait CASCADE")
