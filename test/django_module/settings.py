"""Settings of the tests' Django project. DRIVER says which of the drivers Django is to see."""

import os
import sys

if os.environ["DRIVER"] == "psycopg2":
    sys.modules["psycopg"] = None  # Django prefers psycopg 3 where it can be imported

POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["PGDATABASE"],
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
    "USER": os.environ["PGUSER"],
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "OPTIONS": {"server_side_binding": True} if "binding" in os.environ["DRIVER"] else {},
}
DATABASES = {
    "default": POSTGRESQL,
    "other": {**POSTGRESQL, "NAME": "other"},
    "bare": {**POSTGRESQL, "NAME": "bare"},
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
DATABASE_ROUTERS = ["app.models.Router"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.postgres", "app"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "none"
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
