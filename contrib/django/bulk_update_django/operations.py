"""Operations for migrations: new values for the objects of a model, which can be taken back, in a call or by a job."""

import itertools
import shlex

from django.db import NotSupportedError, connections, router, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.operations.base import Operation
from django.db.models import QuerySet

from .extension import connection_of, create_old_values
from .jobs import bulk_update_job_create, bulk_update_jobs, control
from .targets import key_fields, one_table
from .undo import bulk_update_undo
from .update import bulk_update

BATCH_OBJECTS = 1000


def known(operation, options, function, excluded):
    """The options; TypeError if the function does not have one of them."""
    options = dict(options or {})
    for name in options.keys() - (function.__kwdefaults__.keys() - excluded):
        raise TypeError(f"{type(operation).__name__} has no option '{name}' of {function.__name__}().")
    return options


class NewValues(Operation):
    """What both operations have. optional: their arguments beyond the three that are required."""

    reduces_to_sql = False
    required, optional = ("model_name", "changed", "fields"), ()

    def deconstruct(self):
        arguments = {name: getattr(self, name) for name in self.required}
        for name in self.optional:
            if getattr(self, name):
                arguments[name] = getattr(self, name)
        return self.__class__.__qualname__, [], arguments

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        queryset = self.queryset(app_label, schema_editor, from_state)
        if queryset is None:
            return
        with transaction.atomic(using=queryset.db):
            if schema_editor.connection.vendor == "postgresql":
                self.create_old_values(queryset)
                self.update(queryset)
            else:
                self.update_elsewhere(queryset)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        queryset = self.queryset(app_label, schema_editor, from_state)
        if queryset is None:
            return
        with transaction.atomic(using=queryset.db), connection_of(queryset).cursor() as cursor:
            self.take_back(queryset, cursor)

    def queryset(self, app_label, schema_editor, state):
        """All objects of the model as it is at this point of the migrations; None if the router has it elsewhere."""
        state.clear_delayed_apps_cache()
        model, alias = state.apps.get_model(app_label, self.model_name), schema_editor.connection.alias
        allowed = router.allow_migrate(alias, app_label, model_name=model._meta.model_name, **self.hints)
        return model._base_manager.using(alias) if allowed else None

    def create_old_values(self, queryset):
        if self.old_values is None:
            return
        model, fields = one_table(queryset.model, self.fields)
        connection = connection_of(queryset)
        with connection.cursor() as cursor:
            create_old_values(cursor, queryset.db, self.old_values, connection.ops.quote_name(model._meta.db_table),
                              fields, key_fields(model))

    def drop_old_values(self, cursor):
        cursor.execute(f"DROP TABLE {self.old_values}")  # as in SQL, so it is not quoted

    def update_elsewhere(self, queryset):
        """By Django's own method, which has no account."""
        beyond = sorted(self.options.keys() - {"batch_size", "batch_rows", "ordering", "progress", "rows_table"})
        if beyond:
            raise NotSupportedError(f"Option {beyond[0]} of bulk_update needs PostgreSQL; database '{queryset.db}' is"
                                    f" {connections[queryset.db].display_name}.")
        objects = iter(self.changed(queryset))
        size = self.options.get("batch_size") or BATCH_OBJECTS
        for batch in iter(lambda: list(itertools.islice(objects, size)), []):
            QuerySet(queryset.model, using=queryset.db).bulk_update(batch, self.fields)

    def references_model(self, name, app_label=None):
        return True  # the function may use any model


class BulkUpdate(NewValues):
    """Give the objects of a model new values; the reverse gives them their old values.

    model_name: a model of the migration's app. changed: a function that gets a queryset of all its objects and returns
    the changed ones, usually a generator. fields: names of the fields to write. old_values: the name of a table, which
    the operation creates and its reverse drops; without it, it cannot be reversed. check: a function that is called
    with the Account, in both directions; an error in it undoes the operation. options: a dict of options of
    bulk_update(); undo_options: of bulk_update_undo(), for the reverse.

    On databases other than PostgreSQL, Django's own bulk_update() writes the values, and the reverse is an error.
    """

    optional = ("old_values", "check", "options", "undo_options", "hints", "elidable")

    # Not keyword-only: Django would not write such arguments to a squashed migration.
    def __init__(self, model_name, changed, fields, old_values=None, check=None, options=None, undo_options=None,
                 hints=None, elidable=False):
        if not callable(changed):
            raise ValueError("BulkUpdate must be supplied with a function that returns the changed objects.")
        self.model_name, self.changed, self.fields, self.old_values = model_name, changed, list(fields), old_values
        self.check, self.hints, self.elidable = check, hints or {}, elidable
        self.options = known(self, options, bulk_update, {"using", "dry_run", "old_values"})
        self.undo_options = known(self, undo_options, bulk_update_undo, {"using", "dry_run"})

    @property
    def reversible(self):
        return self.old_values is not None

    def update(self, queryset):
        account = bulk_update(queryset.model, self.changed(queryset), self.fields, using=queryset.db,
                              old_values=self.old_values, **self.options)
        if self.check:
            self.check(account)

    def take_back(self, queryset, cursor):
        model, _ = one_table(queryset.model, self.fields)
        account = bulk_update_undo(model, self.old_values, using=queryset.db, **self.undo_options)
        self.drop_old_values(cursor)
        if self.check:
            self.check(account)

    def describe(self):
        return f"Give objects of model {self.model_name} new values"

    @property
    def migration_name_fragment(self):
        return f"new_values_{self.model_name.lower()}"


class CreateBulkUpdateJob(NewValues):
    """Create a job that gives the objects of a model new values, and has to be run; the reverse drops it.

    If the job has updated rows, the reverse is an error until another job has taken it back, as the command
    "bulk_update_job undo" does; then it drops both. name: of the job. model_name, changed, fields, old_values: as in
    BulkUpdate. options: a dict of options of bulk_update_job_create().

    On databases other than PostgreSQL, Django's own bulk_update() writes the values, and the reverse is an error.
    """

    required = ("name", *NewValues.required)
    optional = ("old_values", "options", "hints", "elidable")

    def __init__(self, name, model_name, changed, fields, old_values=None, options=None, hints=None, elidable=False):
        if not callable(changed):
            raise ValueError("CreateBulkUpdateJob must be supplied with a function that returns the changed objects.")
        self.name, self.model_name, self.changed, self.fields = name, model_name, changed, list(fields)
        self.old_values, self.hints, self.elidable = old_values, hints or {}, elidable
        self.options = known(self, options, bulk_update_job_create, {"using", "dry_run", "old_values"})

    def update(self, queryset):
        bulk_update_job_create(self.name, queryset.model, self.changed(queryset), self.fields, using=queryset.db,
                               old_values=self.old_values, **self.options)

    def take_back(self, queryset, cursor):
        job = self.job(queryset)
        if job.rows_table_bytes is not None:  # the table exists
            # No batch can begin from here on.
            cursor.execute(f"LOCK TABLE {job.rows_table} IN ACCESS EXCLUSIVE MODE")
            job = self.job(queryset)
        jobs = bulk_update_jobs(using=queryset.db)
        undoes = [each for each in jobs if each.undoes == job.run]
        if job.processes:
            raise IrreversibleError(f'Job "{job.name}" is running. Let it end, or stop it by "manage.py bulk_update_job'
                                    f' cancel {shlex.quote(job.name)}".')
        if job.rows_updated and not any(self.is_taken_back(job, undo, jobs) for undo in undoes):
            raise IrreversibleError(self.how_to_take_back(job))
        for each in (*undoes, job):
            control("drop", each.name, queryset.db)
        if self.old_values is not None:
            self.drop_old_values(cursor)

    def job(self, queryset):
        jobs = bulk_update_jobs(self.name, using=queryset.db)
        if not jobs:
            raise IrreversibleError(f'Job "{self.name}" does not exist, so it is not known what it has updated. If that'
                                    ' does not matter, use "manage.py migrate --fake".')
        return jobs[0]

    @staticmethod
    def is_taken_back(job, undo, jobs):
        """Not if the job has gone on since, or if the undo itself has been taken back."""
        return (undo.state == "done" and not undo.dry_run and undo.rows_total >= job.rows_updated
                and not any(each.undoes == undo.run and each.rows_updated and not each.dry_run for each in jobs))

    @staticmethod
    def how_to_take_back(job):
        updated = f'Job "{job.name}" has updated {job.rows_updated} rows'
        if job.old_values is None:
            return (f"{updated}, and keeps no old values, so bulk_update_job_undo() cannot take it back. Give the rows"
                    ' other values if needed, and use "manage.py migrate --fake".')
        name = shlex.quote(job.name)
        cancel = "" if job.state in ("done", "cancelled") else f'"manage.py bulk_update_job cancel {name}" and '
        return (f'{updated}. Take it back by {cancel}"manage.py bulk_update_job undo {name}", which calls'
                " bulk_update_job_undo(), and migrate again.")

    def describe(self):
        return f"Create job {self.name}, which gives objects of model {self.model_name} new values"

    @property
    def migration_name_fragment(self):
        return f"job_{self.model_name.lower()}"
