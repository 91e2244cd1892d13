"""The package's exception, and how its messages name an object."""

from contextlib import contextmanager

from django.db import DatabaseError


class MissingRowError(DatabaseError):
    """With on_missing="error": no row has the key of an object."""


@contextmanager
def missing_rows():
    """Raise the extension's error about a missing row as MissingRowError.

    The drivers have different classes for its SQLSTATE, P0002, which functions in PL/pgSQL can raise as well.
    """
    try:
        yield
    except DatabaseError as error:
        diagnostics = getattr(error.__cause__, "diag", None)
        if getattr(diagnostics, "sqlstate", None) == "P0002" and diagnostics.source_function == "check_missing":
            raise MissingRowError(*error.args) from error.__cause__
        raise


def name_of(obj):
    """The object's class and key. Its __str__() and __repr__() may read the database, fail, or show private data."""
    return f"{obj._meta.label} with key {obj.pk!r}"
