"""BulkUpdateQuerySet instead of Django's QuerySet: its results and effects."""

import asyncio
import random
import unittest

import django
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from app.models import Object, Pizzeria, Place, Licence, Restaurant
from base import Case
from bulk_update_django import BulkUpdateQuerySet


class DropIn(Case):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 101))

    def test_random_lists_of_objects(self):
        for seed in range(20):
            rnd = random.Random(seed)
            objects = [Object(id=rnd.randint(1, 120), field1=rnd.randint(20, 99), field2=rnd.choice("abc"))
                       for _ in range(rnd.randint(0, 60))]
            fields = rnd.choice([["field1"], ["field2"], ["field1", "field2"]])
            done = []
            for manager in (Object.objects, Object.streamed):
                Object.objects.update(field1=F("id"), field2="")
                queryset = rnd.choice([manager, manager.all()]) if seed % 2 else manager.filter(id__gt=30)
                matched = queryset.bulk_update(objects, fields)
                done.append((matched, self.rows(Object)))
            if django.VERSION < (4, 0):  # whose bulk_update() returns nothing
                done[0] = (done[1][0], done[0][1])
            with self.subTest(seed=seed):
                self.assertEqual(*done)

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
