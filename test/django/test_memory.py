"""Memory and time of many objects from a generator, in a separate process: the peak remains when memory is freed."""

import collections
import io
import time

from django.db import connection

from app.models import Object
from bulk_update_django import bulk_update
from meter import Meter

LIMIT_MB = 16
FIELDS = ["field1", "field2"]


def objects(rows):
    for n in range(1, rows + 1):
        yield Object(id=n, field1=n % 1000, field2=f"value {n % 99}")


def by_hand(cursor, rows):
    """The same values without objects and fields: lines built by hand, COPY, bulk_update_query()."""
    cursor.execute("CREATE TEMPORARY TABLE by_hand (id bigint, field1 integer, field2 varchar(10))")
    for start in range(1, rows + 1, 2000):
        lines = "".join(f"{n}\t{n % 1000}\tvalue {n % 99}\n" for n in range(start, min(start + 2000, rows + 1)))
        if hasattr(cursor, "copy_expert"):
            cursor.copy_expert("COPY by_hand FROM STDIN", io.StringIO(lines))
        else:
            with cursor.copy("COPY by_hand FROM STDIN") as copy:
                copy.write(lines)
    cursor.execute("SELECT sum(rows_updated) FROM bulk_update_query('app_object', 'SELECT * FROM by_hand')")


def seconds(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def test_memory(pytestconfig):
    rows = pytestconfig.option.rows or 200000
    with connection.schema_editor() as editor:
        editor.create_model(Object)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO app_object (id, field1, field2, changed)"
                       " SELECT n, n, n::text, now() FROM generate_series(1, %s) n", [rows])
        cursor.execute("VACUUM (ANALYZE) app_object")
    meter = Meter()
    account = bulk_update(Object, objects(rows), FIELDS)
    figures = meter.read()
    extra = figures["client_extra"] / 2**20
    with connection.cursor() as cursor:
        cursor.execute("VACUUM app_object")
        print(f"{rows} objects: {extra:.1f} MB of extra client memory, {figures['seconds']:.1f} s; making the objects alone"
              f" {seconds(collections.deque, objects(rows), 0):.1f} s,"
              f" COPY and bulk_update by hand {seconds(by_hand, cursor, rows):.1f} s")
        cursor.execute("DROP TABLE app_object")
    assert account.rows_updated == rows
    assert extra <= LIMIT_MB
