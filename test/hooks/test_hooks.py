"""bulk_update together with other modules that have hooks; test/hooks/run describes the suite."""

import os

import psycopg2
import pytest

SETUP = """
    CREATE EXTENSION bulk_update;
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE plain (id int PRIMARY KEY, v int CHECK (v >= 0));
    INSERT INTO plain SELECT i, 0 FROM generate_series(1, 30) i;
    CREATE TABLE parted (id int PRIMARY KEY, v int CHECK (v >= 0)) PARTITION BY RANGE (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (16);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (16) TO (MAXVALUE);
    INSERT INTO parted TABLE plain;
    CREATE TABLE source AS SELECT i AS id, i * 2 AS v FROM generate_series(1, 25) i;
"""
CALL = ("SELECT applier, sum(rows_updated)::int FROM bulk_update_query('{table}', 'TABLE source', chunk_size => 10)"
        " GROUP BY applier")
EXPLAIN = ("SELECT substring(detail FROM '^[a-z]+') FROM bulk_update_explain_query('{table}', 'TABLE source')"
           " WHERE topic = 'applier'")
BAD = "SELECT * FROM bulk_update_query('{table}', 'SELECT id, CASE id WHEN 12 THEN -1 ELSE v END AS v FROM source')"
WRONG = ("SELECT count(*) FROM {table} t LEFT JOIN source s USING (id)"
         " WHERE t.v IS DISTINCT FROM coalesce(s.v, 0)")


def error_of(session, query):
    try:
        session.run(query)
    except psycopg2.Error as error:
        return error.pgcode, "at source row 12 with key (id)=(12)" in (error.diag.context or "")
    return None


def loaded(session, modules):
    for module in modules:
        session.run(f"LOAD '{module}'")
    if "auto_explain" in modules:
        session.run("SET auto_explain.log_min_duration = 0; SET auto_explain.log_level = notice;"
                    " SET auto_explain.log_nested_statements = on")


ORDERS = pytest.mark.parametrize("modules", [
    ("bulk_update",), ("auto_explain", "bulk_update"), ("bulk_update", "auto_explain")],
    ids=("pg_stat_statements", "auto_explain before", "auto_explain after"))
TABLES = pytest.mark.parametrize("table", ("plain", "parted"))
CUSTOM_UPDATE = os.environ["CUSTOM_UPDATE"]


@pytest.fixture(scope="module", autouse=True)
def tables(admin):
    admin.run(SETUP)


def test_pg_stat_statements_is_loaded(session):
    assert "pg_stat_statements" in session.value("SHOW shared_preload_libraries")


@ORDERS
@pytest.mark.parametrize("applier", ("direct", "sql"))
@TABLES
def test_calls(session, modules, applier, table):
    """The report, the table, an error that names its row; auto_explain sees a plan for each chunk."""
    loaded(session, modules)
    session.run(f"SET bulk_update.applier = {applier}; BEGIN; SELECT pg_stat_statements_reset()")
    del session.connection.notices[:]
    assert session.run(CALL.format(table=table)) == [(applier, 25)]
    plans = [notice for notice in session.connection.notices if f"UPDATE public.{table} AS t" in notice]
    assert session.value(WRONG.format(table=table)) == 0
    assert error_of(session, "SAVEPOINT s; " + BAD.format(table=table)) == ("23514", True)
    session.run("ROLLBACK")
    if "auto_explain" in modules:
        assert len(plans) == (3 if applier == "sql" else 0)


@ORDERS
def test_statements_of_chunks_are_counted(session, modules):
    loaded(session, modules)
    session.run("SET bulk_update.applier = sql; SELECT pg_stat_statements_reset(); BEGIN")
    session.run(CALL.format(table="plain"))
    session.run("ROLLBACK")
    assert session.run("SELECT calls, rows FROM pg_stat_statements WHERE query LIKE 'UPDATE public.plain AS t%'") == [(3, 25)]


@pytest.mark.parametrize("modules", [(CUSTOM_UPDATE, "bulk_update"), ("bulk_update", CUSTOM_UPDATE)],
                         ids=("custom_update before", "custom_update after"))
@TABLES
def test_node_on_top_of_update(session, modules, table):
    """An extension that adds work to an UPDATE (as TimescaleDB does for a chunk) is called for each chunk."""
    loaded(session, modules)
    for custom in (True, False):
        applier = "sql" if custom else "direct"
        session.run(f"SET custom_update.relation = '{table if custom else ''}'")
        assert session.value(EXPLAIN.format(table=table)) == applier
        session.run("BEGIN")
        del session.connection.notices[:]
        assert session.run(CALL.format(table=table)) == [(applier, 25)]
        assert sum("custom node" in notice for notice in session.connection.notices) == (3 if custom else 0)
        assert session.value(WRONG.format(table=table)) == 0
        assert error_of(session, "SAVEPOINT s; " + BAD.format(table=table)) == ("23514", True)
        session.run("ROLLBACK")
