"""Gives every object new values computed in Python. The reverse migration restores the old values."""

import hashlib

from django.db import migrations

from bulk_update import bulk_update, bulk_update_undo  # contrib/django/bulk_update.py, copied into the project


def changed(objects):
    for obj in objects:
        digest = hashlib.sha256(obj.field2.encode()).hexdigest()
        obj.field1, obj.field2 = int(digest[:6], 16), f"{obj.field2} {digest[:8]}"
        yield obj


def print_account(account):
    print(f"objects: {account.rows_fetched} fetched, {account.rows_updated} updated, {account.rows_missing} missing, "
          f"{account.rows_stale} stale")


def forward(apps, schema_editor):
    Object, alias = apps.get_model("objects", "Object"), schema_editor.connection.alias
    # Prevents changes between the reading of the objects and their update. Other sessions can read them.
    schema_editor.execute("LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE")
    # iterator() reads a batch at a time, like bulk_update(), so not all objects are in memory at once.
    objects = Object.objects.using(alias).order_by("pk").iterator()
    # The table of old values is created with these fields.
    print_account(bulk_update(Object, changed(objects), ["field1", "field2"], using=alias,
                              old_values="objects_old_values"))


def backward(apps, schema_editor):
    """Objects that have changed since are stale, those that were deleted are missing; neither is written."""
    Object, alias = apps.get_model("objects", "Object"), schema_editor.connection.alias
    print_account(bulk_update_undo(Object, "objects_old_values", using=alias))
    schema_editor.execute("DROP TABLE objects_old_values")


class Migration(migrations.Migration):
    dependencies = [("objects", "0001_initial")]
    operations = [migrations.RunPython(forward, backward)]
