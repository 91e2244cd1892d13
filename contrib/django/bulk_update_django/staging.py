"""The temporary table that the objects are written to.

They are written in batches, each by one COPY: one COPY for all would occupy the connection, but a generator may read
from the same one, as iterator() does.
"""

import itertools
from io import BytesIO

from django import VERSION
from django.core.exceptions import EmptyResultSet
from django.db import ProgrammingError

from .columns import INTEGERS, Column, ExpectedColumn
from .errors import name_of
from .extension import SCHEMA, require_extension

BATCH_ROWS = 2000
BATCH_CHARACTERS = 500_000
INSERT_PARAMETERS = 10_000
ORDINAL = '"bulk_update ordinal"'
EXPECTED = "bulk_update expected "

_numbers = itertools.count(1)


class Staging:
    """create() the table, fill() it, restrict() it to the rows of the queryset, drop() it.

    keys, fields and expected are the fields of the target's columns, in this order; links: the fields of an object that
    have the key. With wide, integers of any size can be written.
    """

    def __init__(self, queryset, connection, target, keys, links, fields, expected, wide):
        self.queryset, self.connection, self.target = queryset, connection, target
        self.keys, self.links, self.fields, self.expected = keys, links, fields, expected
        self.integer = "numeric" if wide else "bigint"
        quote = connection.ops.quote_name
        self.names = [quote(field.column) for field in keys + fields]
        self.names += [quote(f"{EXPECTED}{n}") for n in range(len(expected))]
        self.table = f"pg_temp.bulk_update_rows_{next(_numbers)}"
        self.inserted = False

    def create(self, cursor):
        """Create the temporary table; return the extension's schema.

        Its columns have the target's types without lengths, precisions and domains, and wider integers: values that do
        not fit are then found by the extension, which knows the row and whether to skip it.
        """
        cursor.execute(
            "WITH RECURSIVE base (attname, typid) AS ("
            " SELECT attname, atttypid FROM pg_catalog.pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped UNION ALL"
            " SELECT attname, typbasetype FROM base JOIN pg_catalog.pg_type ON oid = typid WHERE typtype = 'd') "
            f"SELECT attname, pg_catalog.format_type(typid, -1), ({SCHEMA}) "
            "FROM base JOIN pg_catalog.pg_type ON oid = typid WHERE typtype <> 'd'", [self.target])
        rows = cursor.fetchall()
        if rows:
            require_extension(rows[0][2], self.queryset.db)
        types = {name: type_name for name, type_name, _ in rows}
        compiler = self.queryset.query.get_compiler(self.queryset.db)
        self.columns = []
        sources = self.links + self.fields + self.expected
        for n, (field, source) in enumerate(zip(self.keys + self.fields + self.expected, sources)):
            if field.column not in types:
                raise ProgrammingError(f'table {self.target} has no column "{field.column}".')
            kind = Column if n < len(self.keys + self.fields) else ExpectedColumn
            self.columns.append(kind(field, source.attname, types[field.column], compiler))
            self.columns[-1].written = field in self.fields
        definitions = [f"{ORDINAL} bigint"]
        for name, column in zip(self.names, self.columns):
            element, array = column.element, "[]" if column.array else ""
            definitions.append(f"{name} {self.integer if element in INTEGERS else element}{array}")
        cursor.execute(f"CREATE TEMPORARY TABLE {self.table} ({', '.join(definitions)}) ON COMMIT DROP")
        return rows[0][2]

    def fill(self, cursor, objects, report):
        """Write the objects. Values that may have another meaning in COPY than in a statement are written by INSERT.

        report is called with the number of objects so far, after each batch.
        """
        related = VERSION >= (4, 1) and any(field.is_relation for field in self.fields)
        key_columns = self.columns[:len(self.keys)]
        ordinal, lines, others, size = 0, [], [], 0
        for ordinal, obj in enumerate(objects, 1):
            if related:
                obj._prepare_related_fields_for_save(operation_name="bulk_update", fields=self.fields)
            if any(getattr(obj, column.attname) is None for column in key_columns):
                raise ValueError("All bulk_update() objects must have a primary key set.")
            values = [column.prepare(obj) for column in self.columns]
            texts = [column.text(value) for column, value in zip(self.columns, values)]
            if None in texts:
                others.append([ordinal, *values])
                size += sum(len(text or str(value)) for text, value in zip(texts, values))
            else:
                line = f"{ordinal}\t" + "\t".join(texts) + "\n"
                if "\0" in line:
                    column = next(column for column, text in zip(self.columns, texts) if "\0" in text)
                    raise ValueError(f"field '{column.field.name}' of {name_of(obj)} has a NUL (0x00) character, which"
                                     " PostgreSQL cannot store.")
                lines.append(line)
                size += len(line)
            if len(lines) + len(others) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
                self.flush(cursor, lines, others)
                report(ordinal)
                lines, others, size = [], [], 0
        if lines or others:
            self.flush(cursor, lines, others)
            report(ordinal)

    def flush(self, cursor, lines, others):
        columns = ", ".join([ORDINAL, *self.names])
        if lines:
            copy = f"COPY {self.table} ({columns}) FROM STDIN (ENCODING 'UTF8')"
            data = "".join(lines).encode()
            with self.connection.wrap_database_errors:
                if hasattr(cursor, "copy_expert"):
                    cursor.copy_expert(copy, BytesIO(data))
                else:
                    with cursor.copy(copy) as stream:
                        stream.write(data)
        columns = columns.replace("%", "%%")
        at_once = max(1, INSERT_PARAMETERS // (len(self.columns) + 1))
        for start in range(0, len(others), at_once):
            rows = others[start:start + at_once]
            tuples = [", ".join(["%s", *map(Column.placeholder, self.columns, row[1:])]) for row in rows]
            cursor.execute(f"INSERT INTO {self.table} ({columns}) VALUES ({'), ('.join(tuples)})",
                           [value for row in rows for value in row])
            self.inserted = True

    def restrict(self, cursor):
        """Delete the rows that the queryset does not have; return their number."""
        query = self.queryset.order_by().values(*(field.attname for field in self.links)).query
        query.select_for_update = False
        try:
            inner, parameters = query.get_compiler(self.queryset.db).as_sql()
        except EmptyResultSet:
            cursor.execute(f"DELETE FROM {self.table}")
            return cursor.rowcount
        names = [f"key{n}" for n in range(len(self.keys))]
        equal = " AND ".join(f"q.{name} = t.{column}" for name, column in zip(names, self.names)).replace("%", "%%")
        cursor.execute(f"DELETE FROM {self.table} AS t WHERE NOT EXISTS ("
                       f"SELECT 1 FROM ({inner}) AS q ({', '.join(names)}) WHERE {equal})", parameters)
        return cursor.rowcount

    def query(self):
        """A query for the rows in the order of the objects."""
        # COPY only appends; INSERT may fill a gap.
        order = f" ORDER BY {ORDINAL}" if self.inserted else ""
        return f"SELECT {', '.join(self.names)} FROM {self.table}{order}"

    def repeated_query(self, batch, occurrence):
        """The same for keys that several batches of this many objects have: the first row in each one's nth batch."""
        names, keys = ", ".join(self.names), ", ".join(self.names[:len(self.keys)])
        number, place, nth = (f'"bulk_update {word}"' for word in ("batch", "place", "occurrence"))
        return (f"SELECT {names} FROM ("
                f"SELECT *, row_number() OVER (PARTITION BY {keys}, {number} ORDER BY {ORDINAL}) AS {place},"
                f" dense_rank() OVER (PARTITION BY {keys} ORDER BY {number}) AS {nth}"
                f" FROM (SELECT *, ({ORDINAL} - 1) / {batch} AS {number} FROM {self.table}) AS numbered"
                f") AS ranked WHERE {place} = 1 AND {nth} = {occurrence}")

    def drop(self, cursor):
        cursor.execute(f"DROP TABLE {self.table}")
