"""The command bulk_update_job, in processes of its own."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from io import StringIO

from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.state import ProjectState

from app.models import Object
from base import Case
from bulk_update_django import CreateBulkUpdateJob, bulk_update_job_create, bulk_update_jobs
from bulk_update_django.jobs import control

ROWS = 60
SECONDS = 60  # for waits that should take a few


class Command(Case):
    models = [Object]

    def setUp(self):
        super().setUp()
        Object.objects.bulk_create(Object(id=n, field1=n) for n in range(1, ROWS + 1))
        bulk_update_job_create("job", Object, [Object(id=n, field1=-n) for n in range(1, ROWS + 1)], ["field1"],
                               batch_rows=10, old_values="kept")
        self.processes = []

    def tearDown(self):
        self.open()
        for process in self.processes:
            process.kill()
            process.communicate()
        self.wait_until(lambda: not any(job.processes for job in bulk_update_jobs()))
        for job in bulk_update_jobs():
            control("drop", job.name)
        self.sql("DROP TABLE IF EXISTS kept; DROP FUNCTION IF EXISTS slowly CASCADE")
        super().tearDown()

    def sql(self, statements):
        with connection.cursor() as cursor:
            cursor.execute(statements)

    def before_each_row(self, action):
        self.sql(f"""CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {action}; RETURN NEW; END';
                     CREATE TRIGGER slowly BEFORE UPDATE ON app_object FOR EACH ROW EXECUTE FUNCTION slowly()""")

    def slow(self, seconds=0.05):
        """Each row takes some time."""
        self.before_each_row(f"PERFORM pg_sleep({seconds})")

    def quick(self):
        self.sql("DROP TRIGGER slowly ON app_object")

    def close(self, row):
        """From this row on, the job waits until open() is called."""
        self.sql("SELECT pg_advisory_lock(1)")
        self.before_each_row(f"IF NEW.id >= {row} THEN PERFORM pg_advisory_xact_lock_shared(1); END IF")

    def open(self):
        self.sql("SELECT pg_advisory_unlock_all()")

    def start(self, *arguments):
        self.processes.append(subprocess.Popen(
            [sys.executable, "-B", "-m", "django", "bulk_update_job", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=pathlib.Path(__file__).resolve().parent))
        return self.processes[-1]

    def ends(self, process, code=0):
        output, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, code, output)
        return output

    def manage(self, *arguments, code=0):
        return self.ends(self.start(*arguments), code)

    def wait_until(self, condition):
        end = time.monotonic() + SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, "timed out")
            time.sleep(0.02)

    def job(self, name="job"):
        job, = bulk_update_jobs(name)
        return job

    def values(self):
        return list(Object.objects.order_by("id").values_list("field1", flat=True))

    def assertDone(self):
        """Each row once."""
        job = self.job()
        self.assertEqual((job.state, job.rows_done, job.rows_updated), ("done", ROWS, ROWS))
        self.assertEqual(self.values(), [-n for n in range(1, ROWS + 1)])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(DISTINCT id) FROM kept")
            self.assertEqual(cursor.fetchone(), (ROWS, ROWS))

    def test_run_and_take_back(self):
        self.assertEqual(self.manage("run", "job", "--max-batches", "2"),
                         'job "job": interrupted, 20 of 60 rows (33 %), 20 updated\n')
        output = self.manage("undo", "job", code=1)
        self.assertIn('job "job" is interrupted: let it end, or cancel it first', output)
        self.manage("run", "job", "--max-time", "1 hour")
        self.assertDone()
        Object.objects.filter(id=1).update(field1=0)
        output = self.manage("undo", "job", "--max-batches", "1")
        self.assertEqual(output, 'job "job_undo": created, 60 rows to take back\n'
                         'job "job_undo": interrupted, 10 of 60 rows (16 %), 9 updated, 1 stale\n')
        self.assertEqual(self.manage("undo", "job"),
                         'job "job_undo": done, 60 of 60 rows (100 %), 59 updated, 1 stale\n')
        self.assertEqual(self.values(), [0, *range(2, ROWS + 1)])
        self.assertEqual(self.manage("list").count("\n"), 2)

    def test_two_processes_and_kill_9(self):
        # The first must not end before the second has begun.
        self.slow(0.2)
        first, second = (self.start("run", "job", "--interval", "0.1") for _ in range(2))
        self.wait_until(lambda: len(self.job().processes or []) == 2 and self.job().batches_done >= 1)
        running = re.compile(r'job "job": running, \d+ of 60 rows \(\d+ %\), \d+ updated$')
        for process in (first, second):
            self.assertTrue(any(running.match(line) for line in process.stdout))
        first.kill()
        self.wait_until(lambda: len(self.job().processes or []) == 1)
        second.kill()
        self.wait_until(lambda: not self.job().processes)
        for process in (first, second):
            self.ends(process, -signal.SIGKILL)
        job = self.job()
        self.assertEqual(job.state, "interrupted")
        self.assertLess(job.batches_done, job.batches)
        self.assertEqual(sum(n < 0 for n in self.values()), job.rows_updated)
        self.quick()
        self.manage("run", "job")
        self.assertDone()

    def test_signals(self):
        self.slow()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = self.job().batches_done
            process = self.start("run", "job", "--interval", "0.1")
            self.wait_until(lambda: self.job().batches_done > before)
            process.send_signal(number)
            output = self.ends(process, 128 + number)
            self.assertIn("stopped: the running batch has been rolled back; run the job again to continue", output)
            self.wait_until(lambda: not self.job().processes)
            self.assertNotIn("Traceback", output)
        self.quick()
        self.manage("run", "job")
        self.assertDone()

    def test_pause_resume_cancel_and_drop(self):
        self.manage("pause", "job")
        self.assertEqual(self.manage("run", "job"), 'job "job": paused, 0 of 60 rows (0 %), 0 updated\n')
        self.manage("resume", "job")
        self.manage("run", "job", "--max-batches=1")
        self.manage("cancel", "job")
        self.assertIn('job "job" is cancelled', self.manage("run", "job", code=1))
        self.manage("undo", "job", "--new-name", "back", "--batch-rows", "5", "--on-stale", "error")
        self.assertEqual(self.job("back").batches, 2)
        self.manage("drop", "job")
        self.assertEqual([job.name for job in bulk_update_jobs()], ["back"])

    def test_pause_while_it_runs(self):
        self.close(row=15)
        process = self.start("run", "job")
        self.wait_until(lambda: self.job().batches_done == 1)
        self.manage("pause", "job")
        self.open()
        self.assertIn('job "job": paused, 20 of 60 rows (33 %), 20 updated', self.ends(process))

    def test_the_migration_is_reversed_while_it_runs(self):
        self.slow()
        process, state = self.start("run", "job"), ProjectState.from_apps(apps)
        self.wait_until(lambda: self.job().batches_done >= 1)
        operation = CreateBulkUpdateJob("job", "Object", iter, ["field1"], old_values="kept")
        with self.assertRaisesMessage(IrreversibleError, 'Job "job" is running. Let it end, or stop it by "'), \
                connection.schema_editor() as editor:
            operation.database_backwards("app", editor, state, state)
        self.ends(process)
        self.assertDone()

    def test_errors(self):
        self.sql("ALTER TABLE app_object ADD CONSTRAINT bounded CHECK (field1 > -25)")
        try:
            output = self.manage("run", "job", code=1)
            self.assertIn('job "job": failed, 20 of 60 rows (33 %), 20 updated, 1 batches failed', output)
            for words in ('violates check constraint "bounded"', "DETAIL:  Failing row contains",
                          'batch 3 of job "job", rows 21 to 30'):
                self.assertIn(words, output)
            self.assertNotIn("Traceback", output)
            self.assertIn("last_sqlstate: 23514\n", self.manage("status", "job"))
        finally:
            self.sql("ALTER TABLE app_object DROP CONSTRAINT bounded")
        self.manage("run", "job")
        self.assertDone()
        for subcommand in ("run", "status", "undo", "pause", "resume", "cancel", "drop"):
            self.assertIn('job "none" does not exist', self.manage(subcommand, "none", code=1))
        bulk_update_job_create("job_undo", Object, [], ["field1"])
        self.assertIn("use --new-name", self.manage("undo", "job", code=1))
        self.assertIn("invalid input syntax for type interval", self.manage("run", "job", "--max-time=soon", code=1))

    def test_in_a_program(self):
        """The command has its own session, whatever the program's is set to."""
        self.slow(0.01)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '50ms'")
        try:
            call_command("bulk_update_job", "run", "job", stdout=StringIO())
        finally:
            self.sql("RESET statement_timeout")
        self.assertDone()
        with self.assertRaisesMessage(CommandError, 'job "none" does not exist'):
            call_command("bulk_update_job", "run", "none")
