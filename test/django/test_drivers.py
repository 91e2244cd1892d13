"""Runs the tests of the package with each driver, in separate processes: Django uses one driver for all."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import django
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PARENTS = ("test_djangos_own", "test_drivers", "test_migration", "test_wheel")  # as in conftest.py
MODULES = sorted(path.stem for path in HERE.glob("test_*.py") if path.stem not in PARENTS)
# Django with psycopg 3 can leave the parameters to the server.
BINDING = "psycopg with server-side binding"
RUNS = [*((driver, module) for driver in ("psycopg2", "psycopg") for module in MODULES),
        (BINDING, "test_values"), (BINDING, "test_api")]


@pytest.mark.parametrize("driver, module", RUNS)
def test_with(driver, module, pytestconfig):
    if driver != "psycopg2" and django.VERSION < (4, 2):
        pytest.skip(f"Django {django.get_version()} does not know psycopg 3")
    if driver != "psycopg2" and importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg 3 is not installed")
    rows = pytestconfig.option.rows
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", HERE / f"{module}.py", *([f"--rows={rows}"] if rows else [])],
        env={**os.environ, "DRIVER": driver}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    print(done.stdout if module == "test_memory" else done.stdout.splitlines()[-1])
