"""A random target: its columns, keys, partitions and rows, as SQL. extras.py has the rest."""

import extras
import inheritance
from kinds import KEY_KINDS, KINDS, quoted

PRELUDE = """
CREATE SCHEMA d;
SET search_path = d, public;
CREATE TYPE d.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE d.pair AS (a int, b text);
CREATE DOMAIN d.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN d.brief AS text CHECK (length(VALUE) <= 10);
CREATE COLLATION d.ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE FUNCTION d.noise(n int, seed int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT left(string_agg(md5(seed || '.' || i), '' ORDER BY i), n) FROM generate_series(1, n / 32 + 1) AS i $$;
"""

LARGE = ("noise(", "repeat(", "generate_series")


class Column:
    """name, type and values: value(rng, i) for row i of the target."""

    def __init__(self, name, type, value, kind=None):
        self.name, self.type, self.value, self.kind = name, type, value, kind
        self.small = False       # no large values: it is indexed
        self.options = ""        # COLLATE, DEFAULT, NOT NULL, GENERATED
        self.nullable = True
        self.sources = ()        # (type, generator) that an assignment cast takes to it
        self.bad = ()            # (type, literal) that are invalid
        self.new = None          # new(rng, i): a new value for row i, if it needs special treatment
        self.filled = True       # by INSERT

    @property
    def definition(self):
        return f"{self.name} {self.type} {self.options}".rstrip()

    def literal(self, rng, i):
        if self.nullable and rng.random() < 0.1:
            return "NULL"
        return self.sized(rng, lambda: self.value(rng, i))

    def sized(self, rng, generate, small=False):
        for _ in range(100):        # possibly required by a self-referencing key
            literal = generate()
            if not (self.small or small) or not any(word in literal for word in LARGE):
                break
        return literal

    def default_value(self, rng):
        """A small value: the default of an added column is stored in a catalog that stores nothing out of line."""
        return self.sized(rng, lambda: self.kind.value(rng), True)


class Schema:
    def __init__(self, rng, most_rows, version):
        self.rng, self.version = rng, version
        self.sql = [PRELUDE]
        self.features = []
        self.late = []             # constraints that are checked at the end of the call
        self.row_by_row = True     # is the outcome the same in any chunk size, and row by row?
        self.name = "d.t"
        self.target = None         # of the call: the table, or one of its partitions
        self.role = None
        self.policies = False      # are there policies of self.name for the role?
        self.searched = []         # (column, operator, index) to compare scans with
        self.rows = rng.choice((1, 7, 60, 60, 150, 150, 300, most_rows))
        self.many = rng.random() < 0.06    # narrow rows, but enough for an index of some pages
        if self.many:
            self.rows = most_rows * 6
        self.shape()
        self.make_key()
        self.make_columns()
        self.make()

    def maybe(self, probability, feature=None):
        yes = self.rng.random() < probability
        if yes and feature:
            self.features.append(feature)
        return yes

    def add(self, statement):
        self.sql.append(statement + ";")

    # ----- shape and key

    def shape(self):
        self.form = self.rng.choices(("plain", "unlogged", "temporary", "partitioned", "inherited"), (59, 4, 5, 20, 12))[0]
        self.features.append(self.form)
        self.partitioned = self.form == "partitioned"
        self.ordinary = self.form == "plain"
        if self.form == "temporary":
            self.name = "t"

    def make_key(self):
        rng = self.rng
        # A partition key cannot have another collation in the unique index.
        kinds = [rng.choice([kind for kind in KEY_KINDS if not (self.partitioned and kind.collation)])]
        if self.maybe(0.3, "composite key"):
            kinds += [rng.choice(KEY_KINDS) for _ in range(rng.randint(1, 2))]
        if any(kind.type == "d.key_mood" for kind in kinds):
            self.rows = min(self.rows, 300)
            labels = ", ".join(quoted(f"m{i}") for i in range(400))
            self.add(f"CREATE TYPE d.key_mood AS ENUM ({labels})")
        self.features.append("key " + ", ".join(kind.type + (" " + (kind.collation or kind.column_collation or kind.opclass or "")).rstrip()
                                                for kind in kinds))
        self.keys = []
        for n, kind in enumerate(kinds):
            # The columns before the last have each value for several rows.
            step = 7 if n < len(kinds) - 1 else 1
            column = Column(f"k{n + 1}", kind.type, lambda _, i, kind=kind, step=step: kind.value(i // step), kind)
            column.step = step
            if kind.column_collation:
                column.options = f" COLLATE {kind.column_collation}"
            self.keys.append(column)
        self.primary = self.maybe(0.6)
        self.primary &= not any(column.kind.collation or column.kind.opclass for column in self.keys)
        for column in self.keys:
            column.nullable = not self.primary and rng.random() < 0.3
        self.index_columns = self.keys[:]
        rng.shuffle(self.index_columns)

    def index_parts(self):
        parts = []
        for column in self.index_columns:
            part = column.name
            if column.kind.collation:
                part += f" COLLATE {column.kind.collation}"
            if column.kind.opclass:
                part += f" {column.kind.opclass}"
            if self.rng.random() < 0.2:
                part += self.rng.choice((" DESC", " NULLS FIRST", " DESC NULLS LAST"))
            parts.append(part)
        return ", ".join(parts)

    def make_key_index(self):
        rng, names = self.rng, ", ".join(column.name for column in self.index_columns)
        included = [column.name for column in self.columns if column.small and column not in self.keys and column.kind]
        include = f" INCLUDE ({rng.choice(included)})" if included and self.maybe(0.15, "key INCLUDE") else ""
        special = any(column.kind.collation or column.kind.opclass for column in self.keys)
        if self.primary:
            self.add(f"ALTER TABLE {self.name} ADD PRIMARY KEY ({names}){include}")
        elif not special and self.maybe(0.25):
            deferred = " DEFERRABLE INITIALLY DEFERRED" if self.maybe(0.3, "deferrable key") else ""
            self.add(f"ALTER TABLE {self.name} ADD CONSTRAINT t_key UNIQUE ({names}){include}{deferred}")
        else:
            self.primary = False
            self.add(f"CREATE UNIQUE INDEX t_key ON {self.name} ({self.index_parts()}){include}")
        if self.primary and self.maybe(0.1, "another covering index"):
            self.add(f"CREATE UNIQUE INDEX t_key2 ON {self.name} ({self.index_parts()})")

    # ----- columns

    def regular(self, n):
        rng, kind = self.rng, self.rng.choice(KINDS)
        column = Column(f"c{n}", kind.type, lambda r, i: kind.value(r), kind)
        column.sources, column.bad = kind.sources, kind.bad
        column.small = rng.random() < 0.5
        column.nullable = rng.random() < 0.75
        default = ""
        if rng.random() < 0.3:
            default = " DEFAULT " + column.default_value(rng)
        column.default = default
        column.options = default + ("" if column.nullable else " NOT NULL")
        return column

    def make_columns(self):
        rng = self.rng
        self.regulars = [self.regular(n + 1) for n in range(rng.randint(1, 2 if self.many else 7))]
        self.dropped = [Column(f"x{n + 1}", *(lambda kind: (kind.type, lambda r, i: kind.value(r)))(rng.choice(KINDS)))
                        for n in range(rng.choice((0, 0, 1, 2, 3)))]
        for column in self.dropped:
            column.small = rng.random() < 0.5
        self.specials = extras.special_columns(self)
        first = self.keys + self.dropped + self.specials
        self.later = []
        for column in self.regulars:
            if rng.random() < 0.3:
                self.later.append(column)
            else:
                first.append(column)
        self.generated = extras.generated_columns(self, first)
        first += self.generated
        rng.shuffle(first)
        self.first = first
        self.columns = [column for column in first if column not in self.dropped] + self.later
        if self.dropped:
            self.features.append("dropped columns")
        if self.later:
            self.features.append("added columns")

    # ----- making it

    def make(self):
        self.make_table()
        self.target = self.name
        if self.partitioned and self.maybe(0.12, "a partition is the target"):
            self.target = self.rng.choice(("d.t_rest", "d.t_0"))
        self.leave_uncompressed(self.first)
        self.insert(range(0, self.rows // 2), self.first)
        for column in self.dropped:
            self.add(f"ALTER TABLE {self.name} DROP COLUMN {column.name}")
        for column in self.later:
            volatile = column.kind.type == "integer" and self.rng.random() < 0.3
            default = " DEFAULT floor(pi())::int" if volatile else column.default or (
                "" if column.nullable else " DEFAULT " + column.default_value(self.rng))
            self.add(f"ALTER TABLE {self.name} ADD COLUMN {column.name} {column.type}{default}"
                     + ("" if column.nullable else " NOT NULL"))
        self.leave_uncompressed(self.later)
        self.insert(range(self.rows // 2, self.rows), self.columns)
        self.make_key_index()
        self.set_storage()
        self.age()
        extras.attach(self)
        self.maintain()

    def make_table(self):
        rng = self.rng
        definitions = ",\n    ".join(column.definition for column in self.first)
        kind = {"unlogged": "UNLOGGED ", "temporary": "TEMPORARY "}.get(self.form, "")
        self.fillfactor = f" WITH (fillfactor = {rng.choice((30, 50, 70, 90))})" if self.maybe(0.35, "fillfactor") else ""
        if not self.partitioned:
            self.add(f"CREATE {kind}TABLE {self.name} (\n    {definitions}){self.fillfactor}")
            if self.form == "inherited":
                inheritance.make_children(self)
            return
        self.make_partitions(definitions)

    def make_partitions(self, definitions):
        rng = self.rng
        by = rng.choice([column for column in self.keys if not column.kind.collation])
        how = rng.choice(("range", "hash", "list"))
        if by.kind.type in ("d.pair", "int4range", "integer[]", "d.positive") or by.kind.opclass:
            how = "hash"
        if any(word in by.kind.value(0) for word in LARGE):     # bounds are stored in a catalog
            how = "hash"
        if by.kind.type == "d.key_mood":    # hashed by OID, which differs each time
            how = "list"
        if by.kind.collation or by.kind.column_collation == "d.ignoring_case":
            how = "range"
        self.features.append(f"partitioned by {how}")
        values = lambda *rows: ", ".join(by.kind.value(i // by.step) for i in rows)
        self.add(f"CREATE TABLE d.t (\n    {definitions}) PARTITION BY {how} ({by.name})")
        sub = rng.choice(self.keys)
        two_levels = not sub.kind.collation and sub.type != "d.key_mood" and self.maybe(0.3, "two levels")
        middle = max(self.rows * 10 // 21, 1)
        self.add("CREATE TABLE d.t_rest PARTITION OF d.t DEFAULT" + self.fillfactor if how != "hash" else
                 "CREATE TABLE d.t_rest PARTITION OF d.t FOR VALUES WITH (MODULUS 4, REMAINDER 3)" + self.fillfactor)
        if how == "range" and by.kind.type in ("bigint", "smallint", "numeric", "numeric(9,2)", "date", "timestamptz"):
            bounds = [f"FROM (MINVALUE) TO ({values(0)})", f"FROM ({values(0)}) TO ({values(middle * by.step)})",
                      f"FROM ({values(middle * by.step)}) TO (MAXVALUE)"]
        elif how == "range":
            bounds = ["FROM (MINVALUE) TO (MAXVALUE)"]
        elif how == "list":
            rows = [i * by.step for i in range(0, min(max(self.rows // by.step, 3), 300))]
            bounds = [f"IN ({values(*rows[n::3])})" for n in range(2)]
        else:
            bounds = [f"WITH (MODULUS 4, REMAINDER {n})" for n in range(3)]
        for n, bound in enumerate(bounds):
            self.make_partition(n, bound, sub if two_levels and n == 0 else None)

    def make_partition(self, n, bound, sub):
        rng, leaf = self.rng, f"d.t_{n}"
        if sub:
            self.add(f"CREATE TABLE {leaf} PARTITION OF d.t FOR VALUES {bound} PARTITION BY HASH ({sub.name})")
            for i in range(2):
                self.add(f"CREATE TABLE {leaf}_{i} PARTITION OF {leaf} FOR VALUES WITH (MODULUS 2, REMAINDER {i}){self.fillfactor}")
        elif rng.random() < 0.5 and not any("IDENTITY" in column.options for column in self.first):
            if "attached" not in self.features:
                self.features.append("attached")
            columns = self.first[:]
            rng.shuffle(columns)
            parts = [column.definition for column in columns]
            gone = [f"y{i}" for i in range(rng.randint(0, 2))]
            for name in gone:
                parts.insert(rng.randint(0, len(parts)), f"{name} text")
            self.add(f"CREATE TABLE {leaf} (\n    " + ",\n    ".join(parts) + f"){self.fillfactor}")
            for name in gone:
                self.add(f"ALTER TABLE {leaf} DROP COLUMN {name}")
            self.add(f"ALTER TABLE d.t ATTACH PARTITION {leaf} FOR VALUES {bound}")
        else:
            self.add(f"CREATE TABLE {leaf} PARTITION OF d.t FOR VALUES {bound}{self.fillfactor}")

    def insert(self, rows, columns):
        rng = self.rng
        columns = [column for column in columns if column.filled]
        tables = {self.name: [i for i in rows]}
        if self.form == "inherited":
            tables = inheritance.tables_of_rows(self, rows)
        for table, numbers in tables.items():
            if not numbers:
                continue
            values = ",\n".join("(" + ", ".join(column.literal(rng, i) for column in columns) + ")" for i in numbers)
            self.add(f"INSERT INTO {table} ({', '.join(column.name for column in columns)}) OVERRIDING SYSTEM VALUE VALUES\n{values}")

    def leave_uncompressed(self, columns):
        """Composite values have their type's OID and version in them, so their compressed size varies."""
        for column in columns:
            if "pair" in column.type:
                self.add(f"ALTER TABLE {self.name} ALTER {column.name} SET STORAGE EXTERNAL")

    def set_storage(self):
        for column in self.regulars:
            if column.kind.varlena and "pair" not in column.type and self.maybe(0.3, "storage"):
                storage = self.rng.choice(("EXTERNAL", "MAIN", "EXTENDED") + (("PLAIN",) if column.small else ()))
                self.add(f"ALTER TABLE {self.name} ALTER {column.name} SET STORAGE {storage}")
            if column.kind.type in ("text", "bytea", "jsonb") and self.maybe(0.2):
                self.add(f"ALTER TABLE {self.name} ALTER {column.name} SET COMPRESSION {self.rng.choice(('lz4', 'pglz'))}")

    def age(self):
        """Rows that were updated and deleted before."""
        key = self.keys[0].name
        if self.maybe(0.4, "dead rows"):
            self.add(f"DELETE FROM {self.name} WHERE hashtext({key}::text) % 11 = 0")
        if self.maybe(0.4, "updated before"):
            for _ in range(self.rng.choice((1, 1, 2, 5))):
                update = f"UPDATE {self.name} SET {key} = {key} WHERE hashtext({key}::text) % {self.rng.choice((1, 2, 5))} = 0"
                self.add(f"DO $$ BEGIN {update}; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END $$"
                         if self.rng.random() < 0.2 else update)

    def maintain(self):
        if self.maybe(0.3, "vacuumed"):
            self.add(f"VACUUM {'(FREEZE) ' if self.rng.random() < 0.3 else ''}{self.name}")
        if self.maybe(0.4, "analyzed"):
            self.add(f"ANALYZE {self.name}")
