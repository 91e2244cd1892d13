"""Every object gets new values by Django's own bulk_update."""

from django.db import migrations
from meter import Meter
from new_values import new_values


def give_new_values(apps, schema_editor):
    Object = apps.get_model("with_django", "Object")
    meter = Meter()
    objects = list(Object.objects.all())
    for obj in objects:
        obj.field1, obj.field2, obj.field3 = new_values(obj)
    meter.mark()  # the list is the caller's own, it does not count
    Object.objects.bulk_update(objects, ["field1", "field2", "field3"], batch_size=250)
    meter.write()


class Migration(migrations.Migration):
    dependencies = [("with_django", "0001_initial")]
    operations = [migrations.RunPython(give_new_values)]
