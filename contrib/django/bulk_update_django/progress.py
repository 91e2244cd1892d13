"""How far a call is, for the program."""

import logging
import re
import time
from collections import namedtuple
from contextlib import contextmanager

LOG_SECONDS = 10
# A notice of the extension while it applies rows; not while it sorts them.
APPLIED = re.compile(r"bulk_update: ([\d,]+) (?:of about [\d,]+ )?rows(?: \(\d+ %\))?,")

logger = logging.getLogger("bulk_update_django")


class Progress(namedtuple("Progress", "table phase rows seconds")):
    """phase "staging": rows have been written to the temporary table; "applying": rows of it have been applied.

    seconds: the time since the phase began.
    """

    def __str__(self):
        done = {"staging": "staged", "applying": "applied"}[self.phase]
        rate = f", {self.rows / self.seconds:,.0f} per second" if self.rows and self.seconds > 0 else ""
        return f"{self.table}: {self.rows:,} objects {done}{rate}"


class Reporter:
    """Calls the program's function, or logs at level INFO every 10 seconds."""

    def __init__(self, table, function):
        self.table, self.function = table, function or self.log
        self.logged = time.monotonic()

    def begin(self, phase):
        self.phase, self.began = phase, time.monotonic()
        self.report(0)

    def report(self, rows):
        self.function(Progress(self.table, self.phase, rows, time.monotonic() - self.began))

    def log(self, progress):
        now = time.monotonic()
        if now - self.logged >= LOG_SECONDS:
            self.logged = now
            logger.info("%s", progress)

    @contextmanager
    def of_notices(self, connection):
        """Report the extension's notices. Only psycopg 3 passes them on while the statement runs."""
        if not hasattr(connection, "add_notice_handler"):
            yield
            return

        def read(diagnostic):
            found = APPLIED.match(diagnostic.message_primary or "")
            if found:
                self.report(int(found[1].replace(",", "")))

        connection.add_notice_handler(read)
        try:
            yield
        finally:
            connection.remove_notice_handler(read)
