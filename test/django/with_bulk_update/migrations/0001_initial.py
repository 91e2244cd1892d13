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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("field1", models.IntegerField()),
                ("field2", models.TextField()),
                ("field3", models.IntegerField(null=True)),
            ],
        ),
    ]
