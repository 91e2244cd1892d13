"""Column memory_bytes of the report: at least what the call really holds while a chunk over many partitions is applied.

A constraint's function, which runs while the last partition's rows are updated, adds up the session's memory contexts.
Those below CacheMemoryContext belong to the session: descriptors of tables and saved plans.
"""

import psycopg2
import pytest

MB = 1024 * 1024
PARTITIONS = 600
# For the function's own query, which runs in the middle of the measurement, and for what is freed before the end.
OWN = 2 * MB
SHARE = 0.9

# In the order of the tree up to 17; from 18 on a context has its path.
BELOW_CACHE = {
    False: """WITH c AS MATERIALIZED (SELECT row_number() OVER () AS n, name, level, total_bytes FROM pg_backend_memory_contexts),
            first AS (SELECT n, level FROM c WHERE name = 'CacheMemoryContext'),
            past AS (SELECT min(c.n) AS n FROM c, first WHERE c.n > first.n AND c.level <= first.level)
        SELECT sum(total_bytes) FROM c, first, past WHERE c.n < first.n OR c.n >= past.n""",
    True: """WITH c AS MATERIALIZED (SELECT name, path, total_bytes FROM pg_backend_memory_contexts),
            first AS (SELECT path FROM c WHERE name = 'CacheMemoryContext')
        SELECT sum(total_bytes) FROM c, first WHERE NOT c.path && first.path[cardinality(first.path):]""",
}


def make_tables(cursor, version):
    cursor.execute(f"""
        CREATE FUNCTION held() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN ({BELOW_CACHE[version >= 180000]}); END $$;
        CREATE FUNCTION record(id int) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            IF id / 10 = {PARTITIONS} - 1 AND current_setting('memory.recording', true) = 'yes' THEN
                PERFORM set_config('memory.held', greatest(current_setting('memory.held')::bigint, held())::text, false);
            END IF;
            RETURN true;
        END $$;
        CREATE TABLE objects (id int PRIMARY KEY, v text CHECK (record(id))) PARTITION BY RANGE (id);
        DO $$ BEGIN FOR p IN 0 .. {PARTITIONS} - 1 LOOP
            EXECUTE format('CREATE TABLE objects_%s PARTITION OF objects FOR VALUES FROM (%s) TO (%s)', p, p * 10, p * 10 + 10);
        END LOOP; END $$;
        INSERT INTO objects SELECT i, 'old' FROM generate_series(0, {PARTITIONS} * 10 - 1) i;
        ANALYZE objects""")


def call(cursor, options=""):
    cursor.execute(f"""SELECT max(memory_bytes), sum(rows_updated), string_agg(DISTINCT applier, ' ') FROM bulk_update_query('objects',
        'SELECT i * 10 + 3 AS id, ''new''::text AS v FROM generate_series(0, {PARTITIONS - 1}) i'{options})""")
    return cursor.fetchone()


def measure(applier):
    """The reported bytes, the bytes held in addition to those before the call, the rows and the applier."""
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"SET bulk_update.applier = {applier}; SET memory.held = 0")
    # Fill the caches first.
    call(cursor)
    cursor.execute("SELECT held()")
    cursor.execute("SELECT held()")
    before = cursor.fetchone()[0]
    cursor.execute("SET memory.recording = yes")
    reported, updated, used = call(cursor)
    cursor.execute("SELECT current_setting('memory.held')::bigint")
    held = cursor.fetchone()[0] - before
    connection.close()
    return reported, held, updated, used


@pytest.fixture(scope="module", autouse=True)
def tables():
    connection = psycopg2.connect("")
    connection.autocommit = True
    make_tables(connection.cursor(), connection.server_version)
    yield
    connection.cursor().execute("DROP TABLE objects; DROP FUNCTION record; DROP FUNCTION held")
    connection.close()


@pytest.mark.parametrize("applier", ("direct", "sql"))
def test_reported(applier):
    reported, held, updated, used = measure(applier)
    print(f"{reported / MB:.1f} MB are reported, {held / MB:.1f} MB are held")
    assert (updated, used) == (PARTITIONS, applier)
    assert held > MB
    assert reported >= SHARE * held - OWN
