"""examples/psql/csv.sql: files as spreadsheets and programs write them, and files with mistakes."""

import csv
import io
import os
import re
import subprocess

import pytest

from database import EXAMPLES, ROOT

SCRIPT = f"{EXAMPLES}/psql/csv.sql"
COUNTS = ("lines", "updated", "unchanged", "missing", "duplicate", "rejected", "malformed")
TABLE = 'odd."Ta ble"'
NAMES = ["i, d", 'say "x"', "Größe", "plain"]
HEADER = '"i, d","say ""x""",Größe,plain\n'


class Run:
    """One run of the script: its exit code, its messages, its counts, and the lines that it has set aside."""

    def __init__(self, directory, content, table=TABLE, environment=None, **options):
        path, aside = (os.path.join(directory, name) for name in ("new $values 'of' x.csv", "aside & 'more'.csv"))
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        variables = {"table": table, "file": path, "aside": aside, **options}
        done = subprocess.run(
            ["psql", "-X", *(f"-v{name}={value}" for name, value in variables.items()), "-f", SCRIPT],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, **(environment or {})})
        self.code, self.output, self.errors = done.returncode, done.stdout, done.stderr
        found = re.search(r"^[ \d]+( \|[ \d]+){6}$", done.stdout, re.M)
        self.counts = dict(zip(COUNTS, map(int, found.group().split("|")))) if found else None
        self.aside = []
        if os.path.exists(aside):
            with open(aside, newline="", encoding="utf-8") as file:
                self.aside = [(int(row["line"]), row["outcome"], row["reason"], row["key"] or row["record"])
                              for row in csv.DictReader(file)]
            os.remove(aside)


def counts(**some):
    return {**dict.fromkeys(COUNTS, 0), **some}


@pytest.fixture
def table(database):
    """Rows 1 to 5 of a table whose names need quotes."""
    database.execute("""
        DROP SCHEMA IF EXISTS odd CASCADE; CREATE SCHEMA odd;
        CREATE TABLE odd."Ta ble" ("i, d" bigint PRIMARY KEY, "say ""x\""" text, "Größe" integer CHECK ("Größe" < 1000),
                                   plain date, other text DEFAULT 'kept');
        INSERT INTO odd."Ta ble" SELECT i, 'old', i, '2026-01-01' FROM generate_series(1, 5) i""")

    def rows():
        return database.rows('SELECT "i, d", "say ""x""", "Größe", plain::text FROM odd."Ta ble" WHERE other = \'kept\''
                             ' ORDER BY 1')
    rows.old = rows()
    yield rows
    database.execute("DROP SCHEMA odd CASCADE")


def changed(table, *rows):
    new = {row[0]: row for row in rows}
    return [new.get(row[0], row) for row in table.old]


def test_quoted_names_and_values(table, directory):
    text = 'a "b", c\nd\\N\t\\.\'$1'
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([NAMES, [2, text, 7, "2026-02-03"]])
    run = Run(directory, file.getvalue())
    assert (run.code, run.errors, run.counts, run.aside) == (0, "", counts(lines=1, updated=1), [])
    assert table() == changed(table, (2, text, 7, "2026-02-03"))


@pytest.mark.parametrize("ending", ("\n", "\r\n"))
@pytest.mark.parametrize("mark", ("", "\ufeff"))
def test_bom_and_line_ends(table, directory, mark, ending):
    """The last line may lack its end; an empty line is none."""
    content = mark + HEADER + '1,"in\ntwo lines",10,2026-02-01\n\n2,x,20,2026-02-02'
    run = Run(directory, content.replace("\n", ending))
    assert (run.code, run.errors, run.counts) == (0, "", counts(lines=2, updated=2))
    assert table() == changed(table, (1, f"in{ending}two lines", 10, "2026-02-01"), (2, "x", 20, "2026-02-02"))


def test_columns_in_another_order(table, directory):
    """And only some of them."""
    run = Run(directory, 'plain,"say ""x""","i, d"\n2026-05-05,x,4\n')
    assert (run.code, run.counts) == (0, counts(lines=1, updated=1))
    assert table() == changed(table, (4, "x", 4, "2026-05-05"))


@pytest.mark.parametrize("content, message", (
    ("1,x,10,2026-02-01\n2,y,20,2026-02-02\n", "has no column \"1\""),
    ('"I, D","say ""x""",Größe,plain\n1,x,10,2026-02-01\n', "has no column \"I, D\""),
    ('a"say ""x"",Größe\n1,2\n', "A quote in the first line has no pair."),
    (HEADER.encode("utf-16"), "UTF-16"),
    ("Größe,plain\n1,2026-01-01\n", "i, d"),
    ('"i, d",Größe,Größe\n1,2,3\n', "more than once"),
))
def test_header(table, directory, content, message):
    """A file without a header, or with another one: an error, and nothing happens."""
    run = Run(directory, content)
    assert run.code == 3
    assert message in run.errors
    assert table() == table.old


def test_bad_lines(table, directory):
    run = Run(directory, HEADER + "1,x,10,2026-02-01\n"
              '2,"too, few",20\n'
              "3,too,many,30,2026-02-03\n"
              '4,"in\ntwo lines",not a number,2026-02-04\n'
              "5,x,50,2026-02-30\n"
              "zwei,x,50,2026-02-03\n"
              '2,"more\nlines",20\n'
              "3,x,1000,2026-02-03\n"
              ",no key,1,2026-02-03\n"
              "99,nobody,99,2026-02-09\n"
              "2,car\rriage,20,2026-02-02\n"
              '2,"\n\\.\n",20,2026-02-02\n'
              '2,"not closed,20,2026-02-02\n')
    assert run.code == 0, run.errors
    few = "number of values: 3, of columns in the header: 4"
    assert run.aside == [
        (3, "malformed", few, '2,"too, few",20'),
        (4, "malformed", "number of values: 5, of columns in the header: 4", "3,too,many,30,2026-02-03"),
        (5, "rejected", 'invalid input syntax for type integer: "not a number"', '{"i, d": "4"}'),
        (7, "rejected", 'date/time field value out of range: "2026-02-30"', '{"i, d": "5"}'),
        (8, "rejected", 'invalid input syntax for type bigint: "zwei"', '{"i, d": "zwei"}'),
        (9, "malformed", few, '2,"more\nlines",20'),
        (11, "rejected", 'new row for relation "Ta ble" violates check constraint "Ta ble_Größe_check" '
                         'Failing row contains (3, x, 1000, 2026-02-03, kept).', '{"i, d": 3}'),
        (12, "missing", "", '{"i, d": null}'),
        (13, "missing", "", '{"i, d": 99}'),
        (14, "malformed", "carriage return without quotes", "2,car\rriage,20,2026-02-02"),
        (15, "malformed", "line \\. in quotes, which COPY may take for the end of the data",
         '2,"\n \\.\n",20,2026-02-02'),
        (18, "malformed", "quote without its pair", '2,"not closed,20,2026-02-02'),
    ]
    assert run.counts == counts(lines=13, updated=1, missing=2, rejected=4, malformed=6)
    assert "   13 | missing   | {" in run.output, "the lines are printed as well"
    assert table() == changed(table, (1, "x", 10, "2026-02-01"))


def test_first_hundred_lines(table, directory):
    run = Run(directory, HEADER + "few\n" * 150)
    assert (run.output.count("| few |"), len(run.aside), run.counts) == \
        (100, 150, counts(lines=150, malformed=150))


@pytest.mark.parametrize("option, content, line", (
    ("on_error=stop", "2,few\n", "Line 3: malformed"), ("on_error=stop", "2,x,y,2026-02-02\n", "Line 3: rejected"),
    ("on_missing=error", "9,x,9,2026-02-02\n", "Line 3: missing"), ("on_duplicate=error", "1,x,9,2026-02-02\n", "Line 3: duplicate"),
))
def test_errors(table, directory, option, content, line):
    """A line that is not to be set aside is an error, which names it."""
    run = Run(directory, HEADER + "1,x,10,2026-02-01\n" + content, **dict([option.split("=")]))
    assert (run.code, line in run.errors, table()) == (3, True, table.old), run.errors


@pytest.mark.parametrize("policy, applied, aside", (("first", "a", 3), ("last", "b", 2)))
def test_duplicates(table, directory, policy, applied, aside):
    run = Run(directory, HEADER + "1,a,10,2026-02-01\n01,b,10,2026-02-01\n", on_duplicate=policy)
    assert (run.code, run.counts, [line[:2] for line in run.aside]) == \
        (0, counts(lines=2, updated=1, duplicate=1), [(aside, "duplicate")])
    assert table() == changed(table, (1, applied, 10, "2026-02-01"))

    run = Run(directory, HEADER + "1,a,11,2026-02-01\n01,b,12,2026-02-01\n")
    assert (run.code, "Line 3: duplicate" in run.errors) == (3, True), "by default they are an error"
    assert table() == changed(table, (1, applied, 10, "2026-02-01"))


@pytest.mark.parametrize("content", ("", HEADER, "\ufeff", "\ufeff" + HEADER, "\n\n"))
def test_empty_file(table, directory, content):
    run = Run(directory, content)
    assert (run.code, run.errors, run.counts, run.aside) == (0, "", counts(), [])
    assert table() == table.old


def test_no_such_file(table, directory):
    run = Run(directory, HEADER, file=f"{directory}/none.csv")
    assert (run.code, "cannot open" in run.errors, table()) == (3, True, table.old), run.errors


def test_no_such_table(table, directory):
    for content in (HEADER, ""):
        run = Run(directory, content, table="none")
        assert (run.code, 'relation "none" does not exist' in run.errors) == (3, True), run.errors


def test_nulls(table, directory):
    """Nothing is a null, and quotes without anything are an empty text, as in COPY; with a mark, only the mark is."""
    assert Run(directory, HEADER + '1,,1,\n2,"",2,2026-01-01\n').code == 0
    assert table()[:2] == [(1, None, 1, None), (2, "", 2, "2026-01-01")]
    run = Run(directory, HEADER + '1,NULL,1,NULL\n2,,2,2026-01-01\n3,"NULL",3,2026-01-01\n', null="NULL")
    assert (run.code, run.counts) == (0, counts(lines=3, updated=3))
    assert table()[:3] == [(1, None, 1, None), (2, "", 2, "2026-01-01"), (3, "NULL", 3, "2026-01-01")]
    assert Run(directory, HEADER + "2,\\N,2,2026-01-01\n", null=r"\N").code == 0
    assert table()[1] == (2, None, 2, "2026-01-01")
    assert Run(directory, HEADER + "2,x,1,2026-01-01\n", null="2").counts == counts(lines=1, missing=1), \
        "a mark that could be the number of a line"


@pytest.mark.parametrize("delimiter", (";", "\t", "|", "^"))
def test_delimiter(table, directory, delimiter):
    content = HEADER.replace(",", delimiter).replace(f"i{delimiter}", "i,") + delimiter.join(
        ["3", f'"a{delimiter}b"', "30", "2026-02-03"]) + "\n" + delimiter.join(["4", "few"]) + "\n"
    run = Run(directory, content, delimiter=delimiter)
    assert (run.code, run.counts) == (0, counts(lines=2, updated=1, malformed=1)), run.errors
    assert table() == changed(table, (3, f"a{delimiter}b", 30, "2026-02-03"))


def test_encoding(table, directory):
    content = (HEADER + "3,é,3,2026-01-01\n").encode("latin-1")
    run = Run(directory, content)
    assert (run.code, "invalid byte sequence" in run.errors, table()) == (3, True, table.old), \
        "a wrong encoding is an error"
    run = Run(directory, content, environment={"PGCLIENTENCODING": "LATIN1"})
    assert (run.code, table()) == (0, changed(table, (3, "é", 3, "2026-01-01"))), run.errors


def test_end_mark(database, directory):
    """A line \\. is data: psql does not end there."""
    database.execute("DROP TABLE IF EXISTS marks; CREATE TABLE marks (name text PRIMARY KEY, value text);"
                     r"INSERT INTO marks VALUES ('\.', 'old'), ('b', 'old')")
    run = Run(directory, "name,value\n\\.,x\n\\.\nb,x\n", table="marks")
    assert (run.counts, [line[:2] for line in run.aside]) == (counts(lines=3, updated=2, malformed=1), [(3, "malformed")])
    database.execute("DROP TABLE marks")


def test_other_key_and_dry_run(database, directory):
    database.execute("DROP TABLE IF EXISTS stock; CREATE TABLE stock (warehouse text, \"s ku\" text, quantity integer,"
                     " UNIQUE (warehouse, \"s ku\")); INSERT INTO stock VALUES ('here', 'nail', 1), ('there', 'nail', 2)")
    content = 'quantity,"s ku",warehouse\n20,nail,there\n30,screw,here\n'
    options = {"table": "stock", "key": 'warehouse,"s ku"'}
    run = Run(directory, content, dry_run="true", **options)
    assert (run.code, run.counts) == (0, counts(lines=2, updated=1, missing=1)), run.errors
    assert database.value("SELECT sum(quantity) FROM stock") == 3
    run = Run(directory, content, **options)
    assert (run.counts, run.aside) == \
        (counts(lines=2, updated=1, missing=1), [(3, "missing", "", '{"s ku": "screw", "warehouse": "here"}')])
    assert database.rows("SELECT quantity FROM stock ORDER BY 1") == [(1,), (20,)]
    database.execute("DROP TABLE stock")


def test_how_to(database, directory):
    """The recipe: its file and its command print what it shows."""
    with open(f"{ROOT}/docs/how-to.md", encoding="utf-8") as file:
        section = re.search(r"^## From a CSV file\n(.*?)^## ", file.read(), re.M | re.S).group(1)
    content, command, output = re.findall(r"^```(?:csv|sh|)\n(.*?)^```", section, re.M | re.S)[:3]
    database.execute("DROP TABLE IF EXISTS objects; CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer"
                     " CONSTRAINT objects_field1_check CHECK (field1 >= 0), field2 text);"
                     "INSERT INTO objects SELECT i, i, 'old' FROM generate_series(1, 25000) i")
    (directory / "new.csv").write_text(content)
    os.symlink(SCRIPT, directory / "csv.sql")
    done = subprocess.run(["sh", "-c", command], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)

    def normal(text):
        return [re.sub(r"-+", "-", " ".join(line.split())) for line in text.splitlines() if line]
    assert normal(done.stdout) == normal(output)
