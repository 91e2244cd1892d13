"""manage.py bulk_update_job: run, watch, stop and take back jobs of the extension bulk_update."""

import signal
import threading
from contextlib import contextmanager

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, connections

from ...jobs import bulk_update_job_run, bulk_update_job_undo, bulk_update_jobs, control, line_of

CONTROLS = {
    "pause": "let no more batches of a job begin",
    "resume": "let a paused job run again; this runs nothing",
    "cancel": "let no more batches of a job ever begin; what is done stays done",
    "drop": "remove a job, its account and its table of rows",
}


class Stopped(BaseException):
    """A signal ends the command."""


@contextmanager
def stopped_by_signals():
    """Raise Stopped at the signals that end a process. Only the main thread gets them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Run(threading.Thread):
    """The CALL, in its own thread and session: psycopg2 lets its thread do nothing else until a statement ends."""

    def __init__(self, name, database, **limits):
        super().__init__(daemon=True)
        self.job, self.database, self.limits = name, database, limits
        self.session = self.error = None

    def run(self):
        connection = connections[self.database]
        try:
            connection.ensure_connection()
            connection.set_autocommit(True)
            self.settings(connection)
            self.session = connection.connection
            bulk_update_job_run(self.job, using=self.database, **self.limits)
        except Exception as error:  # for the command's thread
            self.error = error
        finally:
            self.session = None
            connection.close()

    @staticmethod
    def settings(connection):
        """No limit for the whole CALL; end it if this process is gone, where the server can notice that."""
        for setting in ("statement_timeout = 0", "client_connection_check_interval = '1s'"):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"SET {setting}")
            except DatabaseError:
                pass

    def stop(self):
        """Cancel the CALL; its batch is rolled back. It may be between two statements, so more than once."""
        while self.is_alive():
            try:
                if self.session is not None:
                    self.session.cancel()
            except Exception:  # the driver's: the session has just ended
                pass
            self.join(0.5)


class Command(BaseCommand):
    help = "Run, watch, stop and take back jobs of the extension bulk_update."
    requires_system_checks = []

    def add_arguments(self, parser):
        commands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")

        def add(name, text):
            command = commands.add_parser(name, help=text, description=text)
            command.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
            return command

        def add_run(command):
            command.add_argument("name", help="name of the job")
            command.add_argument("--max-batches", type=int, metavar="N", help="end after N batches")
            command.add_argument("--max-time", metavar="INTERVAL", help="begin no batch later, such as '4 min'")
            command.add_argument("--interval", type=float, default=10, metavar="SECONDS",
                                 help="time between two lines of progress (default: 10)")

        add_run(add("run", "run the batches of a job that are not done, and commit each"))
        undo = add("undo", "create a job that takes a job back, unless it exists, and run it")
        add_run(undo)
        undo.add_argument("--new-name", metavar="NAME", help="name of the job that does so (default: NAME_undo)")
        undo.add_argument("--batch-rows", type=int, metavar="N", help="rows in a batch (default: as in the job)")
        undo.add_argument("--on-stale", choices=("ignore", "error"), help="for rows that have changed since")
        add("list", "show a line for each job")
        add("status", "show all columns of a job").add_argument("name", help="name of the job")
        for name, text in CONTROLS.items():
            add(name, text).add_argument("name", help="name of the job")

    def handle(self, *, subcommand, **options):
        try:
            if subcommand in CONTROLS:
                control(subcommand, options["name"], options["database"])
            else:
                getattr(self, subcommand)(**options)
        except Error as error:  # of the database: with its detail, hint and context
            raise CommandError(str(error).strip()) from error

    def job(self, name, database):
        jobs = bulk_update_jobs(name, using=database)
        if not jobs:
            raise CommandError(f'job "{name}" does not exist')
        return jobs[0]

    def list(self, *, database, **_):
        for job in bulk_update_jobs(using=database):
            self.stdout.write(line_of(job))

    def status(self, *, name, database, **_):
        for column, value in self.job(name, database)._asdict().items():
            if value is not None:
                self.stdout.write(f"{column}: {value}")

    def undo(self, *, name, new_name, batch_rows, on_stale, database, **options):
        job, new_name = self.job(name, database), new_name or f"{name}_undo"
        existing = bulk_update_jobs(new_name, using=database)
        if not existing:
            if job.state not in ("done", "cancelled"):
                raise CommandError(f'job "{name}" is {job.state}: let it end, or cancel it first, because batches that'
                                   " it applies later are not taken back")
            rows = bulk_update_job_undo(name, new_name, using=database, batch_rows=batch_rows, on_stale=on_stale)
            self.stdout.write(f'job "{new_name}": created, {rows:,} rows to take back')
        elif existing[0].undoes != job.run:
            raise CommandError(f'job "{new_name}" exists, and does not take back job "{name}": use --new-name')
        self.run(name=new_name, database=database, **options)

    def run(self, *, name, database, max_batches, max_time, interval, **_):
        self.job(name, database)
        run = Run(name, database, max_batches=max_batches, max_time=max_time)
        try:
            with stopped_by_signals():
                run.start()
                while run.is_alive():
                    run.join(interval)
                    if run.is_alive():
                        self.progress(name, database)
        except Stopped as stopped:
            run.stop()
            self.progress(name, database)
            raise CommandError("stopped: the running batch has been rolled back; run the job again to continue",
                               returncode=128 + stopped.args[0])
        self.progress(name, database)
        if run.error:
            raise run.error

    def progress(self, name, database):
        """If the server is gone, the thread knows more about it."""
        try:
            self.stdout.write(line_of(self.job(name, database)))
            self.stdout.flush()
        except Error:
            connections[database].close()
