"""Tests of bulk_update over the wire protocol; see test/protocol/run.

Every test has a table "target" of ten rows (id 1 to 10, v = 'old') and a new session. Every test that
changes something compares the table with "twin", to which an UPDATE ... FROM has made the same change.
"""

import struct
import threading
import time
import unittest

import pytest

from wire import TIMEOUT, Wire

ROWS = 10
SOURCE = "SELECT i AS id, 'new ' || i AS v FROM generate_series(1, 10) i"
CALL = ("SELECT chunk, rows_fetched, rows_updated, rows_missing, first_key, last_key "
        "FROM bulk_update('target', '%s', chunk_size => %d)")
ALL_OF_IT = [("1", "10", "10", "0", "1", "10")]


def call(portal, chunk_size=10000):
    return CALL % (portal, chunk_size)


@pytest.fixture(scope="module", autouse=True)
def extension(admin):
    admin.run("CREATE EXTENSION bulk_update")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.admin = self.session()
        self.ok(self.admin.query("""
            DROP TABLE IF EXISTS target, twin;
            CREATE TABLE target (id int PRIMARY KEY, v text);
            CREATE TABLE twin (id int PRIMARY KEY, v text);
            INSERT INTO target SELECT i, 'old' FROM generate_series(1, 10) i;
            INSERT INTO twin TABLE target"""))
        self.wire = self.session()

    def session(self):
        wire = Wire()
        self.addCleanup(wire.close)
        return wire

    def ok(self, reply):
        self.assertIsNone(reply.error, reply.error)
        return reply

    def fails(self, reply, sqlstate, message):
        self.assertIsNotNone(reply.error, "no error, rows: %s" % reply.rows)
        self.assertEqual((reply.sqlstate, reply.message), (sqlstate, message))
        return reply

    def begin(self):
        self.ok(self.wire.query("BEGIN"))

    def commit(self):
        self.assertEqual(self.ok(self.wire.query("COMMIT")).tags, ["COMMIT"])

    def bind(self, portal, sql, values=()):
        """A portal of the client, in the open transaction."""
        self.assertEqual(self.ok(self.wire.bind_query(portal, sql, values).sync()).status, "T")

    def applied(self, first=1, last=ROWS, value="'new ' || i"):
        """The oracle: target is the same as twin after this UPDATE."""
        self.ok(self.admin.query("UPDATE twin SET v = %s FROM generate_series(%d, %d) i WHERE id = i"
                                 % (value, first, last)))
        self.same()

    def same(self):
        difference = self.ok(self.admin.query("""
            SELECT id, a.v, b.v FROM target a FULL JOIN twin b USING (id) WHERE a IS DISTINCT FROM b"""))
        self.assertEqual(difference.rows, [])

    def wait_for(self, condition, what):
        """Wait until the query, in another session, returns t."""
        end = time.monotonic() + TIMEOUT
        while self.ok(self.admin.query("SELECT " + condition)).rows != [("t",)]:
            self.assertLess(time.monotonic(), end, "timed out waiting until " + what)
            time.sleep(0.02)


class Portals(Case):
    """Portals of the client as the source."""

    def test_named_portal(self):
        self.begin()
        self.bind("p", SOURCE)
        reply = self.ok(self.wire.run(call("p", 4)))
        self.assertEqual(reply.rows, [("1", "4", "4", "0", "1", "4"), ("2", "4", "4", "0", "5", "8"),
                                      ("3", "2", "2", "0", "9", "10")])
        # The portal is open, at its end: Describe works, Execute returns no rows, a second call finds none.
        self.assertEqual([c[0] for c in self.ok(self.wire.describe_portal("p").sync()).columns], ["id", "v"])
        reply = self.ok(self.wire.execute("p").sync())
        self.assertEqual((reply.rows, reply.tags), ([], ["SELECT 0"]))
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [])
        self.ok(self.wire.close_portal("p").sync())
        self.commit()
        self.applied()

    def test_name_that_needs_quotes(self):
        self.begin()
        self.bind('A "portal" p', SOURCE)
        self.assertEqual(self.ok(self.wire.run(call('A "portal" p'))).rows, ALL_OF_IT)
        self.commit()
        self.applied()

    def test_portal_with_parameters(self):
        self.begin()
        self.bind("p", "SELECT i AS id, $1 || i AS v FROM generate_series($2::int, $3::int) i", ["new ", "3", "5"])
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "3", "3", "0", "3", "5")])
        self.commit()
        self.applied(3, 5)

    def test_portal_with_binary_results(self):
        self.begin()
        self.ok(self.wire.parse(SOURCE).bind("p", binary=True).sync())
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, ALL_OF_IT)
        self.commit()
        self.applied()

    def test_continues_after_rows_executed_with_a_limit(self):
        self.begin()
        self.bind("p", SOURCE)
        reply = self.ok(self.wire.execute("p", max_rows=3).sync())
        self.assertEqual((reply.messages, reply.rows[-1]), (["D", "D", "D", "s", "Z"], ("3", "new 3")))
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "7", "7", "0", "4", "10")])
        self.commit()
        self.applied(4, 10)

    def test_continues_after_fetched_rows(self):
        self.begin()
        self.bind("p", SOURCE)
        self.ok(self.wire.query("FETCH 3 FROM p; MOVE 1 IN p"))
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "6", "6", "0", "5", "10")])
        self.commit()
        self.applied(5, 10)

    def test_executed_to_the_end(self):
        self.begin()
        self.bind("p", SOURCE)
        self.assertEqual(len(self.ok(self.wire.execute("p").sync()).rows), ROWS)
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [])
        self.commit()
        self.same()

    def test_update_without_returning(self):
        self.begin()
        self.bind("p", "UPDATE target SET v = 'other'")
        self.fails(self.wire.run(call("p")), "42P11", 'cursor "p" does not return rows')
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_update_without_returning_that_was_executed(self):
        self.begin()
        self.bind("p", "UPDATE target SET v = 'other'")
        self.assertEqual(self.ok(self.wire.execute("p").sync()).tags, ["UPDATE 10"])
        self.fails(self.wire.run(call("p")), "42P11", 'cursor "p" does not return rows')
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_update_returning(self):
        """Its rows are the updated rows of another table; it runs once, at the first fetch."""
        self.ok(self.admin.query("CREATE TABLE other AS SELECT i AS id FROM generate_series(1, 10) i"))
        self.addCleanup(lambda: self.admin.query("DROP TABLE other"))
        self.begin()
        self.bind("p", "UPDATE other SET id = id RETURNING id, 'new ' || id AS v")
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, ALL_OF_IT)
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [])
        self.commit()
        self.applied()

    def test_update_returning_of_the_target(self):
        """The rows that the source has just updated are updated again, by a later command."""
        self.begin()
        self.bind("p", "UPDATE target SET v = 'first' WHERE id <= 5 RETURNING id, v || ' then new' AS v")
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "5", "5", "0", "1", "5")])
        self.commit()
        self.applied(1, 5, "'first then new'")

    def test_delete_returning_of_the_target(self):
        self.begin()
        self.bind("p", "DELETE FROM target WHERE id <= 5 RETURNING id, v")
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "5", "0", "5", "1", "5")])
        self.commit()
        self.ok(self.admin.query("DELETE FROM twin WHERE id <= 5"))
        self.same()

    def test_data_modifying_with(self):
        self.begin()
        self.bind("p", "WITH w AS (UPDATE target SET v = 'first' WHERE id <= 5 RETURNING id, 'new ' || id AS v) "
                       "SELECT * FROM w ORDER BY id")
        self.assertEqual(self.ok(self.wire.run(call("p", 2))).rows,
                         [("1", "2", "2", "0", "1", "2"), ("2", "2", "2", "0", "3", "4"), ("3", "1", "1", "0", "5", "5")])
        self.commit()
        self.applied(1, 5)

    def test_utility_that_returns_other_columns(self):
        for sql, column in (("SHOW work_mem", "work_mem"), ("EXPLAIN SELECT 1", "QUERY PLAN")):
            with self.subTest(sql):
                self.begin()
                self.bind("p", sql)
                self.fails(self.wire.run(call("p")), "42703",
                           'column "%s" of relation "target" does not exist' % column)
                self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_utility_that_returns_matching_columns(self):
        """EXECUTE of a prepared statement, and FETCH from another cursor."""
        self.ok(self.wire.query("PREPARE s (int) AS " + SOURCE.replace("10)", "$1)")))
        self.begin()
        self.bind("p", "EXECUTE s (4)")
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, [("1", "4", "4", "0", "1", "4")])
        self.ok(self.wire.query("DECLARE c CURSOR FOR " + SOURCE))
        self.bind("q", "FETCH 6 FROM c")
        self.assertEqual(self.ok(self.wire.run(call("q"))).rows, [("1", "6", "6", "0", "1", "6")])
        self.assertEqual(self.ok(self.wire.run(call("c"))).rows, [("1", "4", "4", "0", "7", "10")])
        self.commit()
        self.applied()

    def test_utility_that_returns_no_rows(self):
        for sql in ("SET work_mem = '8MB'", "BEGIN", "COMMIT", "CREATE TABLE never (id int)", "COPY target TO STDOUT",
                    ""):
            with self.subTest(sql):
                self.begin()
                self.bind("p", sql)
                self.fails(self.wire.run(call("p")), "42P11", 'cursor "p" does not return rows')
                self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_unnamed_portal_is_the_call_itself(self):
        being_fetched = 'cursor "" is already being fetched from'
        self.begin()
        self.fails(self.wire.run(call("")), "55006", being_fetched)
        self.ok(self.wire.query("ROLLBACK"))
        self.fails(self.wire.query("BEGIN; " + call("")), "55006", being_fetched)
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_unnamed_portal_of_another_query(self):
        """With the call in a named portal, the unnamed portal can be the source."""
        self.begin()
        self.wire.bind_query("q", call(""))
        self.bind("", SOURCE)
        self.assertEqual(self.ok(self.wire.execute("q").sync()).rows, ALL_OF_IT)
        self.commit()
        self.applied()

    def test_own_named_portal(self):
        self.begin()
        self.bind("p", call("p"))
        self.fails(self.wire.execute("p").sync(), "55006", 'cursor "p" is already being fetched from')
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_no_such_portal(self):
        self.begin()
        self.fails(self.wire.run(call("p")), "34000", 'cursor "p" does not exist')
        self.ok(self.wire.query("ROLLBACK"))
        # Closed by the client.
        self.begin()
        self.bind("p", SOURCE)
        self.ok(self.wire.close_portal("p").sync())
        self.fails(self.wire.run(call("p")), "34000", 'cursor "p" does not exist')
        self.ok(self.wire.query("ROLLBACK"))
        # It has ended with its transaction: COMMIT, then Sync without a transaction block.
        self.begin()
        self.bind("p", SOURCE)
        self.commit()
        self.fails(self.wire.run(call("p")), "34000", 'cursor "p" does not exist')
        self.ok(self.wire.bind_query("p", SOURCE).sync())
        self.fails(self.wire.run(call("p")), "34000", 'cursor "p" does not exist')
        self.same()

    def test_portal_that_failed(self):
        """The portal's query fails at row 5: nothing is applied, and the portal can no longer be used."""
        self.begin()
        self.bind("p", "SELECT i AS id, (1 / (5 - i))::text AS v FROM generate_series(1, 10) i")
        self.ok(self.wire.query("SAVEPOINT s"))
        reply = self.fails(self.wire.run(call("p", 2)), "22012", "division by zero")
        self.assertEqual(reply.status, "E")
        self.assertIn('bulk_update fetching from cursor "p"', reply.context)
        self.ok(self.wire.query("ROLLBACK TO s"))
        self.fails(self.wire.run(call("p")), "24000", 'cursor "p" cannot be fetched from')
        self.ok(self.wire.query("ROLLBACK TO s"))
        self.commit()
        self.same()

    def test_portal_survives_an_error_of_the_call(self):
        """The call fails before it fetches anything; after ROLLBACK TO the portal has its old position."""
        self.begin()
        self.bind("p", SOURCE)
        self.ok(self.wire.query("SAVEPOINT s"))
        self.assertEqual(self.wire.run("SELECT FROM bulk_update('twin', 'p', columns => '{id}')").sqlstate, "42601")
        self.ok(self.wire.query("ROLLBACK TO s"))
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, ALL_OF_IT)
        self.commit()
        self.applied()

    def test_portal_of_a_call_as_source_of_another(self):
        """The report of one bulk update, read from a portal, is the source of another one."""
        self.ok(self.admin.query("CREATE TABLE log (chunk bigint PRIMARY KEY, n bigint); "
                                 "INSERT INTO log SELECT i, 0 FROM generate_series(1, 4) i"))
        self.addCleanup(lambda: self.admin.query("DROP TABLE log"))
        self.begin()
        self.bind("p", SOURCE)
        self.bind("q", "SELECT chunk, rows_updated AS n FROM bulk_update('target', 'p', chunk_size => 4)")
        self.assertEqual(self.ok(self.wire.run(call("q").replace("'target'", "'log'"))).rows,
                         [("1", "3", "3", "0", "1", "3")])
        self.assertEqual(self.ok(self.wire.query("TABLE log ORDER BY chunk")).rows,
                         [("1", "4"), ("2", "4"), ("3", "2"), ("4", "0")])
        self.commit()
        self.applied()


class Calls(Case):
    """How the call itself is sent."""

    def test_execute_with_a_row_limit(self):
        """The client fetches one row of the report and closes the portal: all chunks have been applied."""
        for sql in (call("p", 3), "SELECT bulk_update('target', 'p', chunk_size => 3)"):
            with self.subTest(sql):
                self.begin()
                self.ok(self.wire.query("UPDATE target SET v = 'old'"))
                self.bind("p", SOURCE)
                reply = self.ok(self.wire.run(sql, portal="q", max_rows=1))
                self.assertEqual((len(reply.rows), reply.messages[-2:]), (1, ["s", "Z"]))
                self.ok(self.wire.close_portal("q").sync())
                self.commit()
                self.applied()

    def test_row_limit_then_the_rest(self):
        self.begin()
        self.bind("p", SOURCE)
        first = self.ok(self.wire.run(call("p", 3), portal="q", max_rows=1))
        # The table is complete before the report has been read.
        self.assertEqual(self.ok(self.wire.query("SELECT count(*) FROM target WHERE v LIKE 'new%'")).rows, [("10",)])
        rest = self.ok(self.wire.execute("q").sync())
        self.assertEqual([row[0] for row in first.rows + rest.rows], ["1", "2", "3", "4"])
        self.commit()
        self.applied()

    def test_parameters(self):
        """All arguments are parameters; the server infers their types, of a cursor's name text."""
        self.begin()
        self.bind("p", "SELECT 'new ' || i, i FROM generate_series(1, 10) i")
        self.wire.parse("SELECT chunk, rows_updated FROM bulk_update($1, $2, $3, $4, $5)", "s").describe_statement("s")
        reply = self.ok(self.wire.sync())
        self.assertEqual(reply.parameters, (2205, 25, 1003, 1003, 23))
        self.assertEqual(reply.columns, [("chunk", 20, 0), ("rows_updated", 20, 0)])
        self.wire.bind("", "s", ["target", "p", "{v,id}", "{id}", "6"]).execute("")
        self.assertEqual(self.ok(self.wire.sync()).rows, [("1", "6"), ("2", "4")])
        self.commit()
        self.applied()

    def test_total(self):
        """One row, whatever the limit of rows; the portal is done after it."""
        self.begin()
        self.bind("p", SOURCE)
        self.wire.parse("SELECT chunk, rows_updated FROM bulk_update('target', 'p', chunk_size => 4, report => $1)", "s")
        self.wire.bind("portal", "s", ["total"]).execute("portal", 1).execute("portal", 1)
        self.assertEqual(self.ok(self.wire.sync()).rows, [("3", "10")])
        self.wire.bind("", "s", ["total"]).execute("")
        self.assertEqual(self.ok(self.wire.sync()).rows, [("0", "0")])
        self.commit()
        self.applied()

    def test_null_parameter(self):
        self.begin()
        self.wire.parse("SELECT FROM bulk_update($1, $2)").bind(values=["target", None]).execute()
        self.fails(self.wire.sync(), "22004", 'argument "source" of bulk_update must not be null')
        self.ok(self.wire.query("ROLLBACK"))

    def test_described_and_binary_report(self):
        self.begin()
        self.bind("p", SOURCE)
        self.wire.parse("SELECT * FROM bulk_update('target', 'p')").bind(binary=True).describe_portal().execute()
        reply = self.ok(self.wire.sync())
        self.assertEqual(reply.columns, [(name, oid, 1) for name, oid in (
            ("chunk", 20), ("rows_fetched", 20), ("rows_updated", 20), ("rows_unchanged", 20), ("rows_missing", 20),
            ("rows_stale", 20), ("rows_duplicate", 20), ("rows_rejected", 20), ("first_key", 25), ("last_key", 25),
            ("elapsed_ms", 701), ("memory_bytes", 20), ("applier", 25), ("ordering", 25), ("spilled_bytes", 20))])
        (row,) = reply.rows
        self.assertEqual([struct.unpack("!q", value)[0] for value in row[:8]], [1, 10, 10, 0, 0, 0, 0, 0])
        self.assertEqual(row[8:10], (b"1", b"10"))
        self.assertGreaterEqual(struct.unpack("!d", row[10])[0], 0)
        self.assertGreater(struct.unpack("!q", row[11])[0], 0)
        self.assertIn(row[12], (b"sql", b"direct"))
        self.assertEqual((row[13], struct.unpack("!q", row[14])[0]), (b"stream", 0))
        self.commit()
        self.applied()

    def test_prepared_call_used_again(self):
        """One prepared statement of the call, with a new portal in each of two transactions."""
        self.ok(self.wire.parse(call("p"), "s").sync())
        for value in ("first", "new"):
            self.begin()
            self.bind("p", SOURCE.replace("new", value))
            self.assertEqual(self.ok(self.wire.bind("", "s").execute().sync()).rows, ALL_OF_IT)
            self.commit()
        self.applied()

    def test_pipeline_in_an_implicit_transaction(self):
        """Portal, call and another statement in a pipeline: one Sync, one transaction."""
        self.wire.bind_query("p", SOURCE)
        self.wire.bind_query("", call("p", 5)).execute()
        self.wire.bind_query("", "SELECT count(*) FROM target WHERE v = 'old'").execute()
        reply = self.ok(self.wire.sync())
        self.assertEqual(reply.messages, ["1", "2", "1", "2", "D", "D", "C", "1", "2", "D", "C", "Z"])
        self.assertEqual((reply.rows[-1], reply.status), (("0",), "I"))
        self.applied()

    def test_pipeline_with_flush(self):
        self.wire.bind_query("p", SOURCE)
        self.wire.bind_query("", call("p", 5)).execute()
        self.assertEqual(len(self.ok(self.wire.flush("C")).rows), 2)
        self.same()  # not committed before Sync
        self.assertEqual(self.ok(self.wire.sync()).status, "I")
        self.applied()

    def test_pipeline_that_fails_later(self):
        """An error after the call undoes it; later messages are skipped."""
        self.wire.bind_query("p", SOURCE)
        self.wire.bind_query("", call("p")).execute()
        self.wire.bind_query("", "SELECT 1 / 0").execute()
        self.wire.bind_query("", "UPDATE target SET v = 'never'").execute()
        reply = self.fails(self.wire.sync(), "22012", "division by zero")
        self.assertEqual((reply.rows, reply.status), (ALL_OF_IT, "I"))
        self.same()

    def test_pipeline_in_which_the_call_fails(self):
        self.wire.bind_query("p", "SELECT i % 5 AS id, 'new' AS v FROM generate_series(1, 10) i")
        self.wire.bind_query("", call("p")).execute()
        self.wire.bind_query("", "UPDATE target SET v = 'never'").execute()
        reply = self.wire.sync()
        self.assertEqual((reply.sqlstate, reply.status, reply.tags), ("21000", "I", []))
        self.same()
        # The session is still usable.
        self.wire.bind_query("p", SOURCE)
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, ALL_OF_IT)
        self.applied()

    def test_simple_query_with_several_statements(self):
        reply = self.ok(self.wire.query("DECLARE c CURSOR FOR %s; %s; %s; CLOSE c; SELECT 'end'"
                                        % (SOURCE, call("c", 8), call("c"))))
        self.assertEqual(reply.tags, ["DECLARE CURSOR", "SELECT 2", "SELECT 0", "CLOSE CURSOR", "SELECT 1"])
        self.assertEqual((reply.rows[:2], reply.status),
                         ([("1", "8", "8", "0", "1", "8"), ("2", "2", "2", "0", "9", "10")], "I"))
        self.applied()

    def test_simple_query_whose_last_statement_fails(self):
        reply = self.wire.query("DECLARE c CURSOR FOR %s; %s; SELECT 1 / 0" % (SOURCE, call("c")))
        self.fails(reply, "22012", "division by zero")
        self.assertEqual((reply.rows, reply.status), (ALL_OF_IT, "I"))
        self.same()

    def test_read_only_transaction(self):
        self.ok(self.wire.query("BEGIN READ ONLY"))
        self.bind("p", SOURCE)
        self.assertEqual(self.wire.run(call("p")).sqlstate, "25006")
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_aborted_transaction(self):
        self.begin()
        self.bind("p", SOURCE)
        self.assertEqual(self.wire.query("SELECT 1 / 0").status, "E")
        self.assertEqual(self.wire.run(call("p")).sqlstate, "25P02")
        self.ok(self.wire.query("ROLLBACK"))
        self.same()


class Interruptions(Case):
    """Cancel requests and broken connections. Chunks of two rows; the third chunk does not end by itself."""

    def setUp(self):
        super().setUp()
        self.ok(self.admin.query("""
            CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN PERFORM pg_sleep(300); RETURN NEW; END';
            CREATE TRIGGER dawdle BEFORE UPDATE ON target FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION dawdle()"""))
        self.addCleanup(lambda: self.admin.query("DROP FUNCTION dawdle CASCADE"))

    def asleep(self, event="PgSleep"):
        self.wait_for("EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d AND wait_event = '%s')"
                      % (self.wire.pid, event), "the call waits")

    def gone(self):
        self.wait_for("NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d)" % self.wire.pid,
                      "the server has ended the session")

    def canceled(self):
        """Cancel the call that has been sent; the session must respond, and be usable."""
        started = time.monotonic()
        self.wire.cancel()
        reply = self.fails(self.wire.read_until("Z"), "57014", "canceling statement due to user request")
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(reply.status, "E")
        self.ok(self.wire.query("ROLLBACK"))
        self.same()
        return reply

    def start(self, source=SOURCE, chunk_size=2):
        self.begin()
        self.bind("p", source)
        self.wire.bind_query("", call("p", chunk_size)).execute().put(b"S").send()

    def test_cancel_while_a_chunk_is_applied(self):
        self.start()
        self.asleep()
        self.assertRegex(self.canceled().context, "bulk_update of table (public.)?target, chunk 3, source rows 5 to 6")
        # A second attempt in the same session succeeds.
        self.ok(self.admin.query("DROP TRIGGER dawdle ON target"))
        self.begin()
        self.bind("p", SOURCE)
        self.assertEqual(self.ok(self.wire.run(call("p"))).rows, ALL_OF_IT)
        self.commit()
        self.applied()

    def test_cancel_while_fetching(self):
        self.start("SELECT i AS id, pg_sleep(CASE i WHEN 5 THEN 300 ELSE 0 END)::text AS v FROM generate_series(1, 10) i")
        self.asleep()
        self.assertIn('bulk_update fetching from cursor "p"', self.canceled().context)

    def test_cancel_while_waiting_for_a_lock(self):
        self.ok(self.admin.query("DROP TRIGGER dawdle ON target"))
        other = self.session()
        self.ok(other.query("BEGIN; SELECT id FROM target WHERE id = 5 FOR UPDATE"))
        self.start()
        self.asleep("transactionid")
        self.canceled()
        self.ok(other.query("COMMIT"))

    def test_cancel_while_busy(self):
        """The call does not wait: the rows of a large chunk are fetched, then looked up without a match."""
        self.begin()
        self.ok(self.wire.query("SET LOCAL work_mem = '256MB'"))
        self.bind("p", "SELECT generate_series(11, 100000000) AS id, 'new' AS v")
        self.wire.bind_query("", call("p", 100000000)).execute().put(b"S").send()
        self.wait_for("EXISTS (SELECT FROM bulk_update_progress WHERE pid = %d AND rows_fetched > 100000)" % self.wire.pid,
                      "the call is busy")
        self.canceled()

    def test_cancel_then_rollback_to_savepoint(self):
        """Only the canceled call is undone; earlier changes remain."""
        self.begin()
        self.ok(self.wire.query("UPDATE target SET v = 'before' WHERE id = 1"))
        self.bind("p", SOURCE)
        self.ok(self.wire.query("SAVEPOINT s"))
        self.wire.bind_query("", call("p", 2)).execute().put(b"S").send()
        self.asleep()
        self.wire.cancel()
        self.fails(self.wire.read_until("Z"), "57014", "canceling statement due to user request")
        self.ok(self.wire.query("ROLLBACK TO s"))
        self.commit()
        self.applied(1, 1, "'before'")

    def test_statement_timeout(self):
        self.ok(self.wire.query("SET statement_timeout = '1s'"))  # it must not apply to BEGIN and Bind
        self.start()
        self.fails(self.wire.read_until("Z"), "57014", "canceling statement due to statement timeout")
        self.ok(self.wire.query("ROLLBACK"))
        self.same()

    def test_terminated(self):
        self.start()
        self.asleep()
        self.ok(self.admin.query("SELECT pg_terminate_backend(%d)" % self.wire.pid))
        self.assertEqual(self.wire.read_until("E").sqlstate, "57P01")
        self.gone()
        self.same()

    def test_broken_connection(self):
        """The server checks the connection while the call runs, and finds it closed."""
        self.ok(self.wire.query("SET client_connection_check_interval = '50ms'"))
        self.start()
        self.asleep()
        self.wire.cut()
        self.gone()
        self.same()

    def test_broken_connection_not_noticed(self):
        """The server notices only when the call has ended: the open transaction is rolled back."""
        self.ok(self.admin.query("CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
                                 "'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'"))
        self.ok(self.admin.query("SELECT pg_advisory_lock(1)"))
        self.start()
        self.asleep("advisory")
        self.wire.cut()
        self.ok(self.admin.query("SELECT pg_advisory_unlock(1)"))
        self.gone()
        self.same()
