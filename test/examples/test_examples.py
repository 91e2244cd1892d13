"""Runs the examples; test/examples/run describes the suite. Runs inside a server, from the repository's root."""

import csv
import os
import re
import shutil
import subprocess

import psycopg2
import pytest

import npm
from database import EXAMPLES, ROOT, ROWS, expect_digests
from frameworks import Plpgsql


def csv_file(directory, header, rows):
    path = os.path.join(directory, "new $values 'of' objects.csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def test_psql(database, directory):
    """Special rows of a file: an object that does not exist, one that occurs twice."""
    header = ["id", "field1", "field2", "field3"]
    command = ["psql", "-X", "-f", f"{EXAMPLES}/psql/new_values.sql", "-v"]
    database.fresh_objects()
    path = csv_file(directory, header, [[1, 5, "x", 5], [ROWS + 1, 1, "no such object", 1]])
    done = subprocess.run([*command, f"file={path}"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and re.search(r"^ +2 \| +1 \| +0 \| +1 \| +0 \| +0$", done.stdout, re.M), \
        ("psql: an object that is not there is counted", done.stdout)
    assert database.rows("SELECT id, old_field1, new_field1, old_field3, new_field3 FROM objects_old_values") \
        == [(1, 1, 5, 1, 5)], "psql: only the old values of the file's objects are kept"
    database.execute("DROP TABLE objects_old_values")

    database.fresh_objects()
    path = csv_file(directory, header, [[1, 5, "x", 5], [2, 5, "x", 5], [1, 6, "y", 6]])
    done = subprocess.run([*command, f"file={path}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert (done.returncode == 3 and "ERROR:" in done.stderr
           and not database.rows("SELECT FROM objects WHERE field1 <> id")), \
        ("psql: an error undoes all of it", done.stderr)


@pytest.mark.parametrize("header, message", (
    (["id", "field1", "field3", "field2"], 'got "field3", expected "field2"'), ([1, 5, "x", 5], 'got "1", expected "id"')))
def test_psql_header(database, directory, header, message):
    """The columns in another order, and no header: the values would go to the wrong columns, or one row would be lost."""
    database.fresh_objects()
    path = csv_file(directory, header, [[2, 5, 6, 7]])
    done = subprocess.run(["psql", "-X", "-v", f"file={path}", "-f", f"{EXAMPLES}/psql/new_values.sql"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, message in done.stderr, database.rows("SELECT FROM objects WHERE field1 <> id"),
            database.value("SELECT to_regclass('objects_old_values') IS NULL")) == (3, True, [], True), done.stderr


@pytest.mark.parametrize("header", (["id", "field1", "field2", "field3"], None))
def test_psql_empty(database, directory, header):
    """A file without rows, and one without anything: zeros, and no table of old values is left."""
    database.fresh_objects()
    path = csv_file(directory, header, []) if header else os.path.join(directory, "empty.csv")
    with open(path, "a", encoding="utf-8"):
        pass
    done = subprocess.run(["psql", "-X", "-v", f"file={path}", "-f", f"{EXAMPLES}/psql/new_values.sql"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and re.search(r"^ +0 \| +0 \| +0 \| +0 \| +0 \| +0$", done.stdout, re.M), done.stdout
    assert database.value("SELECT to_regclass('objects_old_values') IS NULL")


def test_psql_estimate(database, directory):
    """The estimate of the rows is right: the progress shows it, and bulk_update writes it to the client every 10 seconds."""
    database.fresh_objects()
    path = csv_file(directory, ["id", "field1", "field2", "field3"], [[i, 1, "x", 1] for i in range(1, ROWS + 1)])
    with open(f"{EXAMPLES}/psql/new_values.sql", encoding="utf-8") as file:
        script = file.read()
    call = "FROM bulk_update('objects', 'new_values', old_values => 'objects_old_values', report => 'total');"
    assert call in script
    explain = f"SELECT detail FROM bulk_update_explain('objects', 'new_values') WHERE topic = 'source';\n"
    start = script.index("-- The report")
    done = subprocess.run(["psql", "-X", "-At", "-v", f"file={path}"], input=script[:start] + explain + script[start:],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert re.search(rf"rows estimated by its plan: {ROWS}\b", done.stdout), done.stdout


def test_plpgsql(database):
    """A row that is deleted after the cursor's snapshot was taken, by a trigger of the first chunk."""
    Plpgsql(database, None).prepare()
    database.execute(f"""
        CREATE FUNCTION delete_last() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN DELETE FROM objects WHERE id = {ROWS}; RETURN NULL; END $$;
        CREATE TRIGGER delete_last AFTER UPDATE ON objects FOR EACH STATEMENT EXECUTE FUNCTION delete_last()""")
    try:
        database.execute("SELECT * FROM give_new_values(1000)")
        problem = "none"
    except psycopg2.Error as error:
        problem = str(error)
    assert ("1 objects were not there any more" in problem
           and not database.rows("SELECT FROM objects WHERE field1 <> id")), \
        ("PL/pgSQL: a missing object undoes all of it", problem)
    database.execute("DROP FUNCTION delete_last CASCADE")


@pytest.mark.parametrize("name", ("new_values.py", "arrays.py"))
def test_psycopg2(database, directory, name):
    """The programs that are not migrations."""
    command = f"{EXAMPLES}/psycopg2/{name}"
    database.fresh_objects()
    expect_digests(database)
    names = database.rows("SELECT id, field2 FROM objects ORDER BY id")
    path = csv_file(directory, ["id", "name"], names + [[-1, "no such object"]])
    done = subprocess.run([command, path], stdout=subprocess.PIPE, text=True)
    assert done.stdout == f"{ROWS} objects updated, 1 not found\n", f"psycopg2, {name} says what it did"
    assert database.equal(), f"psycopg2, {name}: the table has the new values"

    database.fresh_objects()
    path = csv_file(directory, ["id", "name"], names + names[-1:])
    done = subprocess.run([command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert (done.returncode and "a second time" in done.stderr
           and not database.rows("SELECT FROM objects WHERE field1 <> id")), \
        (f"psycopg2, {name}: an error undoes all of it", done.stderr)

    path = csv_file(directory, ["id", "name"], [])
    done = subprocess.run([command, path], stdout=subprocess.PIPE, text=True)
    assert done.stdout == "0 objects updated, 0 not found\n", f"psycopg2, {name}: an empty file is no error"


def test_readme(database):
    """An example without a test could stay wrong."""
    with open(f"{EXAMPLES}/README.md", encoding="utf-8") as file:
        text = file.read()
    named = set(re.findall(r"^\|[^|]*\| `(\w+)/[^|]* \|", text, re.MULTILINE))
    there = {entry.name for entry in os.scandir(EXAMPLES) if entry.is_dir()}
    tested = {"psql", "plpgsql", "psycopg2", "django", "alembic", "activerecord", "sqitch", "knex"}
    assert named == there == tested, ("every example is described and tested", (named, there))

    with open(f"{EXAMPLES}/knex/package-lock.json", encoding="utf-8") as file:
        assert '"resolved"' not in file.read(), "knex: the lock file names no registry"

    database.fresh_objects()
    before = database.checksum()
    database.execute("CREATE TEMPORARY TABLE new_values AS SELECT id, 0 AS field1, 'x' AS field2 FROM objects")
    forward, back = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    database.execute(f"BEGIN; {forward}; COMMIT")
    assert database.value("SELECT count(*) FROM objects WHERE field2 = 'x'") == ROWS, "the README's SQL: forward"
    database.execute(f"BEGIN; {back}; COMMIT")
    assert database.checksum() == before, "the README's SQL: backward"


def test_step_by_step(database, directory):
    """The commands of the README are all that is needed."""
    with open(f"{EXAMPLES}/README.md", encoding="utf-8") as file:
        text = file.read()
    section = re.search(r"^## Step by step\n(.*?)^## ", text, re.M | re.S).group(1)
    named = set(re.findall(r"^\|[^|]*\| `(\w+)/", text, re.M))
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    try:
        npm.installed(f"{EXAMPLES}/knex", f"{ROOT}/build/examples/knex")
    except npm.Unavailable as reason:
        print(f"without knex: {reason}")
        blocks = [block for block in blocks if "npm" not in block]
    for tree in ("examples", "contrib"):
        shutil.copytree(f"{ROOT}/{tree}", directory / tree, ignore=shutil.ignore_patterns("node_modules"))
    database.execute("DROP DATABASE IF EXISTS stepping")
    database.execute("CREATE DATABASE stepping")
    script = "set -eux\n" + "".join(blocks)
    # From a file, because a program of the script could read its standard input.
    (directory / "steps.sh").write_text(script)
    done = subprocess.run(["bash", directory / "steps.sh"], cwd=directory / "examples", text=True, check=False,
                          env={**os.environ, "PGDATABASE": "stepping", "PSQLRC": "/dev/null",
                               "PATH": f"/usr/bin:{os.environ['PATH']}"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "ERROR:" not in done.stdout, done.stdout
    assert len(re.findall("1000 updated", done.stdout)) >= 6, done.stdout
    assert [name for name in named if not re.search(rf"\b{name}\b", section)] == [], \
        "every example has its commands"


def test_npm():
    """npm's message distinguishes an unreachable registry from a mistake in the example."""
    unreachable = ("code ECONNREFUSED", "code E403", "code E503", "code UNABLE_TO_VERIFY_LEAF_SIGNATURE",
                   "code SELF_SIGNED_CERT_IN_CHAIN", "request to https://registry.example/knex failed, reason: certificate")
    mistakes = ("code EUSAGE", "code EINTEGRITY", "code ERESOLVE", "code EBADENGINE", "code EJSONPARSE")
    assert [text for text in (*unreachable, *mistakes) if npm.UNREACHABLE.search(f"npm ERR! {text}")] \
        == list(unreachable), \
        "knex: skipped when npm does not get to its registry, and only then"
