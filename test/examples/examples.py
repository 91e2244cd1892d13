"""Runs the examples; test/examples/run says what it is. Runs inside a server, from the repository's root."""

import csv
import hashlib
import os
import re
import subprocess
import sys
import tempfile

import psycopg2

ROWS = 25000
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")

# Text that a careless way of copying would spoil.
AWKWARD = ["tab\there", "line\nbreak", "back\\slash", r"\N", r"\.", 'quote " and comma, ', "é漢🙂", "", " ", "cr\r"]

ALEMBIC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

connection = create_engine("postgresql+psycopg2://").connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
connection.close()
"""

passed = failed = 0


def ok(condition, name):
    global passed, failed
    print(("ok" if condition else "not ok") + " - " + name, flush=True)
    if condition:
        passed += 1
    else:
        failed += 1


class Database:
    def __init__(self):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.execute("CREATE EXTENSION bulk_update")

    def execute(self, query, parameters=None):
        self.cursor.execute(query, parameters)

    def rows(self, query, parameters=None):
        self.execute(query, parameters)
        return self.cursor.fetchall()

    def fresh_objects(self):
        """The table that the examples work on, and `expected` for the same done otherwise."""
        self.execute("DROP TABLE IF EXISTS objects, expected")
        self.execute("CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer)")
        self.execute(
            "INSERT INTO objects SELECT i, i, (%s::text[])[1 + i %% %s] || i, i %% 10 FROM generate_series(1, %s) i",
            [AWKWARD, len(AWKWARD), ROWS])
        self.execute("CREATE TABLE expected AS TABLE objects")

    def equal(self):
        changed = self.rows("SELECT count(*) FROM expected e WHERE field1 <> id")[0][0]
        return changed > ROWS / 2 and not self.rows(
            """SELECT id FROM objects o FULL JOIN expected e USING (id)
               WHERE ROW(o.*) IS DISTINCT FROM ROW(e.*) LIMIT 1""")


def run(*command, **environment):
    """Run a command; return its output, or None when it failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    sys.stderr.write(done.stdout if done.returncode else "")
    return None if done.returncode else done.stdout


def csv_file(directory, header, rows):
    path = os.path.join(directory, "new $values 'of' objects.csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def psql(database, directory):
    database.fresh_objects()
    database.execute("UPDATE expected SET field1 = -id, field2 = field2 || 'x', field3 = id % 7")
    rows = database.rows("SELECT * FROM expected ORDER BY id DESC")
    path = csv_file(directory, ["id", "field1", "field2", "field3"], rows + [[ROWS + 1, 1, "no such object", 1]])
    out = run("psql", "-X", "-v", "ON_ERROR_STOP=1", "-v", f"file={path}", "-f", f"{EXAMPLES}/psql/new_values.sql")
    ok(out is not None and f"{ROWS + 1}" in out, "psql: the script succeeds")
    ok(database.equal(), "psql: the table is as the file says")

    database.fresh_objects()
    path = csv_file(directory, ["id", "field1", "field2", "field3"], [[1, 5, "x", 5], [2, 5, "x", 5], [1, 6, "y", 6]])
    done = subprocess.run(
        ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", f"file={path}", "-f", f"{EXAMPLES}/psql/new_values.sql"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ok(done.returncode == 3 and "ERROR:" in done.stderr
       and not database.rows("SELECT FROM objects WHERE field1 <> id"), "psql: an error undoes all of it")


def plpgsql(database, _):
    database.fresh_objects()
    database.execute("""
        UPDATE expected e SET field1 = n.field1, field2 = n.field2 FROM (
            SELECT id, row_number() OVER (PARTITION BY field3 ORDER BY id) AS field1,
                   field2 || ' of ' || count(*) OVER (PARTITION BY field3) AS field2 FROM objects) n
        WHERE n.id = e.id""")
    out = run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", f"{EXAMPLES}/plpgsql/give_new_values.sql")
    ok(out is not None, "PL/pgSQL: the script succeeds")
    updated, unchanged, missing = database.rows("SELECT * FROM give_new_values(1000)")[0]
    ok(updated + unchanged == ROWS and missing == 0, "PL/pgSQL: the function reports what it did")
    ok(database.equal(), "PL/pgSQL: the table has the new values")

    # A row that goes away after the cursor's snapshot was taken: the first chunk's trigger deletes it.
    database.fresh_objects()
    database.execute(f"""
        CREATE FUNCTION delete_last() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN DELETE FROM objects WHERE id = {ROWS}; RETURN NULL; END $$;
        CREATE TRIGGER delete_last AFTER UPDATE ON objects FOR EACH STATEMENT EXECUTE FUNCTION delete_last()""")
    try:
        database.execute("SELECT * FROM give_new_values(1000)")
        problem = "none"
    except psycopg2.Error as error:
        problem = str(error)
    ok("1 objects were not there any more" in problem
       and not database.rows("SELECT FROM objects WHERE field1 <> id"), "PL/pgSQL: a missing object undoes all of it")
    database.execute("DROP FUNCTION delete_last CASCADE")


def digest_values(old):
    """What the Python examples compute."""
    digest = hashlib.sha256(old.encode()).hexdigest()
    return int(digest[:6], 16), f"{old} {digest[:8]}"


def expect_digests(database):
    rows = [(id, *digest_values(old)) for id, old in database.rows("SELECT id, field2 FROM expected")]
    ids, field1, field2 = (list(column) for column in zip(*rows))
    database.execute(
        """UPDATE expected e SET field1 = n.field1, field2 = n.field2
           FROM unnest(%s::bigint[], %s::integer[], %s::text[]) n(id, field1, field2) WHERE n.id = e.id""",
        [ids, field1, field2])


def python(database, directory):
    database.fresh_objects()
    expect_digests(database)
    names = database.rows("SELECT id, field2 FROM objects ORDER BY id")
    path = csv_file(directory, ["id", "name"], names + [[-1, "no such object"]])
    out = run(f"{EXAMPLES}/psycopg2/new_values.py", path)
    ok(out == f"{ROWS} objects updated, 1 not found\n", "psycopg2: the program says what it did")
    ok(database.equal(), "psycopg2: the table has the new values")

    path = csv_file(directory, ["id", "name"], [])
    out = run(f"{EXAMPLES}/psycopg2/new_values.py", path)
    ok(out == "0 objects updated, 0 not found\n", "psycopg2: an empty file is no error")


def alembic(database, directory):
    database.fresh_objects()
    expect_digests(database)
    with open(os.path.join(directory, "env.py"), "w") as env:
        env.write(ALEMBIC_ENV)
    with open(os.path.join(directory, "alembic.ini"), "w") as ini:
        ini.write(f"[alembic]\nscript_location = {directory}\nversion_locations = {EXAMPLES}/alembic/versions\n")
    out = run(sys.executable, "-B", "-m", "alembic.config", "-c", os.path.join(directory, "alembic.ini"),
              "upgrade", "head", PYTHONDONTWRITEBYTECODE="1")
    ok(out is not None, "Alembic: the revision runs")
    ok(database.equal(), "Alembic: the table has the new values")
    ok(database.rows("SELECT version_num FROM alembic_version") == [("give_new_values",)],
       "Alembic: the revision is recorded")


def all_are_tested():
    """An example that no test runs may be wrong for ever."""
    with open(f"{EXAMPLES}/README.md", encoding="utf-8") as readme:
        named = set(re.findall(r"^\|.*?\| `(\w+)/\S+` \|", readme.read(), re.MULTILINE))
    there = {entry.name for entry in os.scandir(EXAMPLES) if entry.is_dir()}
    ok(named == there == {"psql", "plpgsql", "psycopg2", "alembic", "django"}, "every example is described and tested")


def main():
    database = Database()
    for example in (psql, plpgsql, python, alembic):
        with tempfile.TemporaryDirectory() as directory:
            try:
                example(database, directory)
            except psycopg2.Error as error:
                ok(False, f"{example.__name__}: {error}")
    all_are_tested()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
