"""Takes an example forward and backward, and lets it fail in both directions."""

import tempfile

from frameworks import ALL, Unavailable
from harness import equal, ok, skip
from database import ROWS

LATE = ROWS - 3  # a row that is applied in the last chunk


class trap:
    """A constraint that makes the run fail in the end."""

    def __init__(self, database, condition):
        self.database, self.condition = database, condition

    def __enter__(self):
        self.database.execute(f"ALTER TABLE objects ADD CONSTRAINT trap CHECK ({self.condition}) NOT VALID")

    def __exit__(self, *_):
        self.database.execute("ALTER TABLE objects DROP CONSTRAINT trap")


def all_updated(account):
    """Every row was updated, by a framework that tells all the counts or some of them."""
    others = {name: count for name, count in account.items() if name not in ("fetched", "updated")}
    return account.get("updated") == account.get("fetched", ROWS) == ROWS and not any(others.values()) and others


def fails(database, direction, condition):
    with trap(database, condition):
        done, output = direction()
    return not done and 'violates check constraint "trap"' in output, output


def state(database, example):
    """The objects, the table of old values, and what the framework has recorded."""
    return (database.checksum(), database.value("SELECT to_regclass(%s) IS NOT NULL", [example.keeps]),
            example.recorded())


def forward_and_backward(database, example):
    name = example.name
    example.prepare()
    before = state(database, example)
    equal(before[1], False, f"{name}: nothing is kept beforehand")

    failed, output = fails(database, example.forward, f"id <> {LATE} OR ROW(field1, field3) = ROW(id, id % 10)")
    ok(failed, f"{name}: forward, a row that cannot be updated is an error", output)
    equal(state(database, example), before, f"{name}: which leaves nothing behind")

    example.expect(database)
    for attempt in ("", " once more"):
        done, output = example.forward()
        if not ok(done, f"{name}: forward{attempt}", output):
            return
        ok(all_updated(example.account(output)), f"{name}: prints the account", output)
        ok(database.equal(), f"{name}: the table has the new values")
        after = state(database, example)
        ok(after[1] and (not example.bookkeeping or after[2] != before[2]), f"{name}: the old values are kept", after)

        if not attempt:
            failed, output = fails(database, example.backward,
                                   f"id <> {LATE} OR ROW(field1, field3) <> ROW(id, id % 10)")
            ok(failed, f"{name}: backward, a row that cannot be updated is an error", output)
            equal(state(database, example), after, f"{name}: which leaves the new values")

        done, output = example.backward()
        if not ok(done, f"{name}: backward{attempt}", output):
            return
        ok(all_updated(example.account(output)), f"{name}: prints the account", output)
        equal(state(database, example), before, f"{name}: everything is as it was")


def run(database):
    for kind in ALL:
        with tempfile.TemporaryDirectory() as directory:
            try:
                example = kind(database, directory)
            except Unavailable as reason:
                skip(f"{kind.name}: {reason}")
                continue
            forward_and_backward(database, example)
