"""What is particular to Citus; test/citus/run describes the suite."""

import psycopg2
import pytest

from harness import Session

ROWS = 6000
SETUP = f"""
    CREATE TABLE target (id bigint PRIMARY KEY, a int, b text);
    SELECT create_distributed_table('target', 'id', shard_count => 4);
    INSERT INTO target SELECT i, 0, 'old' FROM generate_series(1, {ROWS}) i;
"""
FUNCTION = """
    CREATE FUNCTION staging_tables() RETURNS bigint LANGUAGE sql
    RETURN (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^bulk_update_[0-9]+_')
"""
CLEANUP = "DROP TABLE IF EXISTS target, other, kept CASCADE; DROP FUNCTION IF EXISTS staging_tables"
# Of 100 chunks, which are announced together, and one more, whose rows are read afterwards.
WATCHING = f"SELECT i AS id, staging_tables()::int AS a FROM generate_series(1, {ROWS}) i ORDER BY i"


@pytest.fixture(autouse=True)
def target(session):
    session.run(CLEANUP)
    session.run(SETUP)
    session.run(FUNCTION)
    yield
    session.run("ROLLBACK")
    session.run(CLEANUP)


def call(session, query, returned="rows_updated", **options):
    return session.update("target", query, returned, **options)


def error_of(session, query, **options):
    with pytest.raises(psycopg2.Error) as raised:
        call(session, query, **options)
    return raised.value


@pytest.mark.parametrize("skip_unchanged", ("false", "true"))
def test_many_rows_are_staged_in_a_table_that_nobody_sees_later(session, skip_unchanged):
    assert call(session, WATCHING, chunk_size="50", skip_unchanged=skip_unchanged)[0] in (ROWS, ROWS - 5000)
    assert session.run("SELECT a, count(*) FROM target GROUP BY a ORDER BY a") == [(0, 5000), (1, ROWS - 5000)]
    assert session.value("SELECT staging_tables()") == 0


@pytest.mark.parametrize("mode, updated", (("READ WRITE", ROWS - 5000), ("READ ONLY", 0)))
def test_dry_run_is_staged_unless_read_only(session, mode, updated):
    """Rows that were read while there was a staging table would be updated."""
    session.run(f"BEGIN {mode}")
    assert call(session, WATCHING, "rows_updated, rows_unchanged", chunk_size="50", dry_run="true", skip_unchanged="true") == (
        updated, ROWS - updated)
    session.run("COMMIT")
    assert session.value("SELECT count(*) FROM target WHERE a <> 0") == 0
    assert session.value("SELECT staging_tables()") == 0


def test_skip_with_one_connection_for_each_node(session):
    """The recipe in docs/how-to.md for many bad rows."""
    session.run("ALTER TABLE target ADD CHECK (a >= 0); SET citus.multi_shard_modify_mode = sequential")
    query = f"SELECT i AS id, CASE WHEN i % 1000 = 7 THEN -1 ELSE i END AS a FROM generate_series(1, {ROWS}) i"
    assert call(session, query, "rows_updated, rows_rejected", on_error="'skip'") == (ROWS - 6, 6)
    assert session.value("SELECT count(*) FROM target WHERE a = id") == ROWS - 6


def test_with_applier_sql_no_table_is_created(session):
    session.run("SET bulk_update.applier = sql")
    assert call(session, WATCHING, "rows_updated, applier", chunk_size="50") == (ROWS, "citus")
    assert session.run("SELECT DISTINCT a FROM target") == [(0,)]


def test_without_the_privilege_to_create_tables_no_table_is_created(session):
    session.run("CREATE ROLE clerk LOGIN; GRANT SELECT, UPDATE ON target TO clerk; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        session.run("SET ROLE clerk")
        assert call(session, WATCHING, chunk_size="50") == (ROWS,)
        assert session.run("SELECT DISTINCT a FROM target") == [(0,)]
    finally:
        session.run("RESET ROLE; REVOKE ALL ON target FROM clerk")
        session.run("DROP ROLE clerk")


def test_an_error_leaves_no_table(session):
    query = f"SELECT i AS id, CASE WHEN i = {ROWS} THEN 1 / (i - {ROWS}) ELSE 1 END AS a FROM generate_series(1, {ROWS}) i"
    assert error_of(session, query, chunk_size="50").pgcode == "22012"
    assert session.value("SELECT count(*) FROM target WHERE a <> 0") == 0
    assert session.value("SELECT staging_tables()") == 0


def test_explain_names_the_applier(session):
    assert session.value("SELECT detail FROM bulk_update_explain_query('target', 'SELECT id, a FROM target')"
                         " WHERE topic = 'applier'") == "citus: The table is known to Citus."


def test_key_needs_the_distribution_column(session):
    session.run("CREATE TABLE other (tenant int, id int, a int, PRIMARY KEY (tenant, id));"
                " SELECT create_distributed_table('other', 'tenant')")
    with pytest.raises(psycopg2.Error) as raised:
        session.run("SELECT * FROM bulk_update_query('other', 'SELECT 1 AS id, 2 AS a', key_columns => '{id}')")
    assert raised.value.pgcode == "42P10"
    assert raised.value.diag.message_hint == ("A unique index on a distributed table has the distribution column: "
                                              "column tenant must be among the key columns.")


def test_what_citus_refuses_is_its_error(session):
    session.run("CREATE EXTENSION IF NOT EXISTS citus_columnar")
    session.run("CREATE TABLE other (id int PRIMARY KEY, a int) USING columnar;"
                " SELECT create_distributed_table('other', 'id'); INSERT INTO other VALUES (1, 1)")
    with pytest.raises(psycopg2.Error) as ours:
        session.run("SELECT * FROM bulk_update_query('other', 'SELECT 1 AS id, 2 AS a', on_error => 'skip')")
    with pytest.raises(psycopg2.Error) as theirs:
        session.run("UPDATE other SET a = 2")
    assert ours.value.diag.message_primary == theirs.value.diag.message_primary


@pytest.mark.parametrize("mode", ("force_generic_plan", "force_custom_plan"))
def test_plan_cache_mode_does_not_matter(session, mode):
    session.run(f"SET plan_cache_mode = {mode}")
    assert call(session, "SELECT id, 1 AS a FROM target", skip_unchanged="true") == (ROWS,)


def test_old_values_are_those_that_were_replaced(session):
    """Another transaction changes a row after the statement's snapshot: its value is the old one."""
    session.run("SELECT bulk_update_create_old_values('kept', 'target', '{a}')")
    with Session() as other:
        other.run("BEGIN")
        other.run("UPDATE target SET a = 42 WHERE id = 7")
        statement = session.background("SELECT rows_updated FROM bulk_update_query('target',"
                                       " 'SELECT i AS id, -1 AS a FROM generate_series(1, 10) i',"
                                       " old_values => 'kept', report => 'total')")
        with Session() as observer:
            observer.wait_until("EXISTS (SELECT FROM citus_lock_waits)", unless=statement)
        other.run("COMMIT")
        statement.wait()
    assert statement.rows == [(10,)], statement.error
    assert session.run("SELECT old_a, new_a FROM kept WHERE id = 7") == [(42, -1)]


def test_a_call_on_each_shard(session):
    """The recipe in docs/how-to.md."""
    session.run("CREATE TABLE other (id bigint PRIMARY KEY, a int)")
    session.run("SELECT create_distributed_table('other', 'id', colocate_with => 'target')")
    session.run("INSERT INTO other SELECT i, 1 FROM generate_series(11, 1000) i")
    assert session.run("""
        SELECT success, count(*), sum((result::json ->> 'rows_updated')::bigint), min(result::json ->> 'applier')
        FROM run_command_on_colocated_placements('target', 'other', $$
            SELECT row_to_json(r)
            FROM bulk_update_query('%1$s', 'SELECT id, a FROM %2$s ORDER BY id', report => 'total') AS r $$)
        GROUP BY success""") == [(True, 4, 990, "direct")]
    assert session.run("SELECT a, count(*) FROM target GROUP BY a ORDER BY a") == [(0, ROWS - 990), (1, 990)]
