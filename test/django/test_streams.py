"""Objects that come one after another, and transactions."""

from django.db import DatabaseError, connection, transaction
from django.db.models import F

from app.models import Object
from base import Case
from bulk_update_django import bulk_update
from bulk_update_django.staging import Staging


class Streams(Case):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 5001))

    def changed(self):
        return Object.objects.exclude(id=F("field1")).count()

    def test_objects_read_from_the_same_connection(self):
        def objects(queryset):
            for obj in queryset.iterator(chunk_size=300):
                obj.field1 = -obj.id
                yield obj

        for order in ("id", "-id", "field2"):
            account = bulk_update(Object, objects(Object.objects.order_by(order)), ["field1"])
            self.assertEqual((account.rows_updated, self.changed()), (5000, 5000))
            Object.objects.update(field1=F("id"))
        with transaction.atomic():
            self.assertEqual(bulk_update(Object, objects(Object.objects), ["field1"]).rows_updated, 5000)

    def test_a_generator_that_queries_and_updates(self):
        def objects():
            for n in range(1, 5001):
                if n % 1000 == 0:
                    yield Object(id=n, field1=-Object.objects.get(id=n).id)
                    Object.objects.filter(id=n + 1).update(field1=5)
                    inner = bulk_update(Object, (Object(id=m, field2="inner") for m in range(1, 3001)), ["field2"])
                    self.assertEqual(inner.rows_updated, 3000)
                else:
                    yield Object(id=n, field1=-n)

        self.assertEqual(bulk_update(Object, objects(), ["field1"]).rows_updated, 5000)
        self.assertEqual(Object.objects.filter(field1=-F("id")).count(), 5000)
        self.assertEqual(Object.objects.filter(field2="inner").count(), 3000)

    def test_an_error_in_the_program_undoes_everything(self):
        def objects():
            for n in range(1, 4000):
                yield Object(id=n, field1=-n)
            raise LookupError("no value for this object")

        with self.assertRaises(LookupError):
            bulk_update(Object, objects(), ["field1"])
        self.assertEqual(self.changed(), 0)

    def test_a_generator_with_a_transaction_of_its_own(self):
        def objects(last):
            with transaction.atomic():
                for n in range(1, 4):
                    yield Object(id=n, field1=-n)
                yield last

        self.assertEqual(bulk_update(Object, objects(Object(id=4, field1=-4)), ["field1"]).rows_updated, 4)
        Object.objects.update(field1=F("id"))
        kept = []  # a reference to the error keeps the generator alive
        try:
            bulk_update(Object, objects(Object(field1=5)), ["field1"])
        except ValueError as error:
            kept.append(error)
        self.assertEqual((len(kept), connection.in_atomic_block, self.changed()), (1, False, 0))

    def test_an_error_in_the_database_undoes_everything_and_the_outer_transaction_continues(self):
        with transaction.atomic():
            Object.objects.filter(id=1).update(field1=0)
            for n in (10**9, 10**100):
                with self.assertRaises(DatabaseError):
                    bulk_update(Object, [Object(id=2, field1=0), Object(id=3, field1=n)], ["field1"])
            self.assertEqual(bulk_update(Object, [Object(id=4, field1=0)], ["field1"]).rows_updated, 1)
        self.assertEqual(set(Object.objects.exclude(id=F("field1")).values_list("id", flat=True)), {1, 4})

    def test_batches_end_at_their_size_too(self):
        copies = []
        flush = Staging.flush

        def counted(staging, cursor, lines, others):
            copies.append(len("".join(map(str, lines + others))))
            flush(staging, cursor, lines, others)

        Staging.flush = counted
        try:
            bulk_update(Object, (Object(id=n, field2="x" * 10) for n in range(1, 5001)), ["field2"])
            self.assertEqual(len(copies), 3)
            copies.clear()
            for text in ("plain ", "by insert "):
                bulk_update(Object, (Object(id=n, field3=text * 10**5) for n in range(1, 9)), ["field3"])
        finally:
            Staging.flush = flush
        self.assertEqual(len(copies), 2 * 8)
        self.assertLess(max(copies), 1.1 * 10**6)

    def test_rows_written_by_insert_keep_their_position(self):
        texts = ["plain", "by insert", "x" * 999, None, "plain " * 200]
        objects = [Object(id=n % 7 + 1, field1=100 + n, field3=texts[n % 5]) for n in range(5000)]
        for on_duplicate, expected in (("first", range(7)), ("last", range(4993, 5000))):
            account = bulk_update(Object, objects, ["field1", "field3"], on_duplicate=on_duplicate)
            self.assertEqual((account.rows_updated, account.rows_duplicate), (7, 4993))
            self.assertEqual(
                set(Object.objects.filter(id__lte=7).values_list("field1", "field3")),
                {(100 + n, texts[n % 5].upper() if n % 5 in (1, 2) else texts[n % 5]) for n in expected})
