"""The README's examples, and its list of the module's names."""

import inspect
import os
import re
import sys
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType, SimpleNamespace

from django.apps import apps
from django.db import connections, models
from django.utils.timezone import now

import bulk_update_django as module
from app.models import Object
from base import Case

README = os.path.join(os.path.dirname(module.__file__), "README.md")


class Readme(Case):
    models = [Object]
    databases = made_in = {"default", "other"}

    def setUp(self):
        with open(README) as readme:
            self.text = readme.read()
        self.blocks = re.findall(r"^```python\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)
        self.names = {"Object": Object, "models": models, "make_field1": lambda obj: obj.id * 10, "__name__": "app.readme"}
        sys.modules["myproject"] = ModuleType("myproject")
        sys.modules["myproject.bulk_update"] = module
        Object.objects.bulk_create(Object(id=n) for n in range(1, 4))

    def tearDown(self):
        del sys.modules["myproject"], sys.modules["myproject.bulk_update"]
        super().tearDown()

    def test_the_example_and_the_migration(self):
        output = StringIO()
        with redirect_stdout(output):
            exec(self.blocks[0], self.names)
        self.assertEqual(output.getvalue(), "3 0\n")
        self.assertEqual(list(Object.objects.order_by("id").values_list("field1", flat=True)), [10, 20, 30])
        exec(self.blocks[1], self.names)
        create, run = self.names["operations"]
        self.assertEqual(create.name, "bulk_update")
        for database, ids in (("default", [1, 2, 3]), ("other", [4, 5])):
            objects = Object.objects.using(database)
            objects.all().delete()
            objects.bulk_create(Object(id=n) for n in ids)
            run.code(SimpleNamespace(get_model=lambda *_: apps.get_model("app", "Object")),
                     SimpleNamespace(connection=connections[database]))
            self.assertEqual(list(objects.order_by("id").values_list("id", "field1")), [(n, n * 10) for n in ids])

    def test_the_model(self):
        block = self.blocks[2].replace("class Object(models.Model):", "class Readme(models.Model):")
        exec(block, self.names)
        self.assertIsInstance(self.names["Readme"].objects.all(), module.BulkUpdateQuerySet)

    def test_expected_values(self):
        self.names.update(bulk_update=module.bulk_update, DEFERRED=models.DEFERRED)
        block = self.blocks[4].replace('"updated_at"', '"changed"')
        self.names["changed_objects"] = lambda queryset: (
            obj for obj in list(queryset) if Object.objects.filter(id=2).update(changed=now()))
        exec(block, self.names)
        self.assertEqual((self.names["account"].rows_updated, self.names["account"].rows_stale), (2, 1))
        exec(self.blocks[5].replace("class Object(models.Model):", "class Loaded(models.Model):"), self.names)
        loaded = self.names["Loaded"].from_db("default", ["id"], [1])
        self.assertEqual(loaded._loaded_values, {"id": 1})

    def test_taking_it_back(self):
        exec(self.blocks[0].split("\n\naccount")[0], self.names)
        exec("from django.db import migrations\n" + self.blocks[6], self.names)
        operation, = self.names["operations"]
        state = SimpleNamespace(get_model=lambda *_: apps.get_model("app", "Object"))
        output = StringIO()
        with connections["default"].schema_editor() as editor, redirect_stdout(output):
            operation.code(state, editor)
            self.assertEqual(list(Object.objects.order_by("id").values_list("field1", flat=True)), [10, 20, 30])
            Object.objects.filter(id=2).update(field1=7)
            operation.reverse_code(state, editor)
        self.assertEqual(output.getvalue(), "2 1 0\n")
        self.assertEqual(list(Object.objects.order_by("id").values_list("field1", flat=True)), [0, 7, 0])

    def test_the_reference(self):
        signature = re.sub(r"\s+", " ", self.blocks[3].strip()).replace("( ", "(")
        self.assertEqual(signature, f"bulk_update{inspect.signature(module.bulk_update)}")
        signature = re.sub(r"\s+", " ", self.blocks[7].strip()).replace("( ", "(")
        self.assertEqual(signature, f"bulk_update_undo{inspect.signature(module.bulk_update_undo)}")
        self.assertEqual(len(self.blocks), 8)
        for name in (*module.Account._fields, "rows_matched"):
            self.assertIn(f"`{name}`" if name != "rows_matched" else "`account.rows_matched`", self.text)
