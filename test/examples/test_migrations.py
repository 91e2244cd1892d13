"""Runs an example forward and backward, makes it fail in both directions, and measures the client's memory."""

import os
from unittest import mock

import pytest

from database import ROWS
from frameworks import ALL, Framework
from npm import Unavailable

FEW, MANY = 10000, 100000
LIMIT_MB = 16
LATE = ROWS - 3  # a row that is applied in the last chunk


class trap:
    """A constraint that makes the run fail at its end."""

    def __init__(self, database, condition):
        self.database, self.condition = database, condition

    def __enter__(self):
        self.database.execute(f"ALTER TABLE objects ADD CONSTRAINT trap CHECK ({self.condition}) NOT VALID")

    def __exit__(self, *_):
        self.database.execute("ALTER TABLE objects DROP CONSTRAINT trap")


def all_updated(account, unchanged=0):
    """Every row was updated, in a framework that reports all the counts or some of them."""
    others = {name: count for name, count in account.items() if name not in ("fetched", "updated")}
    same = others.pop("unchanged", unchanged)
    return (account.get("fetched", ROWS) == ROWS and account.get("updated") == ROWS - unchanged and same == unchanged
            and not any(others.values()) and others)


def kept_unchanged(database, example, condition="true"):
    """The number of objects whose new values are their old ones: an undo has nothing to do for them."""
    return database.value(f"""
        SELECT count(*) FROM {example.keeps} k
        WHERE {condition} AND NOT EXISTS (SELECT FROM jsonb_each(to_jsonb(k)) o JOIN jsonb_each(to_jsonb(k)) n
                          ON o.key LIKE 'old%' AND n.key = 'new' || substr(o.key, 4) WHERE o.value <> n.value)""")


def fails(database, direction, condition):
    with trap(database, condition):
        done, output = direction()
    return not done and 'violates check constraint "trap"' in output, output


def state(database, example):
    """The objects, the table of old values, and what the framework has recorded."""
    return (database.checksum(), database.value("SELECT to_regclass(%s) IS NOT NULL", [example.keeps]),
            example.recorded())


@pytest.fixture
def example(request, database, directory):
    try:
        return request.param(database, directory)
    except Unavailable as reason:
        pytest.skip(str(reason))


def each(examples):
    return pytest.mark.parametrize("example", examples, indirect=True, ids=lambda kind: kind.name)


@each(ALL)
def test_forward_and_backward(database, example):
    name = example.name
    example.prepare()
    before = state(database, example)
    assert not before[1], f"{name}: nothing is kept beforehand"

    failed, output = fails(database, example.forward, f"id <> {LATE} OR ROW(field1, field3) = ROW(id, id % 10)")
    assert failed, (f"{name}: forward, a row that cannot be updated is an error", output)
    assert state(database, example) == before, f"{name}: which leaves nothing behind"

    example.expect(database)
    for attempt in ("", " once more"):
        done, output = example.forward()
        assert done, (f"{name}: forward{attempt}", output)
        assert all_updated(example.account(output)), (f"{name}: prints the account", output)
        assert database.equal(), f"{name}: the table has the new values"
        after = state(database, example)
        assert after[1] and (not example.bookkeeping or after[2] != before[2]), \
            (f"{name}: the old values are kept", after)

        if not attempt:
            failed, output = fails(database, example.backward,
                                   f"id <> {LATE} OR ROW(field1, field3) <> ROW(id, id % 10)")
            assert failed, (f"{name}: backward, a row that cannot be updated is an error", output)
            assert state(database, example) == after, f"{name}: which leaves the new values"

        unchanged = kept_unchanged(database, example)
        done, output = example.backward()
        assert done, (f"{name}: backward{attempt}", output)
        assert all_updated(example.account(output), unchanged), (f"{name}: prints the account", output)
        assert state(database, example) == before, f"{name}: everything is as it was"


@each(ALL)
def test_changed_by_others(database, example):
    """What others do between forward and backward stays, and is reported."""
    name = example.name
    theirs, gone = "id % 5000 = 1", "id IN (7, 8)"
    example.prepare()
    database.execute("CREATE TABLE before AS TABLE objects")
    try:
        done, output = example.forward()
        assert done, output
        for table in ("objects", "before"):
            database.execute(f"UPDATE {table} SET field1 = -1, field2 = 'by others', field3 = -1 WHERE {theirs};"
                             f"DELETE FROM {table} WHERE {gone}")
        changed = database.value(f"SELECT count(*) FROM objects WHERE {theirs}")
        unchanged = kept_unchanged(database, example, f"NOT ({theirs} OR {gone})")
        done, output = example.backward()
        assert done, (f"{name}: backward", output)
        account = example.account(output)
        assert (account["updated"] + unchanged, account["missing"], account["stale"]) == (ROWS - changed - 2, 2, changed), \
            (f"{name}: objects that others have changed are reported", output)
        assert not database.rows("TABLE objects EXCEPT TABLE before UNION ALL (TABLE before EXCEPT TABLE objects)"), \
            f"{name}: and keep their values; the others have their old ones"
    finally:
        database.execute("DROP TABLE before")


def peak_mb(step, peaks, **environment):
    """The largest resident set of the processes that a step starts."""
    with mock.patch.dict(os.environ, environment), mock.patch.object(Framework, "peaks", peaks):
        done, output = step()
    assert done, output
    return max(map(int, peaks.read_text().split())) / 1024


@each([kind for kind in ALL if kind.streams])
def test_bounded_memory(database, example, directory):
    peaks = []
    for rows in (FEW, MANY):
        example.prepare()
        database.execute("TRUNCATE objects")
        database.fill(rows)
        peaks.append(peak_mb(example.forward, directory / f"peaks-{rows}", **example.sparing))
        assert database.value("SELECT count(*) FROM objects JOIN expected e USING (id) WHERE objects.field1 <> e.field1") \
            == rows, \
            f"{example.name}: {rows} rows"
        example.backward()
    print(f"{FEW} rows: {peaks[0]:.1f} MB, {MANY} rows: {peaks[1]:.1f} MB")
    assert peaks[1] - peaks[0] <= LIMIT_MB
