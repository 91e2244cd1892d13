"""bulk_update of columns of PostGIS; test/postgis/run describes the suite."""

import psycopg2
import pytest

ROWS = 2000
SETUP = f"""
    CREATE EXTENSION postgis;
    CREATE EXTENSION bulk_update;
    CREATE TABLE places (id int PRIMARY KEY, name text, shape geometry(Point, 4326), spot geography(Point, 4326));
    CREATE INDEX places_shape ON places USING gist (shape);
    CREATE INDEX places_spot ON places USING gist (spot);
    INSERT INTO places
    SELECT i, 'place ' || i, ST_SetSRID(ST_MakePoint(i % 180, i % 90), 4326), NULL FROM generate_series(1, {ROWS}) i;
    CREATE TABLE expected (LIKE places INCLUDING ALL);

    -- Not in key order, and ten keys are missing.
    CREATE TABLE moved AS
    SELECT i AS id, ST_SetSRID(ST_MakePoint((i * 7) % 180 + 0.5, -(i % 90)), 4326) AS shape
    FROM generate_series({ROWS} + 10, 1, -1) i;
"""
SOURCES = {
    "geometry": "SELECT id, shape, shape::geography AS spot FROM moved",
    "EWKB as text": "SELECT id::text, encode(ST_AsEWKB(shape), 'hex') AS shape,"
                    " encode(ST_AsEWKB(shape::geography::geometry), 'hex') AS spot FROM moved",
    "EWKT as text": "SELECT id, ST_AsEWKT(shape) AS shape, ST_AsEWKT(shape) AS spot FROM moved",
}

pytestmark = pytest.mark.usefixtures("undone")


@pytest.fixture(scope="module", autouse=True)
def tables(admin):
    admin.run(SETUP)


def wrong_rows(session):
    session.run("INSERT INTO expected TABLE places;"
                " UPDATE expected SET shape = m.shape, spot = m.shape::geography FROM moved m WHERE m.id = expected.id")
    return session.value("SELECT count(*) FROM places p FULL JOIN expected e USING (id) WHERE"
                         " ROW(p.name, ST_AsEWKB(p.shape), ST_AsEWKB(p.spot::geometry)) IS DISTINCT FROM"
                         " ROW(e.name, ST_AsEWKB(e.shape), ST_AsEWKB(e.spot::geometry))")


@pytest.mark.parametrize("applier", ("direct", "sql"))
@pytest.mark.parametrize("source", SOURCES)
def test_values_are_those_of_update(session, source, applier):
    session.run(f"SET LOCAL bulk_update.applier = {applier}")
    assert session.update("places", SOURCES[source], "rows_updated, rows_missing, applier") == (ROWS, 10, applier)
    session.run("SET LOCAL bulk_update.applier = DEFAULT")
    assert wrong_rows(session) == 0


def test_indexes_find_the_new_values(session):
    session.update("places", SOURCES["EWKB as text"])
    counts = []
    for scan in ("enable_seqscan", "enable_bitmapscan"):
        session.run(f"SET LOCAL {scan} = off")
        counts.append(session.run(
            "SELECT (SELECT count(*) FROM places WHERE shape && ST_MakeEnvelope(0, -90, 90, -1, 4326)),"
            " (SELECT count(*) FROM places WHERE ST_DWithin(spot, 'POINT(10.5 -10)'::geography, 500000))")[0])
        session.run("RESET enable_seqscan; RESET enable_bitmapscan")
    by_index, by_scan = counts
    assert by_index == by_scan and min(by_index) > 0


def test_values_that_are_no_geometry_are_set_aside(session):
    session.run("SELECT bulk_update_create_rejects('rejects')")
    bad = """VALUES (1, 'POINT(1 2)', 'SRID=4326;POINT(1 2)'), (2, 'SRID=4326;POINT(2 3)', 'SRID=4326;POINT(2 3)'),
        (3, 'SRID=3857;POINT(1 2)', NULL), (4, 'SRID=4326;LINESTRING(0 0, 1 1)', NULL), (5, NULL, 'LINESTRING(0 0, 1 1)')"""
    assert session.update("places", bad, "rows_updated, rows_rejected", columns="'{id, shape, spot}'", on_error="'skip'",
                          rejects="'rejects'") == (2, 3)
    assert [key for (key,) in session.run("SELECT (key->>'id')::int FROM rejects ORDER BY source_row")] == [3, 4, 5]


def test_text_that_is_no_geometry_ends_the_call(session):
    """PostGIS raises an internal error for it, which may be more than a row's."""
    with pytest.raises(psycopg2.errors.InternalError_) as raised:
        session.update("places", "VALUES (1, 'SRID=4326;POINT(1 2)'), (2, '0101')", columns="'{id, shape}'", on_error="'skip'")
    assert 'source row 2, column "shape"' in raised.value.diag.context


def test_unchanged_rows_are_skipped(session):
    session.update("places", SOURCES["geometry"])
    assert session.update("places", SOURCES["EWKB as text"], "rows_updated, rows_unchanged", skip_unchanged="true") == (0, ROWS)


def test_stale_rows_are_left(session):
    query = "SELECT p.id, m.shape, CASE WHEN p.id > 100 THEN p.shape END FROM places p JOIN moved m USING (id)"
    assert session.update("places", query, "rows_updated, rows_stale", columns="'{id, shape}'",
                          expected_columns="'{shape}'") == (ROWS - 100, 100)


def test_undo_restores_the_old_values(session):
    session.run("SELECT bulk_update_create_old_values('kept', 'places', '{shape, spot}')")
    session.run("CREATE TEMP TABLE before AS TABLE places")
    session.update("places", SOURCES["EWKB as text"], old_values="'kept'")
    assert session.run("SELECT rows_updated, rows_stale FROM bulk_update_undo('places', 'kept', report => 'total')"
                       ) == [(ROWS, 0)]
    assert session.value("SELECT count(*) FROM places p FULL JOIN before b USING (id) WHERE ROW(ST_AsEWKB(p.shape),"
                         " p.spot::text) IS DISTINCT FROM ROW(ST_AsEWKB(b.shape), b.spot::text)") == 0
