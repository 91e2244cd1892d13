"""Commands of manage.py, if the package is in INSTALLED_APPS."""
