"""Every object gets new values by Django's own bulk_update()."""

from django.db import migrations
from meter import Meter
from migrated.new_values import FIELDS, changed, write_figures


def give_new_values(apps, schema_editor):
    Object = apps.get_model("migrated", "WithDjango")
    meter = Meter()
    objects = list(changed(Object.objects.order_by("pk")))
    meter.mark()  # the list is the caller's own, it does not count
    Object.objects.bulk_update(objects, FIELDS, batch_size=250)
    write_figures(meter)


class Migration(migrations.Migration):
    dependencies = [("migrated", "0002_with_module")]
    operations = [migrations.RunPython(give_new_values)]
