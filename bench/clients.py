"""The ways of updating from a client. Runs as a separate process, so that its memory is that of one way.

usage: clients.py PEER SHAPE    (PGHOST and so on name the database)

Loads the new values, prints the process ID of its backend, waits for a line, gives `objects` the new values and
commits; prints seconds and memory as JSON; ends when its input ends.
"""

import json
import os
import sys

import psycopg2
from psycopg2.extras import execute_values

from meter import Meter  # test
from new_values import Lines, copy_text  # examples/psycopg2
from peers import update_from
from shapes import SHAPES


def source_rows(shape):
    """The new values; fetched in small parts, which leaves no large block of free memory."""
    connection = psycopg2.connect("")
    cursor = connection.cursor("source")
    cursor.execute(f"SELECT {', '.join(shape.columns())} FROM source")
    yield from cursor
    connection.close()


class Psycopg2:
    """From tuples, through psycopg2."""

    def __init__(self, shape):
        self.shape = shape
        self.rows = list(source_rows(shape))
        self.connection = psycopg2.connect("")
        self.pid = self.connection.get_backend_pid()

    def execute_values(self):
        shape = self.shape
        columns = shape.columns()
        statement = update_from(shape, f"(VALUES %s) AS p ({', '.join(columns)})")
        template = "(" + ", ".join(f"%s::{shape.type_of(column)}" for column in columns) + ")"
        with self.connection, self.connection.cursor() as cursor:
            execute_values(cursor, statement, self.rows, template, page_size=1000)

    def copy(self, cursor):
        lines = ("\t".join(r"\N" if value is None else copy_text(str(value)) for value in row) + "\n"
                 for row in self.rows)
        columns = ", ".join(self.shape.columns())
        cursor.execute(f"CREATE TEMPORARY TABLE rows ON COMMIT DROP AS SELECT {columns} FROM objects WITH NO DATA")
        cursor.copy_expert("COPY rows FROM STDIN", Lines(lines))

    def psycopg2_copy(self):
        with self.connection, self.connection.cursor() as cursor:
            self.copy(cursor)
            cursor.execute("ANALYZE rows")
            cursor.execute(update_from(self.shape, "rows p"))

    def psycopg2_ours(self):
        with self.connection, self.connection.cursor() as cursor:
            self.copy(cursor)
            cursor.execute("DECLARE c NO SCROLL CURSOR FOR SELECT * FROM rows")
            cursor.execute("SELECT rows_updated, rows_missing FROM bulk_update('objects', 'c', report => 'total')")


class Django:
    """From objects, through Django's connection."""

    def __init__(self, shape):
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"  # test/django
        django.setup()
        import bulk_update_django  # contrib/django
        from django.db import connection

        self.shape = shape
        self.model = self.make_model()
        self.module, self.connection = bulk_update_django, connection
        self.objects = [self.model(*row) for row in source_rows(shape)]
        connection.ensure_connection()
        self.pid = connection.connection.get_backend_pid()

    def make_model(self):
        from django.db import models

        kinds = {"bigint": models.BigIntegerField, "integer": models.IntegerField, "text": models.TextField,
                 "uuid": models.UUIDField, "timestamptz": models.DateTimeField}
        fields = {name: kinds[self.shape.type_of(name)](primary_key=name in self.shape.keys)
                  for name in self.shape.columns()}
        meta = type("Meta", (), {"app_label": "bench", "db_table": "objects", "managed": False})
        return type("Object", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    def django(self):
        self.model.objects.bulk_update(self.objects, list(self.shape.values), batch_size=250)

    def django_ours(self):
        self.module.bulk_update(self.model, self.objects, self.shape.values)

    def django_copy(self):
        """Like the module into its temporary table, then one UPDATE."""
        from bulk_update_django.staging import Staging
        from django.db import transaction

        fields = [self.model._meta.get_field(name) for name in self.shape.values]
        with transaction.atomic(), self.connection.cursor() as cursor:
            keys = [self.model._meta.pk]
            staging = Staging(self.model.objects.all(), self.connection, "objects", keys, keys, fields, [], wide=False)
            staging.create(cursor)
            staging.fill(cursor, self.objects, report=int)
            cursor.execute(f"ANALYZE {staging.table}")
            cursor.execute(update_from(self.shape, f"{staging.table} p"))


def main():
    peer, shape = sys.argv[1:]
    client = (Django if peer.startswith("django") else Psycopg2)(SHAPES[shape])
    print(client.pid, flush=True)
    sys.stdin.readline()
    meter = Meter()
    getattr(client, peer)()
    print(json.dumps(meter.read()), flush=True)
    sys.stdin.read()


main()
