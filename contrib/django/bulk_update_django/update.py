"""bulk_update(): the objects are written to a temporary table, and from there to the table, in one transaction."""

import itertools
from collections.abc import Generator, Sized
from contextlib import closing, contextmanager, nullcontext

from django.db import transaction
from django.db.models import QuerySet

from .account import NOTHING
from .extension import account_of, connection_of, create_old_values
from .options import chunk_size_of
from .progress import Reporter
from .staging import Staging
from .targets import expected_fields, key_fields, one_table, queryset_of


def bulk_update(queryset_or_model, objects, fields, *, using=None, batch_size=None, on_missing=None, on_duplicate=None,
                on_error=None, skip_unchanged=None, rejects=None, reject_limit=None, dry_run=None, ordering=None,
                expected=None, on_stale=None, old_values=None, progress=None):
    """Write the given fields of the objects, any iterable, to their rows; return an Account.

    The first argument is a model, a manager or a queryset; rows that do not match a queryset's filter count as missing.
    batch_size is the extension's chunk_size; using is a database alias; the other options are those of the extension,
    and None means its default. expected: names of fields; only rows that still have the values with which their objects
    were loaded are updated, the others are stale. old_values: name of a table for bulk_update_undo(), which is created
    with these fields if there is none. progress: a function that is called with a Progress. An error, in the program or
    in the database, undoes only this call; MissingRowError: no row has the key of an object, with on_missing="error".
    """
    options = dict(chunk_size=chunk_size_of(batch_size), on_missing=on_missing, on_duplicate=on_duplicate,
                   on_error=on_error, skip_unchanged=skip_unchanged, rejects=rejects, reject_limit=reject_limit,
                   dry_run=dry_run, ordering=ordering, on_stale=on_stale, old_values=old_values)
    queryset = queryset_of(queryset_or_model, using)
    model, group = one_table(queryset.model, fields)
    given = {name: value for name, value in options.items() if value is not None}
    stated = [] if expected is None else expected_fields(queryset.model, model, expected)
    return Call(queryset, model, group, stated, given, progress=progress).run(objects)


bulk_update.alters_data = True


def is_empty(objects):
    """Whether that is known without reading them."""
    return isinstance(objects, Sized) and not isinstance(objects, QuerySet) and len(objects) == 0


class Call:
    """One call: the rows are staged, and the extension updates the table from there.

    batch: a number of objects: of objects with the same key, the first one of each batch is written, one batch after
    another, as Django does; None: on_duplicate decides.
    """

    def __init__(self, queryset, model, fields, expected, options, *, progress=None, batch=None):
        self.queryset, self.options, self.batch = queryset, options, batch
        self.connection = connection_of(queryset)
        own = queryset.model._meta.concrete_model
        self.keys, self.fields, self.expected = key_fields(model), fields, expected
        links = self.keys if model is own else [self.link(own, model)]
        # A child's row may be missing although its parent's exists.
        self.restricted = bool(queryset.query.where) or model is not own
        if self.restricted and (options.get("on_missing") == "error" or "rejects" in options):
            raise ValueError(f"on_missing='error' and rejects are about all rows of {model._meta.db_table}: pass"
                             f" {model._meta.object_name} itself to bulk_update().")
        self.target = self.connection.ops.quote_name(model._meta.db_table)
        self.staging = Staging(queryset, self.connection, self.target, self.keys, links, fields, expected,
                               wide=options.get("on_error") == "skip")
        self.reporter = Reporter(model._meta.db_table, progress)

    @staticmethod
    def link(child, parent):
        """The field of a child's object that has the key of the parent's row."""
        chain = [child, *child._meta.get_base_chain(parent)]
        links = [model._meta.parents[base] for model, base in zip(chain, chain[1:])]
        return links[0] if all(link.primary_key for link in links[1:]) else links[-1]

    @contextmanager
    def reading(self, objects):
        """A transaction that reads the objects: a cursor in it, and their iterator."""
        objects = iter(objects)
        # An abandoned generator may be inside of its own transaction.atomic(), which ends before this.
        generator = closing(objects) if isinstance(objects, Generator) else nullcontext()
        with transaction.atomic(using=self.queryset.db), self.connection.cursor() as cursor, generator:
            self.reporter.begin("staging")
            yield cursor, objects

    def run(self, objects):
        if is_empty(objects) and "old_values" not in self.options:
            return NOTHING
        with self.reading(objects) as (cursor, objects):
            first = list(itertools.islice(objects, 1))
            self.keep(cursor)
            if not first:
                return NOTHING
            schema = self.staging.create(cursor)
            self.staging.fill(cursor, itertools.chain(first, objects), self.reporter.report)
            filtered = self.staging.restrict(cursor) if self.restricted else 0
            self.reporter.begin("applying")
            with self.reporter.of_notices(self.connection.connection):
                account = self.apply(cursor, schema, self.staging.query())
                if self.batch and account.rows_duplicate:
                    account = self.apply_later_batches(cursor, schema, account)
            self.staging.drop(cursor)
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
        create_old_values(cursor, self.queryset.db, name, self.target, self.fields, self.keys)

    def arguments(self, query):
        """Of the extension's function that takes the query."""
        arguments = {
            "target": self.target,
            "query": query,
            "columns": [field.column for field in self.keys + self.fields],
            "key_columns": [field.column for field in self.keys],
            **self.options,
        }
        if self.expected:
            arguments["expected_columns"] = [field.column for field in self.expected]
        return arguments

    def apply(self, cursor, schema, query):
        return account_of(cursor, schema, "bulk_update_query", self.arguments(query))

    def apply_later_batches(self, cursor, schema, account):
        """Objects whose key an earlier batch has: each one is another update of the row, and counts again."""
        for occurrence in itertools.count(2):
            repeated = self.apply(cursor, schema, self.staging.repeated_query(self.batch, occurrence))
            if repeated.rows_fetched == 0:
                return account
            account = account._replace(rows_updated=account.rows_updated + repeated.rows_updated,
                                       rows_unchanged=account.rows_unchanged + repeated.rows_unchanged)
