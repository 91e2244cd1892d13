"""Calls with and without the server's caches; test/discard/run describes the suite. Runs inside a server."""

import psycopg2
import pytest

from harness import Session

SETUP = """
    CREATE EXTENSION bulk_update;
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE TYPE pair AS (a int, b text);
    CREATE FUNCTION as_int(p pair) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN p.a; END';
    CREATE CAST (pair AS int) WITH FUNCTION as_int(pair) AS ASSIGNMENT;
    CREATE FUNCTION twice(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN i * 2; END';
    CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.w := coalesce(NEW.w, '''') || TG_OP; RETURN NEW; END';
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE counted SET n = n + (SELECT count(*) FROM new_rows); RETURN NULL; END';
    CREATE TABLE counted AS SELECT 0 AS n;

    CREATE TABLE plain (id int PRIMARY KEY, v int, w text);
    CREATE TABLE dropped (gone int, w text, id int PRIMARY KEY, gone_too text, v int);
    ALTER TABLE dropped DROP gone, DROP gone_too;
    CREATE TABLE checked (id int PRIMARY KEY, v positive CHECK (twice(v) < 1000), w text NOT NULL DEFAULT '',
        g int GENERATED ALWAYS AS (twice(v)) STORED);
    CREATE TABLE indexed (id int PRIMARY KEY, v int, w text, UNIQUE (v, id), EXCLUDE USING btree (v WITH =, id WITH =));
    CREATE INDEX ON indexed (twice(v));
    CREATE INDEX ON indexed (w) WHERE v > 3;
    CREATE TABLE triggered (id int PRIMARY KEY, v int, w text);
    CREATE TRIGGER before_row BEFORE UPDATE ON triggered FOR EACH ROW WHEN (NEW.v > 3) EXECUTE FUNCTION before_row();
    CREATE TRIGGER after_row AFTER UPDATE OF v ON triggered FOR EACH ROW EXECUTE FUNCTION nothing();
    CREATE TRIGGER new_rows AFTER UPDATE ON triggered REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
        EXECUTE FUNCTION count_new();
    CREATE TABLE referenced (v int PRIMARY KEY);
    INSERT INTO referenced SELECT generate_series(0, 40);
    CREATE TABLE foreign_key (id int PRIMARY KEY, v int REFERENCES referenced, w text, UNIQUE (id, v));
    CREATE TABLE of_key (id int, v int, FOREIGN KEY (id, v) REFERENCES foreign_key (id, v) ON UPDATE CASCADE);
    CREATE TABLE parted (id int, v int, w text, PRIMARY KEY (id, v)) PARTITION BY RANGE (v);
    CREATE TABLE parted_low (w text, gone int, v int NOT NULL, id int NOT NULL);
    ALTER TABLE parted_low DROP gone;
    ALTER TABLE parted ATTACH PARTITION parted_low FOR VALUES FROM (MINVALUE) TO (8);
    CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (8) TO (MAXVALUE) PARTITION BY HASH (id);
    CREATE TABLE parted_high_0 PARTITION OF parted_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE parted_high_1 PARTITION OF parted_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE secured (id int PRIMARY KEY, v int, w text);
    ALTER TABLE secured ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY odd ON secured USING (id % 5 <> 0) WITH CHECK (v <> 9);
    CREATE TABLE sorted (id int PRIMARY KEY, v int CHECK (v < 1000), w text, parent int DEFAULT 1 REFERENCES sorted, other int
        DEFAULT 1 REFERENCES referenced, g int GENERATED ALWAYS AS (v + 1) STORED);
    CREATE INDEX ON sorted (w);
    CREATE INDEX ON sorted (v);
    CREATE INDEX ON sorted (lower(w), g) WHERE v > 3;
    CREATE UNIQUE INDEX ON sorted (id, parent);
    CREATE TABLE text_key (id text COLLATE "C" PRIMARY KEY, v int, w text);
    CREATE VIEW shown AS SELECT id, v, w FROM plain;

    INSERT INTO plain SELECT i, 1, 'w' FROM generate_series(1, 12) i;
    INSERT INTO foreign_key TABLE plain;
    INSERT INTO of_key SELECT id, v FROM plain WHERE id < 5;
    INSERT INTO text_key TABLE plain;
    DO $$
    DECLARE
        t name;
    BEGIN
        FOREACH t IN ARRAY '{dropped,checked,indexed,sorted,triggered,parted,secured}'::name[] LOOP
            EXECUTE format('INSERT INTO %I (id, v, w) SELECT id, CASE %L WHEN ''parted'' THEN id ELSE v END, w FROM plain', t, t);
        END LOOP;
    END $$;
    SELECT bulk_update_create_rejects('rejects');
    CREATE ROLE app;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
    GRANT SET ON PARAMETER debug_discard_caches TO app;
"""

# The caches are discarded only within the calls, because everything else would take long, too.
DISCARD = """
    DO $$
    DECLARE
        f regprocedure;
    BEGIN
        FOR f IN SELECT oid FROM pg_proc WHERE proname ~ '^bulk_update(_query|_arrays|_explain_query)?$' LOOP
            EXECUTE format('ALTER FUNCTION %s SET debug_discard_caches = 1', f);
        END LOOP;
    END $$
"""

REPORT = "rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected, first_key, last_key, applier"
GOOD = "SELECT i AS id, i + 2 AS v, 'new ' || i AS w FROM generate_series(1, 11) i"
DOWN = "SELECT i AS id, i + 2 AS v FROM generate_series(14, 1, -1) i"
BAD = "SELECT i AS id, CASE i WHEN 3 THEN 5000000000 ELSE i END AS v FROM generate_series(1, 11) i"
SKIP = "on_error => 'skip', rejects => 'rejects'"
TABLES = ("plain", "dropped", "checked", "indexed", "sorted", "triggered", "foreign_key", "secured")


def calls():
    """Name, table and text of each call."""
    for table in TABLES:
        yield "all columns", table, f"'{table}', $${GOOD}$$"
    for table in ("plain", "triggered", "foreign_key"):
        yield "skip", table, f"'{table}', '{BAD}', {SKIP}"
    yield "skip, a check fails", "checked", f"'checked', 'SELECT id, 3 - id AS v FROM plain', {SKIP}"
    yield "skip, a policy fails", "secured", f"'secured', 'SELECT id, id + 1 AS v FROM plain', {SKIP}"
    yield "skip, a foreign key fails", "foreign_key", f"'foreign_key', 'SELECT id, id * 5 AS v FROM plain', {SKIP}"
    yield "an error", "plain", f"'plain', '{BAD}'"
    yield "a check fails", "checked", "'checked', 'SELECT id, 3 - id AS v FROM plain'"
    yield "a cast in PL/pgSQL", "plain", "'plain', 'SELECT id, ROW(id, w)::pair AS v FROM plain'"
    yield "keys in descending order", "plain", f"'plain', $${DOWN}$$"
    yield "a missing key", "plain", f"'plain', $${DOWN}$$, on_missing => 'error'"
    yield "keys in descending order, streamed", "dropped", f"'dropped', $${DOWN}$$, ordering => 'stream'"
    yield "duplicates", "plain", \
        "'plain', 'SELECT i / 2 AS id, i AS v FROM generate_series(2, 9) i ORDER BY i % 3', on_duplicate => 'last'"
    yield "unchanged", "dropped", "'dropped', 'SELECT id, id / 6 AS v, w FROM plain', skip_unchanged => true"
    yield "a dry run", "plain", f"'plain', $${GOOD}$$, dry_run => true"
    yield "a key of text", "text_key", "'text_key', 'SELECT id::text AS id, id AS v FROM plain ORDER BY 1'"
    yield "partitions", "parted", "'parted', 'SELECT id, id AS v, w || id AS w FROM plain ORDER BY v, id'"
    yield "partitions, skip", "parted", f"'parted', 'SELECT id, id AS v, w || id AS w FROM plain', {SKIP}"
    yield "no such key", "parted", "'parted', 'TABLE plain', key_columns => '{id}'"
    yield "a view", "shown", f"'shown', $${GOOD}$$, key_columns => '{{id}}'"


def outcome(session, table, call):
    """The results of a call, which is undone: its rows or its error, the table after it, the rejects."""
    session.run("BEGIN; SAVEPOINT s; SET ROLE app")
    error = None
    try:
        rows = session.run(call)
    except psycopg2.Error as raised:
        rows, error = None, (raised.pgcode, raised.diag.message_primary, raised.diag.message_detail,
                             raised.diag.message_hint, raised.diag.context)
        session.run("ROLLBACK TO s")
    session.run("RESET ROLE")
    state = (rows, error, session.run(f"SELECT t::text FROM {table} t ORDER BY 1"),
             session.run("SELECT source_row, reason, key, new_values, sqlstate, message FROM rejects ORDER BY 1"),
             session.run("SELECT n FROM counted"))
    session.run("ROLLBACK")
    return state


def work():
    """Name, table and statement of each call with each applier, and of those without one."""
    for name, table, arguments in calls():
        call = f"SELECT {REPORT} FROM bulk_update_query({arguments}, chunk_size => 4)"
        for applier in ("auto", "sql"):
            yield f"{name}, {table}, {applier}", table, f"SET LOCAL bulk_update.applier = {applier}; {call}"
    yield "arrays", "plain", (f"SELECT {REPORT} FROM bulk_update_arrays('plain', '{{id,v}}', "
                              "ROW('{1,2,3}'::text, ARRAY[7,8,9]), chunk_size => 2)")
    yield "explain", "triggered", "SELECT * FROM bulk_update_explain_query('triggered', 'TABLE plain')"


WORK = {name: (table, statement) for name, table, statement in work()}


@pytest.fixture(scope="module")
def expected(admin):
    """The results of each call with the caches."""
    if admin.value("SHOW debug_assertions") == "off":
        pytest.skip("the server has no assertions")
    admin.run(SETUP)
    with Session() as session:
        return {name: outcome(session, *call) for name, call in WORK.items()}


@pytest.fixture(scope="module")
def discarding(admin, expected):
    with Session() as session:
        session.run(DISCARD)
        yield session


@pytest.mark.parametrize("name", WORK)
def test_call(discarding, expected, name):
    assert outcome(discarding, *WORK[name]) == expected[name]
