"""Tests of the recipe in examples/django: every kind of field, errors, missing objects."""

import datetime
import decimal
import unittest
import uuid

import django

django.setup()

from bulk import BulkUpdate  # noqa: E402  (Django must be set up first)
from django.db import DatabaseError, connection, models, transaction  # noqa: E402


class Everything(models.Model):
    """One field of each kind that Django has on PostgreSQL without its contrib package."""

    id = models.UUIDField(primary_key=True)
    big = models.BigIntegerField(null=True)
    boolean = models.BooleanField(null=True)
    char = models.CharField(max_length=20, null=True)
    date = models.DateField(null=True)
    datetime = models.DateTimeField(null=True)
    decimal = models.DecimalField(max_digits=20, decimal_places=5, null=True)
    duration = models.DurationField(null=True)
    float = models.FloatField(null=True)
    inet = models.GenericIPAddressField(null=True)
    json = models.JSONField(null=True)
    binary = models.BinaryField(null=True)
    text = models.TextField(null=True, db_column="Odd name")
    time = models.TimeField(null=True)
    other = models.ForeignKey("self", models.CASCADE, null=True)

    class Meta:
        app_label = "recipe"


class Recipe(unittest.TestCase):
    FIELDS = [field.name for field in Everything._meta.fields if not field.primary_key]

    @classmethod
    def setUpClass(cls):
        with connection.schema_editor() as editor:
            editor.create_model(Everything)

    @classmethod
    def tearDownClass(cls):
        with connection.schema_editor() as editor:
            editor.delete_model(Everything)

    def setUp(self):
        Everything.objects.all().delete()
        self.keys = [uuid.UUID(int=n << 96 | n) for n in range(1, 51)]
        Everything.objects.bulk_create(Everything(id=key) for key in self.keys)

    def values(self, n):
        """New values, in the order of FIELDS; every fifth object gets NULLs."""
        if n % 5 == 0:
            return [None] * len(self.FIELDS)
        return [
            2**62 + n,
            n % 2 == 0,
            "tab\tnl\ncr\r\\N",
            datetime.date(2000, 1, 1) + datetime.timedelta(days=n),
            datetime.datetime(2026, 3, 29, 1, 30, n, 123456, tzinfo=datetime.timezone.utc),
            decimal.Decimal(n) / 32,
            datetime.timedelta(days=-n, seconds=n, microseconds=n),
            1 / (n + 1) if n % 2 else float("-inf"),
            f"2001:db8::{n:x}" if n % 2 else f"192.0.2.{n}",
            {"n": n, "text": 'quote " back\\slash \n é 漢', "list": [1, None, {"a": True}]},
            bytes(range(256)) * (n % 3),
            r"\. \\ \x41 " + "é漢🙂" + "\u2028" + "x" * n,
            datetime.time(n % 24, 59, 59, 999999),
            self.keys[n],
        ]

    def rows(self):
        return list(Everything.objects.order_by("id").values_list())

    def test_every_kind_of_field_is_stored_as_django_stores_it(self):
        objects = {obj.id: obj for obj in Everything.objects.all()}
        for n, key in enumerate(self.keys):
            for field, value in zip(self.FIELDS, self.values(n)):
                setattr(objects[key], "other_id" if field == "other" else field, value)
        Everything.objects.bulk_update(objects.values(), self.FIELDS)
        expected = self.rows()
        self.setUp()
        self.assertNotEqual(self.rows(), expected)
        done = BulkUpdate(Everything, self.FIELDS).run((key, *self.values(n)) for n, key in enumerate(self.keys))
        self.assertEqual(done, (50, 0))
        self.assertEqual([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in self.rows()],
                         [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in expected])

    def test_rows_may_be_read_from_the_same_connection_in_any_order(self):
        rows = ((obj.pk, obj.pk.int % 1000) for obj in Everything.objects.order_by("-id").iterator(chunk_size=7))
        self.assertEqual(BulkUpdate(Everything, ["big"], batch_rows=3).run(rows), (50, 0))
        self.assertEqual(Everything.objects.get(pk=self.keys[3]).big, self.keys[3].int % 1000)

    def test_missing_objects_are_counted(self):
        rows = [(self.keys[0], 1), (uuid.uuid4(), 2)]
        self.assertEqual(BulkUpdate(Everything, ["big"]).run(rows), (1, 1))

    def test_no_rows_at_all(self):
        self.assertEqual(BulkUpdate(Everything, ["big"]).run([]), (0, 0))

    def test_an_error_in_the_program_undoes_everything(self):
        def rows():
            yield self.keys[0], 1
            raise LookupError("no value for this object")

        with self.assertRaises(LookupError):
            BulkUpdate(Everything, ["big"], batch_rows=1).run(rows())
        self.assertEqual(set(Everything.objects.values_list("big", flat=True)), {None})

    def test_an_error_in_the_database_undoes_everything_and_the_outer_transaction_goes_on(self):
        with transaction.atomic():
            with self.assertRaises(DatabaseError):
                BulkUpdate(Everything, ["other"]).run([(self.keys[0], self.keys[1]), (self.keys[0], self.keys[2])])
            self.assertEqual(BulkUpdate(Everything, ["big"]).run([(self.keys[0], 5)]), (1, 0))
        self.assertEqual(list(Everything.objects.filter(big=5).values_list("id", "other_id")), [(self.keys[0], None)])
