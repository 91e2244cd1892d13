"""Properties of a random target besides columns and rows: constraints, indexes, foreign keys, privileges."""

import inheritance
import self_reference
import triggers
from kinds import quoted

# ----- columns with a purpose

def special_columns(schema):
    """Columns for constraints; attach() adds these."""
    from schema import Column
    rng, columns = schema.rng, []
    conflicts = rng.choice((0, 0.02, 0.1))      # share of new values that other rows may have
    schema.unique = schema.range = schema.reference = schema.self_reference = schema.identity = None
    if not schema.partitioned and schema.maybe(0.4, "unique column"):
        schema.unique = column = Column("u", "integer", lambda r, i: quoted(i * 10 + 1))
        column.new = lambda r, i: quoted(i * 10 + 2 if r.random() >= conflicts else r.randint(0, schema.rows) * 10 + r.randint(1, 2))
        columns.append(column)
    if not schema.partitioned and schema.maybe(0.15, "exclusion constraint"):
        schema.range = column = Column("r", "int4range", lambda r, i: quoted(f"[{i * 10},{i * 10 + 5})"))
        column.new = lambda r, i: quoted(f"[{i * 10 + 1},{i * 10 + (8 if r.random() >= conflicts else 12)})")
        columns.append(column)
    if schema.form != "temporary" and schema.maybe(0.25, "foreign key"):
        schema.reference = column = Column("f", "integer", lambda r, i: quoted(r.randint(1, 20)))
        column.bad = (("integer", "'999'"),)
        columns.append(column)
    if schema.ordinary and len(schema.keys) == 1 and schema.primary and not schema.keys[0].kind.collation \
            and schema.maybe(0.2, "self reference"):
        key = schema.keys[0].kind
        schema.self_reference = column = Column("p", key.type, lambda r, i: key.value(r.randint(0, schema.rows - 1)))
        column.options = schema.keys[0].options
        if key.type not in ("d.key_mood", "smallint"):
            column.bad = ((key.type, key.value(schema.rows + 3000)),)
        columns.append(column)
    self_reference.column_of(schema, columns)
    if schema.maybe(0.12, "identity column"):
        schema.identity = column = Column("i", "bigint", None)
        column.options = f" GENERATED {rng.choice(('ALWAYS', 'BY DEFAULT'))} AS IDENTITY"
        column.value, column.filled = lambda r, i: quoted(r.randint(1, 10 ** 6)), False
        if schema.form == "inherited":
            column.options = ""
            column.filled = True
        columns.append(column)
    for column in columns:
        column.small = True
    return columns


def generated_columns(schema, columns):
    from schema import Column
    made = []
    for column in columns:
        if column.name.startswith("c") and column.kind.generated and schema.rng.random() < 0.3:
            if not schema.maybe(0.8, "generated column"):
                continue
            types = {"({c} + 0)": "integer", "({c} * 2)": "integer", "({c} % 100)": "bigint", "({c} + 1)": column.kind.type,
                     "upper({c})": "text", "length({c})": "integer", "octet_length({c})": "integer", "({c} ->> 'a')": "text",
                     "(NOT {c})": "boolean", "cardinality({c})": "integer", "({c} - 1)": "integer", "lower({c})": "integer",
                     "host({c})": "text"}
            new = Column("g" + column.name[1:], types[column.kind.generated], None)
            how = "STORED"
            if schema.version >= 18 and schema.rng.random() < 0.4:
                how = "VIRTUAL"
            new.options = f" GENERATED ALWAYS AS ({column.kind.generated.format(c=column.name)}) {how}"
            new.filled, new.virtual, new.base = False, how == "VIRTUAL", column
            made.append(new)
    return made


# ----- attached to the table with its rows

def attach(schema):
    schema.add(triggers.LOG.strip().rstrip(";"))
    constraints(schema)
    for _ in range(schema.rng.choice((0, 0, 1, 2, 3, 5))):
        index(schema)
    triggers.attach(schema)
    if schema.form == "inherited":
        inheritance.attach(schema)
    identity(schema)
    privileges(schema)


def constraints(schema):
    rng, name = schema.rng, schema.name
    if schema.unique:
        how = "UNIQUE" if schema.parent else rng.choice(
            ("UNIQUE", "UNIQUE", "UNIQUE DEFERRABLE", "UNIQUE DEFERRABLE INITIALLY DEFERRED"))
        schema.deferred_unique = "DEFERRABLE" in how
        if how.endswith("DEFERRABLE"):
            schema.late.append("t_u")
        schema.add(f"ALTER TABLE {name} ADD CONSTRAINT t_u {how.replace('UNIQUE', 'UNIQUE (u)')}")
    if schema.range:
        how = rng.choice(("", "", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"))
        schema.add(f"ALTER TABLE {name} ADD CONSTRAINT t_r EXCLUDE USING gist (r WITH &&){how}")
        if how.endswith("DEFERRABLE"):
            schema.late.append("t_r")
    if schema.reference:
        deferred = rng.random() < 0.2
        schema.add("CREATE TABLE d.ref (id int PRIMARY KEY, note text)")
        schema.add("INSERT INTO d.ref SELECT i, 'note' FROM generate_series(1, 20) AS i")
        schema.add(f"ALTER TABLE {name} ADD CONSTRAINT t_f FOREIGN KEY (f) REFERENCES d.ref"
                   + rng.choice(("", " ON UPDATE CASCADE")) + (" DEFERRABLE INITIALLY DEFERRED" if deferred else ""))
    if schema.self_reference:
        schema.add("UPDATE d.t SET p = NULL WHERE p NOT IN (SELECT k1 FROM d.t)")
        schema.add("ALTER TABLE d.t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES d.t ON UPDATE CASCADE")
    if schema.parent:
        self_reference.constraint(schema)
    if schema.form not in ("temporary", "unlogged", "inherited") and schema.primary and schema.maybe(0.15, "referenced key"):
        referencing(schema, [column for column in schema.index_columns], "child")
    if schema.unique and not schema.parent and schema.form == "plain" and not schema.deferred_unique and schema.maybe(0.5, "referenced column"):
        referencing(schema, [schema.unique], "child_u")
    integers = [column for column in schema.columns if column.type == "integer" and column.name.startswith("c")]
    if schema.partitioned and schema.maybe(0.2, "partition has its own"):
        column = rng.choice(schema.regulars)
        schema.add(f"ALTER TABLE d.t_rest ADD CONSTRAINT rest CHECK (k1::text <> '' OR {column.name} IS NULL)")
        if column.small and "btree" in column.kind.methods:
            schema.add(f"CREATE INDEX ON d.t_rest ({column.name})")
    if integers and schema.maybe(0.4, "CHECK"):
        column = rng.choice(integers)
        schema.add(f"ALTER TABLE {name} ADD CONSTRAINT t_check CHECK ({column.name} > -2000000)")
        column.bad += (("integer", "'-3000000'"),)


def referencing(schema, columns, table):
    rng = schema.rng
    names = ", ".join(column.name for column in columns)
    definitions = ", ".join(f"{column.name} {column.type}{column.options if 'COLLATE' in column.options else ''}" for column in columns)
    action = rng.choice(("CASCADE", "CASCADE", "SET NULL", "NO ACTION", "RESTRICT"))
    if table == "child_u" and action in ("NO ACTION", "RESTRICT"):
        schema.row_by_row = False
    deferred = " DEFERRABLE INITIALLY DEFERRED" if action == "NO ACTION" and rng.random() < 0.5 else ""
    schema.add(f"CREATE TABLE d.{table} (n int, {definitions})")
    schema.add(f"INSERT INTO d.{table} SELECT row_number() OVER (), {names} FROM (SELECT {names} FROM d.t ORDER BY {names} "
               f"LIMIT {rng.choice((3, 50))}) AS s")
    schema.add(f"ALTER TABLE d.{table} ADD FOREIGN KEY ({names}) REFERENCES d.t ({names}) ON UPDATE {action}{deferred}")


def index(schema):
    rng, name = schema.rng, schema.name
    candidates = [column for column in schema.columns
                  if column in schema.regulars and column.small and column.kind.methods]
    candidates += [column for column in schema.generated if column.base.small and not column.virtual and schema.maybe(0.5)]
    if not candidates:
        return
    column = rng.choice(candidates)
    c = column.name
    method = rng.choice(column.kind.methods) if column.kind else "btree"
    where = ""
    if method != "btree":
        schema.features.append(method)
    if rng.random() < 0.25 and method in ("btree", "hash", "gin"):
        where = f" WHERE {c} IS NOT NULL"
        schema.features.append("partial index")
    if method == "btree":
        other = rng.choice(candidates).name
        include = f" INCLUDE ({other})" if other != c and rng.random() < 0.2 else ""
        more = f", {rng.choice(schema.keys).name}" if rng.random() < 0.2 else ""
        schema.add(f"CREATE INDEX ON {name} ({c}{rng.choice(('', ' DESC'))}{more}){include}{where}")
    elif method == "expression":
        schema.add(f"CREATE INDEX ON {name} (lower({c}), length({c}))")
    elif method == "gin_tsvector":
        schema.add(f"CREATE INDEX ON {name} USING gin (to_tsvector('simple', {c}))")
    else:
        opclass = " inet_ops" if method == "gist_inet" else ""
        method = method.split("_")[0]
        schema.add(f"CREATE INDEX ON {name} USING {method} ({c}{opclass}){where}")
        operator = {"hash": "=", "brin": "=", "gin": "@>", "gist": "&&"}[method]
        if column.type == "point":
            operator = "~="
        if column.type == "tsvector":
            return
        schema.searched.append((c, operator, where))


def identity(schema):
    """Replica identity, and a publication."""
    rng, name = schema.rng, schema.name
    schema.replica_identity = "default"
    if rng.random() < 0.5 and schema.form in ("plain", "partitioned"):
        schema.replica_identity = rng.choice(("full", "full", "nothing"))
        leaves = [name] if schema.form == "plain" else []
        for leaf in leaves:
            schema.add(f"ALTER TABLE {leaf} REPLICA IDENTITY {schema.replica_identity}")
        if schema.partitioned:
            schema.add(f"""DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT relid FROM pg_partition_tree('d.t') LOOP
                EXECUTE format('ALTER TABLE %s REPLICA IDENTITY {schema.replica_identity}', p); END LOOP; END $$""")
        schema.features.append(f"replica identity {schema.replica_identity}")
    if schema.form in ("plain", "partitioned") and schema.maybe(0.25, "publication"):
        key = schema.keys[0].kind
        built_in = not (key.type.startswith("d.") or key.column_collation)
        row_filter = " WHERE (k1 IS NOT NULL)" if built_in and schema.maybe(0.2) else ""
        columns = " (" + ", ".join(column.name for column in schema.index_columns) + ")" if schema.maybe(0.2) and not row_filter else ""
        via = " WITH (publish_via_partition_root = true)" if schema.partitioned else ""
        schema.add(f"CREATE PUBLICATION d_publication FOR TABLE d.t{columns}{row_filter}{via}")


def privileges(schema):
    """The caller: the owner, a superuser, or a user with some privileges, with policies or without."""
    rng = schema.rng
    name = schema.name
    if schema.form != "temporary" and schema.maybe(0.03, "rule"):
        schema.add("CREATE RULE also AS ON UPDATE TO d.t DO ALSO INSERT INTO d.log (kind, name, op) VALUES ('rule', 'also', NEW.k1::text)")
        schema.row_by_row = False
    if schema.form == "temporary" or not schema.maybe(0.15, "another user"):
        if schema.form != "temporary" and schema.maybe(0.05, "policy of others"):
            schema.add(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        return
    schema.role = "d_user"
    schema.add("GRANT USAGE ON SCHEMA d TO d_user")
    schema.add("GRANT ALL ON ALL TABLES IN SCHEMA d TO d_user")
    if rng.random() < 0.4 and not schema.triggers:
        schema.add(f"REVOKE ALL ON {name} FROM d_user")
        schema.add(f"GRANT SELECT ({', '.join(column.name for column in schema.columns)}) ON {name} TO d_user")
        schema.add(f"GRANT UPDATE ({', '.join(column.name for column in schema.columns)}) ON {name} TO d_user")
        schema.features.append("column privileges")
    if schema.maybe(0.4, "row-level security"):
        schema.policies = True
        schema.add(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        schema.add(f"CREATE POLICY p_see ON {name} USING (abs(hashtext(k1::text)) % 9 <> 0)")
        if schema.maybe(0.5):
            schema.add(f"CREATE POLICY p_write ON {name} AS RESTRICTIVE FOR UPDATE USING (true) WITH CHECK (abs(hashtext(k1::text)) % 13 <> 0)")
