"""The tables under load, the log of their changes, and pgbench's scripts."""

# Rows are inserted with keys from 1 to HOMES, re-keyed by + HOMES, and those above 2 * HOMES are only updated: they are in
# the partition that is detached and attached. No bulk update has the new key of a re-keyed row: it locks a row before it
# sees, as UPDATE does, that its key has changed; another one that finds the row by its new key would wait out of order.
HOMES = 6000
FIXED = 2000
LAST = 2 * HOMES + FIXED
SOURCE_KEYS = (*range(1, HOMES + 1), *range(2 * HOMES + 1, LAST + 1))

# A bulk update's value has the number of its call, and the key: call * SCALE + key.
SCALE = 1 << 20

TABLES = ("plain", "counted", "parted")
# The same without triggers, so the index entries of bulk updates wait; it has no log.
SILENT = "silent"
# The same; all bulk updates of it are in the order of places, so they may have deadlocks.
PLACED = "placed"
COMING_AND_GOING = "parted_fixed"

# A row in the log: an array of these columns.
STATE = ("id", "p", "n", "a", "b", "c")

COLUMNS = """(id bigint NOT NULL, uid bigint NOT NULL DEFAULT nextval('uids'), p bigint NOT NULL DEFAULT 0,
    n bigint NOT NULL DEFAULT 0, a bigint, b bigint, c bigint, filler text DEFAULT repeat('x', 40))"""

SETUP = f"""
    CREATE EXTENSION bulk_update;
    CREATE EXTENSION amcheck;
    CREATE SEQUENCE uids;
    CREATE SEQUENCE call_numbers;

    -- No index: nothing about the log is to make a serializable transaction fail.
    CREATE UNLOGGED TABLE log (seq bigserial, tab name, op text, call bigint, xid xid8 DEFAULT pg_current_xact_id(),
        uid bigint, old bigint[], new bigint[]) WITH (autovacuum_enabled = false);
    CREATE UNLOGGED TABLE calls (call bigint, tab name, isolation text, keys bigint[], written int[],
        started pg_snapshot, snapshot pg_snapshot, last_seq bigint, fetched bigint, updated bigint, missing bigint, duplicate bigint)
        WITH (autovacuum_enabled = false);
    CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO log (tab, op, call, uid, old, new) VALUES (TG_ARGV[0], TG_OP,
            nullif(current_setting('load.call', true), '')::bigint, coalesce(NEW.uid, OLD.uid),
            CASE WHEN TG_OP <> 'INSERT' THEN ARRAY[OLD.id, OLD.p, OLD.n, OLD.a, OLD.b, OLD.c] END,
            CASE WHEN TG_OP <> 'DELETE' THEN ARRAY[NEW.id, NEW.p, NEW.n, NEW.a, NEW.b, NEW.c] END);
        RETURN NULL;
    END $$;
    CREATE FUNCTION count_updates() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.n := OLD.n + 1; RETURN NEW; END';

    -- Re-keys upwards only: downwards, one who holds a row would wait for a lower key.
    CREATE FUNCTION rekey(tab regclass, key bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('UPDATE %s SET id = id + {HOMES} WHERE id = $1', tab) USING key;
    EXCEPTION WHEN unique_violation THEN
        NULL;
    END $$;

    CREATE TABLE plain {COLUMNS};
    ALTER TABLE plain ADD PRIMARY KEY (id);
    CREATE TABLE counted {COLUMNS};
    ALTER TABLE counted ADD PRIMARY KEY (id);
    CREATE INDEX ON counted (b);
    CREATE TRIGGER count_updates BEFORE UPDATE ON counted FOR EACH ROW EXECUTE FUNCTION count_updates();
    CREATE TABLE parted {COLUMNS} PARTITION BY RANGE (id);
    ALTER TABLE parted ADD PRIMARY KEY (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ({HOMES // 2});
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ({HOMES // 2}) TO ({HOMES + HOMES // 3});
    CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ({HOMES + HOMES // 3}) TO ({2 * HOMES + 1});
    CREATE TABLE {COMING_AND_GOING} PARTITION OF parted FOR VALUES FROM ({2 * HOMES + 1}) TO (MAXVALUE);
""" + "".join(f"""
    CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION log('{table}');
    INSERT INTO {table} (id) SELECT i FROM generate_series(1, {LAST}) i WHERE i <= {HOMES} OR i > {2 * HOMES};
""" for table in TABLES) + "".join(f"""
    CREATE TABLE {table} {COLUMNS};
    ALTER TABLE {table} ADD PRIMARY KEY (id);
    CREATE INDEX ON {table} (uid);
    CREATE UNIQUE INDEX ON {table} (uid, id);
    CREATE INDEX ON {table} (a);
    CREATE INDEX ON {table} ((b % 1000)) WHERE p % 2 = 0;
    INSERT INTO {table} (id) SELECT i FROM generate_series(1, {LAST}) i WHERE i <= {HOMES} OR i > {2 * HOMES};
""" for table in (SILENT, PLACED))

UPDATE = "UPDATE {table} SET p = p + 1 WHERE id = :id;"

# Each transaction locks only one row, so that none can be part of a deadlock. Name: weight, script.
SCRIPTS = {
    "update": (8, f"\\set id random(1, {LAST})\n" + UPDATE),
    "insert": (4, f"\\set id random(1, {HOMES})\nINSERT INTO {{table}} (id) VALUES (:id) ON CONFLICT DO NOTHING;"),
    "delete": (2, f"\\set id random(1, {2 * HOMES})\nDELETE FROM {{table}} WHERE id = :id;"),
    "rekey": (2, f"\\set id random(1, {HOMES})\nSELECT rekey('{{table}}', :id);"),
    "share": (1, f"\\set id random(1, {LAST})\nBEGIN;\nSELECT FROM {{table}} WHERE id = :id FOR KEY SHARE;\n{UPDATE}\nEND;"),
    "undo": (1, f"\\set id random(1, {LAST})\nBEGIN;\nSAVEPOINT s;\n{UPDATE}\nROLLBACK TO s;\n{UPDATE}\nEND;"),
}

# What one session each repeats, statement by statement.
MAINTENANCE = (
    ("CREATE INDEX CONCURRENTLY plain_a ON plain (a)",
     "REINDEX INDEX CONCURRENTLY plain_pkey",
     "CREATE UNIQUE INDEX CONCURRENTLY plain_id ON plain (id) INCLUDE (uid)",
     "DROP INDEX CONCURRENTLY plain_a",
     "REINDEX TABLE CONCURRENTLY counted",
     "CREATE INDEX CONCURRENTLY silent_c ON silent (c, a)",
     "REINDEX INDEX CONCURRENTLY silent_a_idx",
     "DROP INDEX CONCURRENTLY silent_c",
     "DROP INDEX CONCURRENTLY plain_id"),
    (f"ALTER TABLE parted DETACH PARTITION {COMING_AND_GOING} CONCURRENTLY",
     "VACUUM plain, counted, parted, silent, placed",
     f"ALTER TABLE parted ATTACH PARTITION {COMING_AND_GOING} FOR VALUES FROM ({2 * HOMES + 1}) TO (MAXVALUE)",
     "VACUUM (FREEZE, INDEX_CLEANUP ON) plain, counted, parted, silent, placed",
     "REINDEX TABLE CONCURRENTLY parted_1"),
    (f"VACUUM FULL {PLACED}", "SELECT pg_sleep(0.5)"),
)
