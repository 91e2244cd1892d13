"""Measures ways of updating a table (peers.py) on a job (shapes.py) in interleaved rounds; prints a Markdown table.

Runs inside a server, PGHOST and so on name it; bench/README.md says what is measured and how.
"""

import argparse
import os
import statistics
import sys
import time

import psycopg2
from peers import PEERS
from shapes import SHAPES

SHOWN_SETTINGS = ["shared_buffers", "work_mem", "max_wal_size", "fsync", "synchronous_commit", "full_page_writes"]


class Bench:
    def __init__(self, shape, rows):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.cursor.execute("CREATE EXTENSION bulk_update")
        self.shape = SHAPES[shape](self.cursor, rows)
        self.cursor.execute("VACUUM (FREEZE, ANALYZE) template")
        self.cursor.execute("VACUUM (FREEZE, ANALYZE) pairs")

    def value(self, query):
        self.cursor.execute(query)
        return self.cursor.fetchone()[0]

    def fresh_table(self):
        """The same table each time: compact, with statistics, nothing left to write, autovacuum kept off it."""
        self.cursor.execute("DROP TABLE IF EXISTS objects")
        self.cursor.execute("CREATE TABLE objects (LIKE template INCLUDING ALL) WITH (autovacuum_enabled = off)")
        self.cursor.execute("INSERT INTO objects TABLE template")
        self.cursor.execute("VACUUM (FREEZE, ANALYZE) objects")
        self.cursor.execute("SELECT count(*) FROM pairs")
        self.cursor.execute("CHECKPOINT")

    def measure(self, peer):
        """Run one peer once; return (seconds, bytes of WAL)."""
        self.fresh_table()
        wal = self.value("SELECT pg_current_wal_insert_lsn()")
        connection = psycopg2.connect("")
        started = time.perf_counter()
        PEERS[peer](connection, self.shape)
        seconds = time.perf_counter() - started
        connection.close()
        wal_bytes = int(self.value(f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{wal}')"))
        self.verify(peer)
        return seconds, wal_bytes

    def verify(self, peer):
        columns = ", ".join(self.shape.keys + self.shape.values)
        wrong = self.value(f"SELECT count(*) FROM (SELECT {columns} FROM pairs EXCEPT SELECT {columns} FROM objects) d")
        if wrong:
            sys.exit(f"{peer}: {wrong} rows do not have their new values")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--base", choices=PEERS, required=True, help="the peer that the others are compared with")
    parser.add_argument("--peer", choices=PEERS, action="append", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--max-ratio", type=float)
    arguments = parser.parse_args()

    bench = Bench(arguments.shape, arguments.rows)
    peers = [arguments.base] + arguments.peer
    seconds = {peer: [] for peer in peers}
    wal = {peer: [] for peer in peers}
    for n in range(arguments.rounds):
        # Each round begins with another peer, so that none always runs after the same one.
        for peer in peers[n % len(peers):] + peers[:n % len(peers)]:
            spent, written = bench.measure(peer)
            seconds[peer].append(spent)
            wal[peer].append(written)
            print(f"round {n + 1}: {peer} {spent:.2f} s, {written / 1e6:.0f} MB of WAL", file=sys.stderr, flush=True)

    base = seconds[arguments.base]
    print(f"{bench.shape.description}.")
    print(f"PostgreSQL {bench.value('SHOW server_version')}, {os.cpu_count()} processors; "
          + ", ".join(f"{name} = {bench.value('SHOW ' + name)}" for name in SHOWN_SETTINGS)
          + f"; {arguments.rounds} rounds.")
    print()
    print("| | median s | minimum s | ratio of medians | ratio of minima | WAL, MB (median) |")
    print("|---|---:|---:|---:|---:|---:|")
    over = []
    for peer in peers:
        median, least = statistics.median(seconds[peer]), min(seconds[peer])
        ratio = least / min(base)
        print(f"| {PEERS[peer].__doc__} | {median:.2f} | {least:.2f} | {median / statistics.median(base):.2f}"
              f" | {ratio:.2f} | {statistics.median(wal[peer]) / 1e6:.0f} |")
        if arguments.max_ratio and ratio > arguments.max_ratio:
            over.append(f"{peer}: the ratio of minima is {ratio:.2f}, over {arguments.max_ratio}")
    if over:
        print()
        print("\n".join(over))
    return 1 if over else 0


sys.exit(main())
