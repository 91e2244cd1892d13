"""How the value of an object's field is written to a column of the temporary table."""

import datetime
import ipaddress
import uuid
from decimal import Decimal

from .errors import name_of
from .targets import is_expression


class Column:
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
        if is_expression(value):
            raise TypeError(f"field '{self.field.name}' of {name_of(obj)} is an expression ({type(value).__name__}):"
                            " bulk_update() sends values. BulkUpdateQuerySet.bulk_update() and update() take"
                            " expressions.")
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


class ExpectedColumn(Column):
    """The same for the value with which the object was loaded."""

    def value(self, obj):
        loaded = getattr(obj, "_loaded_values", {})
        if self.attname in loaded:
            return loaded[self.attname]
        # If a field is written, the attribute has the new value; if it is deferred, the present one would be read.
        if self.written or self.attname not in obj.__dict__:
            raise ValueError(f"{name_of(obj)} does not have the value of field '{self.field.name}' as it was loaded:"
                             " keep it in _loaded_values, as in from_db() of Django's documentation.")
        return getattr(obj, self.attname)


# What the drivers send for subclasses, like TextChoices and psycopg's of int and UUID, whatever their str() returns.
_BASES = {str: str.__str__, int: int.__repr__, uuid.UUID: uuid.UUID.__str__}
INTEGERS = ("smallint", "integer", "bigint")


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
