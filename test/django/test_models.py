"""Keys and models of all kinds."""

import unittest
from decimal import Decimal

import django
from django.db import connection, models

from app.models import (
    COMPOSITE, GENERATED, ByDecimal, ByForeignKey, ByOne, Concrete, Everything, Franchise, Legacy, Licence, Object, Pizzeria,
    Place, Proxy, Restaurant,
)
from base import Case
from bulk_update_django import BulkUpdateQuerySet, bulk_update


class Keys(Case):
    models = [Everything, Concrete, ByDecimal, ByOne, ByForeignKey]

    def setUp(self):
        self.ones = [ByOne(everything=Everything.objects.create(), value=n) for n in range(3)]
        ByOne.objects.bulk_create(self.ones)

    def test_a_key_that_is_text_in_a_column_of_another_name(self):
        codes = ["", " ", "a\tb", "\\N", "é", "'", "%s"]
        Concrete.objects.bulk_create(Concrete(code=code) for code in codes)
        account = bulk_update(Concrete, [Concrete(code=code, value=n, inherited=n) for n, code in enumerate(codes)],
                              ["value", "inherited"])
        self.assertEqual(account.rows_updated, len(codes))
        self.assertEqual(list(Concrete.objects.order_by("value").values_list("code", "inherited")),
                         list(zip(codes, range(len(codes)))))

    def test_a_decimal_key_is_not_rounded(self):
        ByDecimal.objects.bulk_create(ByDecimal(price=Decimal(price)) for price in ("1.00", "1.01", "2.50"))
        keys = [Decimal(key) for key in ("1.005", "2.5", "2.499", "123456")]
        for on_error in ("stop", "skip"):
            for price in keys:
                with self.subTest(price=price, on_error=on_error):
                    account = bulk_update(ByDecimal, [ByDecimal(price=price, value=7)], ["value"], on_error=on_error)
                    self.assertEqual((account.rows_updated, account.rows_missing), (1, 0) if price == Decimal("2.5") else (0, 1))
        self.assertEqual(list(ByDecimal.objects.order_by("price").values_list("value", flat=True)), [0, 0, 7])

    def test_a_key_that_is_the_key_of_another(self):
        ByForeignKey.objects.bulk_create(ByForeignKey(one=one) for one in self.ones)
        for one in self.ones:
            one.value += 10
        self.assertEqual(bulk_update(ByOne, self.ones, ["value"]).rows_updated, 3)
        self.assertEqual(bulk_update(ByForeignKey, [ByForeignKey(one=one, value=one.value) for one in self.ones],
                                     ["value"]).rows_updated, 3)
        self.assertEqual(set(ByForeignKey.objects.values_list("value", "one__value")), {(10, 10), (11, 11), (12, 12)})

    def test_foreign_keys_by_name_and_by_attribute(self):
        a, b = Concrete.objects.create(code="a"), Concrete.objects.create(code="b")
        self.ones[0].concrete, self.ones[1].concrete_id = a, "b"
        bulk_update(ByOne, self.ones[:1], ["concrete"])
        bulk_update(ByOne, self.ones[1:], ["concrete_id"])
        self.assertEqual(list(ByOne.objects.order_by("value").values_list("concrete", flat=True)), ["a", "b", None])
        self.assertEqual(bulk_update(b.ones, [ByOne(pk=one.pk) for one in self.ones], ["concrete", "value"]).rows_updated, 1)

    @unittest.skipIf(django.VERSION < (4, 1), "Django asks for this from 4.1 on")
    def test_related_objects_as_django_has_them(self):
        self.ones[0].concrete = Concrete(code=None)
        for way in (ByOne.objects.bulk_update, lambda *arguments: bulk_update(ByOne, *arguments)):
            with self.assertRaisesMessage(ValueError, "bulk_update() prohibited to prevent data loss due to unsaved"
                                                      " related object 'concrete'."):
                way(self.ones, ["concrete"])
        self.ones[0].concrete.code = "late"
        self.ones[0].concrete.save()
        bulk_update(ByOne, self.ones, ["concrete"])
        self.assertEqual(ByOne.objects.get(concrete="late").pk, self.ones[0].pk)

    def test_objects_that_are_not_loaded_as_a_whole(self):
        with self.assertStatements(6 + 3):
            bulk_update(ByOne, ByOne.objects.only("pk").iterator(), ["value"])
        self.assertEqual(set(ByOne.objects.values_list("value", flat=True)), {0, 1, 2})


class Kinds(Case):
    models = [Object, Legacy]

    def test_a_proxy_is_its_model(self):
        Proxy.objects.create(id=1)
        for model in (Proxy, Object):
            for kind in (Object, Proxy):
                self.assertEqual(bulk_update(model, [kind(id=1, field1=5)], ["field1"]).rows_updated, 1)

    def test_a_table_in_a_schema_that_django_did_not_create(self):
        with connection.cursor() as cursor:
            cursor.execute('INSERT INTO "odd schema"."Legacy" (id) VALUES (1)')
        self.assertEqual(bulk_update(Legacy, [Legacy(id=1, code="abcd")], ["code"]).rows_updated, 1)
        self.assertEqual(Legacy.objects.get().code, "abcd")

    def test_the_models_of_a_migration(self):
        class Meta:
            app_label = "history"
            db_table = "app_object"
            apps = django.apps.registry.Apps()

        old = type("Object", (models.Model,), {
            "id": models.BigAutoField(primary_key=True), "field1": models.IntegerField(), "__module__": "history",
            "Meta": Meta})
        Object.objects.create(id=1)
        self.assertEqual(bulk_update(old, [old(id=1, field1=3)], ["field1"]).rows_updated, 1)
        self.assertEqual(Object.objects.get().field1, 3)

    def test_a_model_without_its_table(self):
        class Meta:
            app_label = "history"
            db_table = "app_object"
            apps = django.apps.registry.Apps()

        newer = type("Object", (models.Model,), {"field9": models.IntegerField(), "__module__": "history", "Meta": Meta})
        with self.assertRaisesMessage(django.db.ProgrammingError, 'table "app_object" has no column "field9".'):
            bulk_update(newer, [newer(id=1, field9=3)], ["field9"])


class Inheritance(Case):
    models = [Place, Licence, Restaurant, Pizzeria, Franchise]

    def setUp(self):
        Licence.objects.create()  # the keys of the two parents differ
        for name in "abc":
            Pizzeria.objects.create(name=name)
        Place.objects.create(name="d")
        self.pizzerias = list(Pizzeria.objects.order_by("name"))

    def state(self):
        return [self.rows(model) for model in self.models]

    def test_own_fields(self):
        for n, pizzeria in enumerate(self.pizzerias):
            pizzeria.ovens = n
        self.assertEqual(bulk_update(Pizzeria, self.pizzerias, ["ovens"]).rows_updated, 3)
        self.assertEqual(list(Pizzeria.objects.order_by("name").values_list("ovens", flat=True)), [0, 1, 2])

    def test_fields_of_a_parent_of_its_parent_and_of_another(self):
        for field, values in (("stars", [3, 4, 5]), ("name", ["x", "y", "z"]), ("number", [7, 8, 9])):
            for pizzeria, value in zip(self.pizzerias, values):
                setattr(pizzeria, field, value)
            self.assertEqual(bulk_update(Pizzeria, self.pizzerias, [field]).rows_updated, 3)
            self.assertEqual(list(Pizzeria.objects.order_by("name").values_list(field, flat=True)), values)
        self.assertEqual(Place.objects.filter(name="d").count(), 1)
        self.assertEqual(Licence.objects.filter(number=0).count(), 1)

    def test_fields_of_the_second_parent_of_a_parent(self):
        Licence.objects.create()  # so that its two keys differ
        franchise = Franchise.objects.create(name="e")
        franchise.number, franchise.name, franchise.ovens = 5, "f", 6
        for field in ("number", "name", "ovens"):
            self.assertEqual(bulk_update(Franchise, [franchise], [field]).rows_updated, 1)
        self.assertEqual(Franchise.objects.values_list("number", "name", "ovens").get(), (5, "f", 6))

    def test_objects_with_only_their_key(self):
        pizzeria = Pizzeria(pk=self.pizzerias[0].pk, name="new", ovens=2)
        bulk_update(Pizzeria, [pizzeria], ["name"])
        self.assertEqual(Pizzeria.objects.get(pk=pizzeria.pk).name, "new")

    def test_a_parents_row_without_a_childs_is_missing(self):
        place = Place.objects.get(name="d")
        before = self.state()
        account = bulk_update(Restaurant, [Restaurant(pk=place.pk, name="new")], ["name"])
        self.assertEqual((account.rows_updated, account.rows_missing), (0, 1))
        self.assertEqual(Restaurant.objects.bulk_update([Restaurant(pk=place.pk, name="new")], ["name"]) or 0, 0)
        self.assertEqual(self.state(), before)
        with self.assertRaisesMessage(ValueError, "all rows of app_place: pass Place itself"):
            bulk_update(Restaurant, [Restaurant(pk=place.pk)], ["name"], on_missing="error")

    def test_fields_of_several_tables_are_an_error(self):
        with self.assertRaisesMessage(ValueError, "one table at a time, and these fields are of app_pizzeria, app_place."):
            bulk_update(Pizzeria, self.pizzerias, ["ovens", "name"])

    def test_keys_of_parents_are_the_errors_of_django(self):
        for field in ("id", "place_ptr", "restaurant_ptr", "licence_id"):
            with self.assertRaisesMessage(ValueError, "bulk_update() cannot be used with primary key fields."):
                bulk_update(Pizzeria, self.pizzerias, [field])


@unittest.skipUnless(COMPOSITE, "composite keys came with Django 5.2")
class CompositeKeys(Case):
    def setUp(self):
        Composite = self.models[0]
        Composite.objects.bulk_create(Composite(tenant=n % 3, number=str(n)) for n in range(9))

    def test_a_key_of_two_columns(self):
        Composite = self.models[0]
        objects = [Composite(tenant=n % 3, number=str(n), value=n) for n in range(10)]
        account = bulk_update(Composite, objects, ["value"])
        self.assertEqual((account.rows_updated, account.rows_missing), (9, 1))
        self.assertEqual(set(Composite.objects.values_list("number", "value")), {(str(n), n) for n in range(9)})
        account = bulk_update(Composite.objects.filter(tenant=1), objects, ["value"])
        self.assertEqual((account.rows_updated, account.rows_missing), (3, 7))

    def test_parts_of_a_key(self):
        Composite = self.models[0]
        for field in ("tenant", "number"):
            with self.assertRaisesMessage(ValueError, "bulk_update() cannot be used with primary key fields."):
                bulk_update(Composite, [Composite(tenant=1, number="1")], [field])
        with self.assertRaisesMessage(ValueError, "All bulk_update() objects must have a primary key set."):
            bulk_update(Composite, [Composite(number="1")], ["value"])


if COMPOSITE:
    from app.models import Composite
    CompositeKeys.models = [Composite]


@unittest.skipUnless(GENERATED, "generated fields came with Django 5.0")
class GeneratedFields(Case):
    def test_they_are_an_error(self):
        Generated = self.models[0]
        with self.assertRaisesMessage(ValueError, "bulk_update() cannot write generated fields: twice."):
            bulk_update(Generated, [Generated(id=1)], ["value", "twice"])

    def test_in_place_of_django_they_are_ignored(self):
        Generated = self.models[0]
        for way in (Generated.objects.bulk_update, BulkUpdateQuerySet(Generated).bulk_update):
            obj = Generated.objects.create()
            obj.value = 5
            self.assertEqual(way([obj], ["value", "twice"]), 1)
            self.assertEqual(way([obj], ["twice"]), 0)
            self.assertEqual(Generated.objects.values_list("value", "twice").get(pk=obj.pk), (5, 10))


if GENERATED:
    from app.models import Generated
    GeneratedFields.models = [Generated]
