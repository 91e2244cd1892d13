"""The examples that go forward and backward, each with its framework's own commands."""

import csv
import os
import shutil
import subprocess
import sys

import sqlalchemy

import npm
from database import EXAMPLES, HERE, ROOT, expect_digests
from npm import Unavailable

PYTHON = [sys.executable, "-B"]


# Runs a command and adds the largest resident set of what it started to a file. The caller's own set would count, too.
MEASURING = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "a") as peaks:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=peaks)
sys.exit(status)
"""


class Framework:
    """What stands here is the case of a plain script."""

    bookkeeping = None  # a query for what the framework has recorded as done
    keeps = "objects_old_values"  # the table of old values
    streams = False  # the values are computed in the client
    sparing = {}  # what makes the client collect its garbage before it takes more memory
    expect = staticmethod(expect_digests)

    def __init__(self, database, directory):
        self.database, self.directory = database, directory

    def prepare(self):
        self.database.fresh_objects()

    def recorded(self):
        """What the framework believes to be done."""
        query = self.bookkeeping
        if not query or self.database.value("SELECT to_regclass(%s) IS NULL", [query.split(" FROM ")[1].split()[0]]):
            return []
        return self.database.rows(query)

    peaks = None  # a file for the largest resident sets of the commands

    @classmethod
    def run(cls, *command, directory=ROOT, **environment):
        """Whether the command succeeded, and all that it said."""
        if cls.peaks:
            command = (sys.executable, "-I", "-S", "-c", MEASURING, str(cls.peaks), *command)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment})
        return done.returncode == 0, done.stdout

    def account(self, output):
        """The counts that the run printed, by name."""
        for line in output.splitlines():
            if "objects: " in line and " updated" in line:
                counts = line.split("objects: ")[1].split(", ")
                return {name: int(count) for count, name in (part.split(" ") for part in counts)}
        return {}


class Psql(Framework):
    name = "psql"

    def prepare(self):
        super().prepare()
        self.path = os.path.join(self.directory, "new $values 'of' objects.csv")
        self.expect(self.database)
        with open(self.path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "field1", "field2", "field3"])
            writer.writerows(self.database.rows("SELECT * FROM expected ORDER BY id DESC"))
        self.database.execute("DROP TABLE expected; CREATE TABLE expected AS TABLE objects")

    @staticmethod
    def expect(database):
        database.execute("UPDATE expected SET field1 = -id, field2 = field2 || 'x', field3 = id % 7")

    def psql(self, script, *options):
        return self.run("psql", "-X", *options, "-f", f"{EXAMPLES}/psql/{script}")

    def forward(self):
        return self.psql("new_values.sql", "-v", f"file={self.path}")

    def backward(self):
        return self.psql("old_values.sql")

    def account(self, output):
        """A table of psql: a line of names, a rule, a line of counts."""
        lines = [line.split("|") for line in output.splitlines()]
        for names, _, counts in zip(lines, lines[1:], lines[2:]):
            if "updated" in map(str.strip, names):
                return {name.strip(): int(count) for name, count in zip(names, counts)}
        return {}


class Plpgsql(Psql):
    name = "PL/pgSQL"

    def prepare(self):
        Framework.prepare(self)
        done, output = self.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", f"{EXAMPLES}/plpgsql/give_new_values.sql")
        assert done, output

    @staticmethod
    def expect(database):
        database.execute("""
            UPDATE expected e SET field1 = n.field1, field2 = n.field2 FROM (
                SELECT id, row_number() OVER (PARTITION BY field3 ORDER BY id) AS field1,
                       field2 || ' of ' || count(*) OVER (PARTITION BY field3) AS field2 FROM objects) n
            WHERE n.id = e.id""")

    def forward(self):
        return self.run("psql", "-X", "-c", "SELECT * FROM give_new_values(1000)")

    def backward(self):
        return self.run("psql", "-X", "-c", "SELECT * FROM give_old_values()")


class Sqitch(Framework):
    name = "sqitch"
    bookkeeping = "SELECT change FROM sqitch.changes"

    @staticmethod
    def expect(database):
        database.execute("""
            UPDATE expected e SET field1 = n.field1, field2 = upper(field2)
            FROM (SELECT id, rank() OVER (ORDER BY field2) AS field1 FROM objects) n WHERE n.id = e.id""")

    def sqitch(self, *arguments):
        return self.run("sqitch", *arguments, "db:pg:", directory=f"{EXAMPLES}/sqitch",
                        SQITCH_FULLNAME="Example", SQITCH_EMAIL="example@example.org")

    def forward(self):
        return self.sqitch("deploy", "--verify")

    def backward(self):
        return self.sqitch("revert", "-y")


class Django(Framework):
    """The migration with values computed in Python."""

    name = "Django, BulkUpdate"
    bookkeeping = "SELECT name FROM django_migrations WHERE app = 'objects' ORDER BY name"
    streams = True
    before, after = "0001_initial", "0002_computed_in_python"

    def prepare(self):
        self.database.execute("DROP TABLE IF EXISTS objects, objects_old_values, django_migrations")
        done, output = self.migrate("0001_initial")
        assert done, output
        if self.before != "0001_initial":
            done, output = self.migrate(self.before)
            assert done, output
        self.database.fill()

    def migrate(self, migration):
        # Not in the repository's root: python -m would find its bulk_update.so.
        return self.run(*PYTHON, "-m", "django", "migrate", "objects", migration, directory=self.directory,
                        PYTHONPATH=f"{ROOT}/test/django", DJANGO_SETTINGS_MODULE="project.settings")

    def forward(self):
        return self.migrate(self.after)

    def backward(self):
        return self.migrate(self.before)


class DjangoSql(Django):
    """The migration with values computed by a query. Its account goes to the server's log."""

    name = "Django, RunSQL"
    before, after = "0002_computed_in_python", "0003_computed_in_sql"
    keeps = "objects_old_field3"
    streams = False

    @staticmethod
    def expect(database):
        database.execute("""
            UPDATE expected e SET field3 = n.field3
            FROM (SELECT id, rank() OVER (ORDER BY field2) AS field3 FROM objects) n WHERE n.id = e.id""")

    def migrate(self, migration):
        log = os.environ["BULK_UPDATE_SERVER_LOG"]
        size = os.path.getsize(log)
        done, output = super().migrate(migration)
        with open(log, encoding="utf-8", errors="replace") as file:
            file.seek(size)
            return done, output + file.read()


class Alembic(Framework):
    name = "Alembic"
    driver = "psycopg2"
    versions = "versions"
    bookkeeping = "SELECT version_num FROM alembic_version"
    streams = True

    def alembic(self, *arguments):
        ini = os.path.join(self.directory, "alembic.ini")
        shutil.copy(os.path.join(HERE, "env.py"), self.directory)
        with open(ini, "w", encoding="utf-8") as file:
            file.write(f"[alembic]\nscript_location = {self.directory}\n"
                       # Otherwise it is split at spaces.
                       f"version_path_separator = os\nversion_locations = {EXAMPLES}/alembic/{self.versions}\n")
        return self.run(*PYTHON, "-m", "alembic.config", "-c", ini, *arguments, DRIVER=self.driver)

    def forward(self):
        return self.alembic("upgrade", "head")

    def backward(self):
        return self.alembic("downgrade", "base")


class AlembicPsycopg3(Alembic):
    name = "Alembic, psycopg 3"
    driver = "psycopg"

    def __init__(self, database, directory):
        super().__init__(database, directory)
        if sqlalchemy.__version__ < "2":
            raise Unavailable(f"SQLAlchemy {sqlalchemy.__version__} does not know psycopg 3")


class ActiveRecord(Framework):
    name = "Active Record"
    bookkeeping = "SELECT version FROM schema_migrations"
    streams = True

    def migrate(self, version):
        return self.run("ruby", os.path.join(HERE, "migrate.rb"), f"{EXAMPLES}/activerecord/migrate", version)

    def forward(self):
        return self.migrate("20260101000000")

    def backward(self):
        return self.migrate("0")


class Knex(Framework):
    name = "knex"
    bookkeeping = "SELECT name FROM knex_migrations"
    streams = True
    sparing = {"NODE_OPTIONS": "--max-old-space-size=32 --max-semi-space-size=1"}

    def __init__(self, database, directory):
        super().__init__(database, directory)
        self.project = str(npm.installed(f"{EXAMPLES}/knex", f"{ROOT}/build/examples/knex"))

    def forward(self):
        return self.run("npm", "run", "--silent", "migrate", directory=self.project)

    def backward(self):
        return self.run("npm", "run", "--silent", "rollback", directory=self.project)


ALL = (Psql, Plpgsql, Django, DjangoSql, Alembic, AlembicPsycopg3, ActiveRecord, Sqitch, Knex)
