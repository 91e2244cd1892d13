"""Crashes, standbys, subscribers, prepared transactions; test/crash/run says what it is."""

import argparse
import sys
import time

import psycopg2

from cluster import Cluster
from harness import Session, equal, finish, ok

APPLIERS = ("direct", "sql")
TABLES = ("plain", "parted", "toasted")
ROWS = {"plain": 4000, "parted": 4000, "toasted": 200}
WAIT_AT = {"direct": "write_after", "sql": "receive"}

# What column v holds: {0} is old or new, and the values of table toasted are stored out of line.
VALUE = {
    "plain": "'{0} ' || i", "parted": "'{0} ' || i",
    "toasted": "(SELECT string_agg(md5(i || '{0}' || j), '') FROM generate_series(1, 200) j)",
}

SETUP = """
    CREATE TABLE plain (id bigint PRIMARY KEY, v text, n integer CHECK (n <> -1));
    CREATE INDEX ON plain (v);
    CREATE TABLE parted (id bigint PRIMARY KEY, v text, n integer CHECK (n <> -1)) PARTITION BY HASH (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
    CREATE TABLE parted_3 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
    CREATE INDEX ON parted (v);
    CREATE TABLE toasted (id bigint PRIMARY KEY, v text, n integer CHECK (n <> -1));
    ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL;
"""


def fill():
    return ";".join(f"INSERT INTO {table} SELECT i, {VALUE[table].format('old')}, i FROM generate_series(1, {ROWS[table]}) i"
                    for table in TABLES)


def call(table, value="new", options="chunk_size => 1000", select="{v} AS v, i + 1 AS n", rows=None):
    """A call that gives each row of a table (or so many) its new value."""
    source = (f"SELECT i AS id, {select.format(v=VALUE[table].format(value))}"
              f" FROM generate_series(1, {rows or ROWS[table]}) i")
    quoted = source.replace("'", "''")
    return f"SELECT sum(rows_updated), sum(rows_rejected) FROM bulk_update_query('{table}', '{quoted}', {options})"


def state(session, table):
    """'old', 'new', or what is wrong."""
    counts = session.run(f"""
        SELECT count(*), count(*) FILTER (WHERE v = {VALUE[table].format('old')} AND n = i),
            count(*) FILTER (WHERE v = {VALUE[table].format('new')} AND n = i + 1)
        FROM generate_series(1, {ROWS[table]}) i FULL JOIN {table} ON id = i""")[0]
    rows = ROWS[table]
    return {(rows, rows, 0): "old", (rows, 0, rows): "new"}.get(counts, counts)


def revert(cluster):
    cluster.run(";".join(f"UPDATE {table} SET v = {VALUE[table].format('old')}, n = i"
                         f" FROM generate_series(1, {ROWS[table]}) i WHERE id = i" for table in TABLES))
    cluster.run("VACUUM plain, parted, toasted")


def content(session):
    """A digest of each table."""
    return [session.run(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t")[0]
            for table in TABLES]


def places(session):
    """A digest of where the rows are, in which version."""
    return [session.value(f"SELECT md5(string_agg(tableoid::text || ctid || xmin, ',' ORDER BY id)) FROM {table}")
            for table in TABLES]


class Suite:
    def __init__(self):
        with Session() as session:
            names = [name for name, in session.run(
                "SELECT name FROM pg_settings WHERE name IN"
                " ('extension_destdir', 'extension_control_path', 'dynamic_library_path')")]
            self.stage = {name: session.value(f"SHOW {name}") for name in names}

    def filled(self, name, **settings):
        cluster = self.new(name, **settings)
        cluster.run(SETUP)
        cluster.run(fill())
        cluster.run("SELECT bulk_update_create_rejects('rejects')")
        cluster.run("VACUUM ANALYZE")
        return cluster

    def new(self, name, **settings):
        cluster = Cluster(name, self.stage, **settings)
        cluster.run("CREATE EXTENSION bulk_update; CREATE EXTENSION amcheck")
        return cluster

    def states(self, cluster, expected, name, locking=True):
        with cluster.session() as session:
            equal([state(session, table) for table in TABLES], [expected] * len(TABLES), name)
        equal(cluster.amcheck(locking), "", f"{name}, pg_amcheck")

    def crash(self):
        cluster = self.filled("crashing")
        for applier in APPLIERS:
            for number, last in enumerate(TABLES):
                name = f"crash, {applier}, in the middle of {last}"
                with cluster.session() as admin:
                    session = cluster.session()
                    session.run(f"SET bulk_update.applier = {applier}; BEGIN")
                    for table in TABLES:
                        if table != last:
                            session.run(call(table))
                    session.run(f"SET bulk_update.fault = '{WAIT_AT[applier]}:wait:{ROWS[last] // 2 + 1}'")
                    statement = session.background(call(last, options="chunk_size => 100"))
                    admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}",
                                     unless=statement)
                    if number % 2 == 0:  # what is not committed is on disk, and all after it in WAL alone
                        admin.run("CHECKPOINT")
                cluster.crash()
                statement.wait()
                cluster.start()
                self.states(cluster, "old", f"{name}: nothing of it")

                name = f"crash, {applier}, after the commit ({number + 1})"
                with cluster.session() as session:
                    session.run(f"SET bulk_update.applier = {applier}; BEGIN")
                    for table in TABLES:
                        session.run(call(table))
                    session.run("COMMIT")
                    cluster.crash()
                cluster.start()
                self.states(cluster, "new", f"{name}: all of it")
                revert(cluster)
        self.crash_of_process(cluster)
        cluster.end()

    def crash_of_process(self, cluster):
        """The backend kills itself; the server takes it for a crash of all, and (as it is set here) ends."""
        with cluster.session() as session:
            session.run("SET bulk_update.fault = 'index_insert:kill:700'")
            cluster.killed.append(session.pid)
            ok(session.background(call("plain")).wait().error is not None, "crash, of one process: the error")
        cluster.process.wait()
        cluster.start()
        self.states(cluster, "old", "crash, of one process: nothing of it")

    def prepare(self, cluster, applier):
        with cluster.session() as session:
            session.run(f"SET bulk_update.applier = {applier}; BEGIN")
            for table in TABLES:
                session.run(call(table, options="chunk_size => 500, on_error => 'skip'"))
            session.run("PREPARE TRANSACTION 'bulk'")

    def prepared(self):
        cluster = self.filled("prepared")
        for applier in APPLIERS:
            name = f"prepared transaction, {applier}"
            self.prepare(cluster, applier)
            self.states(cluster, "old", f"{name}: others do not see it", False)
            cluster.run("ROLLBACK PREPARED 'bulk'")
            self.states(cluster, "old", f"{name}: rolled back")
            self.prepare(cluster, applier)
            cluster.restart_after_crash()
            with cluster.session() as session:
                session.run("SET lock_timeout = '50ms'")
                equal(session.fails("SELECT * FROM plain WHERE id = 7 FOR UPDATE NOWAIT"), "55P03",
                      f"{name}: its rows are locked after a crash")
            self.states(cluster, "old", f"{name}: others do not see it after a crash", False)
            cluster.run("ROLLBACK PREPARED 'bulk'")
            self.states(cluster, "old", f"{name}: rolled back after a crash")
            self.prepare(cluster, applier)
            cluster.restart_after_crash()
            cluster.run("COMMIT PREPARED 'bulk'")
            cluster.restart_after_crash()
            self.states(cluster, "new", f"{name}: committed after a crash, and another crash")
            revert(cluster)
        cluster.end()

    def caught_up(self, session, application, column="replay_lsn"):
        position = session.value("SELECT pg_current_wal_lsn()")
        session.wait_until(f"coalesce(bool_or({column} >= '{position}'), false) FROM pg_stat_replication"
                           f" WHERE application_name = '{application}'")

    def same(self, primary, other, name, same_places):
        with primary.session() as one, other.session() as two:
            equal(content(two), content(one), f"{name}: the same rows")
            if same_places:
                equal(places(two), places(one), f"{name}: in the same places")

    def changes(self, cluster, name):
        """Calls of every kind, each committed; for what follows the cluster."""
        bad = "chunk_size => 700, on_error => 'skip', rejects => 'rejects'"
        for applier in APPLIERS:
            with cluster.session() as session:
                session.run(f"SET bulk_update.applier = {applier}")
                for table in TABLES:
                    equal(session.run(call(table, value=applier)), [(ROWS[table], 0)], f"{name}, {applier}: {table}")
                    session.run(call(table, select="i + 2 AS n"))  # leaves the toasted value as it is
                    equal(session.run(call(table, value="second", options=bad,
                                           select="{v} AS v, CASE i % 100 WHEN 7 THEN -1 ELSE i END AS n")),
                          [(ROWS[table] - ROWS[table] // 100, ROWS[table] // 100)], f"{name}, {applier}: {table} with bad rows")
                    session.run("BEGIN; " + call(table, value="rolled back") + "; ROLLBACK")

    def standby(self):
        primary = self.filled("primary")
        standby = Cluster("standby", self.stage, base=primary)
        with primary.session() as session:
            self.changes(primary, "standby")
            self.compared_while_replayed(primary)
            self.caught_up(session, "walreceiver")
            self.same(primary, standby, "standby", True)
            equal(primary.amcheck(), "", "standby: pg_amcheck of the primary")
            self.caught_up(session, "walreceiver")
            equal(standby.amcheck(locking=False), "", "standby: pg_amcheck")
            self.on_standby(primary, standby)

            standby.crash()
            self.changes(primary, "standby that crashed")
            standby.start()
            self.caught_up(session, "walreceiver")
            self.same(primary, standby, "standby that crashed", True)
            revert(primary)
            self.caught_up(session, "walreceiver")

            other = primary.session()
            other.run("SET bulk_update.fault = 'write_after:wait:3000'")
            statement = other.background(call("plain"))
            session.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {other.pid}", unless=statement)
            self.caught_up(session, "walreceiver")
        primary.crash()
        standby.run("SELECT pg_promote()")
        self.states(standby, "old", "promoted standby of a primary that crashed in a call")
        for table in TABLES:
            standby.run(call(table))
        self.states(standby, "new", "promoted standby: calls work")
        primary.end()
        standby.end()

    def compared_while_replayed(self, primary):
        """Calls after which the standby compares each page that it has replayed with the primary's, or ends."""
        for applier in APPLIERS:
            with primary.session() as session:
                session.run(f"SET bulk_update.applier = {applier}; SET wal_consistency_checking = 'all'")
                for table in TABLES:
                    session.run(call(table, value="compared", rows=100,
                                     options="chunk_size => 30, on_error => 'skip', rejects => 'rejects'",
                                     select="{v} AS v, CASE i % 40 WHEN 7 THEN -1 ELSE i END AS n"))

    def on_standby(self, primary, standby):
        dry = "chunk_size => 1000, dry_run => true"
        for applier in APPLIERS:
            with standby.session() as session, primary.session() as there:
                for each in (session, there):
                    each.run(f"SET bulk_update.applier = {applier}")
                for table in TABLES:
                    equal(session.fails(call(table)), "25006", f"call on a standby, {applier}: {table} is an error")
                    equal(session.run(call(table, options=dry)), there.run(call(table, options=dry)),
                          f"dry run on a standby, {applier}: {table} as on the primary")
                    equal(session.run(call(table, options=dry + ", skip_unchanged => true")),
                          there.run(call(table, options=dry + ", skip_unchanged => true")),
                          f"dry run on a standby, {applier}: {table} with skip_unchanged")
                equal(session.run(call("plain", options=dry + ", on_error => 'skip'")), [(ROWS["plain"], 0)],
                      f"dry run on a standby, {applier}: with on_error skip")
                equal(session.fails(call("plain", options=dry + ", rejects => 'rejects'")), "25006",
                      f"dry run on a standby, {applier}: with rejects it is an error")
                equal(session.value("SELECT 1"), 1, f"standby, {applier}: the session goes on")

    def subscriber(self):
        publisher = self.filled("publisher", logical_decoding_work_mem="64kB")
        subscriber = self.new("subscriber")
        subscriber.run(SETUP)
        publisher.run("CREATE PUBLICATION p FOR TABLE plain, parted, toasted")
        for streaming in ("off", "on"):
            name = f"subscriber, streaming {streaming}"
            with subscriber.session() as session:
                session.run("TRUNCATE plain, parted, toasted")
                session.run(f"CREATE SUBSCRIPTION s CONNECTION 'host={publisher.socket} port={publisher.port} user=postgres"
                            f" dbname=postgres' PUBLICATION p WITH (streaming = {streaming})")
                session.wait_until("bool_and(srsubstate = 'r') FROM pg_subscription_rel")
                self.changes(publisher, name)
                with publisher.session() as there:
                    self.caught_up(there, "s")
                    if streaming == "on":
                        there.wait_until("bool_or(stream_txns > 0) FROM pg_stat_replication_slots WHERE slot_name = 's'")
                        ok(True, f"{name}: transactions were sent before they ended")
                self.same(publisher, subscriber, name, False)
                session.run("DROP SUBSCRIPTION s")
            equal(subscriber.amcheck(), "", f"{name}: pg_amcheck")
        self.without_identity(publisher)
        publisher.end()
        subscriber.end()

    def without_identity(self, publisher):
        """What cannot be replicated is refused as UPDATE refuses it."""
        publisher.run("ALTER TABLE plain REPLICA IDENTITY NOTHING")
        for applier in APPLIERS:
            with publisher.session() as session:
                session.run(f"SET bulk_update.applier = {applier}")
                equal(session.fails(call("plain")), session.fails("UPDATE plain SET n = n"),
                      f"published table without replica identity, {applier}: the error of UPDATE")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=("crash", "prepared", "standby", "subscriber"))
    arguments = parser.parse_args()
    suite = Suite()
    for part in arguments.only or ("crash", "prepared", "standby", "subscriber"):
        started = time.perf_counter()
        try:
            getattr(suite, part)()
        except (AssertionError, psycopg2.Error, OSError) as problem:
            ok(False, f"{part}: {problem}")
        for cluster in Cluster.all:
            cluster.end()
        Cluster.all.clear()
        print(f"# {part}: {time.perf_counter() - started:.1f} s", flush=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
