"""A wheel, installed into a fresh environment, in a project of its own: README's migrations, forward and backward."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import django
import pytest

from harness import Session

CONTRIB = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "django"

SETTINGS = """
import os, sys
if os.environ["DRIVER"] == "psycopg2":
    sys.modules["psycopg"] = None  # Django prefers psycopg 3 if it can be imported
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["DATABASE"], **{
    name: os.environ.get("PG" + name, "") for name in ("HOST", "PORT", "USER", "PASSWORD")}}}
INSTALLED_APPS = ["bulk_update_django", "myapp"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "only for the test"
USE_TZ = True
"""

MODELS = """
from bulk_update_django import BulkUpdateManager
from django.db import models


class Object(models.Model):
    field1 = models.IntegerField(default=0)
    field2 = models.TextField()

    objects = BulkUpdateManager()
"""


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def temporary():
    with tempfile.TemporaryDirectory(prefix="bulk_update-") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def wheel(temporary):
    shutil.copytree(CONTRIB, temporary / "source", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps",
        "--wheel-dir", temporary, temporary / "source")
    made, = temporary.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(temporary, wheel):
    """Of an environment with the wheel and Debian's Django and drivers."""
    environment = temporary / "environment"
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", environment)
    run(environment / "bin" / "python", "-m", "pip", "install", "--no-index", "--no-deps", wheel)
    return environment / "bin" / "python"


def test_the_wheel_has_the_package_and_its_license(wheel):
    assert re.fullmatch(r"bulk_update_django-\d+\.\d+\.\d+-py3-none-any\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata, = (name for name in names if name.endswith(".dist-info/METADATA"))
        assert re.search(r"^Requires-Dist: Django ?\(?>=3\.2", archive.read(metadata).decode(), re.M)
        assert any(re.search(r"\.dist-info/(licenses/)?LICENSE$", name) for name in names)
    modules = {str(file.relative_to(CONTRIB)) for file in CONTRIB.glob("bulk_update_django/**/*.py")}
    assert {name for name in names if ".dist-info/" not in name} == modules


def check_job(manage, file, migration, session):
    """README's migration with a job, and its commands."""
    file.write_text(migration)
    manage("migrate", "myapp", "0001")
    session.run("INSERT INTO myapp_object (field1, field2)"
                " SELECT n, repeat('x', n * 2) FROM generate_series(1, 5) AS n")
    for begun in (False, True):
        manage("migrate", "myapp")
        assert session.run("SELECT field1 FROM myapp_object ORDER BY id") == [(n,) for n in range(1, 6)]
        if begun:
            session.run("UPDATE myapp_object SET field2 = '' WHERE id = 1")
            assert "5 of 5 rows (100 %), 4 updated, 1 stale" in manage("bulk_update_job", "run", "new values")
            assert session.run("SELECT field1 FROM myapp_object ORDER BY id") == [(1,), (4,), (6,), (8,), (10,)]
            with pytest.raises(AssertionError, match="""Take it back by "manage.py bulk_update_job undo 'new values'\""""):
                manage("migrate", "myapp", "0001")
            assert "4 of 4 rows (100 %), 4 updated" in manage("bulk_update_job", "undo", "new values")
        manage("migrate", "myapp", "0001")
        assert session.run("SELECT field1 FROM myapp_object ORDER BY id") == [(n,) for n in range(1, 6)]
        assert session.value("SELECT to_regclass('myapp_object_old_values') IS NULL"
                             " AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'bulk_update')")


@pytest.mark.parametrize("driver", ("psycopg2", "psycopg"))
def test_the_migration(driver, python, temporary, admin):
    if driver == "psycopg" and (django.VERSION < (4, 2) or importlib.util.find_spec("psycopg") is None):
        pytest.skip(f"Django {django.get_version()} does not use psycopg 3 here")
    project, database = temporary / driver, f"wheel_{driver}"
    (project / "myapp").mkdir(parents=True)
    (project / "settings.py").write_text(SETTINGS)
    (project / "myapp" / "__init__.py").touch()
    (project / "myapp" / "models.py").write_text(MODELS)
    admin.run(f"CREATE DATABASE {database}")

    def manage(*arguments):
        return run(python, "-m", "django", *arguments, cwd=project, env={
            **os.environ, "DJANGO_SETTINGS_MODULE": "settings", "DATABASE": database, "DRIVER": driver})

    shown = manage("shell", "-c", "import bulk_update_django; print(bulk_update_django.__file__)")
    assert str(python.parents[1]) in shown
    manage("makemigrations", "myapp")
    assert "BulkUpdateManager" in (project / "myapp" / "migrations" / "0001_initial.py").read_text()
    manage("migrate", "myapp")
    blocks = re.findall(r"^```python\n(.*?)^```$", (CONTRIB / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    migration, = (block for block in blocks if " BulkUpdate(" in block and "class Migration" in block)
    with_job, = (block for block in blocks if " CreateBulkUpdateJob(" in block and "class Migration" in block)
    (project / "myapp" / "migrations" / "0002_new_values.py").write_text(migration)
    with Session(dbname=database) as session:
        session.run("INSERT INTO myapp_object (field1, field2)"
                    " SELECT n, repeat('x', n * 2) FROM generate_series(1, 5) AS n")
        output = manage("migrate", "myapp")
        assert "5 updated, 0 stale, 0 missing" in output
        assert session.run("SELECT field1 FROM myapp_object ORDER BY id") == [(n * 2,) for n in range(1, 6)]
        session.run("UPDATE myapp_object SET field1 = 0 WHERE id = 2; DELETE FROM myapp_object WHERE id = 3")
        output = manage("migrate", "myapp", "0001")
        assert "3 updated, 1 stale, 1 missing" in output
        assert session.run("SELECT field1 FROM myapp_object ORDER BY id") == [(1,), (0,), (4,), (5,)]
        assert session.value("SELECT to_regclass('myapp_object_old_values') IS NULL"
                             " AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'bulk_update')")
        manage("makemigrations", "--check", "--dry-run")
        manage("migrate", "myapp")
        manage("squashmigrations", "--no-input", "myapp", "0001", "0002")
        squashed, = (project / "myapp" / "migrations").glob("*squashed*.py")
        assert "old_values='myapp_object_old_values'" in squashed.read_text()
        squashed.unlink()
        manage("migrate", "myapp", "zero")
        (project / "myapp" / "migrations" / "0002_new_values.py").unlink()
        check_job(manage, project / "myapp" / "migrations" / "0002_new_values_job.py", with_job, session)
    print(f"Django {django.get_version()}, {driver}: {output.splitlines()[-1].strip()}")
