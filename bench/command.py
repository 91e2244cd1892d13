"""The implementation of bench/run: a server for each of the settings, the measurements in it, the report."""

import argparse
import os
import subprocess
import sys
import tempfile

import report
from peers import PEERS
from plot import plot
from records import read
from shapes import SHAPES

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# Larger than any run needs, so that no checkpoint starts; WAL files are reused and never removed.
COMMON = ["autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=16GB", "min_wal_size=16GB"]
SETTINGS = {
    "default": ("PostgreSQL's own: 128 MB buffers, 4 MB work_mem", []),
    "large": ("2 GB buffers", ["shared_buffers=2GB"]),
}
QUICK_ROWS = 2000


def subset(text, known, what):
    chosen = text.split(",")
    for name in chosen:
        if name not in known:
            print(f"bench/run: unknown {what} \"{name}\"; choose from: {', '.join(known)}", file=sys.stderr)
            sys.exit(2)
    return chosen


def show_list():
    for title, entries in (("shapes", {name: shape.description for name, shape in SHAPES.items()}),
                           ("peers", {name: peer.description for name, peer in PEERS.items()}),
                           ("settings", {name: about for name, (about, _) in SETTINGS.items()})):
        print(f"{title}:")
        for name, description in entries.items():
            print(f"  {name:22}{description}")


def parse():
    parser = argparse.ArgumentParser(prog="bench/run", allow_abbrev=False, add_help=False)
    parser.add_argument("--rows", default="")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--settings", default="default")
    parser.add_argument("--server", action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--from", dest="sources", default="")
    parser.add_argument("--csv")
    parser.add_argument("--markdown")
    parser.add_argument("--svg")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or str(QUICK_ROWS if arguments.quick else 1000000)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.shapes = subset(arguments.shapes, SHAPES, "shape")
    arguments.peers = subset(arguments.peers, PEERS, "peer")
    arguments.settings = subset(arguments.settings, SETTINGS, "settings")
    if not all(size.isdecimal() and int(size) for size in arguments.rows.split(",")) or arguments.rounds < 1:
        parser.error("--rows and --rounds need numbers from 1 on")
    return arguments


def measure(arguments, settings, csv):
    """Measure in a server with these settings; return the exit code."""
    values = COMMON + SETTINGS[settings][1] + arguments.server
    server = [part for value in values for part in ("-o", value)]
    durable = [] if arguments.quick else ["--durable"]
    paths = [os.path.join(ROOT, path) for path in ("test", "test/django", "examples/psycopg2")]
    return subprocess.run(
        [os.path.join(ROOT, "scripts/with-server"), *durable, *server, "/usr/bin/python3", "-B",
         os.path.join(HERE, "measure.py"), "--rows", arguments.rows, "--rounds", str(arguments.rounds),
         "--shapes", ",".join(arguments.shapes), "--peers", ",".join(arguments.peers), "--settings", settings,
         "--csv", csv, "--command", " ".join(["bench/run", *sys.argv[1:]]),
         *(["--roll-back"] if arguments.quick else [])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, check=False).returncode


def write(records, arguments):
    """Write the tables and the plot to the requested files."""
    text = report.markdown(records)
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(text)
    elif not arguments.sources or not arguments.svg:
        print(text, end="")
    if arguments.svg:
        with open(arguments.svg, "w", encoding="utf-8") as file:
            file.write(plot(records))


def main():
    arguments = parse()
    if arguments.list:
        show_list()
        return 0
    if arguments.sources:
        write(read(arguments.sources.split(",")), arguments)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        csv = os.path.abspath(arguments.csv) if arguments.csv else os.path.join(scratch, "runs.csv")
        with open(csv, "w", encoding="utf-8"):
            pass
        status = 0
        for settings in arguments.settings:
            status = measure(arguments, settings, csv) or status
        records = read([csv])
        if not records:
            return status or 1
        write(records, arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
