from django.contrib.postgres.operations import CreateExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        CreateExtension("bulk_update"),
        migrations.CreateModel(
            name="Object",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("field1", models.IntegerField(null=True)),
                ("field2", models.TextField()),
                ("field3", models.IntegerField(null=True)),
            ],
            options={"db_table": "objects"},
        ),
    ]
