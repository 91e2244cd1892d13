"""Fixtures for all suites in Python. Each suite runs inside the server that its test/NAME/run has started."""

import pathlib
import tempfile

import pytest

from harness import Session


@pytest.fixture
def session():
    """A session for one test."""
    with Session() as opened:
        yield opened


@pytest.fixture
def undone(session):
    """The test is one transaction, which is rolled back."""
    session.run("BEGIN")
    yield
    session.run("ROLLBACK")


@pytest.fixture(scope="module")
def admin():
    """A session that the tests of a module share."""
    with Session() as opened:
        yield opened


@pytest.fixture
def directory():
    """A temporary directory; pytest's tmp_path would be left in /tmp."""
    with tempfile.TemporaryDirectory(prefix="bulk_update-") as path:
        yield pathlib.Path(path)
