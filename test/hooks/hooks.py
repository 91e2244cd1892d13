"""bulk_update beside other modules that have hooks; test/hooks/run says what it is."""

import os
import sys

import psycopg2

from harness import Session, equal, finish, ok

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


def check(order, modules):
    """In a session that has loaded the modules in this order."""
    with Session() as session:
        for module in modules:
            session.run(f"LOAD '{module}'")
        if "auto_explain" in modules:
            session.run("SET auto_explain.log_min_duration = 0; SET auto_explain.log_level = notice;"
                        " SET auto_explain.log_nested_statements = on")
        for applier in ("direct", "sql"):
            for table in ("plain", "parted"):
                name = f"{order}, {applier}, {table}"
                session.run(f"SET bulk_update.applier = {applier}; BEGIN; SELECT pg_stat_statements_reset()")
                del session.connection.notices[:]
                equal(session.run(CALL.format(table=table)), [(applier, 25)], f"{name}: the report")
                plans = [notice for notice in session.connection.notices if f"UPDATE public.{table} AS t" in notice]
                equal(session.value(WRONG.format(table=table)), 0, f"{name}: the table")
                equal(error_of(session, "SAVEPOINT s; " + BAD.format(table=table)), ("23514", True),
                      f"{name}: an error names its row")
                session.run("ROLLBACK")
                if "auto_explain" in modules:
                    equal(len(plans), 3 if applier == "sql" else 0, f"{name}: auto_explain sees a plan for each chunk")

        session.run("SET bulk_update.applier = sql; SELECT pg_stat_statements_reset(); BEGIN")
        session.run(CALL.format(table="plain"))
        session.run("ROLLBACK")
        equal(session.run("SELECT calls, rows FROM pg_stat_statements WHERE query LIKE 'UPDATE public.plain AS t%'"),
              [(3, 25)], f"{order}: pg_stat_statements counts the statements of the chunks")


def check_custom_node(order, modules):
    """An extension that only has more to do for an UPDATE (as TimescaleDB for a chunk) gets to do it."""
    with Session() as session:
        for module in modules:
            session.run(f"LOAD '{module}'")
        for table in ("plain", "parted"):
            for custom in (True, False):
                name = f"{order}, {table}, {'with' if custom else 'without'} a node on top of UPDATE"
                applier = "sql" if custom else "direct"
                session.run(f"SET custom_update.relation = '{table if custom else ''}'")
                equal(session.value(EXPLAIN.format(table=table)), applier, f"{name}: explain")
                session.run("BEGIN")
                del session.connection.notices[:]
                equal(session.run(CALL.format(table=table)), [(applier, 25)], f"{name}: the report")
                equal(sum("custom node" in notice for notice in session.connection.notices), 3 if custom else 0,
                      f"{name}: the node runs for each chunk")
                equal(session.value(WRONG.format(table=table)), 0, f"{name}: the table")
                equal(error_of(session, "SAVEPOINT s; " + BAD.format(table=table)), ("23514", True),
                      f"{name}: an error names its row")
                session.run("ROLLBACK")


def main():
    with Session() as admin:
        admin.run(SETUP)
        ok("pg_stat_statements" in admin.value("SHOW shared_preload_libraries"), "pg_stat_statements is loaded")
    check("pg_stat_statements", ["bulk_update"])
    check("auto_explain before", ["auto_explain", "bulk_update"])
    check("auto_explain after", ["bulk_update", "auto_explain"])
    custom_update = os.environ["CUSTOM_UPDATE"]
    check_custom_node("custom_update before", [custom_update, "bulk_update"])
    check_custom_node("custom_update after", ["bulk_update", custom_update])
    return finish()


if __name__ == "__main__":
    sys.exit(main())
