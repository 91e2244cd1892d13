"""The Django case; test/django/run says what it is. Runs inside a server, PGHOST and so on name it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
APPS = {"with_bulk_update": "bulk_update, streamed", "with_django": "Django, batch_size=250"}
LIMIT_MB = 16


class Tests:
    passed = failed = 0

    def ok(self, condition, name):
        print(("ok" if condition else "not ok") + " - " + name, flush=True)
        if condition:
            self.passed += 1
        else:
            self.failed += 1


def python(script, *arguments, **environment):
    """Run one of the project's scripts in a fresh process; tell whether it succeeded."""
    path = os.pathsep.join([HERE, os.path.join(ROOT, "examples", "django")])
    return subprocess.run(
        [sys.executable, "-B", os.path.join(HERE, script), *arguments],
        env={**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "project.settings", **environment},
    ).returncode == 0


def migrate(app, migration, **environment):
    return python("manage.py", "migrate", app, migration, "--verbosity=0", **environment)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("DJANGO_ROWS", 100000)))
    rows = parser.parse_args().rows

    tests = Tests()
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()

    def value(query, *parameters):
        cursor.execute(query, parameters or None)
        return cursor.fetchone()[0]

    figures = {}
    for app in APPS:
        table = app + "_object"
        tests.ok(migrate(app, "0001"), f"{app}: the table is there")
        cursor.execute(
            f"INSERT INTO {table} (field1, field2, field3)"
            " SELECT i, 'object ' || i, i %% 100 FROM generate_series(1, %s) i", [rows])
        cursor.execute(f"VACUUM (ANALYZE) {table}")
        with tempfile.NamedTemporaryFile() as meter:
            done = migrate(app, "0002", METER_FILE=meter.name)
            tests.ok(done, f"{app}: the migration of {rows} objects succeeds")
            if done:
                figures[app] = json.load(meter)

    tests.ok(
        value("""SELECT count(*) FROM with_django_object d FULL JOIN with_bulk_update_object b USING (id)
                 WHERE ROW(d.*) IS DISTINCT FROM ROW(b.*)""") == 0,
        "both tables are equal, row by row")
    tests.ok(
        value("SELECT count(*) FROM with_bulk_update_object WHERE field2 NOT LIKE 'object %'") == rows,
        "every object has its new values")

    if len(figures) == len(APPS):
        extra = figures["with_bulk_update"]["extra_kb"] / 1024
        tests.ok(extra <= LIMIT_MB, f"bulk_update takes at most {LIMIT_MB} MB of extra client memory ({extra:.1f} MB)")

    tests.ok(python("recipe.py"), "the recipe does what its comment says")

    print()
    print(f"{rows} objects, three fields, client memory in MB (peak of the resident set):")
    print()
    print(f"{'':24}{'seconds':>10}{'held before':>14}{'extra':>10}{'peak':>10}")
    for app, name in APPS.items():
        if app in figures:
            f = figures[app]
            print(f"{name:24}{f['seconds']:10.1f}{f['held_kb'] / 1024:14.1f}{f['extra_kb'] / 1024:10.1f}"
                  f"{f['peak_kb'] / 1024:10.1f}")
    print()
    print("Seconds are of the whole step: read, compute, update. Django's list of objects counts as held before.")
    print(f"{tests.passed} passed, {tests.failed} failed")
    return 1 if tests.failed else 0


sys.exit(main())
