"""expected: rows that others have changed since the objects were loaded."""

from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, connection

from app.models import Everything, Object
from base import Case
from bulk_update_django import bulk_update


def with_loaded(obj):
    """As from_db() of Django's documentation keeps them."""
    obj._loaded_values = {field.attname: getattr(obj, field.attname) for field in obj._meta.concrete_fields}
    return obj


class Expected(Case):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 6))

    def values(self):
        return list(Object.objects.order_by("id").values_list("field1", flat=True))

    def load(self, keep=False):
        objects = list(Object.objects.order_by("id"))
        for obj in objects:
            if keep:
                with_loaded(obj)
            obj.field1 = obj.field1 * 10
        return objects

    def test_a_field_that_is_not_written(self):
        objects = self.load()
        Object.objects.filter(id=2).update(field2="changed")
        account = bulk_update(Object, objects, ["field1"], expected=["field2"])
        self.assertEqual((account.rows_fetched, account.rows_updated, account.rows_stale, account.rows_matched), (5, 4, 1, 4))
        self.assertEqual(self.values(), [10, 2, 30, 40, 50])

    def test_a_field_that_is_written(self):
        objects = self.load(keep=True)
        Object.objects.filter(id__in=(1, 4)).update(field1=0)
        account = bulk_update(Object, iter(objects), ["field1"], expected=["field1", "field2"])
        self.assertEqual((account.rows_updated, account.rows_stale), (3, 2))
        self.assertEqual(self.values(), [0, 20, 30, 0, 50])

    def test_a_version(self):
        objects = self.load(keep=True)
        for obj in objects:
            obj.field2 = str(int(obj.field2) + 1)
        Object.objects.filter(id=5).update(field2="6")  # another one has done the same
        account = bulk_update(Object, objects, ["field1", "field2"], expected="field2", batch_size=2)
        self.assertEqual((account.rows_updated, account.rows_stale), (4, 1))
        again = bulk_update(Object, objects[:4], ["field1", "field2"], expected="field2", skip_unchanged=True)
        self.assertEqual((again.rows_unchanged, again.rows_stale), (4, 0))

    def test_null_and_values_that_the_driver_writes(self):
        Object.objects.filter(id__lt=4).update(field3=None)
        Object.objects.filter(id=4).update(field3="UPPER")
        objects = self.load()
        self.assertIsNone(objects[0].field3)
        Object.objects.filter(id=1).update(field3="A")
        objects[3].field3 = "upper"  # its placeholder is a function
        account = bulk_update(Object, objects, ["field1"], expected=["field3"])
        self.assertEqual((account.rows_updated, account.rows_stale), (4, 1))

    def test_a_time(self):
        objects = self.load()
        objects[0].changed = objects[0].changed.replace(year=2000)
        account = bulk_update(Object, objects, ["field1"], expected=["changed"], dry_run=True)
        self.assertEqual((account.rows_updated, account.rows_stale), (4, 1))
        self.assertEqual(self.values(), [1, 2, 3, 4, 5])

    def test_on_stale(self):
        objects = self.load()
        Object.objects.filter(id=2).update(field2="changed")
        with self.assertRaisesMessage(DatabaseError, "does not have the values that source row 2 expects"):
            bulk_update(Object, objects, ["field1"], expected=["field2"], on_stale="error")
        self.assertEqual(self.values(), [1, 2, 3, 4, 5])

    def test_rejects(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT bulk_update_create_rejects('rejects')")
            objects = self.load()
            Object.objects.filter(id=2).update(field2="changed")
            bulk_update(Object, objects, ["field1"], expected=["field2"], rejects="rejects")
            cursor.execute("SELECT reason, key->>'id', current_values->>'field2' FROM rejects")
            self.assertEqual(cursor.fetchall(), [("stale", "2", "changed")])
            cursor.execute("DROP TABLE rejects")

    def test_values_that_were_not_kept(self):
        for objects, expected in ((self.load(), ["field1"]), (Object.objects.defer("field2"), ["field2"])):
            with self.assertRaisesMessage(ValueError, f"does not have the value of field '{expected[0]}' as it was loaded"):
                bulk_update(Object, objects, ["field1"], expected=expected)

    def test_invalid_names(self):
        for expected, error, message in (
                ([], ValueError, "Field names must be given in expected"),
                (["nothing"], FieldDoesNotExist, "nothing"),
                (["id"], ValueError, "expected cannot name primary key fields, such as 'id'.")):
            with self.assertRaisesMessage(error, message):
                bulk_update(Object, self.load(), ["field1"], expected=expected)
        with self.assertRaisesMessage(DatabaseError, "on_stale requires expected_columns"):
            bulk_update(Object, self.load(), ["field1"], on_stale="error")


class Kinds(Case):
    models = [Everything]

    def test_every_field_can_be_expected(self):
        """The value that an object was loaded with is the row's."""
        Everything.objects.create(small=1)
        fields = [field for field in Everything._meta.concrete_fields if not field.primary_key and field.name != "small"]
        for field in fields:
            with self.subTest(field=field.name):
                account = bulk_update(Everything, Everything.objects.all(), ["small"], expected=[field.name])
                self.assertEqual((account.rows_updated, account.rows_stale), (1, 0))
