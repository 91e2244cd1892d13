"""bulk_update of TimescaleDB's hypertables; test/timescaledb/run describes the suite."""

import time

import psycopg2
import pytest

ROWS = 4000
CHUNKS = 20
SETUP = f"""
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    CREATE EXTENSION IF NOT EXISTS bulk_update;

    -- A reading an hour: {ROWS // CHUNKS} in each chunk.
    CREATE TABLE readings (device int, at timestamptz, value int CONSTRAINT positive CHECK (value >= 0), note text,
        PRIMARY KEY (device, at));
    SELECT create_hypertable('readings', 'at', chunk_time_interval => interval '{ROWS // CHUNKS // 2} hours');
    INSERT INTO readings
    SELECT i % 2, '2026-01-01 00:00+00'::timestamptz + i / 2 * interval '1 hour', i, 'old'
    FROM generate_series(0, {ROWS - 1}) i;
    CREATE TABLE expected AS TABLE readings;

    -- Not in key order, and ten keys are missing.
    CREATE TABLE corrected AS
    SELECT i % 2 AS device, '2026-01-01 00:00+00'::timestamptz + i / 2 * interval '1 hour' AS at, i * 2 AS value,
        'new' AS note
    FROM generate_series({ROWS} + 9, 0, -1) i;
"""
# One by one: TimescaleDB 2.19 drops no hypertable together with other tables.
CLEANUP = "; ".join(f"DROP TABLE IF EXISTS {table} CASCADE"
                    for table in ("readings", "expected", "corrected", "rejects", "kept", "before"))
COMPRESS = """
    ALTER TABLE readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'device',
        timescaledb.compress_orderby = 'at');
"""
DAILY = """
    CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS
    SELECT time_bucket('1 day', at) AS day, sum(value) AS total FROM readings GROUP BY 1 WITH NO DATA
"""


@pytest.fixture(autouse=True)
def tables(session):
    session.run("SET client_min_messages = error")
    session.run("CREATE EXTENSION IF NOT EXISTS timescaledb")
    session.run(CLEANUP)
    session.run(SETUP)
    yield
    session.run("ROLLBACK")
    session.run(CLEANUP)


def has_full_license(session):
    return session.value("SELECT current_setting('timescaledb.license')") == "timescale"


def unless_left_out(session, query):
    """Run what a package of TimescaleDB's free part alone leaves out."""
    try:
        session.run(query)
    except psycopg2.errors.FeatureNotSupported as error:
        if has_full_license(session):
            raise
        pytest.skip("the package of TimescaleDB leaves this out: " + error.diag.message_primary)


def compressed(session, chunks):
    """Compress the first chunks."""
    unless_left_out(session, COMPRESS)
    session.run(f"SELECT compress_chunk(c) FROM (SELECT c FROM show_chunks('readings') c ORDER BY 1 LIMIT {chunks}) s")


def call(session, query="TABLE corrected", returned="rows_updated, rows_missing", **options):
    return session.update("readings", query, returned, **options)


def wrong_rows(session):
    session.run("UPDATE expected e SET value = c.value, note = c.note FROM corrected c"
                " WHERE (c.device, c.at) = (e.device, e.at)")
    return session.value("SELECT count(*) FROM readings r FULL JOIN expected e USING (device, at)"
                         " WHERE r.note IS NULL OR e.note IS NULL OR (r.value, r.note) IS DISTINCT FROM (e.value, e.note)")


@pytest.mark.parametrize("ordering", ("auto", "sort", "place"))
def test_hypertable(session, ordering):
    assert call(session, ordering=f"'{ordering}'", chunk_size="700") == (ROWS, 10)
    assert wrong_rows(session) == 0


def test_bad_rows_are_set_aside(session):
    session.run("SELECT bulk_update_create_rejects('rejects')")
    query = "SELECT device, at, CASE WHEN value % 1000 = 6 THEN -1 ELSE value END AS value FROM corrected"
    assert call(session, query, "rows_updated, rows_missing, rows_rejected", on_error="'skip'",
                rejects="'rejects'") == (ROWS - 8, 10, 8)
    assert session.value("SELECT count(*) FROM rejects WHERE reason = 'error' AND sqlstate = '23514'") == 8


def test_unchanged_rows_are_skipped(session):
    call(session)
    assert call(session, returned="rows_updated, rows_unchanged", skip_unchanged="true") == (0, ROWS)


def test_dry_run_counts_and_writes_nothing(session):
    assert call(session, dry_run="true") == (ROWS, 10)
    assert session.value("SELECT count(*) FROM readings WHERE note <> 'old'") == 0


def test_undo_restores_the_old_values(session):
    session.run("SELECT bulk_update_create_old_values('kept', 'readings', '{value, note}');"
                " CREATE TABLE before AS TABLE readings")
    call(session, old_values="'kept'")
    assert session.run("SELECT rows_updated, rows_stale FROM bulk_update_undo('readings', 'kept', report => 'total')"
                       ) == [(ROWS, 0)]
    assert session.run("TABLE readings EXCEPT TABLE before") == []


@pytest.mark.parametrize("chunks", (CHUNKS // 2, CHUNKS))
def test_compressed_chunks(session, chunks):
    compressed(session, chunks)
    assert call(session) == (ROWS, 10)
    assert wrong_rows(session) == 0


def test_bad_rows_of_compressed_chunks_are_set_aside(session):
    compressed(session, CHUNKS // 2)
    query = "SELECT device, at, CASE WHEN value % 1000 = 6 THEN -1 ELSE value END AS value FROM corrected"
    assert call(session, query, "rows_updated, rows_missing, rows_rejected", on_error="'skip'") == (ROWS - 8, 10, 8)


def test_continuous_aggregate(session):
    unless_left_out(session, DAILY)
    session.run("CALL refresh_continuous_aggregate('daily', NULL, NULL)")
    call(session)
    session.run("CALL refresh_continuous_aggregate('daily', NULL, NULL)")
    by_day = "SELECT time_bucket('1 day', at), sum(value) FROM readings GROUP BY 1"
    assert session.run(f"(TABLE daily EXCEPT {by_day}) UNION ALL ({by_day} EXCEPT TABLE daily)") == []


def test_thousand_chunks_cost_as_in_update(session):
    """The pairs of rows and chunks would be 1,000 times the rows."""
    session.run("DROP TABLE readings; DROP TABLE corrected")
    session.run("""
        CREATE TABLE readings (device int, at timestamptz, value int, note text, PRIMARY KEY (device, at));
        SELECT create_hypertable('readings', 'at', chunk_time_interval => interval '1 hour', create_default_indexes => false);
        INSERT INTO readings
        SELECT i % 20, '2026-01-01 00:00+00'::timestamptz + i / 20 * interval '1 hour', i, 'old'
        FROM generate_series(0, 19999) i;
        ANALYZE readings;
        CREATE TABLE corrected AS SELECT device, at, value * 2 AS value, 'new' AS note FROM readings ORDER BY 1, 2;
        ANALYZE corrected""")
    assert session.value("SELECT count(*) FROM show_chunks('readings')") == 1000
    update = ("UPDATE readings r SET value = c.value, note = c.note FROM corrected c"
              " WHERE (c.device, c.at) = (r.device, r.at)")
    seconds = {}
    for _ in range(3):
        for name, run in (("update", lambda: session.run(update)), ("ours", lambda: call(session))):
            started = time.perf_counter()
            run()
            seconds[name] = min(seconds.get(name, 1e9), time.perf_counter() - started)
    print(f"1,000 chunks, 20,000 rows: {seconds['ours']:.2f} s, UPDATE … FROM {seconds['update']:.2f} s")
    assert session.value("SELECT count(*) FROM readings WHERE note <> 'new'") == 0
    assert seconds["ours"] < 5 * seconds["update"] + 1
