"""The bounds on the measurements: runs bench/run for each case, checks its CSV file, prints a table."""

import argparse
import os
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple

from peers import BASE
from records import read
from report import disturbed, grouped
from shapes import SHAPES

HERE = os.path.dirname(os.path.abspath(__file__))
FEW = [name for name in SHAPES if name.startswith("hundred_pairs")]
MB = 1e6


class Case(NamedTuple):
    about: str
    judge: Callable              # gets {(rows, shape): {peer: Runs}}, yields (title, figure, "<=" or ">=", limit)
    rows: tuple
    shapes: tuple = ("key_order",)
    peers: tuple = (BASE, "ours")
    rounds: int = 3
    settings: str = "default"
    server: tuple = ()


def ratios(limit, peer="ours", base=BASE):
    def judge(groups):
        for (rows, shape), runs in groups.items():
            yield (f"{shape}, {rows:,} rows: {peer} / {base}, times", runs[peer].least / runs[base].least, "<=", limit)
    return judge


def all_of(*judges):
    def judge(groups):
        for one in judges:
            yield from one(groups)
    return judge


def few(groups):
    yield from ratios(1.5)(groups)
    for (rows, shape), runs in groups.items():
        yield f"{shape}, {rows:,} rows: ours, ms", runs["ours"].least * 1000, "<", 20


def django(groups):
    for (rows, _), runs in groups.items():
        ours = runs["django_ours"]
        yield f"{rows:,} objects: django / django_ours, times", runs["django"].least / ours.least, ">=", 25
        yield f"{rows:,} objects: django_ours / django_copy, times", ours.least / runs["django_copy"].least, "<=", 1
        yield f"{rows:,} objects: django_ours, extra client MB", ours.client / MB, "<=", 16


def flat_of(peer):
    """The memory at each size minus that at the first one."""
    def judge(groups):
        first = {}
        for (rows, shape), runs in groups.items():
            if shape not in first:
                first[shape] = rows, runs[peer].backend
                continue
            yield (f"{shape}: backend MB at {rows:,} rows above those at {first[shape][0]:,}",
                   (runs[peer].backend - first[shape][1]) / MB, "<", 4)
    return judge


def small(groups):
    for (rows, shape), runs in groups.items():
        yield f"{shape}, {rows:,} rows: table after job_run, times its size", runs["job_run"].growth, "<", 1.35


NEVER_SLOWER = all_of(ratios(1.0), ratios(1.0, base="sorted"))
# Not the one in which every way spends its time on the source's query.
MANY = tuple(name for name in SHAPES if name not in FEW and not SHAPES[name].entries)

CASES = {
    "key_1m_large": Case("1M rows in key order, 2 GB buffers", ratios(0.75), (1000000,), settings="large", rounds=5),
    "key_5m": Case("5M rows in key order", ratios(0.45), (5000000,)),
    "random_5m": Case("5M rows in random order", ratios(0.35), (5000000,), ("random",)),
    "uuid_5m": Case("5M rows, uuid keys", ratios(0.60), (5000000,), ("uuid", "uuid_random")),
    "place_5m": Case("the same in the order of the table", ratios(0.60, "ours_place", "ours"), (5000000,),
                     ("uuid_random",), ("ours", "ours_place")),
    "shapes": Case("every shape, 1M rows", NEVER_SLOWER, (1000000,), MANY, (BASE, "sorted", "ours")),
    "shapes_large": Case("every shape, 1M rows, 2 GB buffers", NEVER_SLOWER, (1000000,), MANY,
                         (BASE, "sorted", "ours"), settings="large"),
    "indexes3": Case("3 secondary indexes on other columns, 1M rows in random order",
                     all_of(ratios(0.40), ratios(0.85, base="sorted"), ratios(0.90, base="floor")), (1000000,),
                     ("random_indexes3",), (BASE, "sorted", "floor", "ours")),
    "indexes3_3gb": Case("the same, 3 GB buffers", ratios(0.65, base="floor"), (1000000,), ("random_indexes3",),
                         ("floor", "ours"), server=("shared_buffers=3GB",)),
    "indexes3_5m": Case("the same, 5M rows", ratios(0.70, base="floor"), (5000000,), ("random_indexes3",),
                        ("floor", "ours")),
    "parallel": Case("an aggregate of 10M rows as the source, with and without parallel workers",
                     ratios(0.65, "ours_query", "ours_query_serial"), (1000000,), ("aggregate",),
                     ("ours_query", "ours_query_serial"), rounds=7, settings="large"),
    "expected_1m": Case("1M rows in key order, one expected column", ratios(1.08, "ours_expected", "ours"), (1000000,),
                        peers=("ours", "ours_expected"), rounds=5),
    "old_values_1m": Case("1M rows in key order, old values of one text column",
                          all_of(ratios(1.6, "ours_old_values", "ours"),
                                 ratios(1.15, "ours_old_values", "copy_and_ours")),
                          (1000000,), ("text_value",), ("ours", "ours_old_values", "copy_and_ours"), rounds=5),
    "undo_1m": Case("the same taken back", ratios(1.15, "undo", "undo_by_cursor"), (1000000,), ("text_value",),
                    ("undo", "undo_by_cursor"), rounds=5),
    "job_1m": Case("1M rows in random order by a job",
                   all_of(ratios(1.35, "job", "ours"), ratios(1.10, "job_run", "ours"),
                          ratios(0.65, "job_run_two", "job_run")),
                   (1000000,), ("random",), ("ours", "job", "job_run", "job_run_two"), rounds=5),
    # New rows are as long as old ones. Vacuumed whenever 2 % are dead, by workers that look every second and do not pause.
    "job_bloat": Case("5M rows by a job, beside autovacuum", small, (5000000,), ("values1",),
                      ("ours", "job_run"), rounds=1,
                      server=("autovacuum=on", "autovacuum_naptime=1s", "autovacuum_vacuum_scale_factor=0.02",
                              "autovacuum_vacuum_cost_delay=0")),
    "pairs_5m": Case("100 pairs into 5M rows", few, (5000000,), tuple(FEW), rounds=15),
    "floor": Case("against UPDATE without a source, key order", ratios(1.5, base="floor"), (1000000, 5000000),
                  peers=("floor", "ours")),
    "django_500k": Case("500,000 Django objects", django, (500000,), peers=("django", "django_copy", "django_ours")),
    # An expensive query makes the server load LLVM, some 20 MB once, at whichever size it is.
    "job_memory": Case("1M and 10M rows by a job; jit = off", flat_of("job_run"), (1000000, 10000000), ("random",),
                       ("job_run",), rounds=1, server=("jit=off",)),
    "memory": Case("1M and 10M rows, private memory; jit = off", flat_of("ours"), (1000000, 10000000), ("key_order", "random"),
                   peers=("ours",), rounds=1, server=("jit=off",)),
}


def run(case, arguments, csv):
    """Measure; return {(rows, shape): {peer: Runs}}, rows as requested, and how busy the machine was."""
    rows = [max(int(size * arguments.scale), 100) for size in case.rows]
    command = [os.path.join(HERE, "run"), "--rows", ",".join(map(str, rows)), "--shapes", ",".join(case.shapes),
               "--peers", ",".join(case.peers), "--rounds", str(arguments.rounds or case.rounds),
               "--settings", case.settings, "--csv", csv, "--markdown", os.devnull]
    command += [part for setting in case.server for part in ("--server", setting)]
    if subprocess.run(command, check=False).returncode:
        return None, []
    records = read([csv])
    groups = {(size, shape): runs for (_, size, shape), runs in grouped(records).items()}
    if arguments.cpu:
        for runs in groups.values():
            for of_peer in runs.values():
                of_peer.least = of_peer.cpu
    return groups, list(disturbed(records))


def judged(name, case, groups):
    """Lines of the table, and whether all bounds hold."""
    lines, all_hold = [], True
    for what, figure, relation, limit in case.judge(groups):
        holds = {"<=": figure <= limit, "<": figure < limit, ">=": figure >= limit}[relation]
        all_hold = all_hold and holds
        lines.append(f"| {name} | {what} | {relation.replace('<=', '≤').replace('>=', '≥')} {limit:g} | {figure:.2f} |"
                     f" {'yes' if holds else '**no**'} |")
    return lines, all_hold


def main():
    parser = argparse.ArgumentParser(prog="bench/bounds", allow_abbrev=False, add_help=False)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--csv-directory")
    arguments = parser.parse_args()
    if arguments.list:
        for name, case in CASES.items():
            print(f"{name:16}{case.about}")
        return 0
    chosen = arguments.only.split(",")
    if unknown := [name for name in chosen if name not in CASES]:
        parser.error(f"no case {', '.join(unknown)}; there are: {', '.join(CASES)}")

    table, remarks, failed = [], [], False
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen:
            csv = os.path.join(arguments.csv_directory or scratch, f"{name}.csv")
            groups, busy = run(CASES[name], arguments, csv)
            if groups is None:
                lines, hold = [f"| {name} | {CASES[name].about} | | not measured | **no** |"], False
            else:
                lines, hold = judged(name, CASES[name], groups)
            print("\n".join(lines), file=sys.stderr, flush=True)
            table += lines
            remarks += [line.replace("- ", f"- {name}: ", 1) for line in busy]
            failed = failed or not hold
    print("| case | figure of | bound | figure | holds |\n|---|---|---:|---:|---|")
    print("\n".join(table + [""] + remarks))
    if arguments.cpu:
        print("\nProcessor time of the backends was compared, without their parallel workers.")
    if arguments.scale != 1:
        print(f"\nSizes were multiplied by {arguments.scale:g}: the bounds are not meant for these.")
    return 1 if failed else 0


sys.exit(main())
