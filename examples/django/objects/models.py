from django.db import models


class Object(models.Model):
    id = models.BigAutoField(primary_key=True)
    field1 = models.IntegerField(null=True)
    field2 = models.TextField()
    field3 = models.IntegerField(null=True)

    class Meta:
        db_table = "objects"
