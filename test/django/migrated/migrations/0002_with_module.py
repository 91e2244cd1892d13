"""Every object gets new values, streamed by the module."""

from bulk_update_django import bulk_update
from django.db import migrations
from meter import Meter
from migrated.new_values import FIELDS, changed, write_figures


def give_new_values(apps, schema_editor):
    Object, alias = apps.get_model("migrated", "WithModule"), schema_editor.connection.alias
    meter = Meter()
    account = bulk_update(Object, changed(Object.objects.order_by("pk").iterator()), FIELDS, using=alias)
    write_figures(meter)
    assert account.rows_updated == account.rows_fetched == Object.objects.count()


class Migration(migrations.Migration):
    dependencies = [("migrated", "0001_initial")]
    operations = [migrations.RunPython(give_new_values)]
