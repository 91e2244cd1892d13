"""BulkUpdateQuerySet instead of Django's QuerySet: its results and effects."""

import asyncio
import random
import unittest

import django
from django.apps.registry import Apps
from django.db import DataError, IntegrityError, connection, connections, models, transaction
from django.db.migrations.state import ModelState
from django.db.migrations.writer import MigrationWriter
from django.db.models import Case as CaseWhen, F, Value, When
from django.db.models.functions import Lower
from django.test.utils import CaptureQueriesContext

from app.models import Licence, Object, Pizzeria, Place, Restaurant, Routed, Silent
from base import Case
from bulk_update_django import BulkUpdateManager, BulkUpdateQuerySet, bulk_update


class Ours(BulkUpdateQuerySet):
    """Of a project."""


class DropIn(Case):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 101))

    def test_random_lists_of_objects(self):
        """Also with several batches and with expressions."""
        for seed in range(60):
            rnd = random.Random(seed)
            expressions = [F("field1") + 7, CaseWhen(When(id__gt=50, then=Value(3)), default=F("field1"))]
            expressions = expressions if seed % 3 else []
            batch_size = rnd.choice([None, None, 1, 7, 1000])
            last = rnd.choice([30, 120, 300])
            objects = [Object(id=rnd.randint(1, last), field1=rnd.choice([*range(20, 40), *expressions]),
                              field2=rnd.choice([*"abcdef", *([Lower(Value("C"))] if expressions else [])]))
                       for _ in range(rnd.randint(0, 60))]
            fields = rnd.choice([["field1"], ["field2"], ["field1", "field2"]])
            done = []
            for manager in (Object.objects, Object.streamed):
                Object.objects.update(field1=F("id"), field2="")
                queryset = rnd.choice([manager, manager.all()]) if seed % 2 else manager.filter(id__gt=30)
                matched = queryset.bulk_update(objects, fields, batch_size)
                done.append((matched, self.rows(Object)))
            if django.VERSION < (4, 0):  # whose bulk_update() returns nothing
                done = [(None, rows) for _, rows in done]
            with self.subTest(seed=seed):
                self.assertEqual(*done)

    def test_batches_are_those_of_all_objects(self):
        plus = F("field1") + 1
        for manager in (Object.objects, Object.streamed):
            objects = [Object(id=n, field1=value) for n, value in ((1, plus), (2, 20), (2, 21), (3, plus))]
            self.assertIn(manager.bulk_update(objects, ["field1"], batch_size=2), (4, None))
            self.assertEqual(Object.objects.get(id=2).field1, 21)

    def test_expressions_are_evaluated_before_the_values_and_in_the_same_transaction(self):
        objects = [Object(id=n, field1=F("field1") * 2 if n % 2 else 5) for n in range(1, 7)]
        for objs in (objects, iter(objects)):
            self.assertEqual(Object.streamed.bulk_update(objs, ["field1"]), 6)
        self.assertEqual(list(Object.objects.filter(id__lt=7).order_by("id").values_list("field1", flat=True)),
                         [4, 5, 12, 5, 20, 5])
        with self.assertRaises(IntegrityError), transaction.atomic():
            Object.streamed.bulk_update([Object(id=1, field1=F("field1") + 1), Object(id=2, field1=10**9)], ["field1"])
        self.assertEqual(Object.objects.get(id=1).field1, 4)
        self.assertEqual(Object.streamed.bulk_update(iter([Object(id=1, field1=F("id") + 1), Object(id=1, field1=7)]),
                                                     ["field1"]), 1)
        self.assertEqual(Object.objects.get(id=1).field1, 2)

    def test_the_number_of_queries(self):
        objects = [Object(id=n) for n in range(1, 4002)]
        evaluated = 3 if django.VERSION >= (4, 0) else 4  # before 4.0 the rows have to be counted
        with transaction.atomic():
            for objs, fields, queries in (([], ["field1"], 0), ((), ["field1"], 0), (iter(()), ["field1"], 2),
                                          (Object.objects.filter(id=0), ["field1"], 1),
                                          (objects[:1], ["field1"], 7), (objects[:2000], ["field1"], 7),
                                          (iter(objects), ["field1"], 9),
                                          ([Object(id=1, field1=F("id") + 1)], ["field1"], evaluated)):
                with self.assertNumQueries(queries):
                    Object.streamed.bulk_update(objs, fields)
            with self.assertNumQueries(8):
                Object.streamed.filter(id=1).bulk_update(objects[:9], ["field1"])
            for queries in (10, 8):
                with self.assertNumQueries(queries):
                    bulk_update(Object, objects[:9], ["field1"], old_values="kept")
            transaction.set_rollback(True)

    def test_errors_about_arguments_are_those_of_django(self):
        objects = [Object(id=1), Object(id=2)]
        for objs, fields, batch_size in ((objects, ["field1"], 1.5), (objects, ["field1"], -1),
                                         (objects, ["field1"], "1"), (objects, [], None), ([], [], None),
                                         ([], ["nothing"], None), ([], ["id"], None), ([Object()], ["field1"], None)):
            with self.subTest(fields=fields, batch_size=batch_size):
                with self.assertRaises(Exception) as theirs:
                    Object.objects.bulk_update(objs, fields, batch_size)
                with self.assertRaises(type(theirs.exception)) as ours:
                    Object.streamed.bulk_update(objs, fields, batch_size)
                self.assertEqual(str(ours.exception), str(theirs.exception))
        for batch_size in (1.5, 2**40):
            Object.streamed.bulk_update(objects[:1], ["field1"], batch_size)
        with self.assertRaisesMessage(TypeError, "'float' object cannot be interpreted as an integer"):
            bulk_update(Object, objects, ["field1"], batch_size=1.5)
        self.assertEqual(bulk_update(Object, objects, ["field1"], batch_size=2**40).rows_updated, 2)

    def test_objects_are_named_without_their_own_methods(self):
        for values, error in (({"field1": CaseWhen(When(pk=Silent(id=1), then=Value(1)))}, TypeError),
                              ({"field2": "\0"}, ValueError)):
            with self.assertRaisesMessage(error, f"field '{list(values)[0]}' of app.Silent with key 1 "):
                bulk_update(Object, [Silent(id=1, **values)], list(values))
        with self.assertRaisesMessage(ValueError, "app.Silent with key 1 does not have the value of field 'field1'"):
            bulk_update(Object, [Silent(id=1)], ["field1"], expected=["field1"])
        with self.assertRaisesMessage(TypeError, "not an object of Silent."):
            bulk_update(Silent(id=1), [], ["field1"])

    def test_batch_size(self):
        objects = list(Object.objects.all())
        self.assertEqual(Object.streamed.bulk_update(objects, ["field1"], batch_size=7), 100)
        self.assertEqual(Object.streamed.bulk_update(objects, ["field1"], 7), 100)
        with self.assertRaisesMessage(ValueError, "Batch size must be a positive integer."):
            Object.streamed.bulk_update(objects, ["field1"], -1)

    def test_the_transaction_around_it(self):
        with self.assertRaises(LookupError), transaction.atomic():
            Object.streamed.bulk_update([Object(id=1, field1=50)], ["field1"])
            raise LookupError
        self.assertEqual(Object.objects.get(id=1).field1, 1)

    def test_an_error_undoes_the_call_and_the_outer_transaction_continues(self):
        with transaction.atomic():
            self.assertEqual(Object.streamed.bulk_update([Object(id=1, field1=50)], ["field1"]), 1)
            with self.assertRaises(IntegrityError):
                Object.streamed.bulk_update([Object(id=2, field1=50), Object(id=3, field1=10**9)], ["field1"])
            self.assertEqual(Object.streamed.bulk_update([Object(id=4, field1=50)], ["field1"]), 1)
        self.assertEqual(list(Object.objects.filter(id__lt=5).order_by("id").values_list("field1", flat=True)),
                         [50, 2, 3, 50])

    def test_a_queryset_that_locks(self):
        """Only the updated rows are locked, and they are looked up once."""
        with transaction.atomic():
            queryset = Object.streamed.select_for_update(of=("self",)).filter(id__gt=50)
            with CaptureQueriesContext(connection) as context:
                self.assertEqual(queryset.bulk_update(list(Object.objects.all()), ["field1"]), 50)
            self.assertFalse([query["sql"] for query in context if "FOR UPDATE" in query["sql"]])

    def test_templates_cannot_call_it(self):
        self.assertTrue(BulkUpdateQuerySet.bulk_update.alters_data)

    @unittest.skipIf(django.VERSION < (4, 1), "asynchronous querysets came with Django 4.1")
    def test_asynchronously(self):
        async def update():
            return await Object.streamed.abulk_update([Object(id=1, field1=50)], ["field1"])

        self.assertEqual(asyncio.run(update()), 1)
        self.assertEqual(Object.objects.get(id=1).field1, 50)


class Elsewhere(Case):
    databases = {"default", "sqlite"}

    def test_another_database_gets_the_method_of_django(self):
        with connections["sqlite"].schema_editor() as editor:
            editor.create_model(Routed)
        queryset = BulkUpdateQuerySet(Routed, using="sqlite")
        queryset.bulk_create([Routed(id=1), Routed(id=2)])
        matched = queryset.bulk_update([Routed(id=1, value=5), Routed(id=2, value=F("id") + 1)], ["value"])
        self.assertEqual(matched, 2 if django.VERSION >= (4, 0) else None)
        self.assertEqual(list(queryset.order_by("id").values_list("value", flat=True)), [5, 3])
        with connections["sqlite"].schema_editor() as editor:
            editor.delete_model(Routed)


class InMigrations(Case):
    models = [Object]

    def test_historical_models_have_the_managers(self):
        for manager in (BulkUpdateManager(), BulkUpdateQuerySet.as_manager(), Ours.as_manager()):
            with self.subTest(manager=manager):
                state = ModelState("app", "Historical", [("id", models.BigAutoField(primary_key=True)),
                                                         ("field1", models.IntegerField())],
                                   options={"db_table": "app_object"}, managers=[("objects", manager)])
                model = state.render(Apps())
                Object.objects.create(id=1)
                with CaptureQueriesContext(connection) as context:
                    self.assertEqual(model.objects.bulk_update([model(id=1, field1=8)], ["field1"]), 1)
                self.assertTrue([query for query in context if "bulk_update_query" in query["sql"]])
                Object.objects.all().delete()

    def test_a_models_managers_get_into_its_migration_once(self):
        state = ModelState.from_model(Object)
        self.assertEqual([name for name, _ in state.managers], ["objects", "streamed"])
        self.assertEqual(state.managers, ModelState.from_model(Object).managers)
        for manager, text in ((state.managers[1][1], "bulk_update_django.managers.BulkUpdateQuerySet.as_manager()"),
                              (BulkUpdateManager(), "bulk_update_django.managers.BulkUpdateManager()")):
            written, _ = MigrationWriter.serialize(manager)
            self.assertEqual(written, text)
            namespace = {}
            exec(f"import bulk_update_django.managers\nmanager = {text}", namespace)
            self.assertEqual(namespace["manager"], manager)
            self.assertTrue(namespace["manager"].use_in_migrations)


class Inherited(Case):
    models = [Place, Licence, Restaurant, Pizzeria]

    def test_fields_of_several_tables(self):
        Licence.objects.create()
        pizzerias = [Pizzeria.objects.create(name=name) for name in "abc"]
        for n, pizzeria in enumerate(pizzerias):
            pizzeria.name, pizzeria.stars, pizzeria.number, pizzeria.ovens = "xyz"[n], n + 1, n + 2, n + 3
        extra = Pizzeria(pk=99, name="none")
        extra.licence_ptr_id = 99
        matched = BulkUpdateQuerySet(Pizzeria).bulk_update(
            iter([*pizzerias, extra]), ["name", "stars", "number", "ovens"])
        self.assertEqual(matched, 3)
        self.assertEqual(list(Pizzeria.objects.order_by("name").values_list("name", "stars", "number", "ovens")),
                         [("x", 1, 2, 3), ("y", 2, 3, 4), ("z", 3, 4, 5)])

    def test_an_error_in_one_of_several_tables_undoes_all(self):
        pizzeria = Pizzeria.objects.create(name="a")
        pizzeria.name, pizzeria.number = "b", 2**40
        with transaction.atomic():
            with self.assertRaises(DataError):
                BulkUpdateQuerySet(Pizzeria).bulk_update([pizzeria], ["name", "number"])
            self.assertEqual(Pizzeria.objects.values_list("name", "number").get(), ("a", 0))

    def test_a_manager_made_of_it(self):
        manager = models.Manager.from_queryset(BulkUpdateQuerySet)()
        manager.model = Place
        place = Place.objects.create(name="a")
        place.name = "b"
        self.assertEqual(manager.bulk_update([place], ["name"]), 1)
        self.assertEqual(Place.objects.get().name, "b")
