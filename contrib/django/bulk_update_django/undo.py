"""bulk_update_undo(): take a call back."""

from django.db import transaction

from .extension import account_of, connection_of, schema_of
from .options import chunk_size_of
from .targets import key_fields, queryset_of


def bulk_update_undo(model, old_values, *, run=None, using=None, batch_size=None, on_missing=None, on_error=None,
                     skip_unchanged=None, rejects=None, reject_limit=None, dry_run=None, ordering=None, on_stale=None,
                     redo_values=None):
    """Give the rows that a bulk_update() with this table of old values has updated their old values back.

    Rows that have changed since are stale and keep their values. model: the one that has the table, or a manager or a
    queryset of all its rows. run: the number of the call; None means the latest one in the table, which is not dropped.
    Returns an Account. An error undoes only this call; MissingRowError: a row is gone, with on_missing="error".
    """
    chunk_size = chunk_size_of(batch_size)
    queryset = queryset_of(model, using)
    if queryset.query.where:
        raise ValueError("bulk_update_undo() is about all rows of a call: pass"
                         f" {queryset.model._meta.object_name} itself.")
    model = queryset.model._meta.concrete_model
    options = dict(run=run, chunk_size=chunk_size, on_missing=on_missing, on_error=on_error,
                   skip_unchanged=skip_unchanged, rejects=rejects, reject_limit=reject_limit, dry_run=dry_run,
                   ordering=ordering, on_stale=on_stale, redo_values=redo_values)
    connection = connection_of(queryset)
    with transaction.atomic(using=queryset.db), connection.cursor() as cursor:
        arguments = {
            "target": connection.ops.quote_name(model._meta.db_table),
            "old_values": old_values,
            "key_columns": [field.column for field in key_fields(model)],
            **{name: value for name, value in options.items() if value is not None},
        }
        return account_of(cursor, schema_of(cursor, queryset.db), "bulk_update_undo", arguments)


bulk_update_undo.alters_data = True
