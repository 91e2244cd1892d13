"""The README's examples, and its list of the package's names. test_wheel.py runs its migrations."""

import inspect
import os
import re
from contextlib import redirect_stdout
from io import StringIO

from django.db import connection, models
from django.utils.timezone import now

import bulk_update_django as module
from app.models import Object
from base import Case

README = os.path.join(os.path.dirname(module.__file__), os.pardir, "README.md")


class Readme(Case):
    models = [Object]

    def setUp(self):
        with open(README) as readme:
            self.text = readme.read()
        self.blocks = re.findall(r"^```python\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)
        self.names = {"Object": Object, "models": models, "make_field1": lambda obj: obj.id * 10,
                      "__name__": "app.readme"}
        Object.objects.bulk_create(Object(id=n) for n in range(1, 4))

    def block(self, *words):
        """The only block with these words."""
        block, = (block for block in self.blocks if all(word in block for word in words))
        return block

    def run_block(self, *words, old="", new=""):
        """What it prints."""
        output = StringIO()
        with redirect_stdout(output):
            exec(self.block(*words).replace(old, new), self.names)
        return output.getvalue()

    def values(self):
        return list(Object.objects.order_by("id").values_list("field1", flat=True))

    def test_the_example(self):
        self.assertEqual(self.run_block("make_field1"), "3 0\n")
        self.assertEqual(self.values(), [10, 20, 30])

    def test_the_job(self):
        self.run_block("make_field1")
        Object.objects.update(field1=0)
        try:
            self.assertEqual(self.run_block("job = bulk_update_job_run("), "3 done 3 0\n['done', 'done']\n")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT bulk_update_job_drop(name) FROM bulk_update_jobs")
                cursor.execute("DROP TABLE double_old_values")
        self.assertEqual(self.values(), [0, 0, 0])

    def test_the_manager(self):
        self.run_block("objects = BulkUpdateManager()", old="class Object(", new="class Readme(")
        self.assertIsInstance(self.names["Readme"].objects.all(), module.BulkUpdateQuerySet)
        self.assertTrue(self.names["Readme"].objects.use_in_migrations)

    def test_the_progress(self):
        self.run_block("make_field1")
        self.assertRegex(self.run_block("progress=show"), r"app_object staging 3 0 s\napp_object applying 0 0 s\n")

    def test_expected_values(self):
        self.names.update(bulk_update=module.bulk_update, DEFERRED=models.DEFERRED)
        self.names["changed_objects"] = lambda queryset: (
            obj for obj in list(queryset) if Object.objects.filter(id=2).update(changed=now()))
        self.run_block('expected=["updated_at"]', old='"updated_at"', new='"changed"')
        self.assertEqual((self.names["account"].rows_updated, self.names["account"].rows_stale), (2, 1))
        self.run_block("def from_db", old="class Object(", new="class Loaded(")
        loaded = self.names["Loaded"].from_db("default", ["id"], [1])
        self.assertEqual(loaded._loaded_values, {"id": 1})

    def test_taking_it_back(self):
        self.run_block("make_field1")
        Object.objects.update(field1=0)
        try:
            self.assertEqual(self.run_block("account = bulk_update_undo("), "3 0 0\n")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE object_old_values")
        self.assertEqual(self.values(), [0, 0, 0])

    def test_the_reference(self):
        signatures = [part for block in self.blocks for part in re.split(r"\n\n(?=\w+\()", block)]
        for name in ("bulk_update", "bulk_update_undo", "BulkUpdate", "bulk_update_job_create", "bulk_update_job_run",
                     "bulk_update_job_undo", "bulk_update_jobs", "CreateBulkUpdateJob"):
            signature, = (part for part in signatures
                          if part.startswith(f"{name}(") and "=None" in part)
            documented = re.sub(r"\s+", " ", signature.strip()).replace("( ", "(")
            self.assertEqual(documented, f"{name}{inspect.signature(getattr(module, name))}")
        self.assertEqual(len(self.blocks), 13)
        for name in (*module.__all__, *module.Account._fields, "account.rows_matched"):
            self.assertTrue(re.search(rf"(`|import )([\w, ]+, )?{name}\b", self.text), name)
        for name in module.Progress._fields:
            self.assertIn(f"progress.{name}", self.text)
