"""Settings of a Django project with the example's application: the database that PGHOST and so on name."""

import os

SECRET_KEY = "only for the test"
INSTALLED_APPS = ["django.contrib.postgres", "objects"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
    }
}
