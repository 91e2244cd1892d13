"""Calls of the extension's functions."""

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, connections

from .account import Account
from .errors import missing_rows

SCHEMA = ("SELECT quote_ident(nspname) FROM pg_catalog.pg_extension"
          " JOIN pg_catalog.pg_namespace n ON n.oid = extnamespace WHERE extname = 'bulk_update'")

CASTS = {**dict.fromkeys(("target", "rejects", "old_values", "redo_values"), "::regclass"),
         **dict.fromkeys(("columns", "key_columns", "expected_columns"), "::name[]"),
         "max_time": "::interval"}


def connection_of(queryset):
    """The connection to the queryset's database; NotSupportedError if that is not PostgreSQL."""
    return postgresql(queryset.db)


def postgresql(database):
    """The connection to this database; NotSupportedError if it is not PostgreSQL."""
    connection = connections[database]
    if connection.vendor != "postgresql":
        raise NotSupportedError(f"bulk_update needs PostgreSQL; database '{database}' is {connection.display_name}.")
    return connection


def require_extension(schema, database):
    """ImproperlyConfigured if the extension has no schema."""
    if schema is None:
        raise ImproperlyConfigured(
            f"The extension bulk_update is not installed in database '{database}': run CREATE EXTENSION"
            " bulk_update, or add CreateExtension('bulk_update') to a migration.")


def schema_of(cursor, database):
    """The extension's schema."""
    cursor.execute(f"SELECT ({SCHEMA})")
    schema, = cursor.fetchone()
    require_extension(schema, database)
    return schema


def execute(cursor, statement, schema, function, arguments):
    """Execute a statement that ends with a call of a function of the extension, with arguments by name."""
    named = ", ".join(f"{name} => %s{CASTS.get(name, '')}" for name in arguments)
    schema = schema.replace("%", "%%")
    with missing_rows():
        cursor.execute(f"{statement} {schema}.{function}({named})", list(arguments.values()))


def account_of(cursor, schema, function, arguments):
    """Call a function of the extension, with arguments by name; return its Account."""
    counts = ", ".join(Account._fields[:-1])
    execute(cursor, f"SELECT {counts}, chunk FROM", schema, function, {**arguments, "report": "total"})
    return Account(*cursor.fetchone())


def create_old_values(cursor, database, name, target, fields, keys):
    """Create a table of old values, which must not exist, for these fields of the table."""
    schema = schema_of(cursor, database).replace("%", "%%")
    cursor.execute(f"SELECT {schema}.bulk_update_create_old_values(%s, %s::regclass, %s::name[], %s::name[])",
                   [name, target, [field.column for field in fields], [field.column for field in keys]])
