"""The calls at whose fault points something happens, and the expected tables afterwards."""

SETS = 16  # of tables, for as many sessions that wait at the same time

# Keys of 200 bytes soon fill the memory of seen keys and of the sort: work_mem has its minimum.
SETUP = """
    CREATE EXTENSION bulk_update;
    CREATE EXTENSION amcheck;
    SELECT bulk_update_create_rejects('rejects');
    CREATE TABLE kept (run bigint, source_row bigint, id text, old_v text, new_v text, old_n integer, new_n integer);
    CREATE TABLE control (n integer);
    INSERT INTO control VALUES (0);

    CREATE TABLE plain_before AS
        SELECT i::bigint AS id, 'old ' || i AS v, i AS n FROM generate_series(1, 40) i;
    CREATE TABLE plain_source AS
        SELECT i::bigint AS id, 'new ' || i AS v, i * 2::bigint AS n FROM generate_series(1, 24) i;
    INSERT INTO plain_source VALUES (1001, 'missing', 0), (1002, 'missing', 0);

    CREATE TABLE parted_source AS SELECT id::numeric AS id, v, n FROM plain_source;
    CREATE TABLE same_source AS SELECT id, CASE WHEN id % 3 = 0 THEN 'old ' || id ELSE v END AS v,
        CASE WHEN id % 3 = 0 THEN id ELSE n END AS n FROM plain_source;
    CREATE TABLE bad_source AS SELECT id, v,
        CASE id WHEN 5 THEN 3000000000 WHEN 15 THEN -1 ELSE n END AS n FROM plain_source;

    -- every third row is stale
    CREATE TABLE expected_source AS
        SELECT id, v, n, CASE WHEN id % 3 <> 0 THEN 'old ' || id END AS expected FROM plain_source;

    CREATE TABLE turned_source AS
        SELECT id, v, CASE WHEN id <= 24 THEN id % 24 + 1 ELSE n END AS n FROM plain_source;

    CREATE TABLE spill_before AS
        SELECT lpad(i::text, 200, '0') AS id, 'old ' || i AS v, i AS n FROM generate_series(1, 900) i;
    CREATE TABLE spill_source AS
        SELECT id, 'new ' || n AS v, n * 2::bigint AS n FROM spill_before WHERE n <= 500 ORDER BY n;
    INSERT INTO spill_source SELECT id, 'new ' || n, n * 2 FROM spill_before WHERE n > 500 ORDER BY n DESC;
    INSERT INTO spill_source VALUES ('missing 1', '', 0), ('missing 2', '', 0);

    CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM 1; RETURN NULL; END';
    CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE is_bad bool;
        BEGIN
            EXECUTE format('SELECT EXISTS (SELECT FROM %I t JOIN plain_before b USING (id) WHERE id = 15 AND t.v <> b.v)',
                           TG_TABLE_NAME) INTO is_bad;
            IF is_bad THEN
                RAISE EXCEPTION 'not this one';
            END IF;
            RETURN NULL;
        END $$;
"""

TABLES = """
    CREATE TABLE plain{k} (id bigint PRIMARY KEY, v text, n integer CHECK (n <> -1));
    CREATE INDEX ON plain{k} (v);
    CREATE UNIQUE INDEX ON plain{k} (id DESC);
    CREATE INDEX ON plain{k} ((n % 7)) WHERE id % 2 = 0;
    INSERT INTO plain{k} SELECT * FROM plain_before;
    CREATE TABLE spill{k} (id text PRIMARY KEY, v text, n integer);
    CREATE INDEX ON spill{k} (v);
    INSERT INTO spill{k} SELECT * FROM spill_before;
    CREATE TABLE parted{k} (id bigint PRIMARY KEY, v text, n integer) PARTITION BY RANGE (id);
    CREATE TABLE parted{k}_1 PARTITION OF parted{k} FOR VALUES FROM (MINVALUE) TO (8);
    CREATE TABLE parted{k}_2 PARTITION OF parted{k} FOR VALUES FROM (8) TO (16);
    CREATE TABLE parted{k}_3 PARTITION OF parted{k} FOR VALUES FROM (16) TO (MAXVALUE) PARTITION BY HASH (id);
    CREATE TABLE parted{k}_4 PARTITION OF parted{k}_3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE parted{k}_5 PARTITION OF parted{k}_3 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE INDEX ON parted{k} (v);
    CREATE TRIGGER after_row AFTER UPDATE ON parted{k} FOR EACH ROW EXECUTE FUNCTION after_row();
    INSERT INTO parted{k} SELECT * FROM plain_before;
    CREATE TABLE late{k} (LIKE plain{k} INCLUDING ALL);
    CREATE TRIGGER after_row AFTER UPDATE ON late{k} FOR EACH ROW EXECUTE FUNCTION after_row();
    CREATE TRIGGER late AFTER UPDATE ON late{k} FOR EACH STATEMENT EXECUTE FUNCTION late();
    INSERT INTO late{k} SELECT * FROM plain_before;
    CREATE TABLE turned{k} (LIKE plain{k} INCLUDING ALL, UNIQUE (n) DEFERRABLE);
    INSERT INTO turned{k} SELECT * FROM plain_before;
"""


class Workload:
    def __init__(self, name, tables, source, options="chunk_size => 10", rejected=(), unchanged=0, stale=0,
                 policies=("stop", "skip"), fails=None):
        self.name, self.tables, self.source, self.options = name, tables, source, options
        self.rejected = rejected  # keys of the rows that are bad without a fault
        self.unchanged, self.stale, self.policies = unchanged, stale, policies
        self.fails = fails  # the SQLSTATE that always ends the call
        self.before = ("spill" if tables == "spill" else "plain") + "_before"
        self.dry = "dry_run" in options
        self.keeps = "old_values" in options

    def call(self, policy, k=1):
        return (f"SELECT * FROM bulk_update_query('{self.tables}{k}', 'SELECT * FROM {self.source}', {self.options},"
                f" on_error => '{policy}', rejects => 'rejects')")

    def kept_wrongly(self, k=1):
        """A query: the number of rows that have changed and are not kept, or are kept with other values."""
        return (f"SELECT count(*) FROM {self.tables}{k} t JOIN {self.before} b USING (id) FULL JOIN kept ON kept.id = t.id::text"
                " WHERE ((t.v, t.n) IS DISTINCT FROM (b.v, b.n) OR kept.id IS NOT NULL)"
                " AND (kept.old_v, kept.old_n, kept.new_v, kept.new_n) IS DISTINCT FROM (b.v, b.n, t.v, t.n)")

    def checked(self, k=1):
        """A query: the number of B-tree indexes; raises an error if one lacks a row."""
        return ("SELECT count(bt_index_check(indexrelid, true)) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                f" WHERE relkind = 'i' AND indrelid::regclass::text ~ '^{self.tables}{k}(_|$)'")

    def changed(self, k=1):
        """A query: the number of rows of the table that have changed."""
        return (f"SELECT count(*) FROM {self.tables}{k} t FULL JOIN {self.before} b USING (id)"
                " WHERE (t.v, t.n) IS DISTINCT FROM (b.v, b.n)")

    def wrong(self, k=1):
        """A query: the number of rows that differ from the expected result of the call, computed by UPDATE."""
        if self.dry:
            return self.changed(k)
        return (f"SELECT count(*) FROM {self.tables}{k} t FULL JOIN {self.before} b USING (id)"
                f" LEFT JOIN (SELECT id::text, v, n FROM {self.source} EXCEPT"
                f" SELECT s.id::text, s.v, s.n FROM {self.source} s JOIN rejects r ON r.key->>'id' = s.id::text) s"
                " ON s.id = b.id::text"
                " WHERE (t.v, t.n) IS DISTINCT FROM (coalesce(s.v, b.v), coalesce(s.n, b.n))")


WORKLOADS = [
    Workload("plain", "plain", "plain_source"),
    Workload("skip_unchanged", "plain", "same_source", "chunk_size => 10, skip_unchanged => true", unchanged=8),
    Workload("dry_run", "plain", "plain_source", "chunk_size => 10, dry_run => true"),
    Workload("expected", "plain", "expected_source",
             "'{id,v,n}', expected_columns => '{v}', chunk_size => 10", stale=8),
    Workload("place", "plain", "plain_source", "chunk_size => 10, ordering => 'place'"),
    Workload("bad rows", "plain", "bad_source", rejected=("5", "15"), policies=("skip",)),
    Workload("old values", "plain", "bad_source", "chunk_size => 10, old_values => 'kept'",
             rejected=("5", "15"), policies=("skip",)),
    # Found late, so that the values of attempts that are rolled back have been put.
    Workload("old values, found late", "turned", "turned_source", "chunk_size => 10, old_values => 'kept'",
             policies=("stop",)),
    Workload("partitions", "parted", "parted_source"),
    # The error names no row: all chunks are rolled back, and the failed one is applied again to find the row.
    Workload("late error", "late", "plain_source", policies=("stop",), fails="P0001"),
    # The values are permuted, also between chunks.
    Workload("deferrable", "turned", "turned_source", policies=("stop",)),
    Workload("spill", "spill", "spill_source", "chunk_size => 500"),
]
