"""Give many objects new values from a Django program or migration, in bounded memory.

    from bulk import BulkUpdate

    BulkUpdate(Object, ["field1", "field2"]).run(
        (obj.pk, make_field1(obj), make_field2(obj)) for obj in Object.objects.iterator()
    )

The rows go to a temporary table by COPY, a batch at a time, and from there through a cursor to the table.
Everything happens on Django's own connection, inside its transaction: an error undoes all of it.

The batches are not there for speed. A COPY occupies its connection until its end, so a generator that reads
from the same connection, as iterator() does, must not be asked for rows while a COPY runs.
"""

import io
from itertools import islice

from django.db import router, transaction


class BulkUpdate:
    def __init__(self, model, fields, using=None, batch_rows=2000):
        self.using = using or router.db_for_write(model)
        self.connection = transaction.get_connection(self.using)
        self.fields = [model._meta.pk] + [model._meta.get_field(name) for name in fields]
        self.batch_rows = batch_rows
        quote = self.connection.ops.quote_name
        self.table = quote(model._meta.db_table)
        self.columns = ", ".join(quote(field.column) for field in self.fields)
        self.key = quote(model._meta.pk.column)

    def run(self, rows):
        """Apply (primary key, value, ...) tuples; return how many rows were updated, and how many keys had none."""
        rows = iter(rows)
        with transaction.atomic(using=self.using), self.connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE bulk_update_rows AS SELECT {self.columns} FROM {self.table} WITH NO DATA"
            )
            while batch := list(islice(rows, self.batch_rows)):
                self.copy(cursor, f"COPY bulk_update_rows ({self.columns}) FROM STDIN", "".join(map(self.line, batch)))
            cursor.execute(
                "DECLARE bulk_update_cursor NO SCROLL CURSOR FOR "
                f"SELECT {self.columns} FROM bulk_update_rows ORDER BY {self.key}"
            )
            cursor.execute(
                "SELECT rows_updated, rows_missing "
                "FROM bulk_update(%s::regclass, 'bulk_update_cursor', report => 'total')",
                [self.table],
            )
            updated, missing = cursor.fetchone()
            cursor.execute("CLOSE bulk_update_cursor")
            cursor.execute("DROP TABLE bulk_update_rows")
        return updated, missing

    @staticmethod
    def copy(cursor, query, text):
        if hasattr(cursor, "copy_expert"):  # psycopg2
            cursor.copy_expert(query, io.StringIO(text))
        else:
            with cursor.copy(query) as copy:
                copy.write(text)

    def line(self, row):
        """One line of COPY's text format. Values become what Django itself would send to the database."""
        return "\t".join(
            self.text(field.get_db_prep_save(value, self.connection)) for field, value in zip(self.fields, row)
        ) + "\n"

    @staticmethod
    def text(value):
        if value is None:
            return r"\N"
        # The drivers wrap JSON, bytes and inet: psycopg2's attributes are adapted and addr, psycopg's is obj.
        wrapped = getattr(value, "adapted", getattr(value, "obj", getattr(value, "addr", value)))
        value = value.dumps(wrapped) if hasattr(value, "dumps") else wrapped
        if isinstance(value, (bytes, bytearray, memoryview)):
            return r"\\x" + bytes(value).hex()
        return str(value).replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
