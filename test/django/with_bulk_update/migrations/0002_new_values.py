"""Every object gets new values, streamed to bulk_update."""

from bulk import BulkUpdate
from django.db import migrations
from meter import Meter
from new_values import new_values


def give_new_values(apps, schema_editor):
    Object = apps.get_model("with_bulk_update", "Object")
    meter = Meter()
    updated, missing = BulkUpdate(Object, ["field1", "field2", "field3"], schema_editor.connection.alias).run(
        (obj.pk, *new_values(obj)) for obj in Object.objects.iterator()
    )
    meter.write()
    assert (updated, missing) == (Object.objects.count(), 0)


class Migration(migrations.Migration):
    dependencies = [("with_bulk_update", "0001_initial")]
    operations = [migrations.RunPython(give_new_values)]
