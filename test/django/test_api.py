"""Arguments, databases, querysets, the extension's options, the report."""

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import (
    DataError, DatabaseError, IntegrityError, NotSupportedError, OperationalError, ProgrammingError, connection,
    connections, transaction,
)
from django.db.models import F, Value
from django.db.models.functions import Lower

from app.models import ByOne, Concrete, Everything, Object, Routed, Secret
from base import Case
from bulk_update_django import Account, MissingRowError, bulk_update


class Objects(Case):
    models = [Object]

    def setUp(self):
        Object.objects.bulk_create(Object(id=n, field1=n, field2=str(n)) for n in range(1, 10))

    def changed(self, **conditions):
        return list(Object.objects.filter(**conditions).order_by("id").values_list("id", "field1"))


class Arguments(Objects):
    def test_invalid_arguments_raise_the_errors_of_django(self):
        one = [Object(id=1)]
        for objects, fields, batch_size in (
                (one, [], None), (one, ["nothing"], None), (one, ["id"], None), (one, ["pk"], None),
                ([Object()], ["field1"], None), ([*one, Object(field1=2)], ["field1"], None), (one, ["field1"], -1)):
            with self.subTest(fields=fields, batch_size=batch_size):
                with self.assertRaises((ValueError, FieldDoesNotExist)) as theirs:
                    Object.objects.bulk_update(objects, fields, batch_size)
                with self.assertRaises(type(theirs.exception)) as ours:
                    bulk_update(Object, objects, fields, batch_size=batch_size)
                self.assertEqual(str(ours.exception), str(theirs.exception))

    def test_relations_without_a_column_are_the_errors_of_django(self):
        with self.assertRaisesMessage(ValueError, "bulk_update() can only be used with concrete fields."):
            bulk_update(Concrete, [Concrete(code="a")], ["ones"])

    def test_arguments_that_are_not_models(self):
        for thing in ("objects", Object(), None, [Object]):
            with self.assertRaisesMessage(TypeError, "takes a model, a manager or a queryset"):
                bulk_update(thing, [Object(id=1)], ["field1"])

    def test_expressions_are_an_error_and_nothing_is_updated(self):
        for expression in (F("id") + 1, F("field1"), Lower(Value("A"))):
            with self.assertRaises(TypeError) as caught:
                bulk_update(Object, [Object(id=1, field1=7), Object(id=2, field1=expression)], ["field1"])
            self.assertIn(f"field 'field1' of app.Object with key 2 is an expression ({type(expression).__name__}):",
                          str(caught.exception))
        self.assertEqual(self.changed()[0], (1, 1))

    def test_iterables_of_all_kinds(self):
        for kind in (list, tuple, iter, set, lambda objects: (obj for obj in objects)):
            account = bulk_update(Object, kind([Object(id=1, field1=5), Object(id=2, field1=6)]), iter(["field1"]))
            self.assertEqual(account.rows_updated, 2)
        self.assertEqual(bulk_update(Object, Object.objects.all(), {"field1": 0}.keys()).rows_updated, 9)

    def test_a_field_that_is_named_twice(self):
        self.assertEqual(bulk_update(Object, [Object(id=1, field1=5)], ["field1", "field1"]).rows_updated, 1)

    def test_nothing_to_do_runs_no_statement(self):
        with self.assertStatements(0):
            self.assertEqual(bulk_update(Object, iter(()), ["field1"]), Account(0, 0, 0, 0, 0, 0, 0, 0))

    def test_as_with_django_auto_now_is_not_touched(self):
        before = list(Object.objects.order_by("id").values_list("changed", flat=True))
        bulk_update(Object, Object.objects.all(), ["field1"])
        self.assertEqual(list(Object.objects.order_by("id").values_list("changed", flat=True)), before)


class Databases(Case):
    models = [Routed, Object]
    databases = {"default", "other", "bare", "sqlite"}
    made_in = {"default", "other", "bare"}

    def setUp(self):
        for database in ("default", "other"):
            Routed.objects.using(database).bulk_create(Routed(id=n) for n in (1, 2))
            Object.objects.using(database).create(id=1)

    def values(self, database):
        return sum(Routed.objects.using(database).values_list("value", flat=True))

    def test_the_router_says_where_to_write(self):
        for target in (Routed, Routed.objects, Routed.objects.all()):
            bulk_update(target, [Routed(id=1, value=1)], ["value"])
            self.assertEqual((self.values("default"), self.values("other")), (0, 1))
            Routed.objects.using("other").update(value=0)

    def test_using_and_the_database_of_a_queryset_precede_the_router(self):
        bulk_update(Routed, [Routed(id=1, value=1)], ["value"], using="default")
        bulk_update(Routed.objects.using("default"), [Routed(id=2, value=2)], ["value"])
        bulk_update(Routed.objects.db_manager("default"), [Routed(id=2, value=3)], ["value"])
        self.assertEqual((self.values("default"), self.values("other")), (4, 0))

    def test_using_precedes_the_queryset(self):
        bulk_update(Routed.objects.using("default"), [Routed(id=2, value=2)], ["value"], using="other")
        self.assertEqual((self.values("default"), self.values("other")), (0, 2))

    def test_the_transaction_is_that_of_the_other_database(self):
        with self.assertRaises(LookupError), transaction.atomic(using="other"):
            bulk_update(Object, [Object(id=1, field1=5)], ["field1"], using="other")
            raise LookupError
        self.assertEqual(Object.objects.using("other").get().field1, 0)

    def test_the_extension_may_be_in_any_schema(self):
        with connections["other"].cursor() as cursor:
            cursor.execute("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'bulk_update'")
            self.assertEqual(cursor.fetchone(), ('"odd % schema"',))
        self.assertEqual(bulk_update(Object, [Object(id=1)], ["field1"], using="other").rows_updated, 1)

    def test_another_database_than_postgresql_is_an_error(self):
        with self.assertRaisesMessage(NotSupportedError, "bulk_update needs PostgreSQL; database 'sqlite' is SQLite."):
            bulk_update(Object, [Object(id=1)], ["field1"], using="sqlite")

    def test_an_extension_that_is_not_installed_is_named(self):
        with self.assertRaisesMessage(ImproperlyConfigured, "not installed in database 'bare': run CREATE EXTENSION"):
            bulk_update(Object, [Object(id=1)], ["field1"], using="bare")


class Querysets(Case):
    models = [Secret, Everything, Concrete, ByOne]

    def setUp(self):
        Secret.objects.bulk_create(Secret(id=n, hidden=n % 2 == 0, parent_id=n - 1 or None) for n in range(1, 7))

    def update(self, queryset, **options):
        """The rows that the module updates are those that Django updates."""
        updated = []
        for way in (lambda objects: bulk_update(queryset, objects, ["value"], **options),
                    lambda objects: queryset.bulk_update(objects, ["value"])):
            result = way([Secret(id=n, value=1) for n in range(7, 0, -1)])
            secrets = Secret._base_manager.filter(value=1)
            updated.append(set(secrets.values_list("id", flat=True)))
            if isinstance(result, Account):
                self.assertEqual((result.rows_fetched, result.rows_updated), (7, len(updated[0])))
                self.assertEqual(result.rows_missing, 7 - len(updated[0]))
            secrets.update(value=0)
        self.assertEqual(*updated)
        return updated[0]

    def test_a_model_is_all_of_its_rows(self):
        self.assertEqual(bulk_update(Secret, [Secret(id=n, value=1) for n in range(1, 8)], ["value"]).rows_updated, 6)

    def test_filters_are_honoured(self):
        everything = Secret._base_manager
        self.assertEqual(self.update(Secret.objects), {1, 3, 5})
        self.assertEqual(self.update(everything.filter(id__gt=2)), {3, 4, 5, 6})
        self.assertEqual(self.update(everything.exclude(parent__hidden=True)), {1, 2, 4, 6})
        self.assertEqual(self.update(everything.filter(children__id__gte=1).order_by("-value")), {1, 2, 3, 4, 5})
        self.assertEqual(self.update(everything.get(id=3).children), set())
        self.assertEqual(self.update(everything.get(id=2).children), {3})
        self.assertEqual(self.update(everything.none()), set())
        self.assertEqual(self.update(everything.annotate(twice=F("id") * 2).filter(twice=4)), {2})
        self.assertEqual(self.update(everything.extra(where=["id %% 2 = 0"])), {2, 4, 6})

    def test_filters_by_text_keys_and_keys_that_are_others(self):
        Concrete.objects.bulk_create(Concrete(code=code) for code in ("a%", "b\\"))
        account = bulk_update(Concrete.objects.filter(code__contains="%"),
                              [Concrete(code="a%", value=1), Concrete(code="b\\", value=1)], ["value"])
        self.assertEqual((account.rows_updated, account.rows_missing), (1, 1))
        first, second = Everything.objects.create(), Everything.objects.create()
        ByOne.objects.bulk_create(ByOne(everything=one) for one in (first, second))
        account = bulk_update(ByOne.objects.filter(everything__id=first.pk),
                              [ByOne(everything=first, value=1), ByOne(everything=second, value=1)], ["value"])
        self.assertEqual(list(ByOne.objects.filter(value=1)), [ByOne(everything=first)])

    def test_slices_and_unions_are_the_errors_of_django(self):
        for queryset in (Secret.objects.all()[:2], Secret.objects.all().union(Secret.objects.all())):
            with self.assertRaises((TypeError, AssertionError, NotSupportedError)) as theirs:
                queryset.bulk_update([Secret(id=1)], ["value"])
            with self.assertRaisesMessage(type(theirs.exception), str(theirs.exception)):
                bulk_update(queryset, [Secret(id=1)], ["value"])

    def test_options_about_all_rows_are_an_error_with_a_filter(self):
        for options in ({"on_missing": "error"}, {"rejects": "app_rejects"}):
            with self.assertRaisesMessage(ValueError, "all rows of app_secret: pass Secret itself"):
                bulk_update(Secret.objects, [Secret(id=1)], ["value"], **options)


class Options(Objects):
    def update(self, *pairs, **options):
        return bulk_update(Object, (Object(id=a, field1=b) for a, b in pairs), ["field1"], **options)

    def test_the_account(self):
        account = self.update((3, 30), (99, 1), (1, 10))
        self.assertEqual(account, (3, 2, 0, 1, 0, 0, 0, 1))
        self.assertEqual((account.rows_matched, account.rows_missing), (2, 1))

    def test_batch_size_is_the_size_of_a_chunk(self):
        self.assertEqual(self.update(*[(n, 0) for n in range(1, 10)], batch_size=2).chunks, 5)

    def test_on_missing(self):
        self.assertEqual(self.update((99, 1), on_missing="ignore").rows_missing, 1)
        with self.assertRaisesMessage(MissingRowError, "Key (id)=(99) is missing.") as caught:
            self.update((1, 5), (99, 1), on_missing="error")
        self.assertEqual(caught.exception.__cause__.diag.sqlstate, "P0002")
        self.assertEqual(self.changed(id=1), [(1, 1)])

    def test_an_error_of_the_same_sqlstate_is_not_about_a_missing_row(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE FUNCTION no_data() RETURNS trigger LANGUAGE plpgsql AS"
                           " $$ BEGIN RAISE no_data_found; END $$;"
                           "CREATE TRIGGER no_data BEFORE UPDATE ON app_object EXECUTE FUNCTION no_data()")
        with self.assertRaises(DatabaseError) as caught:
            self.update((1, 5), on_missing="error")
        self.assertNotIsInstance(caught.exception, MissingRowError)
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION no_data CASCADE")

    def test_errors_have_the_same_class_with_each_driver(self):
        for pairs, options, error in (
                ([(1, 5), (1, 6)], {}, ProgrammingError),
                ([(1, 10**9)], {"on_error": "skip", "reject_limit": 0}, OperationalError),
                ([(1, 5)], {"on_stale": "error", "expected": ["field2"]}, OperationalError),
                ([(1, 10**9)], {}, IntegrityError), ([(1, 10**100)], {}, DataError),
                ([(1, 5)], {"ordering": "x"}, DataError)):
            with self.subTest(error=error), self.assertRaises(error) as caught:
                self.update(*pairs, **options)
            self.assertIs(type(caught.exception), error)

    def test_on_duplicate(self):
        with self.assertRaises(DatabaseError):
            self.update((1, 5), (1, 6))
        self.assertEqual(self.update((1, 5), (2, 5), (1, 6), on_duplicate="first"), (3, 2, 0, 0, 0, 1, 0, 1))
        self.assertEqual(self.changed(id=1), [(1, 5)])
        self.update((1, 5), (2, 5), (1, 6), on_duplicate="last")
        self.assertEqual(self.changed(id=1), [(1, 6)])

    def test_on_error_and_reject_limit(self):
        pairs = (1, 10**9), (2, 14), (3, 2**40), (4, 15)
        with self.assertRaises(DataError):
            self.update(*pairs)
        with self.assertRaises(IntegrityError):
            self.update(*pairs[:2])
        self.assertEqual(self.update(*pairs, on_error="skip"), (4, 2, 0, 0, 0, 0, 2, 1))
        self.assertEqual(self.changed(id__lt=5), [(1, 1), (2, 14), (3, 3), (4, 15)])
        with self.assertRaises(DatabaseError):
            self.update(*pairs, on_error="skip", reject_limit=1)

    def test_rejects(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT bulk_update_create_rejects('\"odd Rejects\"')")
            self.update((2, 5), (1, 10**9), (99, 0), on_error="skip", rejects='"odd Rejects"')
            cursor.execute('SELECT source_row, reason, id, new_values->>\'field1\' FROM (SELECT *, key->>\'id\' AS id'
                           ' FROM "odd Rejects") AS r ORDER BY source_row')
            self.assertEqual(cursor.fetchall(), [(2, "error", "1", "1000000000"), (3, "missing", "99", "0")])
            cursor.execute('DROP TABLE "odd Rejects"')

    def test_skip_unchanged(self):
        account = self.update((1, 1), (2, 5), skip_unchanged=True)
        self.assertEqual((account, account.rows_matched), ((2, 1, 1, 0, 0, 0, 0, 1), 2))

    def test_dry_run(self):
        self.assertEqual(self.update((1, 5), (99, 0), dry_run=True), (2, 1, 0, 1, 0, 0, 0, 1))
        self.assertEqual(self.changed(id=1), [(1, 1)])

    def test_ordering(self):
        for ordering in ("auto", "sort"):
            self.assertEqual(self.update((2, 5), (1, 5), ordering=ordering).rows_updated, 2)
        self.assertEqual(self.update((1, 5), (2, 5), ordering="stream").rows_updated, 2)
        with self.assertRaises(DatabaseError):
            self.update((2, 5), (1, 5), ordering="stream")

    def test_options_are_checked_by_the_extension(self):
        for options in ({"on_missing": "hope"}, {"ordering": ""}, {"on_error": "ignore"}):
            with self.assertRaises(DataError):
                self.update((1, 5), **options)

    def test_unknown_options(self):
        with self.assertRaises(TypeError):
            self.update((1, 5), on_sunday="rest")


del Objects  # not a test itself
