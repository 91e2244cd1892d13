"""Crashes, standbys, subscribers, prepared transactions; test/crash/run describes the suite."""

import pytest

from cluster import clusters

APPLIERS = ("direct", "sql")
TABLES = ("plain", "parted", "toasted")
ROWS = {"plain": 4000, "parted": 4000, "toasted": 200}
SORTS = ("on", "off", "on")  # for each of the tables
WAIT_AT = {"direct": "write_after", "sql": "receive"}

# Values of column v: {0} is old or new, and the values of table toasted are stored out of line.
VALUE = {
    "plain": "'{0} ' || i", "parted": "'{0} ' || i",
    "toasted": "(SELECT string_agg(md5(i || '{0}' || j), '') FROM generate_series(1, 200) j)",
}

EACH_APPLIER = pytest.mark.parametrize("applier", APPLIERS)

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
    """A call that gives each row of a table (or that many rows) its new value."""
    source = (f"SELECT i AS id, {select.format(v=VALUE[table].format(value))}"
              f" FROM generate_series(1, {rows or ROWS[table]}) i")
    quoted = source.replace("'", "''")
    return f"SELECT sum(rows_updated), sum(rows_rejected) FROM bulk_update_query('{table}', '{quoted}', {options})"


def state(session, table):
    """'old', 'new', or the problem."""
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
    """A digest of where the rows are, and of their versions."""
    return [session.value(f"SELECT md5(string_agg(tableoid::text || ctid || xmin, ',' ORDER BY id)) FROM {table}")
            for table in TABLES]


@pytest.fixture
def new():
    with clusters() as create:
        yield create


@pytest.fixture
def filled(new):
    def cluster(name, **settings):
        made = new(name, **settings)
        made.run(SETUP)
        made.run(fill())
        made.run("SELECT bulk_update_create_rejects('rejects')")
        made.run("VACUUM ANALYZE")
        return made

    return cluster


def states(cluster, expected, name, locking=True):
    with cluster.session() as session:
        assert [state(session, table) for table in TABLES] == [expected] * len(TABLES), name
    assert cluster.amcheck(locking) == "", f"{name}, pg_amcheck"


@EACH_APPLIER
def test_crash(filled, applier):
    cluster = filled(f"crashing_{applier}")
    for number, last in enumerate(TABLES):
        name = f"crash, {applier}, in the middle of {last}"
        with cluster.session() as admin:
            session = cluster.session()
            session.run(f"SET bulk_update.applier = {applier}; SET bulk_update.sort_index_entries = {SORTS[number]}; BEGIN")
            for table in TABLES:
                if table != last:
                    session.run(call(table))
            session.run(f"SET bulk_update.fault = '{WAIT_AT[applier]}:wait:{ROWS[last] // 2 + 1}'")
            statement = session.background(call(last, options="chunk_size => 100"))
            admin.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {session.pid}",
                             unless=statement)
            if number % 2 == 0:  # uncommitted changes are on disk, and all later ones only in WAL
                admin.run("CHECKPOINT")
        cluster.crash()
        statement.wait()
        cluster.start()
        states(cluster, "old", f"{name}: nothing of it")

        name = f"crash, {applier}, after the commit ({number + 1})"
        with cluster.session() as session:
            session.run(f"SET bulk_update.applier = {applier}; SET bulk_update.sort_index_entries = {SORTS[number]}; BEGIN")
            for table in TABLES:
                session.run(call(table))
            session.run("COMMIT")
            cluster.crash()
        cluster.start()
        states(cluster, "new", f"{name}: all of it")
        revert(cluster)


@pytest.mark.parametrize("point, passes", (("index_insert", 700), ("entry_sort", 700), ("entry_enter", 2500)))
def test_crash_of_one_process(filled, point, passes):
    """The backend kills itself, also while index entries wait and are entered; the server treats it as a crash, and (with
    this setting) ends."""
    cluster = filled(f"process_{point}")
    with cluster.session() as session:
        session.run(f"SET bulk_update.fault = '{point}:kill:{passes}'")
        cluster.killed.append(session.pid)
        assert session.background(call("plain")).wait().error is not None, "crash, of one process: the error"
    cluster.process.wait()
    cluster.start()
    states(cluster, "old", "crash, of one process: nothing of it")


def prepare(cluster, applier):
    with cluster.session() as session:
        session.run(f"SET bulk_update.applier = {applier}; BEGIN")
        for table in TABLES:
            session.run(call(table, options="chunk_size => 500, on_error => 'skip'"))
        session.run("PREPARE TRANSACTION 'bulk'")


@EACH_APPLIER
def test_prepared(filled, applier):
    cluster = filled(f"prepared_{applier}")
    name = f"prepared transaction, {applier}"
    prepare(cluster, applier)
    states(cluster, "old", f"{name}: others do not see it", False)
    cluster.run("ROLLBACK PREPARED 'bulk'")
    states(cluster, "old", f"{name}: rolled back")
    prepare(cluster, applier)
    cluster.restart_after_crash()
    with cluster.session() as session:
        session.run("SET lock_timeout = '50ms'")
        assert session.fails("SELECT * FROM plain WHERE id = 7 FOR UPDATE NOWAIT") == "55P03", \
            f"{name}: its rows are locked after a crash"
    states(cluster, "old", f"{name}: others do not see it after a crash", False)
    cluster.run("ROLLBACK PREPARED 'bulk'")
    states(cluster, "old", f"{name}: rolled back after a crash")
    prepare(cluster, applier)
    cluster.restart_after_crash()
    cluster.run("COMMIT PREPARED 'bulk'")
    cluster.restart_after_crash()
    states(cluster, "new", f"{name}: committed after a crash, and another crash")


def caught_up(session, application, column="replay_lsn"):
    position = session.value("SELECT pg_current_wal_lsn()")
    session.wait_until(f"coalesce(bool_or({column} >= '{position}'), false) FROM pg_stat_replication"
                       f" WHERE application_name = '{application}'")


def same(primary, other, name, same_places):
    with primary.session() as one, other.session() as two:
        assert content(two) == content(one), f"{name}: the same rows"
        if same_places:
            assert places(two) == places(one), f"{name}: in the same places"


def changes(cluster, name):
    """Calls of every kind, each committed, for the other cluster to replay."""
    bad = "chunk_size => 700, on_error => 'skip', rejects => 'rejects'"
    for applier in APPLIERS:
        with cluster.session() as session:
            session.run(f"SET bulk_update.applier = {applier}")
            for table, sorts in zip(TABLES, SORTS):
                session.run(f"SET bulk_update.sort_index_entries = {sorts}")
                assert session.run(call(table, value=applier)) == [(ROWS[table], 0)], f"{name}, {applier}: {table}"
                session.run(call(table, select="i + 2 AS n"))  # does not update the toasted value
                assert session.run(call(table, value="second", options=bad,
                                        select="{v} AS v, CASE i % 100 WHEN 7 THEN -1 ELSE i END AS n")) \
                    == [(ROWS[table] - ROWS[table] // 100, ROWS[table] // 100)], \
                    f"{name}, {applier}: {table} with bad rows"
                session.run("BEGIN; " + call(table, value="rolled back") + "; ROLLBACK")


def test_standby(filled, new):
    primary = filled("primary")
    standby = new("standby", base=primary)
    with primary.session() as session:
        changes(primary, "standby")
        compared_while_replayed(primary)
        caught_up(session, "walreceiver")
        same(primary, standby, "standby", True)
        assert primary.amcheck() == "", "standby: pg_amcheck of the primary"
        caught_up(session, "walreceiver")
        assert standby.amcheck(locking=False) == "", "standby: pg_amcheck"
        on_standby(primary, standby)

        standby.crash()
        changes(primary, "standby that crashed")
        standby.start()
        caught_up(session, "walreceiver")
        same(primary, standby, "standby that crashed", True)
        revert(primary)
        caught_up(session, "walreceiver")

        other = primary.session()
        other.run("SET bulk_update.fault = 'write_after:wait:3000'")
        statement = other.background(call("plain"))
        session.wait_until(f"wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = {other.pid}", unless=statement)
        caught_up(session, "walreceiver")
    primary.crash()
    standby.run("SELECT pg_promote()")
    states(standby, "old", "promoted standby of a primary that crashed in a call")
    for table in TABLES:
        standby.run(call(table))
    states(standby, "new", "promoted standby: calls work")


def compared_while_replayed(primary):
    """Calls after which the standby compares each replayed page with the primary's; a difference ends it."""
    for applier in APPLIERS:
        with primary.session() as session:
            session.run(f"SET bulk_update.applier = {applier}; SET wal_consistency_checking = 'all'")
            for table in TABLES:
                session.run(call(table, value="compared", rows=100,
                                 options="chunk_size => 30, on_error => 'skip', rejects => 'rejects'",
                                 select="{v} AS v, CASE i % 40 WHEN 7 THEN -1 ELSE i END AS n"))


def on_standby(primary, standby):
    dry = "chunk_size => 1000, dry_run => true"
    for applier in APPLIERS:
        with standby.session() as session, primary.session() as there:
            for each in (session, there):
                each.run(f"SET bulk_update.applier = {applier}")
            for table in TABLES:
                assert session.fails(call(table)) == "25006", f"call on a standby, {applier}: {table} is an error"
                assert session.run(call(table, options=dry)) == there.run(call(table, options=dry)), \
                    f"dry run on a standby, {applier}: {table} as on the primary"
                assert session.run(call(table, options=dry + ", skip_unchanged => true")) \
                    == there.run(call(table, options=dry + ", skip_unchanged => true")), \
                    f"dry run on a standby, {applier}: {table} with skip_unchanged"
            assert session.run(call("plain", options=dry + ", on_error => 'skip'")) == [(ROWS["plain"], 0)], \
                f"dry run on a standby, {applier}: with on_error skip"
            assert session.fails(call("plain", options=dry + ", rejects => 'rejects'")) == "25006", \
                f"dry run on a standby, {applier}: with rejects it is an error"
            assert session.value("SELECT 1") == 1, f"standby, {applier}: the session can continue"


def test_subscriber(filled, new):
    publisher = filled("publisher", logical_decoding_work_mem="64kB")
    subscriber = new("subscriber")
    subscriber.run(SETUP)
    publisher.run("CREATE PUBLICATION p FOR TABLE plain, parted, toasted")
    for streaming in ("off", "on"):
        name = f"subscriber, streaming {streaming}"
        with subscriber.session() as session:
            session.run("TRUNCATE plain, parted, toasted")
            session.run(f"CREATE SUBSCRIPTION s CONNECTION 'host={publisher.socket} port={publisher.port} user=postgres"
                        f" dbname=postgres' PUBLICATION p WITH (streaming = {streaming})")
            session.wait_until("bool_and(srsubstate = 'r') FROM pg_subscription_rel")
            changes(publisher, name)
            with publisher.session() as there:
                caught_up(there, "s")
                if streaming == "on":
                    # Transactions were sent before they ended.
                    there.wait_until("bool_or(stream_txns > 0) FROM pg_stat_replication_slots WHERE slot_name = 's'")
            same(publisher, subscriber, name, False)
            session.run("DROP SUBSCRIPTION s")
        assert subscriber.amcheck() == "", f"{name}: pg_amcheck"
    without_identity(publisher)


def without_identity(publisher):
    """A change that cannot be replicated is an error, as for UPDATE."""
    publisher.run("ALTER TABLE plain REPLICA IDENTITY NOTHING")
    for applier in APPLIERS:
        with publisher.session() as session:
            session.run(f"SET bulk_update.applier = {applier}")
            assert session.fails(call("plain")) == session.fails("UPDATE plain SET n = n"), \
                f"published table without replica identity, {applier}: the error of UPDATE"
