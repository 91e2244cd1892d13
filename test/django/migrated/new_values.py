"""The new values of objects: a computation that needs Python."""

import hashlib
import json
import os
import zlib

FIELDS = ["field1", "field2", "field3"]


def new_values(obj):
    field1 = zlib.crc32(obj.field2.encode()) // 2
    field2 = hashlib.blake2s(f"{obj.field2}\t{obj.field1}".encode()).hexdigest() + "\t\\N\n"
    field3 = None if obj.id % 7 == 0 else (obj.field1 * 3 + field1) % 1000
    return field1, field2, field3


def changed(objects):
    for obj in objects:
        obj.field1, obj.field2, obj.field3 = new_values(obj)
        yield obj


def write_figures(meter):
    """For the test, which runs each migration in a separate process."""
    figures = meter.read()
    with open(os.environ["METER_FILE"], "w") as file:
        json.dump(figures, file)
