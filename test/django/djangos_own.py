"""Django's own tests with the drop-in in place of QuerySet.bulk_update(): their settings, and the program to run them.

Usage: djangos_own.py RUNTESTS OPTION...    Django's tests/runtests.py and its options
"""

import functools
import os
import runpy
import sys

from project.settings import POSTGRESQL

# The template has the extension.
DATABASES = {alias: {**POSTGRESQL, "TEST": {"NAME": f"own_{alias}", "TEMPLATE": "own_template"}}
             for alias in ("default", "other")}
SECRET_KEY = "only for the test"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False

# As README.md says: SAVEPOINT, the table's columns, CREATE, COPY, the call, DROP, RELEASE.
QUERIES = 7


def replace():
    """Replace the method; what asserts the number of its queries asserts this one's."""
    from bulk_update_django.managers import drop_in
    from django.db.models import QuerySet
    from django.test import testcases

    original, context = QuerySet.bulk_update, testcases._AssertNumQueriesContext
    calls = []

    @functools.wraps(original)
    def bulk_update(queryset, objs, fields, batch_size=None):
        objs = list(objs)
        matched = drop_in(queryset, functools.partial(original, queryset), objs, fields, batch_size)
        calls.extend([1] if objs else [])
        return matched

    class Context(context):
        def __enter__(self):
            calls.clear()
            return super().__enter__()

        def __exit__(self, *error):
            self.num = QUERIES * len(calls) if calls else self.num
            return super().__exit__(*error)

    QuerySet.bulk_update, testcases._AssertNumQueriesContext = bulk_update, Context


if __name__ == "__main__":
    replace()
    sys.argv = [*sys.argv[1:], "--settings=djangos_own", "--parallel=1"]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
