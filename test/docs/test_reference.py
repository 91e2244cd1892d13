"""Checks that docs/reference.md is complete: objects, arguments, settings, columns, SQLSTATEs."""

import pathlib
import re
import subprocess

import pytest

from harness import Session
from markdown import TREE

TEXT = (TREE / "docs" / "reference.md").read_text()


@pytest.fixture(scope="module")
def session():
    with Session() as opened:
        opened.run("CREATE EXTENSION bulk_update")
        yield opened


def arguments_of_synopsis(name):
    """The arguments in a synopsis, without its comments, as the catalogs show them."""
    found = re.search(rf"^(?:CALL )?{name}\(\n(.*?)^\)(?: RETURNS|$)", TEXT, re.S | re.M)
    if not found:
        return None
    bare = re.sub(r"--.*", "", found.group(1))
    return re.sub(r"\s+", " ", bare).strip()


def as_written(arguments):
    """The arguments in the catalogs, without the types of the defaults, and without IN, as procedures have it."""
    arguments = re.sub(r"\bIN (?=\w)", "", arguments)
    return re.sub(r"(DEFAULT (?:'\w*'|[\w-]+))::[\w\[\] ]+?(?=,|$)", r"\1", arguments)


def test_functions(session):
    """The synopsis of each function."""
    functions = dict(session.run("""
        -- Functions with a cursor also take its name as text, which is described in the prose.
        SELECT DISTINCT ON (p.proname) p.proname, pg_get_function_arguments(p.oid)
        FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid JOIN pg_proc AS p ON p.oid = d.objid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
              AND e.extname = 'bulk_update' AND p.proname <> 'bulk_update_progress_entries'
        ORDER BY p.proname, 'refcursor'::regtype = ANY (p.proargtypes) DESC"""))
    assert functions
    assert {name: arguments_of_synopsis(name) for name in functions} \
        == {name: as_written(arguments) for name, arguments in functions.items()}


def test_named(session):
    """Every setting and every column is documented."""
    session.run("SELECT bulk_update_create_rejects('pg_temp.r')")
    names = session.run("""
        SELECT name FROM pg_settings WHERE name LIKE 'bulk_update.%'
        UNION ALL
        SELECT attname FROM pg_attribute
        WHERE attrelid IN ('bulk_update_progress'::regclass, 'bulk_update_jobs'::regclass,
                           'bulk_update_job_batches'::regclass, 'bulk_update_chunk'::regclass, 'pg_temp.r'::regclass)
              AND attnum > 0""")
    assert sorted({name for name, in names if f"`{name}`" not in TEXT}) == []


def test_sqlstates():
    """Every error that the sources raise is listed in the table of SQLSTATEs, and no other."""
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
    table = re.search(r"^## Errors\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M).group(1)
    assert sorted(re.findall(r"^\| `(\w{5})`", table, re.M)) == sorted(codes[name] for name in raised)
