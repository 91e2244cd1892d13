#!/usr/bin/python3
"""New values that a Python program computes and streams, with bounded memory in the program and in the server.

usage: new_values.py FILE    (CSV with the columns id and name; PGHOST and so on name the database)

A generator yields the rows, COPY reads them through a file object into a temporary table, and a cursor passes them to
bulk_update. The generator must not use the connection itself: COPY occupies it. See contrib/django for that case.
"""

import csv
import hashlib
import sys

import psycopg2


def new_values(path):
    """The lines of COPY's text format: id, field1, field2."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            digest = hashlib.sha256(row["name"].encode()).hexdigest()
            yield "\t".join([row["id"], str(int(digest[:6], 16)), copy_text(f"{row['name']} {digest[:8]}")]) + "\n"


def copy_text(value):
    return value.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


class Lines:
    """A file object that reads from an iterator, only as much as requested."""

    def __init__(self, lines):
        self.lines = iter(lines)
        self.rest = ""

    def read(self, size=8192):
        parts = [self.rest]
        length = len(self.rest)
        while length < size:
            line = next(self.lines, None)
            if line is None:
                break
            parts.append(line)
            length += len(line)
        text = "".join(parts)
        self.rest = text[size:]
        return text[:size]


def main(path):
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:  # one transaction
        cursor.execute(
            "CREATE TEMPORARY TABLE new_values ON COMMIT DROP AS"
            " SELECT id, field1, field2 FROM objects WITH NO DATA"
        )
        cursor.copy_expert("COPY new_values FROM STDIN", Lines(new_values(path)))
        cursor.execute("DECLARE new_values CURSOR FOR SELECT id, field1, field2 FROM new_values ORDER BY id")
        cursor.execute(
            "SELECT rows_updated, rows_missing FROM bulk_update('objects', 'new_values', report => 'total')"
        )
        updated, missing = cursor.fetchone()
    connection.close()
    print(f"{updated} objects updated, {missing} not found")


if __name__ == "__main__":
    main(sys.argv[1])
