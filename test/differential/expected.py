"""Columns whose present values the source states: expected_columns.

Most rows of the source state the target's values before the call; the others are stale. They are drawn by another random
generator, so that the rest of a job is the same as without them.
"""

import random

from kinds import NOT_READ, quoted


class Expected:
    """A column of the target, and of the source as x_NAME; as e_NAME its value after the cast."""

    def __init__(self, column, as_text):
        self.column, self.as_text = column, as_text
        self.source, self.cast = f"x_{column.name}", f"e_{column.name}"
        self.type = column.type + (column.options if "COLLATE" in column.options else "")

    @property
    def value(self):
        return f"{self.source}::{self.column.type}" if self.as_text else self.source

    @property
    def same(self):
        """Compared as the values of a row are."""
        cast = "" if not self.column.kind or self.column.kind.compared else "::text"
        return f"t.{self.column.name}{cast} IS NOT DISTINCT FROM c.{self.cast}{cast}"


def draw(job):
    """Choose the columns and fill those of the source."""
    rng = random.Random()
    rng.setstate(job.rng.getstate())
    rng.seed(rng.getrandbits(64))
    schema = job.schema
    job.expected, job.on_stale = [], "ignore"
    candidates = [column for column in schema.columns if column not in job.keys]
    if not candidates or rng.random() > 0.3:
        return
    for column in rng.sample(candidates, min(len(candidates), rng.choice((1, 1, 2)))):
        readable = column.kind and column.type not in NOT_READ and rng.random() < 0.25
        job.expected.append(Expected(column, readable))
    job.on_stale = "error" if rng.random() < 0.1 else "ignore"
    job.features += ["expected columns"] + (["on_stale error"] if job.on_stale == "error" else [])
    for expected in job.expected:
        name, source = expected.column.name, expected.source
        text = "::text" if expected.as_text else ""
        job.sql.append(f"ALTER TABLE d.src ADD {source} {'text' if text else expected.type};")
        job.sql.append(f"UPDATE d.src SET {source} = t.{name}{text} FROM {schema.name} AS t"
                       f" WHERE {job.key_condition('t', 'src', 's_')};")
        wrong = rng.choice((0, 5, 20))
        if wrong:
            job.sql.append(f"UPDATE d.src SET {source} = (SELECT {name}{text} FROM {schema.name} AS t"
                           f" ORDER BY md5(t::text) LIMIT 1) WHERE hashint4(n) % 100 BETWEEN 0 AND {wrong};")
            job.sql.append(f"UPDATE d.src SET {source} = NULL WHERE hashint4(n) % 100 BETWEEN 50 AND {50 + wrong};")
        if text and job.on_error == "skip" and rng.random() < 0.5:
            job.sql.append(f"UPDATE d.src SET {source} = 'not one' WHERE n % 23 = 5;")
            job.features.append("expected values that cannot be read")


def arguments(job):
    if not job.expected:
        return {}
    names = ", ".join(quoted(expected.column.name) for expected in job.expected)
    return {"expected_columns": f"ARRAY[{names}]::name[]", "on_stale": quoted(job.on_stale)}


def is_stale(job, equal):
    """An aggregate over the target's rows with a key: is one of them stale? equal: whether it has the new values."""
    if not job.expected:
        return "false"
    same = " AND ".join(expected.same for expected in job.expected)
    return f"bool_or(NOT ({same}) AND NOT ({job.skip_unchanged} AND {equal}))"
