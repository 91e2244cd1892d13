"""The measurements of bench/arrays. Runs inside a server; with --client it runs one way of updating, as a separate process."""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import islice

WAYS = {
    "copy": "COPY into a temporary table, cursor",
    "lists": "one call, lists of psycopg2 (`ARRAY[…]`)",
    "lists_10k": "calls of 10,000, lists of psycopg2",
    "text": "one call, array literals as text",
    "text_10k": "calls of 10,000, array literals as text",
    "bound": "one call, arrays bound by psycopg 3",
    "bound_10k": "calls of 10,000, arrays bound by psycopg 3",
}
CALL = """SELECT rows_updated FROM bulk_update_arrays('objects', '{id,field1,field2}',
          ROW(%s::bigint[], %s::integer[], %s::text[]), report => 'total')"""
CALL_TEXT = """SELECT rows_updated FROM bulk_update_arrays('objects', '{id,field1,field2}', ROW(%s, %s, %s),
          report => 'total')"""
WRONG = """SELECT count(*) FROM objects
           WHERE (field1, field2) IS DISTINCT FROM ((id * 7 % 1000003)::integer, 'new value "of" ' || id)"""


def computed(rows):
    """A program's new values, one row at a time."""
    for n in range(1, rows + 1):
        yield n, n * 7 % 1000003, f'new value "of" {n}'


def literal(values):
    """A one-dimensional array as PostgreSQL reads it."""
    escapes = {34: '\\"', 92: '\\\\'}
    quoted = (f'"{value.translate(escapes)}"' if isinstance(value, str) else str(value)
              for value in values)
    return "{" + ",".join(quoted) + "}"


def copy(cursor, rows):
    from new_values import Lines, copy_text  # examples/psycopg2

    lines = (f"{n}\t{field1}\t{copy_text(field2)}\n" for n, field1, field2 in rows)
    cursor.execute("CREATE TEMPORARY TABLE rows ON COMMIT DROP AS SELECT id, field1, field2 FROM objects WITH NO DATA")
    cursor.copy_expert("COPY rows FROM STDIN", Lines(lines))
    cursor.execute("DECLARE c NO SCROLL CURSOR FOR SELECT * FROM rows ORDER BY id")
    cursor.execute("SELECT rows_updated FROM bulk_update('objects', 'c', report => 'total')")


def arrays(cursor, rows, way, size):
    while batch := list(islice(rows, size)):
        columns = [list(column) for column in zip(*batch)]
        del batch
        if way == "text":
            cursor.execute(CALL_TEXT, [literal(column) for column in columns])
        else:
            cursor.execute(CALL, columns)


def client(way, rows):
    """Print the backend's process id, wait for a line, update, print seconds and memory as JSON, wait for the end."""
    if way.startswith("bound"):
        import psycopg as driver
    else:
        import psycopg2 as driver
    from meter import Meter

    connection = driver.connect("")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(cursor.fetchone()[0], flush=True)
        sys.stdin.readline()
        meter = Meter()
        cpu = time.process_time()
        if way == "copy":
            copy(cursor, computed(rows))
        else:
            arrays(cursor, computed(rows), way.split("_")[0], 10000 if way.endswith("_10k") else None)
        connection.commit()
        print(json.dumps({**meter.read(), "cpu": time.process_time() - cpu}), flush=True)
        sys.stdin.read()


def run(admin, way, rows):
    """Seconds, processor seconds of client and server together, and the extra bytes of both."""
    from measure import Backend

    admin.run("DROP TABLE IF EXISTS objects")
    admin.run("CREATE TABLE objects (id bigint PRIMARY KEY, field1 integer, field2 text, field3 integer)")
    admin.run("INSERT INTO objects SELECT i, i, 'object ' || i, i %% 100 FROM generate_series(1, %s) i", [rows])
    admin.run("VACUUM (ANALYZE) objects")
    admin.run("CHECKPOINT")
    command = [sys.executable, "-B", os.path.abspath(__file__), "--client", way, "--rows", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pid = process.stdout.readline()
        if not pid:
            return None
        with Backend(int(pid)) as server:
            process.stdin.write("\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            return None
        figures = json.loads(answer)
    wrong = admin.value(WRONG)
    if wrong:
        print(f"{way}, {rows} rows: {wrong} rows are wrong", file=sys.stderr)
        return None
    return figures["seconds"], figures["cpu"] + (server.used or [float("nan")])[0], figures["client_extra"], server.growth


def measure(ways, sizes, rounds):
    from harness import Session

    failed = False
    with Session() as admin:
        admin.run("CREATE EXTENSION bulk_update")
        for rows in sizes:
            runs = {way: [] for way in ways}
            for number in range(rounds):
                for way in ways[number % len(ways):] + ways[:number % len(ways)]:
                    figures = run(admin, way, rows)
                    print(f"{rows} rows, round {number + 1}, {way}: {figures}", file=sys.stderr)
                    failed |= figures is None
                    runs[way] += [figures] if figures else []
            print(f"\n{rows:,} rows; times are the minimum of {rounds} rounds, memory is the peak minus what was held before:\n\n"
                  "| way | ms | CPU ms | client MB | server MB |\n|---|---:|---:|---:|---:|")
            for way, done in runs.items():
                if done:
                    seconds, cpu, client_extra, server_extra = zip(*done)
                    print(f"| {WAYS[way]} | {1000 * min(seconds):.0f} | {1000 * min(cpu):.0f}"
                          f" | {max(client_extra) / 1e6:.1f} | {max(server_extra) / 1e6:.1f} |")
            sys.stdout.flush()
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--client")
    parser.add_argument("--check", action="store_true", help="only check the arguments")
    arguments = parser.parse_args()
    ways, sizes = arguments.ways.split(","), arguments.rows.split(",")
    if set(ways) - set(WAYS) or not all(size.isdecimal() for size in sizes) or arguments.rounds < 1:
        parser.error("--ways takes names, --rows and --rounds numbers from 1 on")
    if arguments.check:
        return 0
    if arguments.client:
        client(arguments.client, int(sizes[0]))
        return 0
    if arguments.quick:
        return measure(ways, [1000], 1)
    return measure(ways, [int(size) for size in sizes], arguments.rounds)


sys.exit(main())
