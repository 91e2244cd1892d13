import pytest

import cluster as clusters
import job_work as work
from cluster import Cluster
from harness import Session


@pytest.fixture(scope="session")
def stage():
    with Session() as session:
        return clusters.stage(session)


@pytest.fixture(scope="module")
def new(stage):
    """Creates clusters, which are removed after the module."""
    made = []

    def cluster(name, base=None, **settings):
        made.append(Cluster(name, stage, base, **settings))
        if not base:
            made[-1].run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        return made[-1]

    yield cluster
    for cluster in made:
        cluster.end()


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
