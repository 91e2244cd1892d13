"""Updates that leave wrong rows, which bench/measure.py must detect. Runs inside a server."""

import sys

from measure import Job, Wrong, connect
from peers import PEERS, Peer, single

FAULTS = {
    "a way that does nothing": lambda cursor, shape: None,
    "a wrong value": lambda cursor, shape: (
        single(cursor, shape), cursor.execute("UPDATE objects SET field1 = field1 + 1 WHERE id = 100")),
    "a row changed that is not in the source": lambda cursor, shape: (
        single(cursor, shape), cursor.execute("UPDATE objects SET field1 = field1 + 1 WHERE id = 101")),
    "a row lost": lambda cursor, shape: (
        single(cursor, shape), cursor.execute("DELETE FROM objects WHERE id = 101")),
}


def rejected(job, function):
    PEERS["fault"] = Peer("fault", function)
    try:
        job.measure("fault")
    except Wrong:
        return True
    return False


def main():
    job = Job(connect("postgres"), "one_percent", 1000)
    missed = [name for name, function in FAULTS.items() if not rejected(job, function)]
    for name in missed:
        print(f"not found: {name}")
    if rejected(job, single):
        missed.append("single")
        print("rejected: the single statement")
    return 1 if missed else 0


sys.exit(main())
