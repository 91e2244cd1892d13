"""Tests of the benchmark; test/bench/run says what they are. Starts servers by the commands it tests."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import records
from harness import equal, finish, ok
from peers import PEERS
from shapes import SHAPES

HERE = os.path.dirname(os.path.abspath(__file__))


def command(*arguments):
    """Exit code and output; what it says meanwhile is passed on only when it failed."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, end="")
    return done.returncode, done.stdout


def every_run_is_recorded(runs):
    expected = {(shape, peer) for shape in SHAPES for peer in PEERS if PEERS[peer].fits(SHAPES[shape])}
    found = [(run["shape"], run["peer"]) for run in runs]
    equal(sorted(expected - set(found)), [], "every peer ran on every shape that it fits")
    equal(len(found), len(expected), "each ran once")
    for name in ("seconds", "backend_peak", "wal_bytes"):
        ok(all(run[name] > 0 for run in runs), f"every run has its {name}")
    ok(all((run["client_extra"] is not None) == (PEERS[run["peer"]].run is None) for run in runs),
       "clients' memory is told, and of clients alone")
    ok(all(run[name] for run in runs for name in ("date", "cpu", "kernel", "postgresql", "commit", "server_settings")),
       "every line has machine, versions and settings")
    equal({run["way"].split(",")[0] for run in runs if run["peer"] == "ours_sql"}, {"sql"}, "'sql' is the SQL applier")
    ok(all(run["way"] for run in runs if run["peer"] == "ours"), "the report's applier and ordering are recorded")


def tables_are_whole(text):
    lines = text.splitlines()
    bad = [line for before, line in zip(lines, lines[1:])
           if before.startswith("|") and line.startswith("|") and before.count("|") != line.count("|")]
    equal(bad, [], "all lines of a table have the same number of cells")
    missing = [name for name in SHAPES if f"\n| {name} |" not in text or f"\n### {name}: " not in text]
    equal(missing, [], "every shape is in the overview and has a table")
    ok("shared_buffers = 128MB" in text and "--quick" in text, "settings and command are in the header")


def plot_is_whole(path):
    root = xml.parse(path).getroot()
    labels = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    ok({"Django bulk_update", "one UPDATE … FROM", "this extension"} <= labels, "the plot names its lines")


def quick(scratch):
    csv, tables, svg = (os.path.join(scratch, name) for name in ("runs.csv", "tables.md", "plot.svg"))
    status, _ = command("bench/run", "--quick", "--csv", csv, "--markdown", tables, "--svg", svg)
    equal(status, 0, "bench/run --quick succeeds")
    every_run_is_recorded(records.read([csv]))
    with open(tables, encoding="utf-8") as file:
        text = file.read()
    tables_are_whole(text)
    plot_is_whole(svg)
    equal(command("bench/run", "--from", csv), (0, text), "tables are drawn again from the CSV file")


def bounds():
    status, text = command("bench/bounds", "--scale", "0.0004", "--rounds", "1",
                           "--only", "pairs_5m,django_500k")
    lines = [line for line in text.splitlines() if line.startswith(("| pairs_5m |", "| django_500k |"))]
    equal(len(lines), 7, "bench/bounds prints a line for each bound")
    equal(status, 1 if any("**no**" in line for line in lines) else 0, "its exit code is what the lines say")


def arrays():
    status, text = command("bench/arrays", "--quick")
    equal(status, 0, "bench/arrays --quick succeeds")
    equal([line.count("|") for line in text.splitlines() if line.startswith("| ")], [6] * 8,
          "bench/arrays prints a line for each way")
    equal(command("bench/arrays", "--ways", "no_such")[0], 2, "an unknown way is wrong usage")


def main():
    for script in ("bench/run", "bench/bounds", "bench/arrays"):
        ok("exit code:" in command(script, "--help")[1], f"{script} explains itself")
    equal(command("bench/run", "--shapes", "no_such")[0], 2, "an unknown shape is wrong usage")
    with tempfile.TemporaryDirectory() as scratch:
        quick(scratch)
    bounds()
    arrays()
    status, text = command("scripts/with-server", "/usr/bin/python3", "-B", os.path.join(HERE, "wrong_rows.py"))
    print(text, end="")
    equal(status, 0, "wrong rows are found")
    return finish()


sys.exit(main())
