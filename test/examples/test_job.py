"""The example with a job: what is committed stays, and the same command goes on."""

from database import ROWS
from frameworks import Alembic, Sqitch
from test_migrations import LATE, all_updated, fails, state

BATCH = 5000


class AlembicJob(Alembic):
    name = "Alembic, a job"
    versions = "jobs"
    expect = staticmethod(Sqitch.expect)


def done(database):
    """The state of each job, and its rows that are done."""
    return database.rows("SELECT name, state, rows_done FROM bulk_update_jobs ORDER BY run")


def test_job(database, directory):
    example = AlembicJob(database, directory)
    example.prepare()
    before = state(database, example)
    example.expect(database)

    failed, output = fails(database, example.forward, f"id <> {LATE} OR ROW(field1, field3) = ROW(id, id % 10)")
    assert failed, ("forward: a row that cannot be updated is an error", output)
    assert done(database) == [("new values of objects", "failed", ROWS - BATCH)], "the batches before it are done"
    assert database.value("SELECT count(*) FROM objects WHERE field2 = upper(field2) AND field1 <> id") > ROWS / 2
    assert example.recorded() == before[2], "Alembic has not recorded the revision"

    succeeded, output = example.forward()
    assert succeeded and all_updated(example.account(output)), ("the same command goes on", output)
    assert done(database) == [("new values of objects", "done", ROWS)]
    assert database.equal(), "the table has the new values"
    after = state(database, example)
    assert after[2] != before[2]

    failed, output = fails(database, example.backward, f"id <> {LATE} OR ROW(field1, field3) <> ROW(id, id % 10)")
    assert failed, ("backward: a row that cannot be updated is an error", output)
    assert done(database)[1:] == [("old values of objects", "failed", ROWS - BATCH)], "the batches before it are done"
    assert example.recorded() == after[2]

    succeeded, output = example.backward()
    assert succeeded and example.account(output)["fetched"] == ROWS, ("the same command goes on", output)
    assert state(database, example) == before, "everything is as it was"
    assert done(database) == []


def test_changed_by_others(database, directory):
    """Objects that others change before their batch, or between forward and backward, keep their values."""
    example = AlembicJob(database, directory)
    example.prepare()
    failed, output = fails(database, example.forward, f"id <> {LATE} OR ROW(field1, field3) = ROW(id, id % 10)")
    assert failed, output
    database.execute(f"UPDATE objects SET field2 = 'by others' WHERE id = {LATE}")
    succeeded, output = example.forward()
    account = example.account(output)
    assert succeeded and (account["updated"], account["stale"]) == (ROWS - 1, 1), output

    database.execute("UPDATE objects SET field2 = 'by others' WHERE id = 1; DELETE FROM objects WHERE id = 2")
    succeeded, output = example.backward()
    account = example.account(output)
    assert succeeded and (account["fetched"], account["missing"], account["stale"]) == (ROWS - 1, 1, 1), output
    assert database.rows("SELECT id FROM objects WHERE field2 = 'by others' ORDER BY id") == [(1,), (LATE,)]
    assert not database.rows("SELECT FROM objects WHERE field1 <> id AND id <> 1")


def test_given_up(database, directory):
    """What has been done is taken back."""
    example = AlembicJob(database, directory)
    example.prepare()
    before = state(database, example)
    failed, output = fails(database, example.forward, f"id <> {LATE} OR ROW(field1, field3) = ROW(id, id % 10)")
    assert failed and database.checksum() != before[0], output

    succeeded, output = example.alembic("stamp", "give_new_values_in_batches")
    assert succeeded, output
    succeeded, output = example.backward()
    assert succeeded and example.account(output)["fetched"] == ROWS - BATCH, output
    assert (state(database, example), done(database)) == (before, [])
