"""bulk_update of columns of pgvector; test/pgvector/run describes the suite."""

import pytest

ROWS = 500
SETUP = f"""
    CREATE EXTENSION vector;
    CREATE EXTENSION bulk_update;
    CREATE TABLE items (id bigint PRIMARY KEY, embedding vector(3));
    CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops);
    INSERT INTO items SELECT i, ARRAY[i, 0, 0]::real[] FROM generate_series(1, {ROWS}) i;
    CREATE TABLE expected (id bigint PRIMARY KEY, embedding vector(3));

    -- Not in key order, and ten keys are missing.
    CREATE TABLE computed AS SELECT i AS id, ARRAY[i % 10, i / 10, 0.5]::real[]::vector AS embedding
    FROM generate_series({ROWS} + 10, 1, -1) i;
"""
SOURCES = {
    "vector": "TABLE computed",
    "array": "SELECT id, embedding::real[] AS embedding FROM computed",
    "text": "SELECT id::text, embedding::text AS embedding FROM computed",
}

pytestmark = pytest.mark.usefixtures("undone")


@pytest.fixture(scope="module", autouse=True)
def tables(admin):
    admin.run(SETUP)


@pytest.mark.parametrize("applier", ("direct", "sql"))
@pytest.mark.parametrize("source", SOURCES)
def test_values_are_those_of_update(session, source, applier):
    session.run(f"SET LOCAL bulk_update.applier = {applier}")
    assert session.update("items", SOURCES[source], "rows_updated, rows_missing, applier") == (ROWS, 10, applier)
    session.run("SET LOCAL bulk_update.applier = DEFAULT")
    session.run("INSERT INTO expected TABLE items;"
                " UPDATE expected e SET embedding = c.embedding FROM computed c WHERE c.id = e.id")
    assert session.value("SELECT count(*) FROM items i FULL JOIN expected e USING (id)"
                         " WHERE i.embedding::text IS DISTINCT FROM e.embedding::text") == 0


def test_index_finds_the_new_values(session):
    session.update("items", SOURCES["text"])
    session.run("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    nearest = "SELECT id FROM items ORDER BY embedding <-> '[3, 21, 0.5]' LIMIT 1"
    assert "items_embedding" in "".join(line for (line,) in session.run("EXPLAIN " + nearest))
    assert session.value(nearest) == 213


def test_values_that_are_no_vector_are_set_aside(session):
    session.run("SELECT bulk_update_create_rejects('rejects')")
    bad = "VALUES (1, '[1,2,3]'), (2, '[1,2]'), (3, '1,2,3'), (4, '[1,2,NaN]'), (5, '[4,5,6]')"
    assert session.update("items", bad, "rows_updated, rows_rejected", columns="'{id, embedding}'", on_error="'skip'",
                          rejects="'rejects'") == (2, 3)
    assert [key for (key,) in session.run("SELECT (key->>'id')::int FROM rejects ORDER BY source_row")] == [2, 3, 4]


def test_unchanged_rows_are_skipped(session):
    session.update("items", SOURCES["vector"])
    assert session.update("items", SOURCES["text"], "rows_updated, rows_unchanged", skip_unchanged="true") == (0, ROWS)


def test_stale_rows_are_left(session):
    query = "SELECT i.id, c.embedding, CASE WHEN i.id > 100 THEN i.embedding END FROM items i JOIN computed c USING (id)"
    assert session.update("items", query, "rows_updated, rows_stale", columns="'{id, embedding}'",
                          expected_columns="'{embedding}'") == (ROWS - 100, 100)


def test_undo_restores_the_old_values(session):
    session.run("SELECT bulk_update_create_old_values('kept', 'items', '{embedding}')")
    session.run("CREATE TEMP TABLE before AS TABLE items")
    session.update("items", SOURCES["array"], old_values="'kept'")
    assert session.run("SELECT rows_updated, rows_stale FROM bulk_update_undo('items', 'kept', report => 'total')"
                       ) == [(ROWS, 0)]
    assert session.value("SELECT count(*) FROM items i FULL JOIN before b USING (id)"
                         " WHERE i.embedding::text IS DISTINCT FROM b.embedding::text") == 0
