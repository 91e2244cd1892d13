import pytest

import job_work as work
from cluster import clusters
from harness import Session


@pytest.fixture(scope="module")
def new():
    with clusters() as create:
        yield create


@pytest.fixture(scope="module")
def primary(request, new):
    """A cluster with the tables of a job."""
    created = new(request.module.__name__)
    created.run(work.SETUP)
    return created


@pytest.fixture(scope="module")
def database():
    """A database of the suite's server, with the tables of a job; returns the parameters of a connection."""
    with Session() as session:
        session.run("DROP DATABASE IF EXISTS jobs")
        session.run("CREATE DATABASE jobs")
    with Session(dbname="jobs") as session:
        session.run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        session.run(work.SETUP)
    return {"dbname": "jobs"}
