"""What must hold after the load: the tables, the log and the reports of the calls agree."""

import re

from schema import COMING_AND_GOING, HOMES, PLACED, SCALE, SILENT, STATE, TABLES

NOW = " UNION ALL ".join(
    f"SELECT '{table}'::name AS tab, uid, ARRAY[{', '.join(STATE)}] AS state FROM {table}" for table in TABLES)

# Queries that find violations; their first rows are shown.
NOTHING = {
    "in the tables without a log, too, bulk updates wrote the values of the row's own key": " UNION ALL ".join(
        f"SELECT * FROM {table} WHERE " + " OR ".join(f"{c} % {SCALE} NOT IN (id, id - {HOMES})" for c in "abc")
        for table in (SILENT, PLACED)),
    "each change begins with what the one before it left: no update is lost": """
        SELECT * FROM (
            SELECT *, lag(op) OVER w AS op_before, lag(new) OVER w AS new_before, lag(old) OVER w AS old_before
            FROM log WINDOW w AS (PARTITION BY tab, uid ORDER BY seq)) e
        WHERE CASE
            WHEN op <> 'INSERT' THEN new_before IS DISTINCT FROM old
            WHEN op_before IS NULL THEN false
            -- An update that moves a row to another partition.
            ELSE NOT (tab = 'parted' AND op_before = 'DELETE' AND new[2:] IS NOT DISTINCT FROM old_before[2:]) END""",
    "the tables are what the log's last entries say": f"""
        SELECT * FROM ({NOW}) t FULL JOIN (
            SELECT DISTINCT ON (tab, uid) tab, uid, new FROM log ORDER BY tab, uid, seq DESC) l USING (tab, uid)
        WHERE state IS DISTINCT FROM new""",
    "a counting trigger has counted each update once": """
        SELECT * FROM log WHERE op = 'UPDATE' AND new[3] <> old[3] + (tab = 'counted')::int""",
    "pgbench's transactions changed what they say and nothing else": f"""
        SELECT * FROM log WHERE call IS NULL AND op = 'UPDATE' AND NOT (
            new[4:] IS NOT DISTINCT FROM old[4:]
            AND (new[1:2] = ARRAY[old[1], old[2] + 1] OR new[1:2] = ARRAY[old[1] + {HOMES}, old[2]]))""",
    "bulk updates wrote the values of the row's own key, and nothing else": f"""
        SELECT l.*, c.written FROM log l LEFT JOIN calls c USING (call)
        WHERE l.call IS NOT NULL AND (c.call IS NULL OR c.tab <> l.tab OR l.op <> 'UPDATE' OR l.new[1:2] <> l.old[1:2]""" + "".join(f"""
            OR l.new[{i}] IS DISTINCT FROM CASE WHEN {i} = ANY (c.written) THEN c.call * {SCALE} + l.new[1] ELSE l.old[{i}] END"""
            for i in range(4, len(STATE) + 1)) + ")",
    "bulk updates wrote no row with a key that they had not": """
        SELECT * FROM log l LEFT JOIN (SELECT call, key FROM calls, unnest(keys) key) k ON (k.call, key) = (l.call, new[1])
        WHERE l.call IS NOT NULL AND key IS NULL""",
    "no call updated a row or a key twice": """
        SELECT call, min(new[1]), max(new[1]) FROM log WHERE call IS NOT NULL
        GROUP BY call HAVING count(*) <> count(DISTINCT uid) OR count(*) <> count(DISTINCT new[1])""",
    "each call reported as many updates as it made, and an outcome for each row": """
        SELECT c.call, c.fetched, c.updated, c.missing, cardinality(c.keys), n
        FROM calls c LEFT JOIN (SELECT call, count(*) AS n FROM log GROUP BY call) l USING (call)
        WHERE c.updated <> coalesce(n, 0) OR c.fetched <> c.updated + c.missing + c.duplicate
            OR c.updated + c.missing <> cardinality(c.keys)""",
    "from REPEATABLE READ on, no call changed a version that its snapshot had not": """
        SELECT * FROM (SELECT call, tab, uid, lag(xid) OVER (PARTITION BY tab, uid ORDER BY seq) AS before FROM log) l
            JOIN calls c USING (call)
        WHERE isolation <> 'READ COMMITTED' AND NOT pg_visible_in_snapshot(before, snapshot)""",
    # From before the call's snapshot until its end: the last entry committed when the call began has the key, and
    # no later entry until the end of the call removed it. Materialized: 18 would plan the search of the
    # log again and again for each call, which took ten minutes.
    "no call missed a row that existed throughout": f"""
        WITH missed AS MATERIALIZED (
            SELECT c.*, key FROM calls c, unnest(c.keys) AS key
            WHERE NOT (c.tab = 'parted' AND key > {2 * HOMES})
            AND NOT EXISTS (SELECT FROM log l WHERE (l.call, l.new[1]) = (c.call, key))
        ), held AS MATERIALIZED (
            SELECT tab, uid, seq, xid, new[1] AS key, lead(seq) OVER w AS end_seq, lead(xid) OVER w AS end_xid
            FROM log WHERE op <> 'UPDATE' OR new[1] <> old[1] WINDOW w AS (PARTITION BY tab, uid ORDER BY seq))
        SELECT m.call, m.isolation, h.* FROM missed m JOIN held h USING (tab, key)
        WHERE pg_visible_in_snapshot(h.xid, m.started)
        AND (h.end_seq IS NULL OR NOT pg_visible_in_snapshot(h.end_xid, m.started) AND h.end_seq > m.last_seq)""",
}

EXPECTED_IN_LOG = re.compile(
    r"ERROR:  (could not serialize access|canceling autovacuum task"
    r"|tuple to be locked was already moved to another partition)")


def wrong_rows(session, what):
    """The first rows that a query of NOTHING finds."""
    # Estimates for arrays are guesses: a nested loop over them would take too long.
    session.run("SET work_mem = '256MB'; SET jit = off; SET enable_nestloop = off")
    return session.run(f"SELECT * FROM ({NOTHING[what]}) found LIMIT 5")


CHECKED = "ARRAY['plain'::regclass, 'counted', 'silent', 'placed', 'parted_1', 'parted_2', 'parted_3', '%s']" % COMING_AND_GOING


def damaged_tables(session, tables=CHECKED):
    return session.run(f"SELECT t, v.* FROM unnest({tables}) t, verify_heapam(t, check_toast => true) v LIMIT 5")


def check_indexes(session, tables=CHECKED):
    """The number of indexes; amcheck raises an error if it finds a problem."""
    return session.value(f"""SELECT count(*) FROM (
        SELECT bt_index_check(indexrelid, true), bt_index_parent_check(indexrelid, true, true) FROM pg_index
        WHERE indrelid = ANY ({tables}) AND indisvalid) i""")


def invalid_indexes(session):
    return session.run("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")


def unexpected_in_log(path, start):
    with open(path, encoding="utf-8", errors="replace") as lines:
        lines.seek(start)
        entries = re.split(r"^(?=\d.* (?:LOG|ERROR|FATAL|PANIC|WARNING):  )", lines.read(), flags=re.M)
    return [entry for entry in entries if re.search(r"^.*(ERROR|FATAL|PANIC|WARNING):  ", entry)
            and not EXPECTED_IN_LOG.search(entry.split("\n")[0]) and not is_expected_deadlock(entry)]


def is_expected_deadlock(entry):
    """Also one in which a session waits for the lock of a tuple, of which the server names no relation."""
    return "ERROR:  deadlock detected" in entry \
        and re.search(rf'in relation "{PLACED}"|bulk_update of table public\.{PLACED},', entry) is not None
