"""Gives every object new values that are computed in Python. Backward, the objects get their old values again."""

import hashlib

from bulk import BulkUpdate
from django.db import migrations

# Nobody changes the objects between the look at their old values and the update. Reading goes on.
KEEP = """
    LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE;
    CREATE TABLE objects_old_values AS SELECT id, field1, field2 FROM objects;
"""


def new_values(obj):
    digest = hashlib.sha256(obj.field2.encode()).hexdigest()
    return int(digest[:6], 16), f"{obj.field2} {digest[:8]}"


def forward(apps, schema_editor):
    Object = apps.get_model("objects", "Object")
    rows = ((obj.pk, *new_values(obj)) for obj in Object.objects.order_by("pk").iterator())
    updated, missing = BulkUpdate(Object, ["field1", "field2"], schema_editor.connection.alias).run(rows)
    print(f"objects: {updated} updated, {missing} missing")


def backward(apps, schema_editor):
    """What others have changed in these columns meanwhile is overwritten; objects that are gone count as missing."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(rows_updated), sum(rows_missing) FROM bulk_update_query("
            "'objects', 'SELECT id, field1, field2 FROM objects_old_values ORDER BY id')"
        )
        updated, missing = cursor.fetchone()
    print(f"objects: {updated or 0} updated, {missing or 0} missing")


class Migration(migrations.Migration):
    dependencies = [("objects", "0001_initial")]
    operations = [
        migrations.RunSQL(KEEP, "DROP TABLE objects_old_values"),
        migrations.RunPython(forward, backward),
    ]
