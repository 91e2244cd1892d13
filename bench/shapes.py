"""The jobs that are measured: one function each, that makes the tables `template` and `pairs` and returns a Shape.

Before each run `objects` is made anew from `template`, with its indexes and constraints.
"""

from typing import NamedTuple


class Shape(NamedTuple):
    keys: list
    values: list
    description: str


def key_order(cursor, rows):
    cursor.execute(
        "CREATE TABLE template (id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer)")
    cursor.execute(
        "INSERT INTO template SELECT i, i, 'object ' || i, i %% 100 FROM generate_series(1, %s) i", [rows])
    cursor.execute(
        "CREATE TABLE pairs (id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer)")
    cursor.execute("INSERT INTO pairs SELECT id, field1 + 1, md5(field2), field3 * 2 FROM template ORDER BY id")
    return Shape(["id"], ["field1", "field2", "field3"],
                 f"all {rows} rows of a table get a new integer, text and integer; bigint key, both tables in key order")


SHAPES = {shape.__name__: shape for shape in (key_order,)}
