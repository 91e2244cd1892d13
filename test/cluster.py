"""Clusters that a suite creates, and can kill. Their directory is the environment's CLUSTERS."""

import contextlib
import os
import pwd
import signal
import subprocess
import time

import psycopg2

from harness import TIMEOUT, Session

BIN = f"/usr/lib/postgresql/{os.environ['PGVERSION']}/bin"
DIRECTORY = os.environ["CLUSTERS"]

# Few buffers, so that pages are written before the end of a transaction.
SETTINGS = {
    "listen_addresses": "", "autovacuum": "off", "fsync": "off", "shared_buffers": "1MB", "max_prepared_transactions": "10",
    "wal_level": "logical", "checkpoint_timeout": "1h", "log_line_prefix": "%m [%p] ", "restart_after_crash": "off",
}


def unprivileged():
    """The user that runs the server, which does not run as root."""
    return pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def parent_of(pid):
    """The process' parent, or None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def stage():
    """The settings with which the suite's server finds the extension."""
    with Session() as session:
        return dict(session.run("SELECT name, setting FROM pg_settings WHERE name IN"
                                " ('extension_destdir', 'extension_control_path', 'dynamic_library_path')"))


class Cluster:
    port = 5432  # part of the socket's name only

    def __init__(self, name, base=None, **settings):
        """A new cluster, or a standby of base."""
        self.name, self.process = name, None
        self.killed = []  # backends that the test has made kill themselves
        self.user = unprivileged()
        self.data = f"{DIRECTORY}/{name}/data"
        self.socket = f"{DIRECTORY}/{name}"
        self.log = f"{DIRECTORY}/{name}/log"
        os.mkdir(self.socket)
        os.chown(self.socket, self.user.pw_uid, self.user.pw_gid)
        if base:
            self.program("pg_basebackup", "-D", self.data, "-h", base.socket, "-U", "postgres", "-R", "-c", "fast", "-N")
        else:
            self.program("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "-N")
        with open(f"{self.data}/postgresql.conf", "a", encoding="utf-8") as conf:
            for setting, value in {**SETTINGS, **stage(), **settings, "unix_socket_directories": self.socket}.items():
                quoted = value.replace("'", "''")
                conf.write(f"{setting} = '{quoted}'\n")
        self.start()

    def popen(self, program, *arguments, directory="/", **keywords):
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.Popen([f"{BIN}/{program}", *arguments], cwd=directory, env=environment,
                                stdin=subprocess.DEVNULL, **as_user, **keywords)

    def program(self, program, *arguments, directory="/"):
        """Run a program as the server's user; its output is shown only when it fails."""
        process = self.popen(program, *arguments, directory=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output = process.communicate()[0]
        if process.returncode != 0:
            raise AssertionError(f"{program} failed: {output}")

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = self.popen("postgres", "-D", self.data, stdout=log, stderr=log)
        self.session().close()

    def session(self):
        """A session, as soon as the server accepts one."""
        end = time.perf_counter() + TIMEOUT
        while True:
            try:
                session = Session(host=self.socket, port=self.port, user="postgres", dbname="postgres")
                session.run("SET client_min_messages = error; LOAD 'bulk_update'; RESET client_min_messages")
                return session
            except psycopg2.DatabaseError as error:  # lost in a statement: not OperationalError
                if time.perf_counter() > end or self.process.poll() is not None:
                    raise AssertionError(f"{self.name}: {error}") from error
                time.sleep(0.02)

    def run(self, query):
        with self.session() as session:
            return session.run(query)

    def crash(self):
        """kill -9 of all processes at once: the server is stopped first, so that it cannot start others."""
        os.kill(self.process.pid, signal.SIGSTOP)
        processes = [int(name) for name in os.listdir("/proc") if name.isdigit()
                     and parent_of(name) == self.process.pid]
        for pid in [*processes, self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(parent_of(pid) is not None for pid in processes):
            time.sleep(0.005)

    def stop(self, how=signal.SIGQUIT):
        """By default an immediate shutdown."""
        self.process.send_signal(how)
        self.process.wait()

    def restart_after_crash(self):
        self.crash()
        self.start()

    def end(self):
        """Also for a cluster that is not running."""
        if self.process.poll() is None:
            self.stop()
        if os.environ.get("BULK_UPDATE_LOG_DIR"):
            # The search of the logs for crashes must not find the intended one.
            asked_for = [f"(PID {pid}) was terminated by signal 9" for pid in self.killed]
            with open(self.log, encoding="utf-8", errors="replace") as log, \
                    open(f"{os.environ['BULK_UPDATE_LOG_DIR']}/cluster.{self.name}.log", "w", encoding="utf-8") as copy:
                copy.writelines(line for line in log if not any(text in line for text in asked_for))

    def amcheck(self, locking=True):
        """The output of pg_amcheck, an empty string without problems; locking: with the checks that block writers."""
        done = subprocess.run([f"{BIN}/pg_amcheck", "-h", self.socket, "-p", str(self.port), "-U", "postgres", "-d", "postgres",
                               "--heapallindexed", *(["--parent-check"] if locking else [])],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=TIMEOUT)
        return done.stdout + (f"exit code {done.returncode}" if done.returncode else "")


@contextlib.contextmanager
def clusters():
    """Yields a function that creates clusters with the extension, and standbys; they are ended after the block."""
    made = []

    def new(name, base=None, **settings):
        made.append(Cluster(name, base, **settings))
        if not base:
            made[-1].run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        return made[-1]

    try:
        yield new
    finally:
        for cluster in made:
            cluster.end()
