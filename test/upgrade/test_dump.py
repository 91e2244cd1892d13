"""Tables of old values are dumped and restored as others, and calls can be undone with them. Runs inside a server."""

import subprocess

import pytest

from harness import Session

SETUP = """
    CREATE EXTENSION bulk_update;
    CREATE TABLE target (id bigint PRIMARY KEY, price numeric(8,2), "Note" text COLLATE "C", twice numeric GENERATED ALWAYS AS (price * 2) STORED);
    INSERT INTO target SELECT i, i, 'note ' || i FROM generate_series(1, 1000) AS i;
    CREATE TABLE before AS TABLE target;
    SELECT bulk_update_create_old_values('kept', 'target');
    SELECT FROM bulk_update_query('target', 'SELECT i, -i, ''new'' FROM generate_series(1, 900) AS i', '{id,price,Note}', old_values => 'kept');
    SELECT FROM bulk_update_query('target', 'SELECT i, 7 FROM generate_series(1, 10) AS i', '{id,price}', old_values => 'kept');
    UPDATE target SET price = 5 WHERE id % 100 = 0;
"""
# Old values only where the rows still have the new ones
WRONG = """SELECT count(*) FROM target JOIN before USING (id)
    WHERE id % 100 = 0 AND id <= 900 AND (target.price, target."Note") IS DISTINCT FROM (5::numeric, 'new'::text)
       OR id % 100 <> 0 AND (target.price, target."Note", target.twice) IS DISTINCT FROM (before.price, before."Note", before.twice)"""


@pytest.mark.parametrize("options", ([], ["--inserts"], ["--no-owner", "--section=pre-data", "--section=data", "--section=post-data"]))
def test_undo_after_restore(admin, options):
    for name in ("dumped", "restored"):
        admin.run(f"DROP DATABASE IF EXISTS {name}")
        admin.run(f"CREATE DATABASE {name}")
    with Session(dbname="dumped") as session:
        session.run(SETUP)
        runs = session.run("SELECT min(run), max(run) FROM kept")[0]
    dump = subprocess.run(["pg_dump", *options, "dumped"], check=True, capture_output=True).stdout
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "restored"], input=dump, check=True, capture_output=True)
    with Session(dbname="restored") as session:
        assert session.run("SELECT sum(rows_updated), sum(rows_stale) FROM bulk_update_undo('target', 'kept')") == [(10, 0)]
        # Those of the second run have the values that the first one gave them.
        assert session.run(f"SELECT sum(rows_updated), sum(rows_stale) FROM bulk_update_undo('target', 'kept', {runs[0]})") == [(891, 9)]
        assert session.value(WRONG) == 0
        # The sequence goes on, so no run has a number twice.
        session.run("SELECT FROM bulk_update_query('target', 'SELECT 1, 1', '{id,price}', old_values => 'kept')")
        assert session.value("SELECT max(run) FROM kept") == runs[1] + 1
    for name in ("dumped", "restored"):
        admin.run(f"DROP DATABASE {name}")
