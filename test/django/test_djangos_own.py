"""Django's own tests that call bulk_update(), with the drop-in in its place. They are not part of this repository, but
of the source package of Debian's Django. They are kept in build/ between runs."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import django
import pytest

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE.parents[1] / "build" / "django"


class Unavailable(Exception):
    """The tests cannot be had here; says why."""


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def source_lists(directory):
    """A copy of apt's lists of sources, for source packages: the system's are for binary packages only."""
    apt = pathlib.Path("/etc/apt")
    for file in [apt / "sources.list", *apt.glob("sources.list.d/*.list"), *apt.glob("sources.list.d/*.sources")]:
        if file.exists():
            text = re.sub(r"^deb ", "deb-src ", file.read_text(), flags=re.M)
            (directory / file.name).write_text(re.sub(r"^Types:.*", "Types: deb-src", text, flags=re.M))


def download(directory):
    """The archive of Django's source, of the installed version."""
    package = run("dpkg-query", "-W", "-f", "${source:Package}=${source:Version}", "python3-django").stdout
    for name in ("sources", "lists/partial", "cache/archives/partial"):
        (directory / name).mkdir(parents=True)
    source_lists(directory / "sources")
    apt = ["apt-get", "-qq", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={directory}/sources",
           "-o", f"Dir::State::Lists={directory}/lists", "-o", f"Dir::Cache={directory}/cache",
           "-o", "Acquire::Retries=3"]
    updated = run(*apt, "update")
    done = run(*apt, "source", "--download-only", "--tar-only", package, cwd=directory)
    archives = list(directory.glob("*.orig.tar.*z"))
    if done.returncode or len(archives) != 1:
        said = (updated.stdout + done.stdout).strip().splitlines()
        raise Unavailable(f"apt has no source package {package}: {said[-1] if said else 'no output'}")
    return archives[0]


def djangos_tests(directory):
    """The directory with Django's tests."""
    kept = KEPT / django.get_version() / "tests"
    if not kept.exists():
        archive = download(directory)
        unpacked = directory / "unpacked"
        unpacked.mkdir()
        done = run("tar", "-xf", archive, "-C", unpacked, "--strip-components=1", "--wildcards", "*/tests")
        assert done.returncode == 0, done.stdout
        kept.parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-R", unpacked / "tests", kept)
    return kept


def labels(directory):
    """The modules that call it."""
    return sorted(".".join(file.relative_to(directory).with_suffix("").parts) for file in directory.glob("**/test*.py")
                  if re.search(r"\.a?bulk_update\(", file.read_text()))


@pytest.fixture(scope="module")
def template(admin):
    from harness import Session

    admin.run("CREATE DATABASE own_template")
    with Session(dbname="own_template") as session:
        session.run("CREATE EXTENSION bulk_update")


@pytest.mark.parametrize("driver", ("psycopg2", "psycopg"))
def test_with(driver, directory, template):
    if driver == "psycopg" and (django.VERSION < (4, 2) or importlib.util.find_spec("psycopg") is None):
        pytest.skip(f"Django {django.get_version()} does not use psycopg 3 here")
    try:
        found = djangos_tests(directory)
    except Unavailable as reason:
        pytest.skip(str(reason))
    modules = labels(found)
    assert "queries.test_bulk_update" in modules
    done = run(sys.executable, "-B", HERE / "djangos_own.py", found / "runtests.py", *modules, cwd=directory, env={
        **os.environ, "DRIVER": driver, "PYTHONPATH": str(HERE), "TMPDIR": str(directory)})
    assert done.returncode == 0 and re.search(r"^Ran [1-9]\d* tests", done.stdout, re.M), done.stdout
    print(", ".join(modules), re.search(r"^Ran .*", done.stdout, re.M)[0])
