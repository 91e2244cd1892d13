"""The same migration by the module and by Django; test/django/run describes the suite."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

# For each table, the migration that fills it.
MIGRATIONS = {"withmodule": "0002", "withdjango": "0003"}
TITLES = {"withmodule": "the module, streamed", "withdjango": "Django, batch_size=250"}
LIMIT_MB = 16


def migrate(migration, **environment):
    """In a new process."""
    subprocess.run([sys.executable, "-B", "-m", "django", "migrate", "migrated", migration, "--verbosity=0"],
                   cwd=pathlib.Path(__file__).resolve().parent, env={**os.environ, **environment}, check=True)


@pytest.fixture(scope="module")
def rows(pytestconfig):
    return pytestconfig.option.rows or 100000


@pytest.fixture(scope="module")
def figures(admin, rows):
    """Of each migration."""
    found = {}
    migrate("0001")
    for model, migration in MIGRATIONS.items():
        admin.run(f"INSERT INTO migrated_{model} (field1, field2, field3)"
                  " SELECT i, 'object ' || i, i %% 100 FROM generate_series(1, %s) i", [rows])
        admin.run(f"VACUUM (ANALYZE) migrated_{model}")
        with tempfile.NamedTemporaryFile() as meter:
            migrate(migration, METER_FILE=meter.name)
            found[model] = json.load(meter)
    return found


def test_both_tables_are_equal_row_by_row(figures, admin):
    assert admin.value("""SELECT count(*) FROM migrated_withdjango d FULL JOIN migrated_withmodule m USING (id)
                          WHERE ROW(d.*) IS DISTINCT FROM ROW(m.*)""") == 0


def test_every_object_has_its_new_values(figures, admin, rows):
    assert admin.value("SELECT count(*) FROM migrated_withmodule WHERE field2 NOT LIKE 'object %'") == rows


def test_client_memory(figures, rows):
    print(f"{rows} objects, three fields, client memory in MB (resident set):\n")
    print(f"{'':24}{'seconds':>10}{'held before':>14}{'extra':>10}")
    for model, f in figures.items():
        print(f"{TITLES[model]:24}{f['seconds']:10.1f}{f['client_before'] / 2**20:14.1f}{f['client_extra'] / 2**20:10.1f}")
    print("\nSeconds are of the whole step: read, compute, update. Django's list of objects counts as held before.")
    assert figures["withmodule"]["client_extra"] / 2**20 <= LIMIT_MB
