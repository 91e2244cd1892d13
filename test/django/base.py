"""Shared by the tests."""

from contextlib import contextmanager

from django.db import connection, connections
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from bulk_update_django import bulk_update


class Case(TransactionTestCase):
    """A test whose tables are created for its class: "models" lists them."""

    databases = {"default"}
    made_in = {"default"}  # of the databases of a test, those with the tables
    models = []

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for database in cls.made_in:
            with connections[database].schema_editor() as editor:
                for model in cls.models:
                    if model._meta.managed:
                        editor.create_model(model)
                    elif database == "default":
                        editor.execute(model.sql, params=None)

    @classmethod
    def tearDownClass(cls):
        for database in cls.made_in:
            with connections[database].cursor() as cursor:
                for model in cls.models:
                    if model._meta.managed:
                        cursor.execute(f'DROP TABLE "{model._meta.db_table}" CASCADE')
                    elif database == "default":
                        cursor.execute('DROP SCHEMA "odd schema" CASCADE')
        super().tearDownClass()

    def tearDown(self):
        for database in self.made_in:
            with connections[database].cursor() as cursor:
                for model in reversed(self.models):
                    if model._meta.managed or database == "default":
                        cursor.execute(f'TRUNCATE "{model._meta.db_table}" CASCADE')
                cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'bulk_update_rows%'")
                self.assertEqual(cursor.fetchone()[0], 0, "a temporary table is left")

    def _fixture_teardown(self):
        pass

    def rows(self, model, database="default"):
        """The rows of a table in the server's format, in order of the key."""
        with connections[database].cursor() as cursor:
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" AS t ORDER BY 1')
            return [row[0] for row in cursor.fetchall()]

    @contextmanager
    def assertStatements(self, count):
        """The number of statements, without those that begin and end transactions, which Django lists from 4.2 on."""
        with CaptureQueriesContext(connection) as context:
            yield
        statements = [query["sql"] for query in context if query["sql"] not in ("BEGIN", "COMMIT")]
        self.assertEqual(len(statements), count, statements)

    def both(self, values, fields=None):
        """Give each object its dict of values, by Django's methods and by the module's: the same rows. Return them."""
        model, fields, stored = self.models[0], fields or list(values[0]), []

        def save(objects, fields):
            for obj in objects:
                obj.save(update_fields=fields)

        def one_by_one(objects, fields):
            # If one value is written by INSERT, so are the others of its object.
            for field in fields:
                bulk_update(model, objects, [field])

        for way in (save, model.objects.bulk_update, one_by_one,
                    lambda objects, fields: bulk_update(model, iter(objects), fields)):
            if way == model.objects.bulk_update and not model._meta.managed:
                continue  # it casts to the types of the fields
            model.objects.update(**dict.fromkeys(fields))
            empty = self.rows(model)
            objects = list(model.objects.order_by("pk")[:len(values)])
            for obj, new in zip(objects, values):
                for name, value in new.items():
                    setattr(obj, name, value)
            way(objects, [model._meta.get_field(name).name for name in fields])
            stored.append(self.rows(model))
            self.assertEqual(stored[0], stored[-1])
        self.assertNotEqual(empty, stored[0])
        return stored[0]
