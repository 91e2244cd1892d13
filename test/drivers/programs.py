"""Runs programs in the languages of docs/drivers.md."""

import functools
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import npm

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
JAR = pathlib.Path("/usr/share/java/postgresql.jar")
GO_PACKAGES = pathlib.Path("/usr/share/gocode")


@functools.lru_cache
def npm_project():
    """The project with the packages of npm, or why there is none: npm is not asked again for each program."""
    try:
        return npm.installed(HERE / "npm", TREE / "build" / "drivers")
    except npm.Unavailable as reason:
        return reason


def environment():
    """The one of the tests, and the database in two other forms."""
    at = {name: os.environ[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")}
    return {**os.environ,
            "DATABASE_URL": "postgres://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(**at),
            "JDBC_URL": "jdbc:postgresql://{PGHOST}:{PGPORT}/{PGDATABASE}?user={PGUSER}&password={PGPASSWORD}".format(**at)}


def need(there, name):
    if not there:
        raise npm.Unavailable(f"{name} is not installed")


def python(file, module):
    need(importlib.util.find_spec(module), module)
    # Not in the repository's root, nor the directory of the file: Python would take a bulk_update.so for the module.
    return [sys.executable, "-B", file], {}


def node(file, _):
    need(shutil.which("node"), "Node")
    project = npm_project()
    if isinstance(project, npm.Unavailable):
        raise project
    inside = project / file.name.replace(".js", ".mjs")
    shutil.copy(file, inside)
    return ["node", inside], {}


def ruby(file, library):
    need(shutil.which("ruby") and subprocess.run(["ruby", "-e", f"require '{library}'"], stderr=subprocess.DEVNULL,
                                                 check=False).returncode == 0, library)
    return ["ruby", file], {}


def java(file, _):
    need(shutil.which("javac"), "a JDK")
    need(JAR.exists(), "the driver for JDBC")
    return ["java", "-cp", JAR, file], {}


def go(file, _):
    """Debian's version of the driver: only the import path differs."""
    need(shutil.which("go"), "Go")
    versions = sorted(path.name for path in GO_PACKAGES.glob("src/github.com/jackc/pgx/v*"))
    need(versions, "pgx")
    text = file.read_text()
    assert "pgx/v5" in text
    file.write_text(text.replace("pgx/v5", f"pgx/{versions[-1]}"))
    cache = TREE / "build" / "go"
    return ["go", "run", file], {"GO111MODULE": "off", "GOPATH": GO_PACKAGES, "GOCACHE": cache, "GOFLAGS": "-mod="}


def perl(file, module):
    need(subprocess.run(["perl", f"-M{module}", "-e1"], stderr=subprocess.DEVNULL, check=False).returncode == 0, module)
    return ["perl", file], {}


def php(file, extension):
    need(shutil.which("php"), "PHP")
    loaded = subprocess.run(["php", "-m"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    need(extension in loaded, extension)
    return ["php", file], {}


def r(file, packages):
    need(shutil.which("Rscript"), "R")
    for package in packages.split(", "):
        need(subprocess.run(["Rscript", "-e", f"library({package})"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, check=False).returncode == 0, package)
    return ["Rscript", file], {}


def run(language, file, needed=None):
    """The output of the program in the file, and the command's exit code. Unavailable if there is no such driver."""
    command, more = language(file, needed)
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          cwd=file.parent, env={**environment(), **{name: str(value) for name, value in more.items()}})
