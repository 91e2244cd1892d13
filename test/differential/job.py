"""A random source for a random target, and the arguments of the call."""

import expected
import kept
import self_reference
from kinds import NOT_READ, WITHOUT_EQUALITY, bare, quoted


class Job:
    def __init__(self, rng, schema):
        self.rng, self.schema = rng, schema
        self.sql = []
        self.features = []
        self.choose_columns()
        self.choose_arguments()
        self.make_source()
        expected.draw(self)
        kept.draw(self)
        self.query = self.source_query()
        # Drawn last, so that the rest is as before.
        self.sort_index_entries = rng.choice(("on", "on", "off"))
        self.maintenance_work_mem = rng.choice(("1MB", "64MB"))
        self.features += ["index entries wait"] if self.sort_index_entries == "on" else []

    def maybe(self, probability, feature=None):
        yes = self.rng.random() < probability
        if yes and feature:
            self.features.append(feature)
        return yes

    def choose_columns(self):
        """The mapped columns: key columns and values; and the types of the source."""
        rng, schema = self.rng, self.schema
        candidates = [column for column in schema.columns if column not in schema.keys and column not in schema.generated]
        candidates = [column for column in candidates if "GENERATED ALWAYS" not in column.options]
        self.extra = []
        if len(candidates) > 1 and self.maybe(0.12):
            extra = rng.choice(candidates)
            if extra.kind and extra.kind.compared and "btree" in extra.kind.methods and extra.small:
                self.extra = [extra]
                candidates.remove(extra)
                self.features.append("key is a superset")
        special = [column for column in candidates if column in schema.specials]
        wanted = rng.randint(1, len(candidates))
        self.values = rng.sample(candidates, wanted)
        for column in special:
            if column not in self.values and rng.random() < 0.7:
                self.values.append(column)
        self.keys = schema.index_columns + self.extra
        self.columns = self.keys + self.values
        rng.shuffle(self.columns)
        self.bad_here = {}      # an invalid value, by column name
        self.bad_only = set()   # columns whose source type has no other values
        self.read = set()       # columns that are read from text
        self.changed = {}       # makes a key one that its cast changes, by column name
        self.from_types = {column.name: self.source_type(column) for column in self.columns}
        # The key columns in the order of significance: the index's, then the others in source order.
        self.order = schema.index_columns + [column for column in self.columns if column in self.extra]

    def source_type(self, column):
        """(type, generator or None for the column's own)"""
        rng = self.rng
        if column.kind and column.type not in NOT_READ and rng.random() < 0.12:
            self.read.add(column.name)
            self.features.append("key read from text" if column in self.schema.keys else "read from text")
            if column not in self.schema.keys and rng.random() < 0.5:
                self.bad_here[column.name] = "'not one'"
            return rng.choice(("text", "varchar")), None
        if column in self.schema.keys:
            if column.kind.changed and rng.random() < 0.3:
                type, self.changed[column.name] = rng.choice(column.kind.changed)
                self.features.append("keys that a cast changes")
                return type, None
            if column.kind.sources and rng.random() < 0.3:
                return rng.choice(column.kind.sources), None
            return column.type, None
        if column.bad and rng.random() < 0.2:
            type, literal = rng.choice(column.bad)
            self.bad_here[column.name] = literal
            others = [generator for other, generator in column.sources if other == type]
            if others:
                return type, others[0]
            if type == column.type:
                return type, None
            self.bad_only.add(column.name)
            return type, None
        if column.sources and rng.random() < 0.3:
            return rng.choice(column.sources)
        return column.type, None

    def choose_arguments(self):
        rng, schema = self.rng, self.schema
        self.chunk_size = rng.choice((1, 3, 10, 10, 50, 100, 10000, 10000, 10000))
        self.chunk_size_other = rng.choice([n for n in (1, 2, 7, 33, 200, 10000) if n != self.chunk_size])
        self.on_duplicate = rng.choices(("error", "first", "last"), (40, 30, 30))[0]
        self.on_missing = "error" if rng.random() < 0.06 else "ignore"
        self.on_error = "skip" if rng.random() < 0.5 else "stop"
        self.skip_unchanged = rng.random() < 0.35
        self.dry_run = rng.random() < 0.04
        self.rejects = self.on_error == "skip" and rng.random() < 0.6
        self.isolation = rng.choices(("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"), (80, 10, 10))[0]
        self.cursor = rng.choice((None, "CURSOR", "SCROLL CURSOR", "CURSOR WITH HOLD", "BINARY CURSOR"))
        self.session_replication_role = rng.choices(("origin", "replica"), (95, 5))[0]
        self.work_mem = rng.choice(("64kB", "4MB", "4MB"))
        self.arrangement = rng.choice(("key", "key", "reverse", "random", "nearly"))
        self.named = rng.random() < 0.5
        # Does the order in which rows are applied differ from that of their keys? A source streams while it seems
        # to be in order; and the planner decides how children of a parent are read.
        self.other_order = (self.arrangement != "key" or self.read & {c.name for c in self.keys}) and self.on_duplicate != "last" or schema.form == "inherited"
        # A policy is checked before a comparison that is not leakproof, so then no index finds a row by its key, the planner
        # chooses, and rows are in the order of its plan.
        policies = schema.policies and schema.target == schema.name
        self.other_order |= policies and not all(column.kind.leakproof for column in schema.keys)
        self.calls = 1
        if self.maybe(0.06, "called twice"):
            self.calls = 2
        key = schema.keys[0].name
        self.earlier = []       # in the same transaction
        if not schema.role and self.maybe(0.15, "same transaction wrote before"):
            self.earlier.append(rng.choice((
                f"UPDATE {schema.target} SET {key} = {key} WHERE hashtext({key}::text) % 3 = 0",
                f"DELETE FROM {schema.target} WHERE hashtext({key}::text) % 7 = 0")))
            schema.row_by_row &= schema.form != "inherited"
        self_reference.decide(self)
        at_once = [column for column, constraint in ((schema.unique, "t_u"), (schema.range, "t_r"))
                   if constraint not in schema.late or self.on_error == "skip"]
        self.may_conflict = any(column in self.values for column in at_once)
        if self.other_order and self.may_conflict:
            schema.row_by_row = False       # which of two rows in conflict comes first depends on the chunk
        if schema.late and self.on_error == "skip":
            schema.row_by_row = False       # they are checked at the end of each attempt
        self.features += [f"chunk_size {self.chunk_size}", f"on_duplicate {self.on_duplicate}", f"on_error {self.on_error}",
                          f"source in order: {self.arrangement}"]
        self.features += [word for word, on in (("skip_unchanged", self.skip_unchanged), ("dry_run", self.dry_run),
                                                ("on_missing error", self.on_missing == "error")) if on]
        self.features += [self.isolation] if self.isolation != "READ COMMITTED" else []
        self.features += ["session_replication_role replica"] if self.session_replication_role != "origin" else []

    # ----- the source

    def key_literal(self, column, i):
        rng = self.rng
        own = self.from_types[column.name][0] == column.type
        literals = column.kind.alike(i // column.step) if own and rng.random() < 0.5 else [column.value(rng, i)]
        literal = rng.choice(literals)
        if column.name in self.read:
            return f"({literal})::{column.type}::text"
        if column.name in self.changed and rng.random() < 0.2:
            return self.changed[column.name].format(l=literal)
        return literal

    def new_literal(self, column, i, bad):
        rng = self.rng
        if bad and column.name in self.bad_here and rng.random() < 0.5:
            return self.bad_here[column.name]
        nulls = 0.1 if column.nullable else 0.01 if bad else 0
        if rng.random() < nulls:
            return "NULL"
        if column.name in self.read:
            return f"({column.sized(rng, lambda: (column.new or column.value)(rng, i))})::{column.type}::text"
        generator = self.from_types[column.name][1]
        if generator:
            return column.sized(rng, lambda: generator(rng))
        if column.name in self.bad_only:
            return "NULL" if column.nullable else self.bad_here[column.name]
        return column.sized(rng, lambda: (column.new or column.value)(rng, i))

    def make_source(self):
        rng, schema = self.rng, self.schema
        definitions = []
        for column in self.columns:
            type = self.from_types[column.name][0]
            collation = column.options if "COLLATE" in column.options and type == column.type else ""
            definitions.append(f"s_{column.name} {type}{collation}")
        self.sql.append(f"CREATE TABLE d.src (n int, i int, {', '.join(definitions)});")
        size = rng.choice((schema.rows, schema.rows, max(schema.rows // 3, 1), schema.rows + 20))
        pool = list(range(0, schema.rows + max(schema.rows // 10, 3)))
        numbers = rng.sample(pool, min(size, len(pool)))
        duplicates = self.on_duplicate != "error" or rng.random() < 0.08
        if duplicates and rng.random() < 0.7:
            numbers += rng.choices(numbers, k=max(len(numbers) // 8, 1))
            self.features.append("duplicates")
        rng.shuffle(numbers)
        self.size = len(numbers)
        self_reference.prepare(self, numbers)
        bad_share = rng.choice((0, 0.01, 0.05, 0.3)) if self.on_error == "skip" else rng.choice((0, 0, 0.01))
        extra_from_target = rng.random() < 0.8
        rows = []
        for n, i in enumerate(numbers):
            bad = rng.random() < bad_share
            literals = [str(n), str(i)]
            for column in self.columns:
                if column in schema.keys:
                    literals.append("NULL" if rng.random() < 0.01 else self.key_literal(column, i))
                else:
                    literals.append(self.new_literal(column, i, bad))
            rows.append("(" + ", ".join(literals) + ")")
        self.sql.append("INSERT INTO d.src VALUES\n" + ",\n".join(rows) + ";")
        if self.extra and extra_from_target:
            self.take_from_target([column for column in self.extra if self.from_types[column.name][0] == column.type], 1)
        if self.skip_unchanged or rng.random() < 0.15:
            self.take_from_target([column for column in self.values if self.from_types[column.name][0] == column.type], 2)
        if "t_u" in schema.late and schema.unique in self.values and self.maybe(0.7, "unique values change places"):
            # Each row gets the value that the next one has before the call.
            self.sql.append(
                f"UPDATE d.src SET s_u = next * 10 + 1 FROM (SELECT i AS this, coalesce(lead(i) OVER (ORDER BY i), min(i) OVER ()) AS next "
                f"FROM (SELECT DISTINCT i FROM d.src WHERE i < {schema.rows}) AS s) AS s WHERE i = this;")
        self.sql.append("GRANT SELECT ON d.src TO PUBLIC;")

    def take_from_target(self, columns, every):
        """Some source rows have the values that the target already has."""
        if not columns:
            return
        self.features.append("values of the target")
        self.sql.append(
            f"UPDATE d.src SET {', '.join(f's_{column.name} = t.{column.name}' for column in columns)} FROM {self.schema.name} AS t "
            f"WHERE n % {every} = 0 AND {self.key_condition('t', 'src', 's_')};")

    def source_value(self, column, as_key=False):
        """The value of a source column: text is read; a key that is not equal to the result of its cast becomes null.

        A key is cast without the type modifier, so one that is too long is a key that no row has.
        """
        name, source = f"s_{column.name}", self.from_types[column.name][0]
        to = bare(column.type) if as_key else column.type
        if column.name in self.read:
            return f"{name}::{to}"
        if as_key and source != column.type and (column.type, source) not in WITHOUT_EQUALITY:
            return f"CASE WHEN {name} = {name}::{to} THEN {name}::{to} END"
        return name

    def key_condition(self, target, source, prefix=""):
        parts = []
        for column in self.keys:
            if prefix and column.name in self.read and column.name in self.bad_here:
                # Not every text of the source can be read.
                parts.append(f"{target}.{column.name}::text = {source}.{prefix}{column.name}")
                continue
            collation = f" COLLATE {column.kind.collation}" if column in self.schema.keys and column.kind.collation else ""
            # A key of the source itself is compared by SQL's own "=": its cast may change it, or fail.
            own = prefix and column.name not in self.read and self.from_types[column.name][0] != column.type
            cast = "" if own else f"::{bare(column.type)}"
            parts.append(f"{target}.{column.name} = {source}.{prefix}{column.name}{cast}{collation}")
        return " AND ".join(parts)

    def order_by(self, prefix="", direction="", cast=False):
        parts = []
        for column in self.order:
            collation = f" COLLATE {column.kind.order}" if column in self.schema.keys and column.kind.order else ""
            cast_to = f"::{column.type}" if cast else ""
            parts.append(f"{prefix}{column.name}{cast_to}{collation}{direction}")
        return ", ".join(parts)

    @property
    def arranged(self):
        if self.arrangement == "key":
            return self.order_by("s_") + ", n"
        if self.arrangement == "reverse":
            return self.order_by("s_", " DESC") + ", n"
        if self.arrangement == "nearly":
            return f"n % 40 = 7, {self.order_by('s_')}, n"
        return "n"

    def source_query(self):
        names = [f"s_{column.name}" + ("" if self.named else f" AS {column.name}") for column in self.columns]
        names += [column.source for column in self.expected]
        return f"SELECT {', '.join(names)} FROM d.src ORDER BY {self.arranged}"

    # ----- the call

    def arguments(self, chunk_size, ordering=None):
        key_columns = self.keys[:]
        arguments = {"chunk_size": str(chunk_size), "on_missing": quoted(self.on_missing), "on_duplicate": quoted(self.on_duplicate),
                     "on_error": quoted(self.on_error), "skip_unchanged": str(self.skip_unchanged).lower(),
                     "dry_run": str(self.dry_run).lower()}
        if not self.schema.primary or self.extra or self.named:
            arguments["key_columns"] = "ARRAY[" + ", ".join(quoted(column.name) for column in key_columns) + "]::name[]"
        if self.named:
            arguments["columns"] = "ARRAY[" + ", ".join(quoted(column.name) for column in self.columns) + "]::name[]"
        if self.rejects:
            arguments["rejects"] = "'d.rejects'"
        arguments.update(expected.arguments(self))
        arguments.update(kept.arguments(self))
        if ordering:
            arguments["ordering"] = quoted(ordering)
        return ", ".join(f"{name} => {value}" for name, value in sorted(arguments.items()))

    def call(self, chunk_size, ordering=None):
        """The statements that make the call; the last one returns the report."""
        arguments = self.arguments(chunk_size, ordering)
        if self.cursor:
            return ["CLOSE ALL", f"DECLARE new_values {self.cursor} FOR {self.query}",
                    f"SELECT * FROM bulk_update({quoted(self.schema.target)}, 'new_values', {arguments})"]
        return [f"SELECT * FROM bulk_update_query({quoted(self.schema.target)}, {quoted(self.query)}, {arguments})"]
