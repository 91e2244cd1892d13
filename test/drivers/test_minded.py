"""What docs/drivers.md says about drivers, apart from its programs."""

import asyncio
import json

import psycopg2
import pytest

import npm
import programs
from programs import HERE
from test_page import program_of

ARRAYS = ([1, 2], [10, None], ["a", None])
CALL = """SELECT rows_updated FROM bulk_update_arrays('objects', '{{id, field1, field2}}', ROW({}), report => 'total')"""
DECLARE = "DECLARE new_values CURSOR FOR SELECT * FROM jsonb_to_recordset({}) AS n(id bigint, field1 integer)"
UPDATE = "SELECT rows_updated FROM bulk_update({}, {}, report => 'total')"
JSON = json.dumps([{"id": 1, "field1": 10}])


def cast(*parameters):
    return ", ".join(f"{name}::{kind}[]" for name, kind in zip(parameters, ("bigint", "integer", "text")))


def test_psycopg2(objects):
    """It writes arrays into the statement, so they need no cast, not even if they are empty or have only nulls."""
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        for arrays, updated in ((ARRAYS, 2), (([], [], []), 0), (([1], [None], [None]), 1)):
            cursor.execute(CALL.format("%s, %s, %s"), arrays)
            assert cursor.fetchone() == (updated,)
        cursor.execute(DECLARE.format("%s"), [JSON])
        cursor.execute(UPDATE.format("%s", "%s"), ["objects", "new_values"])
        assert cursor.fetchone() == (1,)


def test_psycopg3(objects):
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect("") as connection:
        with pytest.raises(psycopg.errors.IndeterminateDatatype):
            connection.execute(CALL.format("%s, %s, %s"), ARRAYS)
        connection.rollback()
        assert connection.execute(CALL.format(cast("%s", "%s", "%s")), ARRAYS).fetchall() == [(2,)]
        connection.execute(DECLARE.format("%s"), [JSON])
        assert connection.execute(UPDATE.format("%s", "%s"), ["objects", "new_values"]).fetchall() == [(1,)]


def test_asyncpg(objects):
    asyncpg = pytest.importorskip("asyncpg")

    async def main():
        connection = await asyncpg.connect()
        with pytest.raises(asyncpg.IndeterminateDatatypeError):
            await connection.fetch(CALL.format("$1, $2, $3"), *ARRAYS)
        assert await connection.fetchval(CALL.format(cast("$1", "$2", "$3")), *ARRAYS) == 2
        async with connection.transaction():
            await connection.execute(DECLARE.format("$1"), JSON)
            assert await connection.fetchval(UPDATE.format("$1", "$2"), "objects", "new_values") == 1
        await connection.close()

    asyncio.run(main())


def test_row_type_of_the_table(objects):
    """The columns have to be named: the others would become null."""
    for columns, rows in (("id, field1", [(1, 10, "old")]), ("*", [(1, 10, None)])):
        objects.run("BEGIN")
        objects.run(f"DECLARE new_values CURSOR FOR SELECT {columns} FROM jsonb_populate_recordset(NULL::objects, %s)", [JSON])
        objects.run("SELECT * FROM bulk_update('objects', 'new_values')")
        objects.run("COMMIT")
        assert objects.run("SELECT * FROM objects WHERE id = 1") == rows


def fetched_from(execute, name):
    """How many of 5000 rows bulk_update gets from a named cursor, and the first of them."""
    return execute(f"SELECT rows_fetched, first_key FROM bulk_update('objects', '{name}', report => 'total')").fetchone()


def test_named_cursors(objects):
    """Those of psycopg2 and psycopg 3 have read no rows when execute has returned, those of SQLAlchemy have."""
    query = "SELECT id, 5 AS field1 FROM generate_series(1, 5000) AS id"
    connection = psycopg2.connect("")
    connection.cursor("new_values").execute(query)
    cursor = connection.cursor()

    def execute(statement):
        cursor.execute(statement)
        return cursor
    assert fetched_from(execute, "new_values") == (5000, "1")
    connection.close()

    sqlalchemy = pytest.importorskip("sqlalchemy")
    with sqlalchemy.create_engine("postgresql+psycopg2://").begin() as connection:
        result = connection.execute(sqlalchemy.text(query).execution_options(stream_results=True))
        rows, first = fetched_from(lambda statement: connection.execute(sqlalchemy.text(statement)), result.cursor.name)
        assert rows < 5000 and first != "1"

    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect("") as connection:
        cursor = connection.cursor("new_values")
        cursor.execute(query)
        assert fetched_from(connection.execute, "new_values") == (5000, "1")


def test_sqlalchemy_psycopg3(objects, directory):
    """The program of the page with another driver."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    if sqlalchemy.__version__ < "2":
        pytest.skip(f"SQLAlchemy {sqlalchemy.__version__} does not know psycopg 3")
    file = directory / "program.py"
    file.write_text(program_of("SQLAlchemy")[1].replace("postgresql+psycopg2", "postgresql+psycopg"))
    done = programs.run(programs.python, file, "psycopg")
    assert (done.returncode, done.stdout) == (0, "2 updated, 1 missing\n"), done.stderr


def test_sqlalchemy_cast(objects):
    """A parameter is not found in front of the operator ::."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("postgresql+psycopg2://")
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="syntax error"), engine.begin() as connection:
        connection.execute(sqlalchemy.text(DECLARE.format(":rows::jsonb")), {"rows": JSON})


def test_sqlalchemy_asyncpg(objects):
    """The statements of the page, asynchronously."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("asyncpg")
    from sqlalchemy.ext.asyncio import create_async_engine

    async def main():
        engine = create_async_engine("postgresql+asyncpg://")
        async with engine.begin() as connection:
            await connection.execute(sqlalchemy.text(DECLARE.format("CAST(:rows AS jsonb)")), {"rows": JSON})
            result = await connection.execute(sqlalchemy.text(UPDATE.format(":target", ":source")),
                                              {"target": "objects", "source": "new_values"})
            assert result.all() == [(1,)]
        await engine.dispose()

    asyncio.run(main())


def lines_of(language, file, needed=None):
    try:
        done = programs.run(language, file, needed)
    except npm.Unavailable as reason:
        pytest.skip(str(reason))
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_node(objects):
    counted, element = '[{"rows_updated":"2"}]', '[{"id":1}]'
    assert lines_of(programs.node, HERE / "minded.js") == {
        "pg, no cast": "42P18", "pg, cast": counted, "pg, text": counted, "pg, array as JSON": "22P02",
        "pg, JSON": element, "postgres.js, no cast": "42P18", "postgres.js, string": "22023",
        "postgres.js, json": element, "postgres.js, COPY": '[{"count":"2"}]',
        "Sequelize, replacements": "42804", "Sequelize, bind": counted}


def test_jdbc(objects):
    assert lines_of(programs.java, HERE / "Minded.java") == {
        "name of the cursor": "1", "JSON, no cast": "42883", "JSON, cast": "1", "autocommit": "25P01",
        "columns, no cast": "42883", "columns, cast": "1", "columns, array": "1", "arrays": "2"}


def test_r(objects, directory):
    """dbWriteTable creates a permanent table, which stays empty."""
    file = directory / "program.R"
    file.write_text("""
        suppressMessages(library(RPostgreSQL))
        connection <- dbConnect(PostgreSQL())
        invisible(dbExecute(connection, "CREATE TEMPORARY TABLE written (id integer)"))
        invisible(dbWriteTable(connection, "written", data.frame(id = 1L), append = TRUE, row.names = FALSE))
        cat("temporary:", dbGetQuery(connection, "SELECT count(*) AS n FROM pg_temp.written")$n, "\\n")
        cat("permanent:", dbGetQuery(connection, "SELECT count(*) AS n FROM public.written")$n, "\\n")
        invisible(dbDisconnect(connection))""")
    try:
        lines = lines_of(programs.r, file, "RPostgreSQL")
        assert {name: value.strip() for name, value in lines.items()} == {"temporary": "1", "permanent": "0"}
    finally:
        objects.run("DROP TABLE IF EXISTS public.written")
