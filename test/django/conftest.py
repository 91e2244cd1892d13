"""Without DRIVER in the environment, only tests that start separate processes run; of these, test_drivers.py runs the
others with each driver."""

import os
import pathlib
import sys

import pytest

from harness import Session

HERE = pathlib.Path(__file__).resolve().parent
PARENTS = {"test_djangos_own.py", "test_drivers.py", "test_migration.py", "test_wheel.py"}

os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
if "DRIVER" in os.environ:
    collect_ignore = sorted(PARENTS)
    sys.path.insert(0, str(HERE))
    import django
    django.setup()
else:
    collect_ignore = [path.name for path in HERE.glob("test_*.py") if path.name not in PARENTS]


def pytest_addoption(parser):
    parser.addoption("--rows", type=int, default=os.environ.get("DJANGO_ROWS"),
                     help="objects of the tests of memory (default: 100000 for the migrations, 200000 for the drivers)")


@pytest.fixture(scope="session", autouse=True)
def databases():
    """With and without the extension, and with types that Django looks up when it connects; created by the first test."""
    with Session() as session:
        if session.value("SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'bare')"):
            return
        session.run("CREATE EXTENSION bulk_update; CREATE EXTENSION hstore")
        session.run("CREATE DATABASE other")
        session.run("CREATE DATABASE bare")
    with Session(dbname="other") as session:
        session.run("""CREATE EXTENSION hstore; CREATE SCHEMA "odd % schema";
                       CREATE EXTENSION bulk_update SCHEMA "odd % schema" """)
