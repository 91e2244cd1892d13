"""Gives every object new values computed in Python. The reverse migration restores the old values."""

import hashlib

from bulk_update_django import BulkUpdate  # contrib/django
from django.db import migrations


def changed(objects):
    # iterator() reads a batch at a time, like BulkUpdate, so not all objects are in memory at once.
    for obj in objects.order_by("pk").iterator():
        digest = hashlib.sha256(obj.field2.encode()).hexdigest()
        obj.field1, obj.field2 = int(digest[:6], 16), f"{obj.field2} {digest[:8]}"
        yield obj


def print_account(account):
    """In both directions. Objects that have changed since are stale, deleted ones are missing; neither is written."""
    print(f"objects: {account.rows_fetched} fetched, {account.rows_updated} updated, {account.rows_missing} missing, "
          f"{account.rows_stale} stale")


class Migration(migrations.Migration):
    dependencies = [("objects", "0001_initial")]
    operations = [
        # Prevents changes between the reading of the objects and their update. Other sessions can read them.
        migrations.RunSQL("LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE", migrations.RunSQL.noop),
        BulkUpdate("Object", changed, ["field1", "field2"], old_values="objects_old_values", check=print_account),
    ]
