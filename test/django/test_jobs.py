"""Jobs: the functions, and the migration operation. test_job_command.py has the command."""

import datetime

from django.apps import apps
from django.db import DatabaseError, DataError, IntegrityError, NotSupportedError, connection, connections, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

from app.models import Licence, Object, Pizzeria, Place, Restaurant
from base import Case
from bulk_update_django import (
    CreateBulkUpdateJob, MissingRowError, bulk_update_job_create, bulk_update_job_run, bulk_update_job_undo,
    bulk_update_jobs)
from bulk_update_django.jobs import control


def times_ten(objects):
    for obj in objects.order_by("-pk").iterator():
        obj.field1 *= 10
        yield obj


class Jobs(Case):
    models = [Object]
    databases = {"default", "bare", "sqlite"}

    def setUp(self):
        super().setUp()
        Object.objects.bulk_create(Object(id=n, field1=n) for n in range(1, 11))

    def tearDown(self):
        for job in bulk_update_jobs():
            control("drop", job.name)
        self.assertFalse(self.exists("job_rows"))
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS kept")
        super().tearDown()

    def exists(self, table):
        return table in connection.introspection.table_names()

    def values(self, database="default"):
        return list(Object.objects.using(database).order_by("id").values_list("field1", flat=True))

    def create(self, name="job", objects=None, **options):
        objects = times_ten(Object.objects.all()) if objects is None else objects
        return bulk_update_job_create(name, Object, objects, ["field1"], **{"batch_rows": 3, **options})


class Functions(Jobs):
    def test_create_run_and_take_back(self):
        self.assertEqual(self.create(old_values="kept"), 10)
        job, = bulk_update_jobs()
        self.assertEqual((job.name, job.state, job.batches, job.target, job.old_values),
                         ("job", "created", 4, "app_object", "kept"))
        self.assertEqual(self.values(), list(range(1, 11)))
        job = bulk_update_job_run("job", max_batches=1)
        self.assertEqual((job.state, job.rows_updated), ("interrupted", 3))
        self.assertEqual(self.values(), [10, 20, 30, *range(4, 11)])
        self.assertEqual(bulk_update_job_run("job", max_time=datetime.timedelta(0)).rows_updated, 3)
        job = bulk_update_job_run("job", max_time="1 hour")
        self.assertEqual((job.state, job.rows_updated), ("done", 10))
        self.assertEqual(self.values(), list(range(10, 101, 10)))
        Object.objects.filter(id=2).update(field1=0)
        self.assertEqual(bulk_update_job_undo("job", "undo", batch_rows=4), 10)
        job = bulk_update_job_run("undo")
        self.assertEqual((job.batches, job.rows_updated, job.rows_stale), (3, 9, 1))
        self.assertEqual(self.values(), [1, 0, *range(3, 11)])
        self.assertEqual([each.name for each in bulk_update_jobs()], ["job", "undo"])

    def test_creating_is_part_of_the_transaction(self):
        with self.assertRaises(LookupError), transaction.atomic():
            self.create(old_values="kept")
            raise LookupError
        self.assertEqual(bulk_update_jobs(), [])
        self.assertFalse(self.exists("kept"))

    def test_an_error_of_the_program_leaves_nothing(self):
        def changed():
            yield from list(Object.objects.all())[:2]
            raise LookupError

        with transaction.atomic():
            with self.assertRaises(LookupError):
                self.create(objects=changed(), old_values="kept")
            self.assertEqual(bulk_update_jobs(), [])
            self.assertFalse(self.exists("kept"))

    def test_no_objects(self):
        for objects in ([], iter([])):
            self.assertEqual(self.create(objects=objects), 0)
            self.assertEqual(bulk_update_job_run("job").state, "done")
            control("drop", "job")

    def test_the_options(self):
        first, second, third = Object.objects.order_by("id")[:3]
        first.field1 = second.field1 = 100
        Object.objects.filter(id=2).update(field2="changed")
        objects = [first, Object(id=first.id, field1=5), second, third, Object(id=99, field1=1)]
        self.create(objects=objects, on_duplicate="first", skip_unchanged=True, expected=["field2"],
                    rows_table="rows_of_job", dry_run=True)
        job = bulk_update_job_run("job")
        self.assertEqual((job.rows_total, job.rows_updated, job.rows_duplicate, job.rows_stale, job.rows_unchanged,
                          job.rows_missing, job.rows_table, job.dry_run), (5, 1, 1, 1, 1, 1, "rows_of_job", True))
        self.assertEqual(self.values(), list(range(1, 11)))

    def test_progress(self):
        seen = []
        self.create(progress=seen.append)
        self.assertEqual([(each.phase, each.rows) for each in seen], [("staging", 0), ("staging", 10)])

    def test_values_that_only_the_driver_writes(self):
        self.create(objects=[Object(id=1, field1=True)])
        bulk_update_job_run("job")
        self.assertEqual(self.values()[0], 1)

    def test_run_inside_of_a_transaction(self):
        self.create()
        with self.assertRaisesMessage(transaction.TransactionManagementError, "outside of atomic()"), \
                transaction.atomic():
            bulk_update_job_run("job")
        connection.set_autocommit(False)
        try:
            with self.assertRaisesMessage(transaction.TransactionManagementError, "autocommit mode"):
                bulk_update_job_run("job")
        finally:
            connection.set_autocommit(True)

    def test_errors(self):
        with self.assertRaisesMessage(ValueError, "A job is about all rows of app_object: pass Object itself."):
            bulk_update_job_create("job", Object.objects.filter(id=1), [], ["field1"])
        with self.assertRaisesMessage(ValueError, "Batch size must be a positive integer."):
            self.create(batch_rows=0)
        with self.assertRaisesMessage(DataError, "on_missing"):
            self.create(on_missing="panic")
        with self.assertRaisesMessage(ValueError, "primary key set"):
            self.create(objects=[Object()])
        self.create()
        with self.assertRaisesMessage(DatabaseError, 'job "job" already exists'):
            self.create()
        with self.assertRaisesMessage(DatabaseError, 'job "none" does not exist'):
            bulk_update_job_run("none")
        with self.assertRaisesMessage(NotSupportedError, "database 'sqlite' is SQLite."):
            bulk_update_jobs(using="sqlite")
        with self.assertRaisesMessage(Exception, "is not installed in database 'bare'"):
            bulk_update_job_run("job", using="bare")
        self.assertEqual(len(bulk_update_jobs()), 1)

    def test_an_error_of_a_batch(self):
        self.create(objects=[Object(id=n, field1=1) for n in (1, 2, 3, 99)], on_missing="error")
        with self.assertRaises(MissingRowError):
            bulk_update_job_run("job")
        job, = bulk_update_jobs("job")
        self.assertEqual((job.state, job.rows_updated, job.last_sqlstate), ("failed", 3, "P0002"))
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_object ADD CONSTRAINT few CHECK (field1 < 50)")
        self.create("other", rows_table="job_2_rows")
        with self.assertRaisesMessage(IntegrityError, 'batch 2 of job "other"'):
            bulk_update_job_run("other")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE app_object DROP CONSTRAINT few")
        self.assertEqual(bulk_update_job_run("other").state, "done")


class Inherited(Case):
    models = [Place, Licence, Restaurant, Pizzeria]

    def test_fields_of_a_parent_need_the_parent(self):
        with self.assertRaisesMessage(ValueError, "A job is about all rows of app_place: pass Place itself."):
            bulk_update_job_create("job", Pizzeria, [], ["name"])


class Operation(Jobs):
    def setUp(self):
        super().setUp()
        self.state = ProjectState.from_apps(apps)
        self.operation = self.made()

    def made(self, **options):
        options = {"old_values": "kept", "options": {"batch_rows": 4}, **options}
        return CreateBulkUpdateJob("job", "Object", times_ten, ["field1"], **options)

    def forwards(self, operation=None, database="default"):
        with connections[database].schema_editor() as editor:
            (operation or self.operation).database_forwards("app", editor, self.state, self.state)

    def backwards(self, operation=None, database="default"):
        with connections[database].schema_editor() as editor:
            (operation or self.operation).database_backwards("app", editor, self.state, self.state)

    def assertReversed(self):
        self.backwards()
        self.assertEqual((bulk_update_jobs(), self.exists("kept"), self.exists("job_rows")), ([], False, False))

    def test_a_job_that_has_not_begun_is_dropped(self):
        self.forwards()
        job, = bulk_update_jobs()
        self.assertEqual((job.state, job.batches, self.exists("kept")), ("created", 3, True))
        self.assertReversed()

    def test_a_job_that_has_updated_nothing_is_dropped(self):
        self.forwards()
        Object.objects.all().delete()
        self.assertEqual(bulk_update_job_run("job").rows_missing, 10)
        self.assertReversed()

    def test_a_job_whose_rows_are_gone_is_dropped(self):
        self.forwards()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE job_rows")
        self.assertReversed()

    def test_a_job_that_has_begun_is_taken_back_before(self):
        self.forwards()
        bulk_update_job_run("job", max_batches=1)
        with self.assertRaisesMessage(IrreversibleError, 'Job "job" has updated 4 rows. Take it back by "manage.py '
                                      'bulk_update_job cancel job" and "manage.py bulk_update_job undo job"'):
            self.backwards()
        bulk_update_job_undo("job", "undo")
        bulk_update_job_run("undo")
        bulk_update_job_run("job")
        with self.assertRaisesMessage(IrreversibleError, 'has updated 10 rows. Take it back by "manage.py '
                                      'bulk_update_job undo job", which calls bulk_update_job_undo()'):
            self.backwards()
        self.assertEqual(self.values(), [1, 2, 3, 4, *range(50, 101, 10)])
        bulk_update_job_undo("job", "undo 2", dry_run=True)
        bulk_update_job_run("undo 2")
        with self.assertRaises(IrreversibleError):
            self.backwards()
        bulk_update_job_undo("job", "undo 3")
        with self.assertRaises(IrreversibleError):
            self.backwards()
        bulk_update_job_run("undo 3")
        self.assertReversed()
        self.assertEqual(self.values(), list(range(1, 11)))

    def test_an_undo_that_was_undone_does_not_count(self):
        self.forwards()
        bulk_update_job_run("job")
        with connection.cursor() as cursor:
            cursor.execute("SELECT bulk_update_create_old_values('redo', 'app_object', '{field1}')")
        bulk_update_job_undo("job", "undo", redo_values="redo")
        bulk_update_job_run("undo")
        bulk_update_job_undo("undo", "redo")
        bulk_update_job_run("redo")
        with self.assertRaises(IrreversibleError):
            self.backwards()
        control("drop", "redo")
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE redo")

    def test_without_old_values(self):
        operation = self.made(old_values=None)
        self.forwards(operation)
        self.backwards(operation)
        self.forwards(operation)
        bulk_update_job_run("job")
        with self.assertRaisesMessage(IrreversibleError, "keeps no old values, so bulk_update_job_undo() cannot"):
            self.backwards(operation)

    def test_a_job_that_does_not_exist(self):
        self.forwards()
        control("drop", "job")
        with self.assertRaisesMessage(IrreversibleError, 'Job "job" does not exist'):
            self.backwards()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE kept")

    def test_an_error_undoes_all(self):
        self.forwards(self.made(old_values=None))
        with self.assertRaisesMessage(DatabaseError, 'job "job" already exists'):
            self.forwards()
        self.assertFalse(self.exists("kept"))

    def test_another_database(self):
        with connections["sqlite"].schema_editor() as editor:
            editor.create_model(Object)
        Object.objects.using("sqlite").bulk_create(Object(id=n, field1=n) for n in range(1, 4))
        self.forwards(database="sqlite")
        self.assertEqual(self.values("sqlite"), [10, 20, 30])
        with self.assertRaisesMessage(NotSupportedError, "database 'sqlite' is SQLite."):
            self.backwards(database="sqlite")
        with connections["sqlite"].schema_editor() as editor:
            editor.delete_model(Object)

    def test_invalid_arguments(self):
        for name in ("using", "dry_run", "old_values", "batch_size"):
            with self.assertRaisesMessage(TypeError, f"CreateBulkUpdateJob has no option '{name}' of bulk_update_job"):
                self.made(options={name: True})
        with self.assertRaisesMessage(ValueError, "a function"):
            CreateBulkUpdateJob("job", "Object", [Object()], ["field1"])

    def test_it_is_described_and_can_be_written_when_migrations_are_squashed(self):
        self.assertIn("Create job job", self.operation.describe())
        text, imports = OperationWriter(self.made(hints={"here": 1}, elidable=True), indentation=0).serialize()
        namespace = {}
        exec("\n".join(imports) + f"\noperation = {text.strip().rstrip(',')}", namespace)
        self.assertEqual(namespace["operation"].deconstruct(),
                         self.made(hints={"here": 1}, elidable=True).deconstruct())


del Jobs  # not a test itself
