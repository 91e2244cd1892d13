"""Without DRIVER in the environment test_drivers.py alone runs, which runs the others with each driver."""

import os
import pathlib
import sys

import pytest

from harness import Session

HERE = pathlib.Path(__file__).resolve().parent

if "DRIVER" in os.environ:
    collect_ignore = ["test_drivers.py"]
    sys.path.insert(0, str(HERE.parents[1] / "contrib" / "django"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django
    django.setup()
else:
    collect_ignore = [path.name for path in HERE.glob("test_*.py") if path.name != "test_drivers.py"]


def pytest_addoption(parser):
    parser.addoption("--rows", type=int, default=200000, help="objects for the test of memory")


@pytest.fixture(scope="session", autouse=True)
def databases():
    """With and without the extension, and with types that Django looks up when it connects; made by whoever comes first."""
    with Session() as session:
        if session.value("SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'bare')"):
            return
        session.run("CREATE EXTENSION bulk_update; CREATE EXTENSION hstore")
        session.run("CREATE DATABASE other")
        session.run("CREATE DATABASE bare")
    with Session(dbname="other") as session:
        session.run("""CREATE EXTENSION hstore; CREATE SCHEMA "odd % schema";
                       CREATE EXTENSION bulk_update SCHEMA "odd % schema" """)
