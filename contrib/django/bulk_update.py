"""Update many Django objects, each with its own new values, in bounded memory, with PostgreSQL's extension bulk_update.

    from myproject.bulk_update import bulk_update

    account = bulk_update(Object, changed_objects(), ["field1", "field2"])
    print(account.rows_updated, account.rows_missing)

or, to replace Django's own QuerySet.bulk_update():

    class Object(models.Model):
        objects = BulkUpdateQuerySet.as_manager()

One file without dependencies, to be copied into a project: Django 3.2 to 5.2, psycopg2 or psycopg 3. Its README.md
describes what is the same as in Django's own bulk_update() and what is not.

The objects are written to a temporary table in batches, by COPY, and from there to the table, in one transaction. One
COPY would occupy the connection, but a generator may read from the same one, as iterator() does.
"""

import datetime
import ipaddress
import itertools
import uuid
from collections import namedtuple
from collections.abc import Generator
from contextlib import closing, nullcontext
from decimal import Decimal
from io import BytesIO

from django import VERSION
from django.core.exceptions import EmptyResultSet, ImproperlyConfigured
from django.db import NotSupportedError, ProgrammingError, connections, transaction
from django.db.models import Model, QuerySet, Value
from django.db.models.manager import BaseManager

__all__ = ["Account", "BulkUpdateQuerySet", "bulk_update", "bulk_update_undo"]

BATCH_ROWS = 2000
BATCH_CHARACTERS = 500_000
INSERT_PARAMETERS = 10_000
ORDINAL = "bulk_update ordinal"
EXPECTED = "bulk_update expected "

_numbers = itertools.count(1)


class Account(namedtuple("Account", "rows_fetched rows_updated rows_unchanged rows_missing rows_stale"
                                    " rows_duplicate rows_rejected chunks")):
    """The outcomes of the objects: rows_fetched is the sum of the next six."""

    @property
    def rows_matched(self):
        """The number that Django's bulk_update() returns."""
        return self.rows_updated + self.rows_unchanged


def bulk_update(queryset_or_model, objects, fields, *, using=None, batch_size=None, on_missing=None, on_duplicate=None,
                on_error=None, skip_unchanged=None, rejects=None, reject_limit=None, dry_run=None, ordering=None,
                expected=None, on_stale=None, old_values=None):
    """Write the given fields of the objects, any iterable, to their rows; return an Account.

    The first argument is a model, a manager or a queryset; rows that do not match a queryset's filter count as missing.
    batch_size is the extension's chunk_size; using is a database alias; the other options are those of the extension, and
    None means its default. expected: names of fields; only rows that still have the values with which their objects were
    loaded are updated, the others are stale. old_values: name of a table for bulk_update_undo(), which is created with
    these fields if there is none. An error, in the program or in the database, undoes only this call.
    """
    if batch_size is not None and batch_size <= 0:
        raise ValueError("Batch size must be a positive integer.")
    queryset = _queryset(queryset_or_model, using)
    options = dict(chunk_size=batch_size, on_missing=on_missing, on_duplicate=on_duplicate, on_error=on_error,
                   skip_unchanged=skip_unchanged, rejects=rejects, reject_limit=reject_limit, dry_run=dry_run,
                   ordering=ordering, on_stale=on_stale, old_values=old_values)
    groups = _fields_by_table(queryset.model, fields)
    if len(groups) > 1:
        tables = ", ".join(model._meta.db_table for model in groups)
        raise ValueError(f"bulk_update() updates one table at a time, and these fields are of {tables}.")
    (model, group), = groups.items()
    given = {name: value for name, value in options.items() if value is not None}
    stated = [] if expected is None else _expected_fields(queryset.model, model, expected)
    return _Call(queryset, model, group, stated, given).run(objects)


def bulk_update_undo(model, old_values, *, run=None, using=None, batch_size=None, on_missing=None, on_error=None,
                     skip_unchanged=None, rejects=None, reject_limit=None, dry_run=None, ordering=None, on_stale=None,
                     redo_values=None):
    """Give the rows that a bulk_update() with this table of old values has updated their old values back.

    Rows that have changed since are stale and keep their values. model: the one that has the table, or a manager or a
    queryset of all its rows. run: the number of the call; None means the latest one in the table, which is not dropped.
    Returns an Account. An error undoes only this call.
    """
    if batch_size is not None and batch_size <= 0:
        raise ValueError("Batch size must be a positive integer.")
    queryset = _queryset(model, using)
    if queryset.query.where:
        raise ValueError(f"bulk_update_undo() is about all rows of a call: pass {queryset.model._meta.object_name} itself.")
    model = queryset.model._meta.concrete_model
    options = dict(run=run, chunk_size=batch_size, on_missing=on_missing, on_error=on_error, skip_unchanged=skip_unchanged,
                   rejects=rejects, reject_limit=reject_limit, dry_run=dry_run, ordering=ordering, on_stale=on_stale,
                   redo_values=redo_values)
    connection = _connection(queryset)
    with transaction.atomic(using=queryset.db), connection.cursor() as cursor:
        arguments = {
            "target": connection.ops.quote_name(model._meta.db_table),
            "old_values": old_values,
            "key_columns": [field.column for field in _key_fields(model)],
            **{name: value for name, value in options.items() if value is not None},
        }
        return _account(cursor, _schema(cursor, queryset.db), "bulk_update_undo", arguments)


class BulkUpdateQuerySet(QuerySet):
    """A QuerySet whose bulk_update() is this one, with the arguments and the result of Django's."""

    def bulk_update(self, objs, fields, batch_size=None):
        """Of objects with the same key the first one is used, as in Django without a batch_size."""
        names = list(fields)
        fields = [name for name in names if not _is_generated(self.model._meta.get_field(name))]  # as in Django
        if names and not fields:
            return 0
        queryset = _queryset(self, None)
        groups = _fields_by_table(self.model, fields).values()
        objs = objs if len(groups) == 1 else tuple(objs)
        with nullcontext() if len(groups) == 1 else transaction.atomic(using=queryset.db):
            return max([bulk_update(queryset, objs, [field.name for field in group], batch_size=batch_size,
                                    on_duplicate="first").rows_matched for group in groups])

    bulk_update.alters_data = True


bulk_update.alters_data = True
bulk_update_undo.alters_data = True


def _queryset(source, using):
    """A queryset of the rows to update, with the database to write to."""
    if isinstance(source, type) and issubclass(source, Model):
        source = QuerySet(source)
    elif isinstance(source, BaseManager):
        source = source.get_queryset()
    elif not isinstance(source, QuerySet):
        raise TypeError(f"bulk_update() takes a model, a manager or a queryset, not {source!r}.")
    queryset = source.using(using) if using else source.all()
    queryset._for_write = True
    queryset.filter(pk__in=())  # raises Django's errors for slices and unions
    return queryset


def _connection(queryset):
    connection = connections[queryset.db]
    if connection.vendor != "postgresql":
        raise NotSupportedError(
            f"bulk_update needs PostgreSQL; database '{queryset.db}' is {connection.display_name}.")
    return connection


EXTENSION = ("SELECT quote_ident(nspname) FROM pg_catalog.pg_extension"
             " JOIN pg_catalog.pg_namespace n ON n.oid = extnamespace WHERE extname = 'bulk_update'")


def _require_extension(schema, database):
    if schema is None:
        raise ImproperlyConfigured(
            f"The extension bulk_update is not installed in database '{database}': run CREATE EXTENSION"
            " bulk_update, or add CreateExtension('bulk_update') to a migration.")


def _schema(cursor, database):
    """The extension's schema."""
    cursor.execute(f"SELECT ({EXTENSION})")
    schema, = cursor.fetchone()
    _require_extension(schema, database)
    return schema


def _account(cursor, schema, function, arguments):
    """Call a function of the extension, with arguments by name."""
    tables, names = ("target", "rejects", "old_values", "redo_values"), ("columns", "key_columns", "expected_columns")
    casts = {**dict.fromkeys(tables, "::regclass"), **dict.fromkeys(names, "::name[]")}
    arguments = {**arguments, "report": "total"}
    named = ", ".join(f"{name} => %s{casts.get(name, '')}" for name in arguments)
    counts = ", ".join(Account._fields[:-1])
    schema = schema.replace("%", "%%")
    cursor.execute(f"SELECT {counts}, chunk FROM {schema}.{function}({named})", list(arguments.values()))
    return Account(*cursor.fetchone())


def _is_generated(field):
    return getattr(field, "generated", False)  # Django 5.0


def _key_fields(model):
    return list(getattr(model._meta, "pk_fields", None) or [model._meta.pk])


def _fields_by_table(model, names):
    """{model that has the table: [field, ...]}; the errors are those of Django's bulk_update()."""
    names = list(names)
    if not names:
        raise ValueError("Field names must be given to bulk_update().")
    opts = model._meta
    fields = list(dict.fromkeys(opts.get_field(name) for name in names))
    if any(not field.concrete or field.many_to_many for field in fields):
        raise ValueError("bulk_update() can only be used with concrete fields.")
    keys = {field for each in [model, *opts.get_parent_list()] for field in _key_fields(each)}
    if any(field.primary_key or field in keys for field in fields):
        raise ValueError("bulk_update() cannot be used with primary key fields.")
    generated = [field.name for field in fields if _is_generated(field)]
    if generated:
        raise ValueError(f"bulk_update() cannot write generated fields: {', '.join(generated)}.")
    groups = {}
    for field in fields:
        groups.setdefault(field.model._meta.concrete_model, []).append(field)
    return groups


def _expected_fields(model, with_table, names):
    """The fields whose values are expected, of the model that has the table."""
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ValueError("Field names must be given in expected, or it must be omitted.")
    fields = list(dict.fromkeys(model._meta.get_field(name) for name in names))
    for field in fields:
        if not field.concrete or field.many_to_many:
            raise ValueError(f"expected can only name concrete fields, and '{field.name}' is not one.")
        if field in _key_fields(with_table) or field.primary_key:
            raise ValueError(f"expected cannot name primary key fields, such as '{field.name}'.")
        if field.model._meta.concrete_model is not with_table:
            raise ValueError(f"expected can only name fields of {with_table._meta.db_table}, and '{field.name}' is of"
                             f" {field.model._meta.db_table}.")
    return fields


class _Call:
    """One call: stage() fills the temporary table, apply() updates from it with the extension."""

    def __init__(self, queryset, model, fields, expected, options):
        self.queryset, self.options = queryset, options
        self.connection = _connection(queryset)
        own = queryset.model._meta.concrete_model
        self.keys = _key_fields(model)
        self.links = self.keys if model is own else [self.link(own, model)]
        self.fields, self.expected = fields, expected
        # A child's row may be missing although its parent's exists.
        self.restricted = bool(queryset.query.where) or model is not own
        if self.restricted and (options.get("on_missing") == "error" or "rejects" in options):
            raise ValueError(f"on_missing='error' and rejects are about all rows of {model._meta.db_table}: pass"
                             f" {model._meta.object_name} itself to bulk_update().")
        quote = self.connection.ops.quote_name
        self.target = quote(model._meta.db_table)
        self.columns = [quote(field.column) for field in self.keys + fields]
        self.columns += [quote(f"{EXPECTED}{n}") for n in range(len(expected))]
        self.table = f"pg_temp.bulk_update_rows_{next(_numbers)}"
        self.inserted = False

    @staticmethod
    def link(child, parent):
        """The field of a child's object that has the key of the parent's row."""
        chain = [child, *child._meta.get_base_chain(parent)]
        links = [model._meta.parents[base] for model, base in zip(chain, chain[1:])]
        return links[0] if all(link.primary_key for link in links[1:]) else links[-1]

    def run(self, objects):
        objects = iter(objects)
        # An abandoned generator may be inside of its own transaction.atomic(), which ends before this.
        generator = closing(objects) if isinstance(objects, Generator) else nullcontext()
        with transaction.atomic(using=self.queryset.db), self.connection.cursor() as cursor, generator:
            first = list(itertools.islice(objects, 1))
            self.keep(cursor)
            if not first:
                return Account(0, 0, 0, 0, 0, 0, 0, 0)
            schema = self.create(cursor)
            self.stage(cursor, itertools.chain(first, objects))
            filtered = self.restrict(cursor) if self.restricted else 0
            account = self.apply(cursor, schema)
            cursor.execute(f"DROP TABLE {self.table}")
        return account._replace(rows_fetched=account.rows_fetched + filtered,
                                rows_missing=account.rows_missing + filtered)

    def keep(self, cursor):
        """Create the table of old values, also for no objects: a reverse migration needs it."""
        name = self.options.get("old_values")
        if name is None:
            return
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        exists, = cursor.fetchone()
        if exists:
            return
        if self.options.get("dry_run"):
            del self.options["old_values"]
            return
        schema = _schema(cursor, self.queryset.db).replace("%", "%%")
        cursor.execute(
            f"SELECT {schema}.bulk_update_create_old_values(%s, %s::regclass, %s::name[], %s::name[])",
            [name, self.target, [field.column for field in self.fields], [field.column for field in self.keys]])

    def create(self, cursor):
        """Create the temporary table; return the extension's schema.

        Its columns have the target's types without lengths, precisions and domains, and wider integers: values that do not
        fit are then found by the extension, which knows the row and whether to skip it.
        """
        cursor.execute(
            "WITH RECURSIVE base (attname, typid) AS ("
            " SELECT attname, atttypid FROM pg_catalog.pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped UNION ALL"
            " SELECT attname, typbasetype FROM base JOIN pg_catalog.pg_type ON oid = typid WHERE typtype = 'd') "
            f"SELECT attname, pg_catalog.format_type(typid, -1), ({EXTENSION}) "
            "FROM base JOIN pg_catalog.pg_type ON oid = typid WHERE typtype <> 'd'", [self.target])
        rows = cursor.fetchall()
        if rows:
            _require_extension(rows[0][2], self.queryset.db)
        types = {name: type_name for name, type_name, _ in rows}
        compiler = self.queryset.query.get_compiler(self.queryset.db)
        self.staged = []
        sources = self.links + self.fields + self.expected
        for n, (field, source) in enumerate(zip(self.keys + self.fields + self.expected, sources)):
            if field.column not in types:
                raise ProgrammingError(f'table {self.target} has no column "{field.column}".')
            kind = _Column if n < len(self.keys + self.fields) else _ExpectedColumn
            self.staged.append(kind(field, source.attname, types[field.column], compiler))
            self.staged[-1].written = field in self.fields
        integer = "numeric" if self.options.get("on_error") == "skip" else "bigint"
        definitions = [f'"{ORDINAL}" bigint']
        for name, column in zip(self.columns, self.staged):
            element, array = column.element, "[]" if column.array else ""
            definitions.append(f"{name} {integer if element in _INTEGERS else element}{array}")
        cursor.execute(f"CREATE TEMPORARY TABLE {self.table} ({', '.join(definitions)}) ON COMMIT DROP")
        return rows[0][2]

    def stage(self, cursor, objects):
        """Fill the temporary table. Values that may have another meaning in COPY than in a statement are written by INSERT."""
        related = VERSION >= (4, 1) and any(field.is_relation for field in self.fields)
        key_columns = self.staged[:len(self.keys)]
        lines, others, size = [], [], 0
        for ordinal, obj in enumerate(objects, 1):
            if related:
                obj._prepare_related_fields_for_save(operation_name="bulk_update", fields=self.fields)
            if any(getattr(obj, column.attname) is None for column in key_columns):
                raise ValueError("All bulk_update() objects must have a primary key set.")
            values = [column.prepare(obj) for column in self.staged]
            texts = [column.text(value) for column, value in zip(self.staged, values)]
            if None in texts:
                others.append([ordinal, *values])
                size += sum(len(text or str(value)) for text, value in zip(texts, values))
            else:
                line = f"{ordinal}\t" + "\t".join(texts) + "\n"
                if "\0" in line:
                    column = next(column for column, text in zip(self.staged, texts) if "\0" in text)
                    raise ValueError(f"field '{column.field.name}' of {obj!r} has a NUL (0x00) character, which PostgreSQL"
                                     " cannot store.")
                lines.append(line)
                size += len(line)
            if len(lines) + len(others) >= BATCH_ROWS or size >= BATCH_CHARACTERS:
                self.flush(cursor, lines, others)
                lines, others, size = [], [], 0
        self.flush(cursor, lines, others)

    def flush(self, cursor, lines, others):
        columns = ", ".join([f'"{ORDINAL}"', *self.columns])
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
        at_once = max(1, INSERT_PARAMETERS // (len(self.staged) + 1))
        for start in range(0, len(others), at_once):
            rows = others[start:start + at_once]
            tuples = [", ".join(["%s", *map(_Column.placeholder, self.staged, row[1:])]) for row in rows]
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
        equal = " AND ".join(f"q.{name} = t.{column}" for name, column in zip(names, self.columns)).replace("%", "%%")
        cursor.execute(f"DELETE FROM {self.table} AS t WHERE NOT EXISTS ("
                       f"SELECT 1 FROM ({inner}) AS q ({', '.join(names)}) WHERE {equal})", parameters)
        return cursor.rowcount

    def apply(self, cursor, schema):
        # COPY only appends; INSERT may fill a gap.
        order = f' ORDER BY "{ORDINAL}"' if self.inserted else ""
        mapped = len(self.keys + self.fields)
        arguments = {
            "target": self.target,
            "query": f"SELECT {', '.join(self.columns)} FROM {self.table}{order}",
            "columns": [column.field.column for column in self.staged[:mapped]],
            "key_columns": [field.column for field in self.keys],
            **self.options,
        }
        if self.expected:
            arguments["expected_columns"] = [field.column for field in self.expected]
        return _account(cursor, schema, "bulk_update_query", arguments)


class _Column:
    """A column of the temporary table: how an object's value is written to it."""

    def __init__(self, field, attname, type_name, compiler):
        self.field, self.attname, self.compiler = field, attname, compiler
        self.connection = compiler.connection
        self.array = type_name.endswith("[]")
        self.element = type_name[:-2] if self.array else type_name
        self.known = _converters(self.element, self.connection)
        self.plain = {"%s", f"%s::{field.db_type(self.connection)}"} if hasattr(field, "get_placeholder") else None

    def value(self, obj):
        return getattr(obj, self.attname)

    def prepare(self, obj):
        """The value that Django passes to the driver."""
        value = self.value(obj)
        if not hasattr(value, "resolve_expression"):
            return self.field.get_db_prep_save(value, self.connection)
        if type(value) is not Value:
            raise TypeError(f"field '{self.field.name}' of {obj!r} is an expression, {value!r}: bulk_update() sends values,"
                            " use update() for expressions.")
        output = value._output_field_or_none
        return output.get_db_prep_value(value.value, self.connection) if output else value.value

    def placeholder(self, value):
        return "%s" if self.plain is None else self.field.get_placeholder(value, self.compiler, self.connection)

    def text(self, value):
        """The value for COPY, or None if only the driver can write it."""
        if self.plain is not None and self.placeholder(value) not in self.plain:
            return None
        if value is None:
            return r"\N"
        text = self.array_text(value) if self.array and type(value) is list else self.element_text(value)
        if text is None:
            return None
        if not text.isalnum():  # fast, and sufficient for most keys and numbers
            text = text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
        return text

    def element_text(self, value):
        kind = type(value)
        if kind not in self.known:
            self.known[kind] = next((text for base, text in _BASES.items() if base in self.known
                                     and issubclass(kind, base) and kind is not bool), None)
        convert = self.known[kind]
        return None if convert is None else convert(value)

    def array_text(self, values, inner=False):
        texts = []
        for value in values:
            if type(value) is list:
                text = self.array_text(value, inner=True)
            elif value is None:
                text = "NULL"
            else:
                text = self.element_text(value)
                if text is not None:
                    text = '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
            if text is None:
                return None
            texts.append(text)
        return None if inner and not texts else "{" + ",".join(texts) + "}"


class _ExpectedColumn(_Column):
    """The same for the value with which the object was loaded."""

    def value(self, obj):
        loaded = getattr(obj, "_loaded_values", {})
        if self.attname in loaded:
            return loaded[self.attname]
        # If a field is written, the attribute has the new value; if it is deferred, the present one would be read.
        if self.written or self.attname not in obj.__dict__:
            raise ValueError(f"{obj!r} does not have the value of field '{self.field.name}' as it was loaded: keep it in"
                             " _loaded_values, as in from_db() of Django's documentation.")
        return getattr(obj, self.attname)


# What the drivers send for subclasses, like TextChoices and psycopg's own of int and UUID, whatever their str() returns.
_BASES = {str: str.__str__, int: int.__repr__, uuid.UUID: uuid.UUID.__str__}
_INTEGERS = ("smallint", "integer", "bigint")


def _interval(value):
    # With its own sign, so that no IntervalStyle gives the seconds the sign of the days.
    return f"{value.days} days +{value.seconds}.{value.microseconds:06d} seconds"


def _hex(value):
    return r"\x" + bytes(value).hex()


def _naive(value):
    return str(value) if value.tzinfo is None else None


def _wrapped(value):
    """The value in psycopg2's or psycopg 3's wrapper."""
    return value.adapted if hasattr(value, "adapted") else value.obj


def _converters(type_name, connection):
    """{class: its text for a column of this type, or None}: for values that COPY stores like the driver's literal."""
    try:
        from django.db.backends.postgresql.psycopg_any import Inet, Jsonb
    except ImportError:
        from psycopg2.extras import Inet, Json as Jsonb
    binary = connection.Database.Binary
    integer, finite = {int: str}, {Decimal: lambda value: str(value) if value.is_finite() else None}
    return {str: str, **{
        "smallint": integer,
        "integer": integer,
        "bigint": integer,
        "numeric": {**integer, **finite},
        "real": {**integer, float: repr},
        "double precision": {**integer, float: repr},
        "boolean": {bool: lambda value: "t" if value else "f"},
        "date": {datetime.date: str},
        "time without time zone": {datetime.time: _naive},
        "timestamp with time zone": {datetime.datetime: str},
        "timestamp without time zone": {datetime.datetime: _naive},
        "interval": {datetime.timedelta: _interval},
        "uuid": {uuid.UUID: str},
        "bytea": {bytes: _hex, bytearray: _hex, memoryview: _hex, binary: lambda value: _hex(_wrapped(value))},
        "inet": {ipaddress.IPv4Address: str, ipaddress.IPv6Address: str, Inet: lambda value: value.addr},
        "jsonb": {Jsonb: lambda value: value.dumps(_wrapped(value)) if value.dumps else None},
    }.get(type_name, {})}
