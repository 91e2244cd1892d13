"""Shared by tests with several sessions: sessions, statements in the background, a backend's memory."""

import threading
import time

import psycopg2

TIMEOUT = 120  # for waits that should take seconds at most
POLL_SECONDS = 0.005


class Statement(threading.Thread):
    """A statement that runs in the background: starts when created; has rows, or error and sqlstate, when ended."""

    def __init__(self, connection, query):
        super().__init__(daemon=True)
        self.connection, self.query = connection, query
        self.rows = self.error = self.sqlstate = self.ended = None
        self.started = time.perf_counter()
        self.start()

    def run(self):
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(self.query)
                self.rows = cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            self.error, self.sqlstate = str(error), error.pgcode
        self.ended = time.perf_counter()

    def wait(self):
        """Wait until it has ended; an AssertionError if it does not."""
        self.join(TIMEOUT)
        assert not self.is_alive(), f"still running after {TIMEOUT} s: {self.query}"
        return self


class Session:
    """A connection in autocommit mode; BEGIN is left to the test."""

    def __init__(self, **parameters):
        self.connection = psycopg2.connect("", **parameters)
        self.connection.autocommit = True
        self.pid = self.connection.get_backend_pid()

    def run(self, query, parameters=None):
        """The rows of the (last) statement, or []."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, query, parameters=None):
        return self.run(query, parameters)[0][0]

    def fails(self, query):
        """The SQLSTATE that a statement ends with, or None."""
        try:
            self.run(query)
        except psycopg2.Error as error:
            return error.pgcode
        return None

    def update(self, target, query, returned="rows_updated, rows_missing", **options):
        """These columns of the report of bulk_update_query as a total; options are SQL expressions."""
        named = "".join(f", {name} => {value}" for name, value in options.items())
        return self.run(f"SELECT {returned} FROM bulk_update_query('{target}', %s, report => 'total'{named})", (query,))[0]

    def background(self, query):
        return Statement(self.connection, query)

    def wait_until(self, condition, unless=None):
        """Poll until the SQL condition is true; an AssertionError after TIMEOUT, or if statement "unless" has ended."""
        end = time.perf_counter() + TIMEOUT
        while not self.value(f"SELECT {condition}"):
            assert unless is None or unless.ended is None, \
                f"ended before {condition}: {unless.error or unless.rows}"
            assert time.perf_counter() < end, f"timed out waiting until {condition}"
            time.sleep(POLL_SECONDS)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error is not None and not self.connection.closed:
            self.connection.cancel()  # the lock for which a statement in the background waits
        self.close()


class Sampler(threading.Thread):
    """The peak of another process's private memory, during the body of a with statement."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = f"/proc/{pid}/status"
        self.stopped = threading.Event()
        self.before = self.peak = self.read()

    def read(self):
        with open(self.path) as lines:
            for line in lines:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise LookupError("RssAnon")

    def run(self):
        while not self.stopped.wait(POLL_SECONDS):
            self.peak = max(self.peak, self.read())

    @property
    def growth(self):
        return self.peak - self.before

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()
        self.peak = max(self.peak, self.read())
