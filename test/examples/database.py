"""The table of the examples, in the tests' database."""

import hashlib
import os

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, "examples")

ROWS = 25000

# Text that incorrect quoting for COPY would change.
AWKWARD = ["tab\there", "line\nbreak", "back\\slash", r"\N", r"\.", 'quote " and comma, ', "é漢🙂", "", " ", "cr\r"]


class Database:
    def __init__(self):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.execute("CREATE EXTENSION bulk_update")

    def execute(self, query, parameters=None):
        self.cursor.execute(query, parameters)

    def rows(self, query, parameters=None):
        self.execute(query, parameters)
        return self.cursor.fetchall()

    def value(self, query, parameters=None):
        return self.rows(query, parameters)[0][0]

    def fresh_objects(self):
        """The table, and `expected` with the same changes made differently."""
        self.execute("DROP TABLE IF EXISTS objects, objects_old_values, objects_old_field3")
        self.execute("CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer)")
        self.fill()

    def fill(self, rows=ROWS):
        self.execute(
            """INSERT INTO objects (id, field1, field2, field3)
               SELECT i, i, (%s::text[])[1 + i %% %s] || i, nullif(i %% 10, 3) FROM generate_series(1, %s) i""",
            [AWKWARD, len(AWKWARD), rows])
        self.execute("DROP TABLE IF EXISTS expected; CREATE TABLE expected AS TABLE objects")

    def checksum(self):
        return self.value("SELECT md5(string_agg(o::text, '|' ORDER BY id)) FROM objects o")

    def equal(self):
        """All values are as expected, and most of them new."""
        changed = self.value("SELECT count(*) FROM expected WHERE field1 <> id OR field3 <> id % 10")
        return changed > ROWS / 2 and not self.rows(
            """SELECT id FROM objects o FULL JOIN expected e USING (id)
               WHERE ROW(o.*) IS DISTINCT FROM ROW(e.*) LIMIT 1""")


def expect_digests(database):
    """The values that the examples compute in Python, Ruby and JavaScript."""
    rows = []
    for id, old in database.rows("SELECT id, field2 FROM expected"):
        digest = hashlib.sha256(old.encode()).hexdigest()
        rows.append((id, int(digest[:6], 16), f"{old} {digest[:8]}"))
    database.execute(
        """UPDATE expected e SET field1 = n.field1, field2 = n.field2
           FROM unnest(%s::bigint[], %s::integer[], %s::text[]) n(id, field1, field2) WHERE n.id = e.id""",
        [list(column) for column in zip(*rows)])
