"""The models of the tests."""

import decimal
import enum
import uuid

import django
from django.contrib.postgres import fields as postgres
from django.db import models

from bulk_update_django import BulkUpdateQuerySet


class Router:
    """Routed is written to another database than it is read from."""

    def db_for_read(self, model, **hints):
        return "default" if model is Routed else None

    def db_for_write(self, model, **hints):
        return "other" if model is Routed else None


class Colour(models.TextChoices):
    RED = "r\t'e'd"
    GREEN = "green"


class Level(models.IntegerChoices):
    LOW = 1
    HIGH = 2


class Plain(str, enum.Enum):
    """An enum whose str() is not its value."""
    A = "a value"


class ReversedField(models.TextField):
    """Stored in reverse."""

    def get_prep_value(self, value):
        return None if value is None else str(value)[::-1]


class CentsField(models.IntegerField):
    """Converted by get_db_prep_value(), which needs the connection."""

    def get_db_prep_value(self, value, connection, prepared=False):
        return None if value is None else round(value * 100)


class DecimalTextField(models.TextField):
    """Text here, a number in the database."""

    def get_prep_value(self, value):
        return None if value is None else decimal.Decimal(value)


class UpperField(models.TextField):
    """Stored by an SQL function, but for what is plain."""

    def get_placeholder(self, value, compiler, connection):
        return "%s" if value is None or str(value).startswith("plain") else "upper(%s)"


class Everything(models.Model):
    """One field of each kind."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    small = models.SmallIntegerField(null=True)
    integer = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    boolean = models.BooleanField(null=True)
    char = models.CharField(max_length=20, null=True)
    colour = models.CharField(max_length=20, null=True, choices=Colour.choices)
    level = models.IntegerField(null=True, choices=Level.choices)
    date = models.DateField(null=True)
    datetime = models.DateTimeField(null=True)
    decimal = models.DecimalField(max_digits=20, decimal_places=5, null=True)
    duration = models.DurationField(null=True)
    float = models.FloatField(null=True)
    inet = models.GenericIPAddressField(null=True)
    json = models.JSONField(null=True)
    binary = models.BinaryField(null=True)
    text = models.TextField(null=True, db_column="Odd näme")
    time = models.TimeField(null=True)
    file = models.FileField(null=True)
    other = models.ForeignKey("self", models.CASCADE, null=True)
    reversed = ReversedField(null=True)
    cents = CentsField(null=True)
    upper = UpperField(null=True)
    integers = postgres.ArrayField(models.IntegerField(), null=True)
    matrix = postgres.ArrayField(postgres.ArrayField(models.SmallIntegerField(null=True)), null=True)
    chars = postgres.ArrayField(models.CharField(max_length=9, null=True), null=True)
    colours = postgres.ArrayField(models.CharField(max_length=9), null=True)
    uuids = postgres.ArrayField(models.UUIDField(), null=True)
    jsons = postgres.ArrayField(models.JSONField(), null=True)
    times = postgres.ArrayField(models.DateTimeField(), null=True)
    decimals = postgres.ArrayField(models.DecimalField(max_digits=9, decimal_places=2), null=True)
    binaries = postgres.ArrayField(models.BinaryField(), null=True)
    hstore = postgres.HStoreField(null=True)
    int_range = postgres.IntegerRangeField(null=True)
    decimal_range = postgres.DecimalRangeField(null=True)
    date_range = postgres.DateRangeField(null=True)
    time_range = postgres.DateTimeRangeField(null=True)


class Legacy(models.Model):
    """A table that Django did not create, with types that Django would not choose."""

    day = models.DateTimeField(null=True)
    real = models.FloatField(null=True)
    json = models.JSONField(null=True)
    domain = models.IntegerField(null=True)
    code = models.TextField(null=True)
    mood = models.TextField(null=True)
    number = models.FloatField(null=True)
    network = models.GenericIPAddressField(null=True)
    generic = models.TextField(null=True)
    free = DecimalTextField(null=True)

    class Meta:
        managed = False
        db_table = 'odd schema"."Legacy'

    sql = """
        CREATE SCHEMA "odd schema";
        CREATE TYPE "odd schema"."Mood" AS ENUM ('sad', 'glad');
        CREATE DOMAIN "odd schema".small AS integer CHECK (VALUE < 10);
        CREATE DOMAIN "odd schema".smaller AS "odd schema".small CHECK (VALUE < 5);
        CREATE TABLE "odd schema"."Legacy" (
            id integer PRIMARY KEY, day timestamp, real real, json json, domain "odd schema".smaller,
            code char(4), mood "odd schema"."Mood", number numeric(9,2), network cidr, generic text, free numeric)"""


class Object(models.Model):
    """A simple table."""

    field1 = models.IntegerField(default=0)
    field2 = models.CharField(max_length=10, default="")
    field3 = UpperField(null=True)
    changed = models.DateTimeField(auto_now=True)

    objects = models.Manager()
    streamed = BulkUpdateQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="not_a_billion",
                                              **{"condition" if django.VERSION >= (5, 1) else "check":
                                                 ~models.Q(field1=10**9)})]


class Proxy(Object):
    class Meta:
        proxy = True


class Silent(Object):
    """Its objects must not be shown."""

    class Meta:
        proxy = True

    def __str__(self):
        raise AssertionError

    __repr__ = __str__


class Routed(models.Model):
    value = models.IntegerField(default=0)


class Abstract(models.Model):
    inherited = models.IntegerField(default=0)

    class Meta:
        abstract = True


class Concrete(Abstract):
    code = models.CharField(max_length=10, primary_key=True, db_column="Code")
    value = models.IntegerField(default=0)


class ByOne(models.Model):
    """Its key is a foreign key."""

    everything = models.OneToOneField(Everything, models.CASCADE, primary_key=True, db_column="the key")
    value = models.IntegerField(default=0)
    concrete = models.ForeignKey(Concrete, models.CASCADE, null=True, related_name="ones")


class ByDecimal(models.Model):
    """Its key is a number with two decimal places."""

    price = models.DecimalField(max_digits=6, decimal_places=2, primary_key=True)
    value = models.IntegerField(default=0)


class ByForeignKey(models.Model):
    """Its key is a foreign key to a table whose key is a foreign key."""

    one = models.ForeignKey(ByOne, models.CASCADE, primary_key=True)
    value = models.IntegerField(default=0)


class Place(models.Model):
    name = models.CharField(max_length=10)


class Licence(models.Model):
    licence_id = models.AutoField(primary_key=True)
    number = models.IntegerField(default=0)


class Restaurant(Place):
    stars = models.IntegerField(default=0)


class Pizzeria(Restaurant, Licence):
    ovens = models.IntegerField(default=0)


class Franchise(Pizzeria):
    brand = models.CharField(max_length=10, default="")


class Hidden(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(hidden=False)


class Secret(models.Model):
    """Its default manager has a filter."""

    hidden = models.BooleanField(default=False)
    value = models.IntegerField(default=0)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

    objects = Hidden()


COMPOSITE = hasattr(models, "CompositePrimaryKey")
if COMPOSITE:
    class Composite(models.Model):
        pk = models.CompositePrimaryKey("tenant", "number")
        tenant = models.IntegerField()
        number = models.TextField(db_column="Number")
        value = models.IntegerField(default=0)

GENERATED = hasattr(models, "GeneratedField")
if GENERATED:
    class Generated(models.Model):
        value = models.IntegerField(default=0)
        twice = models.GeneratedField(expression=models.F("value") * 2, output_field=models.BigIntegerField(),
                                      db_persist=True)
