"""Pins of a call; test/pins/run says what it is about. Runs inside a server."""

import argparse
import sys

from harness import Session, finish
from counts import counts
from partitions import partitions
from vacuum import vacuum


def main():
    parser = argparse.ArgumentParser(prog="test/pins/run")
    parser.add_argument("--only", action="append")
    options = parser.parse_args()

    def wanted(name):
        return not options.only or any(part in name for part in options.only)

    with Session() as admin:
        admin.run("CREATE EXTENSION bulk_update; CREATE EXTENSION pg_buffercache")
    vacuum(wanted)
    counts(wanted)
    partitions(wanted)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
