"""The Django project of tests, examples and benchmark, on the server that PGHOST and so on name.

To use it, add test/django to PYTHONPATH. DRIVER=psycopg2 hides psycopg 3 from Django.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "contrib/django"), str(ROOT / "examples/django")]
sys.path.append(str(ROOT / "test"))  # meter

DRIVER = os.environ.get("DRIVER", "")
if DRIVER == "psycopg2":
    sys.modules["psycopg"] = None  # Django prefers psycopg 3 if it can be imported

POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["PGDATABASE"],
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
    "USER": os.environ["PGUSER"],
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "OPTIONS": {"server_side_binding": True} if "binding" in DRIVER else {},
}
DATABASES = {
    "default": POSTGRESQL,
    "other": {**POSTGRESQL, "NAME": "other"},
    "bare": {**POSTGRESQL, "NAME": "bare"},
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
DATABASE_ROUTERS = ["app.models.Router"]
# app: the models of the tests; migrated: two migrations to compare; objects: the example's. The package has a command.
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.postgres", "app", "migrated", "objects",
                  "bulk_update_django"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["fields.W342"]  # app has a primary key that is a ForeignKey
SECRET_KEY = "only for the test"
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
