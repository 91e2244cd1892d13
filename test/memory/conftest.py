import os

import pytest

from harness import Session


def pytest_addoption(parser):
    parser.addoption("--rows", default=os.environ.get("MEMORY_ROWS", "1000000,5000000"), help="sizes of the first cases")


@pytest.fixture(scope="session", autouse=True)
def extension():
    with Session() as session:
        session.run("CREATE EXTENSION bulk_update")
