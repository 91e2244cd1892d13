"""Gives every object new values computed in Python. The reverse migration restores the old values."""

import hashlib

from django.db import migrations

from bulk_update import bulk_update  # contrib/django/bulk_update.py, copied into the project

# Prevents changes between saving the old values and the update. Other sessions can read the objects.
KEEP = """
    LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;
    CREATE TABLE objects_old_values AS SELECT id, field1, field2 FROM objects;
"""


def changed(objects):
    for obj in objects:
        digest = hashlib.sha256(obj.field2.encode()).hexdigest()
        obj.field1, obj.field2 = int(digest[:6], 16), f"{obj.field2} {digest[:8]}"
        yield obj


def print_account(fetched, updated, unchanged, missing, duplicate, rejected):
    print(f"objects: {fetched} fetched, {updated} updated, {unchanged} unchanged, {missing} missing, "
          f"{duplicate} duplicate, {rejected} rejected")


def forward(apps, schema_editor):
    Object, alias = apps.get_model("objects", "Object"), schema_editor.connection.alias
    # iterator() reads a batch at a time, like bulk_update(), so not all objects are in memory at once.
    objects = Object.objects.using(alias).order_by("pk").iterator()
    account = bulk_update(Object, changed(objects), ["field1", "field2"], using=alias)
    print_account(*account[:6])


def backward(apps, schema_editor):
    """Overwrites changes to these columns in the meantime; objects that were deleted count as missing."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT rows_fetched, rows_updated, rows_unchanged, rows_missing, rows_duplicate, rows_rejected"
            " FROM bulk_update_query('objects', 'SELECT id, field1, field2 FROM objects_old_values ORDER BY id',"
            " report => 'total')"
        )
        print_account(*cursor.fetchone())


class Migration(migrations.Migration):
    dependencies = [("objects", "0001_initial")]
    operations = [
        migrations.RunSQL(KEEP, "DROP TABLE objects_old_values"),
        migrations.RunPython(forward, backward),
    ]
