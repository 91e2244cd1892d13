"""Old values of updated rows, and undoing a call with them: old_values.

Drawn by another random generator, so that the rest of a job is the same as without them.
"""

import random
from collections import Counter

import psycopg2

from kinds import quoted

# What the constraints and triggers of the target may raise when rows get their old values back.
UNDO_MAY_FAIL = ("23", "P0", "42", "0A", "55", "54", "22")


def draw(job):
    rng = random.Random()
    rng.setstate(job.rng.getstate())
    rng.seed(rng.getrandbits(63))
    # The other rows of a self-reference change, too; a role may lack privileges.
    job.old_values = rng.random() < 0.4 and not (job.whole or job.schema.role or job.calls > 1)
    if job.old_values:
        job.features.append("old values")


def setup_statements(job):
    """The table of old values, without constraints: a column for each of the target's that has stored values."""
    if not job.old_values:
        return []
    keys = ", ".join(quoted(column.name) for column in job.keys)
    return [f"SELECT bulk_update_create_old_values('d.kept', {quoted(job.schema.target)}, key_columns => ARRAY[{keys}]::name[])"]


def arguments(job):
    return {"old_values": "'d.kept'"} if job.old_values else {}


def kept_columns(way):
    return [name for name, in way.run("SELECT substr(attname, 5) FROM pg_attribute WHERE attrelid = 'd.kept'::regclass"
                                      " AND attname LIKE 'old\\_%' AND attnum > 0 ORDER BY attnum")]


def texts(prefix, names):
    return "ARRAY[" + ", ".join(f'{prefix}"{name}"::text' for name in names) + "]::text[]"


def rows(way):
    """Kept values of the target's rows, in lists by key, sorted."""
    job = way.job
    keys = texts("t.", [column.name for column in job.keys])
    found = {}
    for key, values in way.run(f"SELECT {keys}, {texts('t.', kept_columns(way))} FROM {job.schema.target} AS t"):
        found.setdefault(tuple(key), []).append(tuple(values))
    return {key: sorted(values, key=repr) for key, values in found.items()}


def problems(way, before, updated):
    """After a call that has succeeded: what is wrong with what was kept, and with the table after an undo."""
    if way.job.dry_run:
        before = rows(way)
    after, columns = rows(way), kept_columns(way)
    old, new, count = {}, {}, 0
    names = [way.run(f"SELECT attname FROM pg_attribute WHERE attrelid = 'd.kept'::regclass AND attname IN ({quoted(c.name)}, {quoted('key_' + c.name)})")
             [0][0] for c in way.job.keys]
    for key, olds, news in way.run(f"SELECT {texts('', names)}, {texts('', ['old_' + c for c in columns])},"
                                   f" {texts('', ['new_' + c for c in columns])} FROM d.kept"):
        old.setdefault(tuple(key), []).append(tuple(olds))
        new.setdefault(tuple(key), []).append(tuple(news))
        count += 1
    found = []
    if count != updated and (way.schema.form != "inherited" or count < updated):
        found.append(f"{count} rows kept, and {updated} updated")
    for what, kept, table in (("old", old, before), ("new", new, after)):
        # Of several tables' rows with a key, triggers may suppress the update of one.
        wrong = [(key, values, table.get(key)) for key, values in kept.items() if Counter(values) - Counter(table.get(key))
                 or len(values) != len(table.get(key, [])) and way.schema.form != "inherited"]
        found += [f"{what} values kept of {key}: {kept} instead of {expected}" for key, kept, expected in wrong[:2]]
    lost = [key for key in before if key not in old and before[key] != after.get(key)]
    found += [f"rows changed and not kept: {lost[:3]}"] if lost else []
    return found + undo_problems(way, before, after, old)


def undo_problems(way, before, after, old):
    """An undo after others have changed some rows, which it must leave alone."""
    job = way.job
    keys = ", ".join(quoted(column.name) for column in job.keys)
    others = [column for column in job.schema.columns if column in job.values]
    way.run("BEGIN")
    try:
        way.run("SET LOCAL session_replication_role = replica")  # no triggers
        changed = {}
        if others and job.size % 2:
            name = others[0].name
            way.run(f"UPDATE {job.schema.target} AS t SET {name} = {name} WHERE hashtext(t::text) % 5 = 0")
            way.run(f"DELETE FROM {job.schema.target} AS t WHERE hashtext(t::text) % 7 = 0")
            changed = {key: values for key, values in after.items() if key not in rows(way)}
        report = way.run(f"SELECT sum(rows_updated) + sum(rows_unchanged), sum(rows_missing), sum(rows_stale), sum(rows_fetched) FROM"
                         f" bulk_update_undo({quoted(job.schema.target)}, 'd.kept', key_columns => ARRAY[{keys}]::name[])")[0]
        now = rows(way)
    except psycopg2.Error as error:
        # Rows of several tables can have the key, which makes the source of the undo have it several times.
        twice = job.schema.form == "inherited" and error.pgcode == "21000"
        if way.connection.closed or not twice and error.pgcode[:2] not in UNDO_MAY_FAIL:
            raise
        return []
    finally:
        way.run("ROLLBACK")
    way.undone |= bool(old)
    wanted = {key: before[key] if key in old else values for key, values in after.items() if key not in changed}
    wrong = [key for key in set(now) | set(wanted) if now.get(key) != wanted.get(key)]
    found = [f"after the undo {key}: {now.get(key)} instead of {wanted.get(key)}" for key in wrong[:2]]
    gone = len([key for key in changed if key in old])
    if old and (int(report[1]), int(report[2])) != (gone, 0):
        found.append(f"undo: {report[1]} missing, {report[2]} stale; {gone} rows were deleted")
    return found
