"""How many pages of the target's indexes are pinned, by any session, while user-defined functions run: by pg_buffercache."""

import pytest

from harness import Session
from ways import APPLIERS, PLAIN, settings, statement, type_with_code

ROWS = 5000

FUNCTIONS = """
    CREATE FUNCTION pinned() RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        RETURN (SELECT count(*) FROM pg_buffercache WHERE pinning_backends > 0
            AND relfilenode IN (SELECT pg_relation_filenode(indexrelid) FROM pg_index
                                WHERE indrelid::regclass::text LIKE 'target%'));
    END $$;
    -- Remembered in settings: a function that counts as immutable can write nothing else.
    CREATE FUNCTION record(place text, value text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
    DECLARE setting text := 'pins.' || place;
    BEGIN
        IF current_setting('pins.recording', true) = 'yes' THEN
            PERFORM set_config(setting, greatest(current_setting(setting, true)::bigint, pinned())::text, false);
        END IF;
        RETURN true;
    END $$;
    CREATE FUNCTION record_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM record(TG_NAME, NEW.id::text);
        RETURN NEW;
    END $$;
    CREATE FUNCTION record_statement() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM record(TG_NAME, '');
        RETURN NULL;
    END $$;
""" + type_with_code("seen", "record('a_cast', ($1).w)",
                         "record('equality', ($1).w)")

GENERATED = ", g boolean GENERATED ALWAYS AS (record('generated', v)) STORED"
BEFORE_ROW = "CREATE TRIGGER before_row BEFORE UPDATE ON target FOR EACH ROW EXECUTE FUNCTION record_row()"
CODE = """
    ALTER TABLE target ADD CHECK (record('a_constraint', v));
    CREATE INDEX ON target (record('index_expression', v));
    CREATE INDEX ON target (v) WHERE record('index_condition', v);
    CREATE TRIGGER after_row AFTER UPDATE ON target FOR EACH ROW EXECUTE FUNCTION record_row();
    CREATE CONSTRAINT TRIGGER deferred AFTER UPDATE ON target DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION record_row();
    CREATE TRIGGER before_statement BEFORE UPDATE ON target FOR EACH STATEMENT EXECUTE FUNCTION record_statement();
    CREATE TRIGGER after_statement AFTER UPDATE ON target FOR EACH STATEMENT EXECUTE FUNCTION record_statement();
"""
PLACES = ["a_cast", "a_constraint", "after_row", "after_statement", "before_statement", "deferred", "generated",
          "index_condition", "index_expression", "source"]

NEAR = """SELECT i AS id, ROW('new ' || i)::seen AS v FROM generate_series(2498, 2505) i
    WHERE record('source', i::text)"""
FAR = NEAR.replace("generate_series(2498, 2505) i", "generate_series(300, 3300, 300) i")
TABLE = f"CREATE TABLE target (id int PRIMARY KEY, v text{GENERATED})"
PARTITIONED = TABLE + """ PARTITION BY RANGE (id);
    CREATE TABLE target_1 PARTITION OF target FOR VALUES FROM (MINVALUE) TO (2500);
    CREATE TABLE target_2 PARTITION OF target FOR VALUES FROM (2500) TO (MAXVALUE)"""
COMPARED = "CREATE TABLE target (id int PRIMARY KEY, v seen)"
NO_STATISTICS = "ALTER TABLE target ALTER v SET STATISTICS 0"


class Shape:
    def __init__(self, name, table=TABLE, source=NEAR, code=CODE, *, options="chunk_size => 5", places=PLACES,
                 ways=(PLAIN, *APPLIERS)):
        self.name, self.table, self.source, self.code, self.options = name, table, source, code, options
        self.places, self.ways = set(places), ways


SHAPES = [
    Shape("a table"),
    Shape("a table, BEFORE row trigger", code=CODE + BEFORE_ROW, places=[*PLACES, "before_row"]),
    Shape("a table, keys far from each other", source=FAR),
    Shape("an unlogged table", TABLE.replace("TABLE", "UNLOGGED TABLE"), code=CODE + BEFORE_ROW,
          places=[*PLACES, "before_row"]),
    Shape("partitions", PARTITIONED),
    Shape("equality, skip_unchanged", COMPARED, code=NO_STATISTICS, options="skip_unchanged => true",
          places=["source", "equality"], ways=APPLIERS),
    Shape("equality, dry_run", COMPARED, code=NO_STATISTICS, options="skip_unchanged => true, dry_run => true",
          places=["source", "equality"], ways=APPLIERS),
]


@pytest.fixture(scope="module", autouse=True)
def functions(admin):
    admin.run(FUNCTIONS)


def test_pinned_page_is_found(session):
    """An open scan of an index has a page pinned: the count finds it."""
    session.run("CREATE TABLE target (id int PRIMARY KEY, v text); INSERT INTO target SELECT i, 'old' FROM generate_series(1, 10000) i")
    session.run("VACUUM ANALYZE target")
    session.run("BEGIN; DECLARE c CURSOR FOR SELECT id FROM target ORDER BY id; FETCH c")
    assert session.value("SELECT pinned()") == 1
    session.run("COMMIT; DROP TABLE target")


def most_pinned(way, shape):
    """The most pinned pages by place; the number of rows and the applier."""
    with Session() as session:
        session.run("SET client_min_messages = warning")
        session.run(shape.table)
        value = "ROW('old ' || i)::seen" if "v seen" in shape.table else "'old ' || i"
        session.run(f"INSERT INTO target (id, v) SELECT i, {value} FROM generate_series(1, {ROWS}) i")
        session.run(shape.code)
        session.run("ANALYZE target")
        session.run(f"{settings(way)}; SET pins.recording = yes")
        updated = session.run(statement(way, shape.source, ("id",), shape.options))[0]
        session.run("SET pins.recording = no")
        found = session.run("""SELECT place, pins::bigint FROM unnest(%s) place, current_setting('pins.' || place, true) pins
            WHERE pins IS NOT NULL""", [[*PLACES, "before_row", "equality"]])
        session.run("DROP TABLE target CASCADE")
    return dict(found), updated


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_pins(shape):
    """The call itself pins nothing; the executor's plan pins what UPDATE's plan pins."""
    allowed = {}
    for way in shape.ways:
        found, (rows, applier) = most_pinned(way, shape)
        assert applier == way
        assert rows > 7 or "dry_run" in shape.options, way
        if way == PLAIN:
            allowed = found
            print(f"{shape.name}, {way}: {max(found.values())}")
            continue
        assert shape.places <= set(found), f"{way}: functions have run everywhere"
        for place in sorted(found):
            most = allowed.get(place, 0) if way == "sql" else 0
            assert found[place] <= most, f"{way}, {place}: pages of indexes are pinned"
