"""Inheritance children of a random target: with other columns, in another order, with the key's index or without, at two
levels; and keys that several tables have."""


def make_children(schema):
    """After the parent was created."""
    rng = schema.rng
    schema.children = []
    for n in range(rng.choice((1, 1, 2, 3, 5))):
        child = f"d.t_child{n or ''}"
        parent = rng.choice(schema.children) if schema.children and rng.random() < 0.3 else "d.t"
        own = ["own int DEFAULT 7"] if parent == "d.t" else []
        if rng.random() < 0.3:
            own.append(f"own{n + 2} text DEFAULT 'of the child'")
        if rng.random() < 0.5 or parent != "d.t":
            schema.add(f"CREATE TABLE {child} ({', '.join(own)}) INHERITS ({parent}){schema.fillfactor}")
        else:
            columns = [column.definition for column in schema.first] + own + ["gone int"] * rng.randint(0, 1)
            rng.shuffle(columns)
            schema.add(f"CREATE TABLE {child} (\n    " + ",\n    ".join(columns) + f"){schema.fillfactor}")
            if "gone int" in columns:
                schema.add(f"ALTER TABLE {child} DROP COLUMN gone")
            schema.add(f"ALTER TABLE {child} INHERIT {parent}")
        schema.children.append(child)
    schema.features.append(f"{len(schema.children)} children")


def tables_of_rows(schema, rows):
    """The numbers of the rows by table: the parent has its own, and some are in two tables."""
    tables = ["d.t"] + schema.children
    found = {table: [] for table in tables}
    for i in rows:
        place = i * 7 // 3 % len(tables)
        found[tables[place]].append(i)
        if i % 10 == 1:
            found[tables[(place + 1) % len(tables)]].append(i)
    return found


def attach(schema):
    """The children's own objects: they do not inherit a parent's indexes and triggers."""
    rng = schema.rng
    for n, child in enumerate(schema.children):
        if rng.random() < 0.6:
            schema.add(f"CREATE UNIQUE INDEX ON {child} ({schema.index_parts()})")
        if rng.random() < 0.2:
            schema.add(f"CREATE TRIGGER ch_log{n} {rng.choice(('BEFORE', 'AFTER'))} UPDATE ON {child}"
                       f" FOR EACH ROW EXECUTE FUNCTION d.log_row('{rng.choice(('before', 'after'))}')")
            schema.features.append("trigger of a child")
        if rng.random() < 0.08:
            schema.add(f"CREATE TRIGGER ch_suppress{n} BEFORE UPDATE ON {child} FOR EACH ROW EXECUTE FUNCTION d.suppress()")
            schema.features.append("suppressing trigger of a child")
