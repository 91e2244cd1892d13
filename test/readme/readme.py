"""Each block of SQL in README.md runs on tables like those it speaks of, and does what the text says."""

import pathlib
import re
import sys

import psycopg2

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from harness import equal, finish, ok  # noqa: E402

README = pathlib.Path(__file__).parent.parent.parent / "README.md"

SETUP = """
DROP SCHEMA IF EXISTS readme CASCADE;
CREATE SCHEMA readme;
SET search_path = readme, public;
CREATE TABLE objects (id int PRIMARY KEY, field1 int CONSTRAINT objects_field1_check CHECK (field1 >= 0), field2 text);
INSERT INTO objects SELECT i, i, 'old' FROM generate_series(1, 10) AS i;
CREATE TABLE staging (line int GENERATED ALWAYS AS IDENTITY, id int, field1 int, field2 text);
INSERT INTO staging (id, field1, field2) SELECT i, 10 * i, 'new' FROM generate_series(1, 5) AS i;
CREATE TABLE stock (warehouse text, sku text, quantity int, UNIQUE (warehouse, sku));
INSERT INTO stock VALUES ('here', 'nail', 1), ('there', 'nail', 2);
"""

# What the text before a block supposes of the source.
BEFORE = {
    "on_duplicate => 'last'": "INSERT INTO staging (id, field1, field2) VALUES (3, 33, 'newer')",
    "on_missing => 'error'": "INSERT INTO staging (id, field1, field2) VALUES (11, 110, 'new')",
    "on_error => 'skip'": "INSERT INTO staging (id, field1, field2) VALUES (7, -7, 'new')",
    "skip_unchanged => true": "UPDATE objects AS o SET field1 = s.field1, field2 = s.field2 FROM staging AS s WHERE s.id = o.id",
    "jsonb_set": "INSERT INTO staging (id, field1, field2) VALUES (7, -7, 'new');"
                 "SELECT setval('public.bulk_update_run', 7, false);"
                 "SELECT bulk_update_create_rejects('objects_rejects');"
                 "SELECT bulk_update_query('objects', 'SELECT id, field1, field2 FROM staging',"
                 " on_error => 'skip', rejects => 'objects_rejects')",
}

CURSOR = {
    "stock": "SELECT 'nail', 'there', 20",
    "": "SELECT id, field1, field2 FROM staging ORDER BY line",
}

# What is seen afterwards, and what it should be.
AFTER = {
    "new_values CURSOR": ("SELECT sum(field1) FROM objects", 190),
    "stock": ("SELECT quantity FROM stock WHERE warehouse = 'there'", 20),
    "on_duplicate => 'last'": ("SELECT field1 FROM objects WHERE id = 3", 33),
    "on_error => 'skip'": ("SELECT constraint_name FROM objects_rejects", "objects_field1_check"),
    "skip_unchanged => true": ("SELECT field1 FROM objects WHERE id = 5", 50),
    "dry_run => true": ("SELECT sum(field1) FROM objects", 55),
    "jsonb_set": ("SELECT field1 || field2 FROM objects WHERE id = 7", "0new"),
}

# The block is to fail, and so.
FAILS = {"on_missing => 'error'": "P0002"}


def of(table, block, default=None):
    return next((value for key, value in table.items() if key in block), default)


def main():
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    blocks = re.findall(r"^```sql\n(.*?)^```", README.read_text(), re.S | re.M)
    blocks = [block for block in blocks if not block.startswith("bulk_update(")]

    for block in blocks:
        name = block.strip().splitlines()[0]
        if block.startswith("CREATE EXTENSION"):
            cursor.execute(block)
            ok(True, name)
            continue
        cursor.execute(SETUP)
        cursor.execute(of(BEFORE, block, "SELECT 1"))
        own_transaction = "BEGIN;" in block
        state = None
        try:
            if not own_transaction:
                cursor.execute("BEGIN; DECLARE c CURSOR FOR " + of(CURSOR, block))
            cursor.execute(block)
            cursor.execute("SELECT 1" if own_transaction else "COMMIT")
        except psycopg2.Error as error:
            state = error.pgcode
            cursor.execute("ROLLBACK")
        equal(state, of(FAILS, block), name + (" (fails)" if of(FAILS, block) else ""))
        if of(AFTER, block):
            query, expected = of(AFTER, block)
            cursor.execute(query)
            equal(cursor.fetchone()[0], expected, "  " + query)
    equal(len(blocks), 11, "all blocks were found")
    return finish()


sys.exit(main())
