import os

import pytest

from harness import Session


def pytest_addoption(parser):
    parser.addoption("--rows", type=int, default=int(os.environ.get("COST_ROWS", 1000000)), help="size of the tables")


@pytest.fixture(scope="session", autouse=True)
def extension():
    with Session() as session:
        session.run("CREATE EXTENSION bulk_update")
