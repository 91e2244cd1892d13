import pytest

from harness import Session


@pytest.fixture(scope="module")
def objects():
    """A session, and the table of docs/drivers.md with three rows."""
    with Session() as session:
        session.run("CREATE EXTENSION IF NOT EXISTS bulk_update")
        session.run("DROP TABLE IF EXISTS objects")
        session.run("CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer, field2 text)")
        yield session
        session.run("DROP TABLE objects")


@pytest.fixture(autouse=True)
def old_objects(objects):
    objects.run("TRUNCATE objects; INSERT INTO objects SELECT i, i, 'old' FROM generate_series(1, 3) AS i")
