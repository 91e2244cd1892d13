"""BulkUpdateQuerySet in place of Django's QuerySet: what it returns and what it does."""

import asyncio
import random
import unittest

import django
from django.db import models, transaction
from django.db.models import F

from app.models import Object, Pizzeria, Place, Licence, Restaurant
from base import Case
from bulk_update import BulkUpdateQuerySet


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

    def test_templates_may_not_call_it(self):
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

    def test_a_manager_made_of_it(self):
        manager = models.Manager.from_queryset(BulkUpdateQuerySet)()
        manager.model = Place
        place = Place.objects.create(name="a")
        place.name = "b"
        self.assertEqual(manager.bulk_update([place], ["name"]), 1)
        self.assertEqual(Place.objects.get().name, "b")
