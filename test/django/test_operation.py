"""The migration operation, without migrations; test_wheel.py has it in a project."""

from types import SimpleNamespace
from unittest import mock

from django.apps import apps
from django.db import DatabaseError, NotSupportedError, connections, router
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

from app.models import Object, Pizzeria, Place, Licence, Restaurant
from base import Case
from bulk_update_django import BulkUpdate


def times_ten(objects):
    for obj in objects.order_by("pk").iterator():
        obj.field1 *= 10
        yield obj


def renamed(objects):
    for obj in objects:
        obj.name = obj.name * 2
        yield obj


class Migrate(Case):
    databases = {"default", "sqlite"}

    def setUp(self):
        self.state = ProjectState.from_apps(apps)
        self.seen = []

    def tearDown(self):
        with connections["default"].cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS kept")
        super().tearDown()

    def forwards(self, operation, database="default"):
        with connections[database].schema_editor() as editor:
            operation.database_forwards("app", editor, self.state, self.state)

    def backwards(self, operation, database="default"):
        with connections[database].schema_editor() as editor:
            operation.database_backwards("app", editor, self.state, self.state)

    def values(self, database="default"):
        return list(Object.objects.using(database).order_by("id").values_list("field1", flat=True))

    def kept(self):
        return "kept" in connections["default"].introspection.table_names()


class Objects(Migrate):
    models = [Object]

    def setUp(self):
        super().setUp()
        Object.objects.bulk_create(Object(id=n, field1=n) for n in range(1, 5))

    def operation(self, **options):
        options = {"old_values": "kept", "check": self.seen.append, **options}
        return BulkUpdate("Object", times_ten, ["field1"], **options)

    def test_forward_and_backward(self):
        operation = self.operation()
        self.forwards(operation)
        self.assertEqual((self.values(), self.kept()), ([10, 20, 30, 40], True))
        Object.objects.filter(id=2).update(field1=0)
        Object.objects.filter(id=3).delete()
        self.backwards(operation)
        self.assertEqual((self.values(), self.kept()), ([1, 0, 4], False))
        self.assertEqual([(each.rows_updated, each.rows_stale, each.rows_missing) for each in self.seen],
                         [(4, 0, 0), (2, 1, 1)])

    def test_no_objects(self):
        Object.objects.all().delete()
        operation = self.operation()
        self.forwards(operation)
        self.backwards(operation)
        self.assertFalse(self.kept())

    def test_a_table_that_exists_is_an_error(self):
        self.forwards(self.operation())
        with self.assertRaisesMessage(DatabaseError, 'relation "kept" already exists'):
            self.forwards(self.operation())
        self.assertEqual(self.values(), [10, 20, 30, 40])

    def test_an_error_in_the_check_undoes_it(self):
        def check(account):
            raise LookupError

        with self.assertRaises(LookupError):
            self.forwards(self.operation(check=check))
        self.assertEqual((self.values(), self.kept()), ([1, 2, 3, 4], False))
        self.forwards(self.operation())
        with self.assertRaises(LookupError):
            self.backwards(self.operation(check=check))
        self.assertEqual((self.values(), self.kept()), ([10, 20, 30, 40], True))

    def test_options_of_both_directions(self):
        operation = self.operation(options={"batch_size": 2, "skip_unchanged": True},
                                   undo_options={"on_stale": "error", "batch_size": 1})
        Object.objects.filter(id=1).update(field1=0)
        self.forwards(operation)
        self.assertEqual((self.seen[0].rows_unchanged, self.seen[0].chunks), (1, 2))
        Object.objects.filter(id=2).update(field1=0)
        with self.assertRaisesMessage(DatabaseError, "does not have the values"):
            self.backwards(operation)
        self.assertTrue(self.kept())

    def test_without_old_values_it_is_irreversible(self):
        self.assertFalse(self.operation(old_values=None).reversible)
        self.assertTrue(self.operation().reversible)
        self.forwards(self.operation(old_values=None))
        self.assertEqual(self.values(), [10, 20, 30, 40])

    def test_invalid_arguments(self):
        for options, function in (("options", "bulk_update"), ("undo_options", "bulk_update_undo")):
            for name in ("using", "dry_run", "on_sunday"):
                with self.assertRaisesMessage(TypeError, f"BulkUpdate has no option '{name}' of {function}()."):
                    self.operation(**{options: {name: True}})
        with self.assertRaisesMessage(ValueError, "a function"):
            BulkUpdate("Object", [Object()], ["field1"])

    def test_where_the_router_has_no_such_table(self):
        elsewhere = SimpleNamespace(allow_migrate=lambda *_, **hints: hints.get("here", False))
        with mock.patch.object(router, "routers", [elsewhere]):
            self.forwards(self.operation())
            self.backwards(self.operation())
            self.assertEqual((self.values(), self.kept()), ([1, 2, 3, 4], False))
            self.forwards(self.operation(hints={"here": True}))
        self.assertTrue(self.kept())

    def test_another_database(self):
        with connections["sqlite"].schema_editor() as editor:
            editor.create_model(Object)
        Object.objects.using("sqlite").bulk_create(Object(id=n, field1=n) for n in range(1, 5))
        self.forwards(self.operation(options={"batch_size": 3}, check=None), "sqlite")
        self.assertEqual(self.values("sqlite"), [10, 20, 30, 40])
        with self.assertRaisesMessage(NotSupportedError, "database 'sqlite' is SQLite."):
            self.backwards(self.operation(), "sqlite")
        with self.assertRaisesMessage(NotSupportedError, "Option on_error of bulk_update needs PostgreSQL"):
            self.forwards(self.operation(options={"on_error": "skip"}), "sqlite")
        self.assertEqual(self.values("sqlite"), [10, 20, 30, 40])
        with connections["sqlite"].schema_editor() as editor:
            editor.delete_model(Object)

    def test_it_is_described_and_can_be_written_when_migrations_are_squashed(self):
        operation = BulkUpdate("Object", times_ten, ["field1"], "kept", check=print, options={"batch_size": 5},
                               undo_options={"on_stale": "error"}, hints={"here": 1}, elidable=True)
        self.assertEqual(operation.describe(), "Give objects of model Object new values")
        text, imports = OperationWriter(operation, indentation=0).serialize()
        self.assertIn("bulk_update_django.operations.BulkUpdate(", text)
        namespace = {}
        exec("\n".join(imports) + f"\noperation = {text.strip().rstrip(',')}", namespace)
        self.assertEqual(namespace["operation"].deconstruct(), operation.deconstruct())


class Inherited(Migrate):
    models = [Place, Licence, Restaurant, Pizzeria]

    def test_fields_of_a_parent(self):
        pizzeria = Pizzeria.objects.create(name="a")
        operation = BulkUpdate("Pizzeria", renamed, ["name"], old_values="kept")
        for step, name in ((self.forwards, "aa"), (self.backwards, "a")):
            step(operation)
            self.assertEqual(Place.objects.get(pk=pizzeria.pk).name, name)


del Migrate  # not a test itself
