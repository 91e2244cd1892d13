"""Runs the tests of the Django module with each driver. Runs inside a server, PGHOST and so on name it."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]

import django  # noqa: E402
import psycopg2  # noqa: E402
from harness import finish, skip  # noqa: E402
import harness  # noqa: E402

COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def prepare():
    """Databases with and without the extension; types that Django looks up when it connects."""
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION bulk_update")
    cursor.execute("CREATE EXTENSION hstore")
    cursor.execute("CREATE DATABASE other")
    cursor.execute("CREATE DATABASE bare")
    connection.close()
    connection = psycopg2.connect(dbname="other")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION hstore")
    cursor.execute('CREATE SCHEMA "odd % schema"')
    cursor.execute('CREATE EXTENSION bulk_update SCHEMA "odd % schema"')
    connection.close()


def run_with(driver, script, *arguments):
    """Run a script in a process of its own, which prints as this one does, and take over its counts."""
    process = subprocess.Popen(
        [sys.executable, "-B", os.path.join(HERE, script), *arguments],
        env={**os.environ, "DRIVER": driver, "DJANGO_SETTINGS_MODULE": "settings"}, stdout=subprocess.PIPE, text=True)
    counts = None
    for line in process.stdout:
        counts = COUNT.match(line)
        if not counts:
            print(line, end="", flush=True)
    status = process.wait()
    passed, failed, skipped = (int(n or 0) for n in counts.groups()) if counts else (0, 1, 0)
    if not counts or (status and not failed):
        print(f"not ok - {script} with {driver} broke off")
        failed = failed or 1
    harness.passed += passed
    harness.failed += failed
    harness.skipped += skipped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    prepare()
    drivers = ["psycopg2"]
    if django.VERSION < (4, 2):
        skip(f"psycopg 3: Django {django.get_version()} does not know it")
    elif importlib.util.find_spec("psycopg") is None:
        skip("psycopg 3: not installed")
    else:
        drivers.append("psycopg")
    tests = [name for name in options.tests if name != "memory"]
    for driver in drivers:
        if tests or not options.tests:
            run_with(driver, "tests.py", *tests)
            if driver == "psycopg":
                run_with("psycopg with server-side binding", "tests.py", *(tests or ["test_values", "test_api"]))
        if "memory" in options.tests or not options.tests:
            run_with(driver, "memory.py", str(options.rows))
    return finish()


sys.exit(main())
