#!/usr/bin/python3
"""New values as arrays, a batch of rows in each call: no temporary table, and a batch in memory on both sides.

usage: arrays.py FILE    (CSV with the columns id and name; PGHOST and so on name the database)

The driver sends one array for each column. A key that comes twice is found within a batch, not beyond it: where that
matters, and from 10,000 rows on for speed, COPY (new_values.py) is better.
"""

import csv
import hashlib
import sys
from itertools import islice

import psycopg2


def new_values(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            digest = hashlib.sha256(row["name"].encode()).hexdigest()
            yield int(row["id"]), int(digest[:6], 16), f"{row['name']} {digest[:8]}"


def main(path):
    rows = new_values(path)
    updated = missing = 0
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:  # one transaction
        while batch := list(islice(rows, 10000)):
            cursor.execute(
                "SELECT rows_updated, rows_missing FROM bulk_update_arrays('objects', '{id, field1, field2}',"
                " ROW(%s::bigint[], %s::integer[], %s::text[]), report => 'total')",
                [list(column) for column in zip(*batch)],
            )
            of_batch = cursor.fetchone()
            updated += of_batch[0]
            missing += of_batch[1]
    connection.close()
    print(f"{updated} objects updated, {missing} not found")


if __name__ == "__main__":
    main(sys.argv[1])
