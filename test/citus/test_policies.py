"""Every policy on every kind of Citus's tables: the outcome is that of an ordinary table; test/citus/run describes the suite."""

import psycopg2
import pytest

# Rows of the table. Many are staged on the nodes.
SIZES = {"few": 300, "many": 5000}
STAGED = ("distributed", "by tenant", "partitioned")
KINDS = {
    "local": "",
    "local in metadata": "SELECT citus_add_local_table_to_metadata('{table}')",
    "reference": "SELECT create_reference_table('{table}')",
    "distributed": "SELECT create_distributed_table('{table}', 'id', shard_count => 6)",
    "by tenant": "SELECT create_distributed_table('{table}', 'tenant', shard_count => 6)",
    "single shard": "SELECT create_distributed_table('{table}', NULL, colocate_with => 'none')",
    "schema": "",
    "partitioned": "SELECT create_distributed_table('{table}', 'id', shard_count => 6)",
    "trigger": "SELECT create_distributed_table('{table}', 'id', shard_count => 6)",
    "trigger on reference": "SELECT create_reference_table('{table}')",
}
TRIGGER = "CREATE TRIGGER adjust BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION adjust()"
SETUP = """
    SET citus.shard_replication_factor = 1;
    CREATE OR REPLACE FUNCTION adjust() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.id % 50 = 7 THEN RETURN NULL; END IF;
            NEW.b := upper(NEW.b);
            RETURN NEW;
        END $$;
"""
NEW = "SELECT {key}i AS id, i * 2 AS a, 'new' || i AS b FROM generate_series(1, {last}) i"
ORDERS = {"stream": "ORDER BY {by}", "sort": "ORDER BY i % 10, i"}
UNCHANGED = ("SELECT {key}i AS id, CASE WHEN i % 3 = 0 THEN i ELSE -1 + i * 2 END AS a, 'old' || i AS b"
             " FROM generate_series(1, {last}) i")
# Each bad row takes some statements on all shards.
BAD = ("SELECT {key}i AS id, CASE i % {every} WHEN 3 THEN '-5' WHEN 5 THEN 'x' ELSE (i * 2)::text END AS a, 'new' || i AS b"
       " FROM generate_series(1, {last}) i")
ALL_BAD = "SELECT {key}i AS id, -i AS a, 'new' || i AS b FROM generate_series(1, 20) i"
TWICE = "SELECT {key}i AS id, i * 2 + j AS a, 'new' || j AS b FROM generate_series(1, {last}) i, generate_series(1, 2) j"
EXPECTED = ("SELECT {key}i AS id, i * 2 AS a, 'new' || i AS b, CASE WHEN i % 4 = 0 THEN 0 ELSE i END AS expected"
            " FROM generate_series(1, {last}) i")
COLUMNS = {"columns": "'{{{columns}, a, b}}'"}
POLICIES = {
    "plain": (NEW, {}),
    "total": (NEW, {"report": "'total'"}),
    "on_missing error": (NEW, {"on_missing": "'error'"}),
    "on_duplicate first": (TWICE, {"on_duplicate": "'first'"}),
    "on_duplicate last": (TWICE, {"on_duplicate": "'last'"}),
    "on_duplicate error": (TWICE, {}),
    "on_error stop": (ALL_BAD, {}),
    "on_error skip": (BAD, {"on_error": "'skip'", "rejects": "'rejects'"}),
    "on_error skip all": (ALL_BAD, {"on_error": "'skip'", "rejects": "'rejects'"}),
    "on_error skip none": (NEW, {"on_error": "'skip'", "rejects": "'rejects'"}),
    "reject_limit": (BAD, {"on_error": "'skip'", "reject_limit": "3"}),
    "skip_unchanged": (UNCHANGED, {"skip_unchanged": "true"}),
    "skip_unchanged skip": (UNCHANGED, {"skip_unchanged": "true", "on_error": "'skip'", "rejects": "'rejects'"}),
    "dry_run": (NEW, {"dry_run": "true"}),
    "dry_run skip_unchanged": (UNCHANGED, {"dry_run": "true", "skip_unchanged": "true"}),
    "expected": (EXPECTED, {**COLUMNS, "expected_columns": "'{{a}}'", "rejects": "'rejects'"}),
    "expected dry_run": (EXPECTED, {**COLUMNS, "expected_columns": "'{{a}}'", "dry_run": "true"}),
    "expected skip": (EXPECTED, {**COLUMNS, "expected_columns": "'{{a}}'", "rejects": "'rejects'", "on_error": "'skip'"}),
    "on_stale error": (EXPECTED, {**COLUMNS, "expected_columns": "'{{a}}'", "on_stale": "'error'"}),
    "old_values": (NEW, {"old_values": "'old'"}),
    "old_values skip": (BAD, {"old_values": "'old'", "on_error": "'skip'", "rejects": "'rejects'"}),
    "old_values skip_unchanged": (UNCHANGED, {"old_values": "'old'", "skip_unchanged": "true"}),
}
# The account of a chunk. Not its numbers, which may be larger where the rows are elsewhere.
ACCOUNT = ("sum(rows_fetched)::int, sum(rows_updated)::int, sum(rows_unchanged)::int, sum(rows_missing)::int,"
           " sum(rows_duplicate)::int, sum(rows_stale)::int, sum(rows_rejected)::int, array_agg(DISTINCT ordering)")
UNDONE = "sum(rows_fetched)::int, sum(rows_updated)::int, sum(rows_missing)::int, sum(rows_stale)::int"


def key_of(kind):
    return "tenant, id" if kind in ("by tenant", "tenant") else "id"


def create(session, kind, name, rows):
    """A table of this kind, or an ordinary one (None) to compare with; returns its name."""
    partitioned = kind is not None and "partitioned" in kind
    table = name
    if kind == "schema":
        session.run("SET citus.enable_schema_based_sharding = on; CREATE SCHEMA tenant")
        table = "tenant." + name
    session.run(f"""
        CREATE TABLE {table} (tenant int, id bigint, a int CONSTRAINT positive CHECK (a >= 0), b text,
            PRIMARY KEY ({key_of(kind)})) {"PARTITION BY RANGE (id)" if partitioned else ""}""")
    if partitioned:
        session.run(f"""
            CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO (101);
            CREATE TABLE {table}_2 PARTITION OF {table} FOR VALUES FROM (101) TO (MAXVALUE)""")
    if KINDS.get(kind):
        session.run(KINDS[kind].format(table=table))
    session.run(f"INSERT INTO {table} SELECT i % 7, i, i, 'old' || i FROM generate_series(1, {rows}) i")
    return table


@pytest.fixture(scope="module", autouse=True)
def functions(admin):
    admin.run(SETUP)


@pytest.fixture(params=[(kind, "few") for kind in KINDS] + [(kind, "many") for kind in STAGED],
                ids=lambda param: "-".join(param))
def case(request):
    return request.param


@pytest.fixture
def tables(session, case):
    """The names of a table of this kind and of an ordinary one with the same rows."""
    kind, size = case
    session.run("DROP TABLE IF EXISTS target, oracle, old, rejects; DROP SCHEMA IF EXISTS tenant CASCADE")
    target = create(session, kind, "target", SIZES[size])
    oracle = create(session, "tenant" if kind == "by tenant" else None, "oracle", SIZES[size])
    if "trigger" in kind:
        session.run("SET citus.enable_unsafe_triggers = on")
        for table in target, oracle:
            session.run(TRIGGER.format(table=table))
    yield target, oracle
    session.run(f"ROLLBACK; DROP TABLE IF EXISTS old, rejects; DROP TABLE {target}, {oracle};"
                " DROP SCHEMA IF EXISTS tenant CASCADE")


def call(session, table, case, query, options, ordering):
    """What a call returned and left, or its error."""
    kind, size = case
    columns = key_of(kind)
    query = query.format(key="i % 7 AS tenant, " if kind == "by tenant" else "", last=SIZES[size] + 20,
                         every=SIZES[size] // 7)
    query += " " + ORDERS[ordering].format(by="i % 7, i" if kind == "by tenant" else "i")
    named = "".join(f", {name} => {value.format(columns=columns)}" for name, value in options.items())
    session.run("DROP TABLE IF EXISTS old, rejects; SELECT bulk_update_create_rejects('rejects')")
    if "old_values" in options:
        session.run(f"SELECT bulk_update_create_old_values('old', '{table}')")
    try:
        found = session.run(f"SELECT {ACCOUNT} FROM bulk_update_query('{table}', %s, chunk_size => {SIZES[size] // 6},"
                            f" ordering => '{ordering}'{named})", (query,))
    except psycopg2.Error as error:
        found = error.pgcode
    rows = session.run(f"SELECT tenant, id, a, b FROM {table} ORDER BY id")
    rejects = session.run("SELECT source_row, reason, key::text, new_values::text, sqlstate, current_values::text FROM"
                          " rejects ORDER BY 1")
    old = undone = None
    if "old_values" in options:
        names = session.run("SELECT attname FROM pg_attribute WHERE attrelid = 'old'::regclass AND attnum > 1 ORDER BY 1")
        old = session.run(f"SELECT {', '.join(n for (n,) in names)} FROM old ORDER BY source_row")
        undone = (session.run(f"SELECT {UNDONE} FROM bulk_update_undo('{table}', 'old')"),
                  session.run(f"SELECT tenant, id, a, b FROM {table} ORDER BY id"))
    return {"found": found, "rows": rows, "rejects": rejects, "old": old, "undone": undone}


@pytest.mark.parametrize("ordering", ORDERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy(session, tables, case, policy, ordering):
    query, options = POLICIES[policy]
    target, oracle = tables
    ours = call(session, target, case, query, options, ordering)
    theirs = call(session, oracle, case, query, options, ordering)
    for part, value in theirs.items():
        assert ours[part] == value, part
