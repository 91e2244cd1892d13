import pytest

from database import Database


@pytest.fixture(scope="session")
def database():
    return Database()
