"""An operation for migrations: new values for the objects of a model, which can be taken back."""

import itertools

from django.db import NotSupportedError, connections, router, transaction
from django.db.migrations.operations.base import Operation
from django.db.models import QuerySet

from .extension import connection_of, create_old_values
from .targets import key_fields, one_table
from .undo import bulk_update_undo
from .update import bulk_update

BATCH_OBJECTS = 1000


def known(options, function, excluded):
    """The options; TypeError if the function does not have one of them."""
    options = dict(options or {})
    for name in options.keys() - (function.__kwdefaults__.keys() - excluded):
        raise TypeError(f"BulkUpdate has no option '{name}' of {function.__name__}().")
    return options


class BulkUpdate(Operation):
    """Give the objects of a model new values; the reverse gives them their old values.

    model_name: a model of the migration's app. changed: a function that gets a queryset of all its objects and returns
    the changed ones, usually a generator. fields: names of the fields to write. old_values: the name of a table, which
    the operation creates and its reverse drops; without it, it cannot be reversed. check: a function that is called
    with the Account, in both directions; an error in it undoes the operation. options: a dict of options of
    bulk_update(); undo_options: of bulk_update_undo(), for the reverse.

    On databases other than PostgreSQL, Django's own bulk_update() writes the values, and the reverse is an error.
    """

    reduces_to_sql = False

    # Not keyword-only: Django would not write such arguments to a squashed migration.
    def __init__(self, model_name, changed, fields, old_values=None, check=None, options=None, undo_options=None,
                 hints=None, elidable=False):
        if not callable(changed):
            raise ValueError("BulkUpdate must be supplied with a function that returns the changed objects.")
        self.model_name, self.changed, self.fields, self.old_values = model_name, changed, list(fields), old_values
        self.check, self.hints, self.elidable = check, hints or {}, elidable
        self.options = known(options, bulk_update, {"using", "dry_run", "old_values"})
        self.undo_options = known(undo_options, bulk_update_undo, {"using", "dry_run"})

    def deconstruct(self):
        arguments = {"model_name": self.model_name, "changed": self.changed, "fields": self.fields}
        for name in ("old_values", "check", "options", "undo_options", "hints", "elidable"):
            if getattr(self, name):
                arguments[name] = getattr(self, name)
        return self.__class__.__qualname__, [], arguments

    @property
    def reversible(self):
        return self.old_values is not None

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        queryset = self.queryset(app_label, schema_editor, from_state)
        if queryset is None:
            return
        with transaction.atomic(using=queryset.db):
            if schema_editor.connection.vendor == "postgresql":
                self.update(queryset)
            else:
                self.update_elsewhere(queryset)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        queryset = self.queryset(app_label, schema_editor, from_state)
        if queryset is None:
            return
        with transaction.atomic(using=queryset.db), connection_of(queryset).cursor() as cursor:
            model, _ = one_table(queryset.model, self.fields)
            account = bulk_update_undo(model, self.old_values, using=queryset.db, **self.undo_options)
            cursor.execute(f"DROP TABLE {self.old_values}")  # as in SQL, so it is not quoted
            if self.check:
                self.check(account)

    def queryset(self, app_label, schema_editor, state):
        """All objects of the model as it is at this point of the migrations; None if the router has it elsewhere."""
        state.clear_delayed_apps_cache()
        model, alias = state.apps.get_model(app_label, self.model_name), schema_editor.connection.alias
        allowed = router.allow_migrate(alias, app_label, model_name=model._meta.model_name, **self.hints)
        return model._base_manager.using(alias) if allowed else None

    def update(self, queryset):
        if self.old_values is not None:
            model, fields = one_table(queryset.model, self.fields)
            connection = connection_of(queryset)
            with connection.cursor() as cursor:
                create_old_values(cursor, queryset.db, self.old_values, connection.ops.quote_name(model._meta.db_table),
                                  fields, key_fields(model))
        account = bulk_update(queryset.model, self.changed(queryset), self.fields, using=queryset.db,
                              old_values=self.old_values, **self.options)
        if self.check:
            self.check(account)

    def update_elsewhere(self, queryset):
        """By Django's own method, which has no account."""
        beyond = sorted(self.options.keys() - {"batch_size", "ordering", "progress"})
        if beyond:
            raise NotSupportedError(f"Option {beyond[0]} of bulk_update needs PostgreSQL; database '{queryset.db}' is"
                                    f" {connections[queryset.db].display_name}.")
        objects = iter(self.changed(queryset))
        size = self.options.get("batch_size") or BATCH_OBJECTS
        for batch in iter(lambda: list(itertools.islice(objects, size)), []):
            QuerySet(queryset.model, using=queryset.db).bulk_update(batch, self.fields)

    def describe(self):
        return f"Give objects of model {self.model_name} new values"

    @property
    def migration_name_fragment(self):
        return f"new_values_{self.model_name.lower()}"

    def references_model(self, name, app_label=None):
        return True  # the function may use any model
