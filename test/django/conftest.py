import os
import sys

import pytest

from harness import Session

HERE = os.path.dirname(os.path.abspath(__file__))
# For Django's processes, and for the recipe's tests in this one.
PYTHONPATH = [HERE, os.path.join(HERE, "..", "..", "examples", "django")]
sys.path[:0] = PYTHONPATH
os.environ.update(DJANGO_SETTINGS_MODULE="project.settings", PYTHONPATH=os.pathsep.join(PYTHONPATH))


def pytest_addoption(parser):
    parser.addoption("--rows", type=int, default=int(os.environ.get("DJANGO_ROWS", 100000)), help="number of objects")


@pytest.fixture(scope="session", autouse=True)
def extension():
    with Session() as session:
        session.run("CREATE EXTENSION bulk_update")
