"""The state after a job, in a form that can be compared: rows, bytes, logs, statistics, indexes, decoded changes."""

import re

# Bits of t_infomask that later readers of the tuple do not change: HASNULL, HASVARWIDTH, HASEXTERNAL, UPDATED.
INFOMASK = 0x0001 | 0x0002 | 0x0004 | 0x2000
# Locks: XMAX_KEYSHR_LOCK, XMAX_EXCL_LOCK, XMAX_LOCK_ONLY, XMAX_IS_MULTI.
LOCKS = 0x0010 | 0x0040 | 0x0080 | 0x1000
# Bits of t_infomask2: number of attributes, KEYS_UPDATED, ONLY_TUPLE.
INFOMASK2 = 0x07FF | 0x2000 | 0x8000

TABLES = """SELECT c.oid::regclass::text, c.relname FROM pg_class AS c
 WHERE (c.relnamespace = 'd'::regnamespace OR c.oid = to_regclass('pg_temp.t')) AND c.relkind = 'r' AND c.relname NOT IN ('src', 'kept')
 ORDER BY c.relname"""


def target_tables(way):
    return [name for name, relname in way.run(TABLES) if re.match(r"t(_|$)", relname)]


def toast_values(way, table):
    """The numbers of the table's values that are stored out of line."""
    toast = way.run(f"SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = '{table}'::regclass AND reltoastrelid <> 0")
    return sorted(row[0] for row in way.run(f"SELECT DISTINCT chunk_id FROM {toast[0][0]}")) if toast else []


def before(way):
    return {table: {value: n for n, value in enumerate(toast_values(way, table))} for table in target_tables(way)}


def statistics(way):
    """Tuples written by the transaction so far."""
    return way.run("""SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_xact_user_tables
                       WHERE (schemaname = 'd' OR schemaname LIKE 'pg_temp%') AND n_tup_ins + n_tup_upd + n_tup_del > 0
                         AND relname NOT IN ('src', 'rejects', 'kept')
                       ORDER BY relname""")


class Normal:
    """Attributes without what differs at each run: OIDs of types and of labels, numbers of values out of line."""

    def __init__(self, way, table, known):
        self.known, self.used = known, set()
        self.types = way.run(f"SELECT attlen, atttypid::regtype::text FROM pg_attribute WHERE attrelid = '{table}'::regclass"
                             " AND attnum > 0 ORDER BY attnum")
        self.labels = {oid.to_bytes(4, "little").hex(): label for oid, label in way.run("SELECT oid, enumlabel FROM pg_enum")}

    def attribute(self, value, type):
        if value is None:
            return None
        length, name = type
        if name.endswith("mood"):
            return self.labels[value]
        if length == -1 and value.startswith("0112") and len(value) == 36:
            stored = int.from_bytes(bytes.fromhex(value[20:28]), "little")
            self.used.add(stored)
            return f"toast {value[4:20]} {'kept ' + str(self.known[stored]) if stored in self.known else 'new'}"
        # Composite values have their type's OID and version in them.
        return name if "pair" in name else "of a dropped column" if name == "-" else value


def tuples(way, table, known):
    """Visible tuples as (infomask, infomask2, locks, attributes), sorted; and how many values out of line they use."""
    normal = Normal(way, table, known)
    rows = way.run(f"""
        SELECT t_infomask, t_infomask2, (SELECT array_agg(encode(a, 'hex') ORDER BY n) FROM unnest(t_attrs) WITH ORDINALITY AS u(a, n))
          FROM generate_series(0, pg_relation_size('{table}') / current_setting('block_size')::int - 1) AS b,
               heap_page_item_attrs(get_raw_page('{table}', b::int), '{table}'::regclass),
               LATERAL (SELECT format('(%s,%s)', b, lp)::tid AS tid) AS at
         WHERE t_attrs IS NOT NULL AND EXISTS (SELECT FROM ONLY {table} AS x WHERE x.ctid = at.tid)""")
    found = [(infomask & INFOMASK, infomask2 & INFOMASK2, infomask & LOCKS, tuple(map(normal.attribute, attributes, normal.types)))
             for infomask, infomask2, attributes in rows]
    return sorted(found, key=repr), len(normal.used)


def decoded(way):
    lines = [row[0] for row in way.run("SELECT data FROM pg_logical_slot_get_changes('differential', NULL, NULL, 'include-xids', '0')")]
    lines = [line for line in lines if not line.startswith(("table aux.", "table d.rejects:", "table d.kept:"))]
    return [re.sub(r"\bid\[bigint\]:\d+ ", "", line) if line.startswith("table d.log:") else line for line in lines]


def damage(way):
    """Problems found by amcheck, and indexes that find other rows than a sequential scan."""
    found = []
    indexes = way.run("""SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
                          WHERE (c.relnamespace = 'd'::regnamespace OR i.indrelid = to_regclass('pg_temp.t'))
                            AND c.relkind = 'i' AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree') ORDER BY 1""")
    for index, in indexes:
        try:
            way.run(f"SELECT bt_index_check('{index}', true)")
        except way.connection.Error as error:
            found.append(f"{index}: {error}")
    for table, _ in way.run(TABLES):
        found += [f"{table}: {row}" for row in way.run(f"SELECT * FROM verify_heapam('{table}', check_toast => true)")]
    for column, operator, where in way.schema.searched:
        counts = []
        for on, off in (("bitmapscan, enable_indexscan", "seqscan"), ("seqscan", "bitmapscan, enable_indexscan")):
            settings = [f"SET enable_{name} = off" for name in off.split(", enable_")] + \
                       [f"SET enable_{name} = on" for name in on.split(", enable_")]
            for statement in settings:
                way.run(statement)
            way.run("SET enable_hashjoin = off")
            way.run("SET enable_mergejoin = off")
            condition = where.replace(" WHERE ", " AND b.")
            counts.append(way.run(f"""SELECT sum(n), count(*) FROM (SELECT {column} AS v FROM {way.schema.name} ORDER BY tableoid, ctid LIMIT 40) AS a,
                LATERAL (SELECT count(*) AS n FROM {way.schema.name} AS b WHERE b.{column} {operator} a.v{condition}) AS c"""))
        for name in ("seqscan", "bitmapscan", "indexscan", "hashjoin", "mergejoin"):
            way.run(f"RESET enable_{name}")
        if counts[0] != counts[1]:
            found.append(f"{column} {operator}: {counts[0]} rows by the index, {counts[1]} without")
    return found


def gather(way, outcome, known):
    """All facts, after the end of the transaction."""
    facts = outcome.facts
    facts["decoded"] = decoded(way)
    facts["rows"] = {}
    for table, relname in way.run(TABLES):
        if relname == "log":
            facts["log"] = way.run("SELECT kind, name, place, op, old, new FROM d.log ORDER BY id")
        elif relname == "rejects":
            facts["rejects"] = way.run("""SELECT target::text, chunk, source_row, reason, key::text, new_values::text, sqlstate, message,
                                                 detail, constraint_name, current_values::text FROM d.rejects ORDER BY source_row""")
        else:
            facts["rows"][relname] = sorted(row[0] for row in way.run(f"SELECT x::text FROM ONLY {table} AS x"))
    facts["tuples"], facts["toast"] = {}, {}
    for table in target_tables(way):
        facts["tuples"][table], used = tuples(way, table, known.get(table, {}))
        facts["toast"][table] = (used, len(toast_values(way, table)))
    facts["damage"] = damage(way)
