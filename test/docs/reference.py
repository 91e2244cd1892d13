"""Is docs/reference.md complete: objects, arguments, settings, columns, SQLSTATEs?"""

import pathlib
import re
import subprocess

import psycopg2

from harness import equal, ok
from markdown import TREE

REFERENCE = TREE / "docs" / "reference.md"


def functions(cursor):
    cursor.execute("""
        SELECT p.proname, pg_get_function_arguments(p.oid)
        FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid JOIN pg_proc AS p ON p.oid = d.objid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
              AND e.extname = 'bulk_update' AND p.proname <> 'bulk_update_progress_entries'""")
    return dict(cursor.fetchall())


def arguments_of_synopsis(text, name):
    """The arguments in a synopsis, without its comments, as the catalogs write them."""
    found = re.search(rf"^{name}\(\n(.*?)^\) RETURNS", text, re.S | re.M)
    if not found:
        return None
    bare = re.sub(r"--.*", "", found.group(1))
    return re.sub(r"\s+", " ", bare).strip()


def as_written(arguments):
    """What the catalogs have, without the types of the defaults."""
    return re.sub(r"(DEFAULT (?:'\w*'|[\w-]+))::[\w\[\] ]+?(?=,|$)", r"\1", arguments)


def test_functions(cursor, text):
    for name, arguments in sorted(functions(cursor).items()):
        equal(arguments_of_synopsis(text, name), as_written(arguments), f"synopsis of {name}")


def test_named(cursor, text):
    cursor.execute("SELECT name FROM pg_settings WHERE name LIKE 'bulk_update.%%'")
    names = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'bulk_update_progress'::regclass AND attnum > 0")
    names += [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'bulk_update_chunk'::regclass AND attnum > 0")
    names += [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT bulk_update_create_rejects('pg_temp.r')")
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'pg_temp.r'::regclass AND attnum > 0")
    names += [row[0] for row in cursor.fetchall()]
    missing = sorted({name for name in names if f"`{name}`" not in text})
    equal(missing, [], "every setting and every column is explained")


def test_sqlstates(text):
    """Every error that the sources raise stands in the table of SQLSTATEs, and no other."""
    sharedir = subprocess.run(["pg_config", "--sharedir"], stdout=subprocess.PIPE, text=True, check=True)
    codes = {}
    for line in (pathlib.Path(sharedir.stdout.strip()) / "errcodes.txt").read_text().splitlines():
        match = re.match(r"(\w{5})\s+[EWS]\s+(ERRCODE_\w+)", line)
        if match:
            codes.setdefault(match.group(2), match.group(1))
    raised = set()
    for source in (TREE / "src").rglob("*.cpp"):
        if source.name != "fault.cpp":
            raised |= set(re.findall(r"errcode\((ERRCODE_\w+)\)", source.read_text()))
    table = re.search(r"^## Errors\n(.*?)(?=^## |\Z)", text, re.S | re.M).group(1)
    equal(sorted(re.findall(r"^\| `(\w{5})`", table, re.M)), sorted(codes[name] for name in raised),
          "the table of SQLSTATEs is that of the sources")


def test_reference():
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION bulk_update")
    text = REFERENCE.read_text()
    ok(functions(cursor), "the extension has functions")
    test_functions(cursor, text)
    test_named(cursor, text)
    test_sqlstates(text)
    connection.close()
