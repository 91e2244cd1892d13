import pytest

from harness import Session


@pytest.fixture(scope="session", autouse=True)
def extensions():
    with Session() as session:
        session.run("CREATE EXTENSION bulk_update; CREATE EXTENSION pg_buffercache")
