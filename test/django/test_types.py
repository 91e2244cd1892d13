"""Columns that Django did not create, with types that differ from those of its fields."""

import datetime
import decimal
from datetime import timedelta, timezone

from django.db import DatabaseError, connection

from app.models import Legacy
from base import Case
from bulk_update_django import bulk_update

EAST = timezone(timedelta(hours=5, minutes=45))


class Types(Case):
    models = [Legacy]

    def setUp(self):
        with connection.cursor() as cursor:
            cursor.execute('INSERT INTO "odd schema"."Legacy" (id) SELECT generate_series(1, 8)')

    def test_a_time_with_a_zone_in_a_column_without(self):
        winter, summer = (datetime.datetime(2026, month, 1, 12, tzinfo=EAST) for month in (1, 7))
        rows = self.both([{"day": winter}, {"day": None}, {"day": summer}, {"day": winter}])
        self.assertIn("2026-01-01 06:15:00", rows[0])

    def test_a_time_without_a_zone(self):
        noon = datetime.datetime(2026, 3, 29, 2, 30)  # does not exist on the clocks of Vienna
        with self.settings(USE_TZ=False):
            bulk_update(Legacy, [Legacy(id=1, day=noon)], ["day"])
            self.assertEqual(Legacy.objects.get(id=1).day, noon)

    def test_numbers(self):
        self.both([{"real": 0.1, "number": 0.125, "domain": 4}, {"real": 1e-40, "number": 1e5, "domain": -5},
                   {"real": 16777217.0, "number": 2.5, "domain": None}])

    def test_numbers_that_drivers_write_in_their_own_way(self):
        self.both([{"free": text} for text in ("Infinity", "-Infinity", "NaN", "1E+30", "-0")])

    def test_json_keeps_its_text_as_far_as_django_does(self):
        self.both([{"json": {"b": 1, "a": [1.50, "é"]}}, {"json": None}, {"json": "text"}])

    def test_text_for_other_types(self):
        self.both([{"code": "ab", "mood": "sad"}, {"code": "", "mood": "glad"},
                   {"code": " a b", "mood": None}], ["code", "mood"])

    def test_networks(self):
        objects = [Legacy(id=1, network="192.0.2.1"), Legacy(id=2, network="2001:db8::1")]
        bulk_update(Legacy, objects, ["network"])
        expected = self.rows(Legacy)
        Legacy.objects.update(network=None)
        for obj in objects:
            obj.save(update_fields=["network"])
        self.assertEqual(self.rows(Legacy), expected)

    def test_errors_are_the_tables_own(self):
        for values in ({"domain": 5}, {"domain": 11}, {"code": "abcde"}, {"mood": "so so"}, {"number": 1e9},
                       {"real": 1e39}):
            with self.subTest(values=values), self.assertRaises(DatabaseError):
                bulk_update(Legacy, [Legacy(id=1, **values)], list(values))

    def test_rows_that_do_not_fit_are_skipped_one_by_one(self):
        objects = [Legacy(id=1, code="fits", domain=1), Legacy(id=2, code="does not", domain=2),
                   Legacy(id=3, code="c", domain=7), Legacy(id=4, code="d", domain=10**30),
                   Legacy(id=5, code="e", domain=3), Legacy(id=2**40, code="f", domain=4)]
        account = bulk_update(Legacy, objects, ["code", "domain"], on_error="skip")
        self.assertEqual(account, (6, 2, 0, 1, 0, 0, 3, 1))
        self.assertEqual(list(Legacy.objects.filter(domain__gt=0).order_by("id").values_list("id", "code", "domain")),
                         [(1, "fits", 1), (5, "e   ", 3)])

    def test_values_that_only_the_driver_can_write(self):
        class Odd(decimal.Decimal):
            pass

        objects = [Legacy(id=n, number=Odd("1.5") + n if n % 2 else 0.5 * n, generic=str(n)) for n in range(8, 0, -1)]
        bulk_update(Legacy, objects, ["number", "generic"])
        with connection.cursor() as cursor:
            cursor.execute('SELECT id, number::float, generic FROM "odd schema"."Legacy" ORDER BY id')
            self.assertEqual(cursor.fetchall(), [(n, 1.5 + n if n % 2 else 0.5 * n, str(n)) for n in range(1, 9)])
