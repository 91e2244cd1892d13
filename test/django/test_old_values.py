"""old_values and bulk_update_undo(): updates that are taken back."""

from unittest import skipUnless

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, NotSupportedError, connection, connections, transaction

from app import models as app
from app.models import ByForeignKey, ByOne, Concrete, Everything, Licence, Object, Pizzeria, Place, Restaurant, Secret
from base import Case
from bulk_update_django import Account, bulk_update, bulk_update_undo

NOTHING = Account(0, 0, 0, 0, 0, 0, 0, 0)


class Kept(Case):
    def tearDown(self):
        for database in self.made_in:
            with connections[database].cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS kept, redo, not_undone")
        super().tearDown()

    def query(self, sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def columns(self):
        return [name for name, in self.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0 ORDER BY attnum")]

    def there(self):
        return self.query("SELECT to_regclass('kept') IS NOT NULL") == [(True,)]


class Objects(Kept):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 6))

    def values(self):
        return list(Object.objects.order_by("id").values_list("field1", flat=True))

    def update(self, *numbers, factor=10, fields=("field1",), **options):
        objects = list(Object.objects.filter(id__in=numbers or range(1, 6)).order_by("id"))
        for obj in objects:
            obj.field1 *= factor
        return bulk_update(Object, objects, fields, old_values="kept", **options)

    def test_the_table_is_created_with_the_fields(self):
        self.update(1, 2, fields=["field2", "field1"])
        self.assertEqual(self.columns(),
                         ["run", "source_row", "id", "old_field2", "new_field2", "old_field1", "new_field1"])
        self.assertEqual(self.query("SELECT id, old_field1, new_field1 FROM kept ORDER BY id"), [(1, 1, 10), (2, 2, 20)])

    def test_undo(self):
        before = self.rows(Object)
        self.update()
        for target in (Object, Object.objects, Object.objects.all(), Object.streamed):
            with self.subTest(target=target), transaction.atomic():
                account = bulk_update_undo(target, "kept", batch_size=2)
                self.assertEqual(account, Account(5, 5, 0, 0, 0, 0, 0, 3))
                self.assertEqual(self.rows(Object), before)
                transaction.set_rollback(target is not Object.streamed)
        self.assertEqual(bulk_update_undo(Object, "kept").rows_unchanged, 5)
        self.assertTrue(self.there())

    def test_rows_that_have_changed_since(self):
        self.update()
        Object.objects.filter(id=2).update(field1=0)
        Object.objects.filter(id=3).update(field2="others")  # not a field that is kept
        Object.objects.filter(id=4).delete()
        self.query("SELECT bulk_update_create_rejects('not_undone')")
        account = bulk_update_undo(Object, "kept", dry_run=True)
        self.assertEqual((account.rows_updated, account.rows_missing, account.rows_stale), (3, 1, 1))
        self.assertEqual(bulk_update_undo(Object, "kept", rejects="not_undone"), account)
        self.assertEqual(self.values(), [1, 0, 3, 5])
        self.assertEqual(self.query("SELECT reason, key->>'id' FROM not_undone ORDER BY 2"), [("stale", "2"), ("missing", "4")])
        for options, message in ((dict(on_stale="error"), "does not have the values that source row 2 expects"),
                                 (dict(on_missing="error"), "has no row for source row 4"),
                                 (dict(on_error="never"), "on_error")):
            with transaction.atomic(), self.assertRaisesMessage(DatabaseError, message):
                bulk_update_undo(Object, "kept", **options)
        self.assertEqual(self.values(), [1, 0, 3, 5])

    def test_runs(self):
        first, = self.runs_of(lambda: self.update(1, 2))
        self.update(2, 3)
        self.assertEqual(self.values(), [10, 200, 30, 4, 5])
        account = bulk_update_undo(Object, "kept", run=first)
        self.assertEqual((account.rows_updated, account.rows_stale), (1, 1))
        self.assertEqual(bulk_update_undo(Object, "kept").rows_updated, 2)
        self.assertEqual(self.values(), [1, 20, 3, 4, 5])
        self.assertEqual(bulk_update_undo(Object, "kept", run=first).rows_updated, 1)
        self.assertEqual(self.values(), [1, 2, 3, 4, 5])
        with self.assertRaisesMessage(DatabaseError, 'table "kept" has no run 0'):
            bulk_update_undo(Object, "kept", run=0)

    def runs_of(self, call):
        call()
        return [run for run, in self.query("SELECT DISTINCT run FROM kept WHERE run = currval('bulk_update_run')")]

    def test_redo(self):
        self.update()
        with self.assertRaisesMessage(DatabaseError, "redo"):
            bulk_update_undo(Object, "kept", redo_values="redo")
        bulk_update_undo(Object, "kept", redo_values="kept")
        bulk_update_undo(Object, "kept")
        self.assertEqual(self.values(), [10, 20, 30, 40, 50])

    def test_a_dry_run_creates_no_table(self):
        self.assertEqual(self.update(dry_run=True).rows_updated, 5)
        self.assertFalse(self.there())
        self.update(1)
        self.assertEqual(self.update(dry_run=True).rows_updated, 5)
        self.assertEqual(self.query("SELECT count(*) FROM kept"), [(1,)])

    def test_no_objects(self):
        """A reverse migration finds the table."""
        self.assertEqual(bulk_update(Object, iter(()), ["field1"], old_values="kept"), NOTHING)
        self.assertEqual(bulk_update_undo(Object, "kept"), NOTHING)

    def test_an_error_leaves_no_table(self):
        with self.assertRaisesMessage(DatabaseError, "not_a_billion"):
            self.update(1, factor=10**9)
        self.assertFalse(self.there())

    def test_a_table_that_lacks_columns(self):
        self.update()
        with self.assertRaisesMessage(DatabaseError, "It lacks these columns: old_field2, new_field2."):
            self.update(fields=["field1", "field2"])
        with self.assertRaisesMessage(DatabaseError, "no_table"):
            bulk_update_undo(Object, "no_table")

    def test_invalid_arguments(self):
        self.update()
        for target, options, error, message in (
                (Object.objects.filter(field1=1), {}, ValueError, "bulk_update_undo() is about all rows of a call: pass Object"),
                ("objects", {}, TypeError, "takes a model, a manager or a queryset"),
                (Object, {"batch_size": 0}, ValueError, "Batch size must be a positive integer.")):
            with self.assertRaisesMessage(error, message):
                bulk_update_undo(target, "kept", **options)
        with self.assertRaises(TypeError):
            bulk_update_undo(Object, "kept", 1)
        self.assertTrue(bulk_update_undo.alters_data)


class Databases(Kept):
    models = [Object]
    databases = {"default", "other", "bare", "sqlite"}
    made_in = {"default", "other", "bare"}

    def test_the_extension_may_be_in_any_schema(self):
        Object.objects.using("other").create(id=1, field1=1)
        bulk_update(Object, [Object(id=1, field1=5)], ["field1"], using="other", old_values="kept")
        for target, using in ((Object, "other"), (Object.objects.using("other"), None)):
            account = bulk_update_undo(target, "kept", using=using)
            self.assertEqual(account.rows_updated + account.rows_unchanged, 1)
        self.assertEqual(Object.objects.using("other").get().field1, 1)

    def test_a_database_without_the_extension(self):
        for database, error, message in (("bare", ImproperlyConfigured, "not installed in database 'bare'"),
                                         ("sqlite", NotSupportedError, "database 'sqlite' is SQLite.")):
            with self.assertRaisesMessage(error, message):
                bulk_update_undo(Object, "kept", using=database)
        with self.assertRaisesMessage(ImproperlyConfigured, "not installed in database 'bare'"):
            bulk_update(Object, iter(()), ["field1"], using="bare", old_values="kept")


class Kinds(Kept):
    models = [Everything, Concrete, ByOne, ByForeignKey, Secret, Place, Licence, Restaurant, Pizzeria,
              *([app.Composite] if app.COMPOSITE else []), *([app.Generated] if app.GENERATED else [])]

    def check(self, target, obj, field, owner=None):
        """Updated and taken back."""
        before = self.rows(owner or target)
        bulk_update(target, [obj], [field], old_values="kept")
        self.assertNotEqual(self.rows(owner or target), before)
        self.assertEqual(bulk_update_undo(owner or target, "kept").rows_updated, 1)
        self.assertEqual(self.rows(owner or target), before)

    def test_a_key_that_is_a_foreign_key(self):
        one = ByOne.objects.create(everything=Everything.objects.create())
        obj = ByForeignKey.objects.create(one=one)
        obj.value = 7
        self.check(ByForeignKey, obj, "value")

    def test_a_field_of_a_parent(self):
        obj = Pizzeria.objects.create(name="before", stars=1, ovens=1)
        obj.name, obj.ovens = "after", 2
        self.check(Pizzeria, obj, "name", owner=Place)

    def test_a_default_manager_with_a_filter(self):
        obj = Secret.objects.create()
        obj.value = 7
        self.check(Secret, obj, "value")

    @skipUnless(app.COMPOSITE, "Django 5.2")
    def test_a_composite_key(self):
        obj = app.Composite.objects.create(tenant=1, number="a")
        obj.value = 7
        self.check(app.Composite, obj, "value")

    @skipUnless(app.GENERATED, "Django 5.0")
    def test_a_generated_field_follows(self):
        obj = app.Generated.objects.create(value=1)
        obj.value = 7
        self.check(app.Generated, obj, "value")
