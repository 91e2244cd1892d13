"""The Django case; test/django/run says what it is. Runs inside a server, PGHOST and so on name it."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
APPS = {"with_bulk_update": "bulk_update, streamed", "with_django": "Django, batch_size=250"}
LIMIT_MB = 16


def migrate(app, migration, **environment):
    """In a fresh process."""
    subprocess.run([sys.executable, "-B", os.path.join(HERE, "manage.py"), "migrate", app, migration, "--verbosity=0"],
                   env={**os.environ, **environment}, check=True)


@pytest.fixture(scope="module")
def rows(pytestconfig):
    return pytestconfig.option.rows


@pytest.fixture(scope="module")
def figures(admin, rows):
    """Of each application, after its migration."""
    found = {}
    for app in APPS:
        table = app + "_object"
        migrate(app, "0001")
        admin.run(f"INSERT INTO {table} (field1, field2, field3)"
                  " SELECT i, 'object ' || i, i %% 100 FROM generate_series(1, %s) i", [rows])
        admin.run(f"VACUUM (ANALYZE) {table}")
        with tempfile.NamedTemporaryFile() as meter:
            migrate(app, "0002", METER_FILE=meter.name)
            found[app] = json.load(meter)
    return found


def test_both_tables_are_equal_row_by_row(figures, admin):
    assert admin.value("""SELECT count(*) FROM with_django_object d FULL JOIN with_bulk_update_object b USING (id)
                          WHERE ROW(d.*) IS DISTINCT FROM ROW(b.*)""") == 0


def test_every_object_has_its_new_values(figures, admin, rows):
    assert admin.value("SELECT count(*) FROM with_bulk_update_object WHERE field2 NOT LIKE 'object %'") == rows


def test_client_memory(figures, rows):
    print(f"{rows} objects, three fields, client memory in MB (peak of the resident set):\n")
    print(f"{'':24}{'seconds':>10}{'held before':>14}{'extra':>10}{'peak':>10}")
    for app, name in APPS.items():
        f = figures[app]
        print(f"{name:24}{f['seconds']:10.1f}{f['held_kb'] / 1024:14.1f}{f['extra_kb'] / 1024:10.1f}"
              f"{f['peak_kb'] / 1024:10.1f}")
    print("\nSeconds are of the whole step: read, compute, update. Django's list of objects counts as held before.")
    assert figures["with_bulk_update"]["extra_kb"] / 1024 <= LIMIT_MB
