from django.db import models


class Object(models.Model):
    field1 = models.IntegerField()
    field2 = models.TextField()
    field3 = models.IntegerField(null=True)
