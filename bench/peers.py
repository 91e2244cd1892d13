"""The ways of updating that are compared, inside the server: each gives `objects` the values of `source`.

A function gets a cursor and a shape; the caller commits. It may return a description of how the rows were applied.
"""

import threading
from contextlib import closing
from typing import Callable, NamedTuple, Optional

import psycopg2

from shapes import FIELDS

CHUNK = 10000  # rows, of chunks written by hand: as many as bulk_update's


class Peer(NamedTuple):
    description: str
    run: Optional[Callable] = None  # none: clients.py runs it, as a separate process
    whole_table: bool = False       # only if every row of the table is updated
    rebuilds: bool = False          # only if the table can be replaced by a new one
    aggregate: bool = False         # only if the source is an aggregate
    most_rows: Optional[int] = None
    expects: bool = False           # the value that field1 has before
    keeps: bool = False             # only to compare ways of keeping old values, where one text has a new value
    prepare: Optional[Callable] = None    # what is done and committed beforehand, without being measured
    takes_back: bool = False        # run takes back what prepare has done
    commits: bool = False           # run commits itself
    scattered: bool = False         # only for keys that do not follow the table

    def fits(self, shape):
        if self.expects and ("field1" not in shape.values or shape.changed or shape.entries > 0):
            return False
        if self.keeps and list(shape.values) != ["field2"]:
            return False
        if self.scattered and "uuid" not in [kind for kind, _ in shape.keys.values()]:
            return False
        if self.commits and not (shape.clients or shape.jobs):
            return False
        if self.whole_table:
            return shape.whole_table()
        if self.rebuilds:
            return shape.can_be_rebuilt()
        if self.aggregate:
            return shape.entries > 0
        return self.run is not None or shape.clients


def assignments(shape, source):
    return ", ".join(f"{column} = {source}.{column}" for column in shape.values)


def matches(shape, source, table="objects"):
    return " AND ".join(f"{table}.{column} = {source}.{column}" for column in shape.keys)


def differs(shape, source, before=" AND "):
    """The condition that a row does not have its new values, for a job that skips unchanged rows."""
    if not shape.skip_unchanged:
        return ""
    old = ", ".join(f"objects.{column}" for column in shape.values)
    new = ", ".join(f"{source}.{column}" for column in shape.values)
    return f"{before}({old}) IS DISTINCT FROM ({new})"


def update_from(shape, source):
    return (f"UPDATE objects SET {assignments(shape, 'p')} FROM {source}"
            f" WHERE {matches(shape, 'p')}{differs(shape, 'p')}")


def single(cursor, shape):
    cursor.execute(update_from(shape, "source p"))


def sorted_subquery(cursor, shape):
    cursor.execute(update_from(
        shape, f"(SELECT {', '.join(shape.columns())} FROM source ORDER BY {', '.join(shape.keys)}) p"))


def merge(cursor, shape):
    cursor.execute(f"MERGE INTO objects USING source p ON {matches(shape, 'p')}"
                   f" WHEN MATCHED{differs(shape, 'p')} THEN UPDATE SET {assignments(shape, 'p')}")


def on_conflict(cursor, shape):
    columns = ", ".join(shape.columns())
    cursor.execute(f"INSERT INTO objects ({columns}) SELECT {columns} FROM source"
                   f" ON CONFLICT ({', '.join(shape.keys)}) DO UPDATE SET {assignments(shape, 'EXCLUDED')}"
                   f"{differs(shape, 'EXCLUDED', ' WHERE ')}")


def row_loop(cursor, shape):
    cursor.execute(f"""
        DO $$
        DECLARE
            p record;
        BEGIN
            FOR p IN SELECT {', '.join(shape.columns())} FROM source LOOP
                UPDATE objects SET {assignments(shape, 'p')} WHERE {matches(shape, 'p')}{differs(shape, 'p')};
            END LOOP;
        END $$""")


def fetch_unnest(cursor, shape):
    """The planner would choose a scan of the whole table for each chunk; the author disables that."""
    columns = shape.columns()
    arrays = ", ".join(f"a_{column}" for column in columns)
    update = update_from(shape, f"unnest({arrays}) AS p({', '.join(columns)})")
    cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
    cursor.execute(f"""
        DO $$
        DECLARE
            c CURSOR FOR SELECT {', '.join(columns)} FROM source;
            r record;
            n integer := 0;
            {' '.join(f"a_{column} {shape.type_of(column)}[] := '{{}}';" for column in columns)}
        BEGIN
            OPEN c;
            LOOP
                FETCH c INTO r;
                EXIT WHEN NOT FOUND;
                n := n + 1;
                {' '.join(f"a_{column}[n] := r.{column};" for column in columns)}
                IF n = {CHUNK} THEN
                    {update};
                    n := 0;
                    {' '.join(f"a_{column} := '{{}}';" for column in columns)}
                END IF;
            END LOOP;
            {update};
        END $$""")


def constants(shape):
    return {column: f"{FIELDS[column][3]}::{FIELDS[column][0]}" for column in shape.values}


def floor(cursor, shape):
    cursor.execute("UPDATE objects SET " + ", ".join(f"{name} = {value}" for name, value in constants(shape).items()))


def rebuild(cursor, shape):
    """What a table of this benchmark has: keys, foreign keys, indexes, statistics. See docs/how-to.md for the rest."""
    cursor.execute("SELECT format('ALTER TABLE objects ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))"
                   " FROM pg_constraint WHERE conrelid = 'objects'::regclass AND contype IN ('p', 'f')"
                   " ORDER BY contype DESC")
    definitions = cursor.fetchall()
    cursor.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index"
                   " WHERE indrelid = 'objects'::regclass AND NOT indisprimary")
    definitions += cursor.fetchall()
    keys = ", ".join(shape.keys)
    new = ", ".join(f"CASE WHEN p.{next(iter(shape.keys))} IS NULL THEN o.{name} ELSE p.{name} END AS {name}"
                    for name in shape.values)
    others = "".join(f", o.{name}" for name in shape.others)
    cursor.execute(f"CREATE TABLE rebuilt {shape.storage} AS"
                   f" SELECT {keys}, {new}{others} FROM objects o LEFT JOIN source p USING ({keys})")
    cursor.execute("DROP TABLE objects")
    cursor.execute("ALTER TABLE rebuilt RENAME TO objects")
    for (definition,) in definitions:
        cursor.execute(definition)
    cursor.execute("ANALYZE objects")


def ours_query(cursor, shape):
    cursor.execute("SELECT * FROM bulk_update_query('objects', %s, ordering => 'sort')",
                   [f"SELECT {', '.join(shape.columns())} FROM source"])
    return way([column.name for column in cursor.description], cursor.fetchall())


def ours_query_serial(cursor, shape):
    cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    return ours_query(cursor, shape)


def ours(cursor, shape, more_columns="", more_arguments=""):
    cursor.execute(f"DECLARE c NO SCROLL CURSOR FOR SELECT {', '.join(shape.columns())}{more_columns} FROM source")
    cursor.execute("SELECT * FROM bulk_update('objects', 'c'"
                   f"{', skip_unchanged => true' if shape.skip_unchanged else ''}{more_arguments})")
    return way([column.name for column in cursor.description], cursor.fetchall())


def way(columns, report):
    """How the rows were applied, from the report: 'direct, sort, 12 MB spilled'."""
    if not report or "applier" not in columns:
        return ""
    last = dict(zip(columns, report[-1]))
    spilled = max(dict(zip(columns, row)).get("spilled_bytes") or 0 for row in report)
    words = [last["applier"], last.get("ordering"), spilled and f"{spilled / 1e6:.0f} MB spilled"]
    return ", ".join(word for word in words if word)


def ours_expected(cursor, shape):
    return ours(cursor, shape, ", field1 - 1", ", expected_columns => '{field1}'")


KEPT = ", old_values => 'kept'"


def ours_old_values(cursor, shape):
    cursor.execute("SELECT bulk_update_create_old_values('kept', 'objects', %s::name[])", [list(shape.values)])
    return ours(cursor, shape, more_arguments=KEPT)


def ours_sql_old_values(cursor, shape):
    cursor.execute("SET LOCAL bulk_update.applier = 'sql'")
    return ours_old_values(cursor, shape)


def copy_and_ours(cursor, shape):
    """Nobody may change a row between the copy and the update."""
    columns = ", ".join(f"objects.{column}" for column in shape.columns())
    cursor.execute("LOCK TABLE objects IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE kept AS SELECT {columns} FROM objects JOIN source p ON {matches(shape, 'p')}")
    return ours(cursor, shape)


def undo(cursor, _):
    cursor.execute("SELECT * FROM bulk_update_undo('objects', 'kept')")
    return way([column.name for column in cursor.description], cursor.fetchall())


def undo_by_cursor(cursor, shape):
    """What undo does, as any compare-and-set call."""
    columns = [*shape.keys, *(f"{age}_{column}" for age in ("old", "new") for column in shape.values)]
    cursor.execute(f"DECLARE kept_values NO SCROLL CURSOR FOR SELECT {', '.join(columns)} FROM kept")
    cursor.execute("SELECT * FROM bulk_update('objects', 'kept_values', %s::name[], expected_columns => %s::name[])",
                   [shape.columns(), list(shape.values)])
    return way([column.name for column in cursor.description], cursor.fetchall())


def job_create(cursor, shape):
    cursor.execute(f"SELECT bulk_update_job_create('job', 'objects', %s, skip_unchanged => {shape.skip_unchanged})",
                   [f"SELECT {', '.join(shape.columns())} FROM source"])


def job_created_before(cursor, shape):
    """By another session, so that the memory of the index it builds is not counted for the one that runs it."""
    with closing(psycopg2.connect(dbname=cursor.connection.info.dbname)) as other:
        job_create(other.cursor(), shape)
        other.commit()


def job_run(cursor, _):
    cursor.execute("CALL bulk_update_job_run('job')")


def job(cursor, shape):
    job_create(cursor, shape)
    job_run(cursor, shape)


def job_run_two(cursor, shape):
    with closing(psycopg2.connect(dbname=cursor.connection.info.dbname)) as other:
        other.autocommit = True
        thread = threading.Thread(target=job_run, args=(other.cursor(), shape))
        thread.start()
        job_run(cursor, shape)
        thread.join()


def ours_place(cursor, shape):
    return ours(cursor, shape, more_arguments=", ordering => 'place'")


def ours_sql(cursor, shape):
    cursor.execute("SET LOCAL bulk_update.applier = 'sql'")
    return ours(cursor, shape)


def ours_sql_expected(cursor, shape):
    cursor.execute("SET LOCAL bulk_update.applier = 'sql'")
    return ours_expected(cursor, shape)


PEERS = {
    "single": Peer("one `UPDATE … FROM`", single),
    "sorted": Peer("`UPDATE … FROM` a sorted subquery", sorted_subquery),
    "merge": Peer("`MERGE`", merge),
    "on_conflict": Peer("`INSERT … ON CONFLICT DO UPDATE`", on_conflict),
    "row_loop": Peer("PL/pgSQL, an `UPDATE` for each row", row_loop),
    "fetch_unnest": Peer("PL/pgSQL, `FETCH` and `UPDATE … FROM unnest` in chunks of 10,000", fetch_unnest),
    "floor": Peer("floor: `UPDATE` with constants, no source", floor, whole_table=True),
    "rebuild": Peer("a new table: `CREATE TABLE AS … LEFT JOIN`, indexes, rename", rebuild, rebuilds=True),
    "ours_query": Peer("`bulk_update_query`, `ordering => 'sort'`", ours_query, aggregate=True),
    "ours_query_serial": Peer("the same without parallel workers", ours_query_serial, aggregate=True),
    "ours_sql": Peer("`bulk_update`, `applier = sql`", ours_sql),
    "ours_sql_expected": Peer("`bulk_update`, `applier = sql`, `expected_columns`", ours_sql_expected, expects=True),
    "ours": Peer("`bulk_update`", ours),
    "ours_expected": Peer("`bulk_update`, `expected_columns`", ours_expected, expects=True),
    "ours_old_values": Peer("`bulk_update`, `old_values`", ours_old_values, keeps=True),
    "ours_sql_old_values": Peer("`bulk_update`, `applier = sql`, `old_values`", ours_sql_old_values, keeps=True),
    "copy_and_ours": Peer("a table lock, `CREATE TABLE AS` the old values, `bulk_update`", copy_and_ours, keeps=True),
    "undo": Peer("`bulk_update_undo`", undo, keeps=True, prepare=ours_old_values, takes_back=True),
    "undo_by_cursor": Peer("the same by `bulk_update`, `expected_columns`", undo_by_cursor, keeps=True,
                           prepare=ours_old_values, takes_back=True),
    "job": Peer("a job, created and run", job, commits=True),
    "job_run": Peer("a job, run", job_run, prepare=job_created_before, commits=True),
    "job_run_two": Peer("a job, run by two sessions", job_run_two, prepare=job_created_before, commits=True),
    "ours_place": Peer("`bulk_update`, `ordering => 'place'`", ours_place, scattered=True),
    "django": Peer("Django `bulk_update(batch_size=250)`", most_rows=1000000),
    "execute_values": Peer("psycopg2 `execute_values(page_size=1000)`"),
    "django_copy": Peer("Django, `COPY` to a temporary table, `UPDATE … FROM` it"),
    "django_ours": Peer("Django, the package of `contrib/django`"),
    "psycopg2_copy": Peer("psycopg2, `COPY` to a temporary table, `UPDATE … FROM` it"),
    "psycopg2_ours": Peer("psycopg2, `COPY` to a temporary table, `bulk_update` from it"),
}
BASE = "single"
