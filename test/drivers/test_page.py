"""The programs of docs/drivers.md, each as the page shows it."""

import re

import pytest

import npm
import programs
from programs import TREE

PAGE = (TREE / "docs" / "drivers.md").read_text()
FENCE = r"^```(\w+)\n(.*?)^```"

# The heading of each program, its language, and what has to be installed.
DRIVERS = {
    "psycopg2": (programs.python, "psycopg2"),
    "psycopg 3": (programs.python, "psycopg"),
    "asyncpg": (programs.python, "asyncpg"),
    "SQLAlchemy": (programs.python, "sqlalchemy"),
    "node-postgres": (programs.node, None),
    "postgres.js": (programs.node, None),
    "Knex": (programs.node, None),
    "Kysely": (programs.node, None),
    "TypeORM": (programs.node, None),
    "Drizzle": (programs.node, None),
    "Sequelize": (programs.node, None),
    "Active Record": (programs.ruby, "active_record"),
    "JDBC": (programs.java, None),
    "pgx": (programs.go, None),
    "DBD::Pg": (programs.perl, "DBD::Pg"),
    "PDO": (programs.php, "pdo_pgsql"),
    "R": (programs.r, "RPostgreSQL, jsonlite"),
}
SUFFIX = {"python": "py", "js": "js", "ruby": "rb", "java": "java", "go": "go", "perl": "pl", "php": "php", "r": "R"}


def program_of(name):
    section = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M).group(1)
    return re.search(FENCE, section, re.S | re.M).groups()


def test_page():
    """Every program of the page is in the list, and every driver of the list on the page."""
    programs_of_page = [name for name, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
                        if re.search(r"^```(?!sql)\w", section, re.M)]
    assert programs_of_page == list(DRIVERS)
    assert len(re.findall(r"^```(?!sql\n)\w", PAGE, re.M)) == len(DRIVERS), "one program for each"


@pytest.mark.parametrize("name", DRIVERS)
def test_program(name, objects, directory):
    """As the page shows it, and with an empty text, which must not become a null."""
    language, needed = DRIVERS[name]
    kind, text = program_of(name)
    # Not a name that the program would import.
    file = directory / f"program_{re.sub(r'[^a-z0-9]', '', name.lower())}.{SUFFIX[kind]}"
    empty = re.sub(r"""(["'])one\1""", r"\1\1", text)
    assert empty != text
    for program, value in ((text, "one"), (empty, "")):
        file.write_text(program)
        try:
            done = programs.run(language, file, needed)
        except npm.Unavailable as reason:
            pytest.skip(str(reason))
        assert (done.returncode, done.stdout) == (0, "2 updated, 1 missing\n"), done.stderr
        assert objects.run("SELECT * FROM objects ORDER BY id") == \
            [(1, 10, value), (2, None, 'tab\t, "quotes", \\ and é'), (3, 3, "old")]
    assert objects.value("SELECT count(*) FROM pg_class WHERE relname = 'new_values'") == 0, "nothing is left"
