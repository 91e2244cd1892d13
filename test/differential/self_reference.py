"""Rows that refer to others of the same table by a unique column, and the expected result of one UPDATE of them.

Column s refers to column u. The new values of u are unused ones, and a new value of s is null, one of a row that keeps
it, one that another row of the same source gets (the two must be applied together), or one that no row has. So of the rows of
one statement there is one largest set that can be applied, which largest_set() finds from the values alone.
"""

from kinds import quoted


def column_of(schema, columns):
    """Column s, if requested: column u exists."""
    from schema import Column
    rng = schema.rng
    schema.parent, schema.parent_checked = None, ""
    if not schema.unique or schema.form not in ("plain", "unlogged", "temporary") or not schema.maybe(0.45, "parent in the same table"):
        return
    schema.unique.new = lambda r, i: quoted(i * 10 + 2)     # of no other row
    schema.parent = column = Column("s", "integer", None)
    column.value = lambda r, i: "NULL" if r.random() < 0.6 else quoted(r.randint(0, schema.rows - 1) * 10 + 1)
    column.bad = (("integer", "'7'"),)
    schema.parent_checked = rng.choices(("", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"), (70, 15, 15))[0]
    columns.append(column)


def constraint(schema):
    name = schema.name
    schema.add(f"UPDATE {name} SET s = NULL WHERE s NOT IN (SELECT u FROM {name} WHERE u IS NOT NULL)")
    schema.add(f"ALTER TABLE {name} ADD {constraint_definition(schema)}")


def constraint_definition(schema):
    return f"CONSTRAINT t_s FOREIGN KEY (s) REFERENCES {schema.name} (u) {schema.parent_checked}".rstrip()


def prepare(job, numbers):
    """Set the possible new values of s: numbers are the rows of the source."""
    schema = job.schema
    if not schema.parent:
        return
    there, others = sorted(set(numbers)), sorted(set(range(schema.rows)) - set(numbers))
    new = 2 if schema.unique in job.values else 1
    absent = job.rng.choice((0, 0.02, 0.1)) if job.on_error == "skip" else job.rng.choice((0, 0, 0.02))

    def value(rng, i):
        kind = rng.random()
        if kind < absent:
            return "'7'"
        if kind < 0.4:
            return "NULL"
        if kind < 0.7 or not others:
            return quoted(rng.choice(there) * 10 + new)
        if kind < 0.8:
            return quoted(i * 10 + new)
        return quoted(rng.choice(others) * 10 + 1)
    schema.parent.new = value


def decide(job):
    """Is the outcome that of whole statements? Then it differs from that row by row."""
    schema = job.schema
    job.whole = False
    if not schema.parent or "INITIALLY DEFERRED" in schema.parent_checked or job.dry_run or job.session_replication_role == "replica":
        return
    if schema.unique in job.values and schema.parent in job.values:
        job.whole = schema.row_by_row and job.calls == 1 and schema.range not in job.values
        schema.row_by_row = False


def largest_set(rows, pairs, candidates):
    """The largest part of the candidates that one UPDATE can apply.

    rows: (u, s) of the whole table, by row; pairs: n -> (row, u, s) with the new values; candidates: numbers n.
    """
    taken = set(candidates)
    while True:
        final = dict(rows)
        final.update((pairs[n][0], pairs[n][1:]) for n in taken)
        present = {u for u, _ in final.values() if u is not None}
        wanted = {s for _, s in final.values() if s is not None}
        bad = set()
        for n in taken:
            row, u, s = pairs[n]
            old_u, old_s = rows[row]
            # The key of a referenced row no longer exists, or the key of a row to be referenced does not exist.
            if old_u != u and old_u in wanted and old_u not in present or old_s != s and s is not None and s not in present:
                bad.add(n)
        if not bad:
            return taken
        taken -= bad


def pairs_query(job):
    """Each applied source row with its target row and the new u and s."""
    return (f"SELECT k.n, t.ctid::text, c.u, c.s FROM aux.k, aux.c, aux.taken, {job.schema.target} t"
            f" WHERE c.n = k.n AND taken.n = k.n AND taken AND c.state IS NULL AND {job.key_condition('t', 'k')}")


def update(job, numbers):
    """The one statement."""
    assignments = ", ".join(f"{column.name} = s.{job.source_value(column)}" for column in job.values)
    return (f"UPDATE {job.schema.target} AS t SET {assignments} FROM d.src AS s, aux.k AS k"
            f" WHERE s.n = ANY ('{{{','.join(map(str, sorted(numbers)))}}}'::int[]) AND k.n = s.n AND {job.key_condition('t', 'k')}")
