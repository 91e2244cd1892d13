"""The same model twice."""

from django.contrib.postgres.operations import CreateExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        CreateExtension("bulk_update"),
        *(migrations.CreateModel(
            name=name,
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("field1", models.IntegerField()),
                ("field2", models.TextField()),
                ("field3", models.IntegerField(null=True)),
            ],
        ) for name in ("WithModule", "WithDjango")),
    ]
