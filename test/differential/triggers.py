"""Random triggers of a target: they log, change, suppress, raise errors, and write to other tables."""

LOG = """
CREATE TABLE d.log (id bigint GENERATED ALWAYS AS IDENTITY, kind text, name text, place text, op text, old text, new text);
CREATE TABLE d.side (id int PRIMARY KEY, n int NOT NULL);
INSERT INTO d.side SELECT i, 0 FROM generate_series(0, 9) AS i;
CREATE FUNCTION d.log_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO d.log (kind, name, place, op, old, new)
    VALUES (TG_ARGV[0], TG_NAME, TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END);
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION d.log_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO d.log (kind, name, place, op) VALUES (TG_ARGV[0], TG_NAME, TG_TABLE_NAME, TG_OP);
    RETURN NULL;
END $$;
CREATE FUNCTION d.log_tables() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO d.log (kind, name, place, op, old, new)
    SELECT TG_ARGV[0], TG_NAME, TG_TABLE_NAME, TG_OP, (SELECT string_agg(o::text, ';' ORDER BY o::text) FROM o),
           (SELECT string_agg(n::text, ';' ORDER BY n::text) FROM n);
    RETURN NULL;
END $$;
CREATE FUNCTION d.suppress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN abs(hashtext(OLD.k1::text)) % 5 = 0 THEN NULL ELSE NEW END;
END $$;
CREATE FUNCTION d.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF abs(hashtext(NEW.k1::text)) % TG_ARGV[0]::int = 0 THEN
        RAISE EXCEPTION 'trigger % refuses %', TG_NAME, NEW.k1 USING ERRCODE = 'P0123', DETAIL = OLD.k1, HINT = 'None.';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION d.nest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_update_query('d.side', 'SELECT id, n + 100 AS n FROM d.side WHERE id = ' || abs(hashtext(NEW.k1::text)) % 10);
    RETURN NEW;
END $$;
CREATE FUNCTION d.count_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE d.side SET n = n + 1 WHERE id = abs(hashtext(NEW.k1::text)) % 10;
    RETURN NEW;
END $$;
"""


def trigger(schema, name, when, function, argument="", statement=False, extra=""):
    rng = schema.rng
    columns = [column.name for column in schema.columns if column.filled and column.name != "i"]
    of_columns = f" OF {', '.join(rng.sample(columns, min(len(columns), rng.randint(1, 2))))}" if rng.random() < 0.25 and not extra else ""
    condition = ""
    if not statement and rng.random() < 0.2:
        condition = rng.choice((f"WHEN (hashtext(OLD.{schema.keys[0].name}::text) % 2 = 0) ",
                                "WHEN (OLD.*::text IS DISTINCT FROM NEW.*::text) "))
        if "NEW.*" in condition and when == "BEFORE" and schema.generated:
            condition = ""
    events = "UPDATE" + of_columns
    if rng.random() < 0.15 and not extra:
        events += " OR INSERT OR DELETE" if not condition else ""
    kind = "CONSTRAINT TRIGGER" if when == "DEFERRED" else "TRIGGER"
    timing = "AFTER" if when == "DEFERRED" else when
    deferrable = " DEFERRABLE INITIALLY DEFERRED" if when == "DEFERRED" else ""
    schema.add(f"CREATE {kind} {name} {timing} {events} ON {schema.name}{deferrable} {extra} "
               f"FOR EACH {'STATEMENT' if statement else 'ROW'} {condition}EXECUTE FUNCTION {function}({argument})")
    schema.triggers.append(name)
    schema.features.append(f"{when} {'statement' if statement else 'row'} trigger {function[2:]}{of_columns and ' OF'}{condition and ' WHEN'}")
    if rng.random() < 0.1:
        schema.add(f"ALTER TABLE {schema.name} {rng.choice(('DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA'))} TRIGGER {name}")


def attach(schema):
    rng, schema.triggers = schema.rng, []
    if rng.random() < 0.45:
        return
    if rng.random() < 0.4:
        trigger(schema, "b_log", "BEFORE", "d.log_row", "'before'")
    if rng.random() < 0.3:
        changing_trigger(schema)
    if rng.random() < 0.15:
        trigger(schema, "n_suppress", "BEFORE", "d.suppress")
    if rng.random() < 0.1:
        trigger(schema, "r_refuse", rng.choice(("BEFORE", "AFTER")), "d.refuse", rng.choice(("7", "40")))
    if rng.random() < 0.5:
        trigger(schema, "a_log", "AFTER", "d.log_row", "'after'")
    if rng.random() < 0.2:
        trigger(schema, "a_log2", "AFTER", "d.log_row", "'after'")
    if rng.random() < 0.2:
        trigger(schema, "a_side", "AFTER", "d.count_aside")
    if rng.random() < 0.06:
        trigger(schema, "n_nest", rng.choice(("BEFORE", "AFTER")), "d.nest")
    if schema.partitioned and rng.random() < 0.3:
        schema.features.append("trigger of a partition")
        schema.add("CREATE TRIGGER p_log AFTER UPDATE ON d.t_rest FOR EACH ROW EXECUTE FUNCTION d.log_row('after')")
    if rng.random() < 0.2:
        trigger(schema, "d_log", "DEFERRED", "d.log_row", "'deferred'")
    for timing in ("BEFORE", "AFTER"):
        if rng.random() < 0.2:
            trigger(schema, f"s_{timing.lower()}", timing, "d.log_statement", "'statement'", statement=True)
    if rng.random() < 0.1:
        trigger(schema, "s_tables", "AFTER", "d.log_tables", "'statement'", statement=True,
                extra="REFERENCING OLD TABLE AS o NEW TABLE AS n")
    if schema.ordinary and rng.random() < 0.06:
        disturbing_trigger(schema)


def changing_trigger(schema):
    """BEFORE UPDATE: changes a column of NEW, sometimes the key."""
    rng = schema.rng
    column = rng.choice(schema.regulars)
    change = f"NEW.{column.name} := {column.sized(rng, lambda: column.kind.value(rng))};"
    key = schema.keys[-1]
    if schema.maybe(0.3, "trigger changes the key") and key.type in ("bigint", "integer", "numeric", "date"):
        change = f"IF abs(hashtext(OLD.k1::text)) % 4 = 0 THEN NEW.{key.name} := NEW.{key.name} + 1000000; END IF;"
        if schema.form == "inherited":
            schema.row_by_row = False
    elif rng.random() < 0.3:
        change = f"NEW.{column.name} := OLD.{column.name};"
    elif rng.random() < 0.3:
        change = f"IF abs(hashtext(OLD.k1::text)) % 2 = 0 THEN {change} END IF;"
    schema.add(f"CREATE FUNCTION d.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change} RETURN NEW; END $$")
    trigger(schema, "c_change", "BEFORE", "d.change")


def disturbing_trigger(schema):
    """One that updates or deletes another row of the target: what it does depends on the chunk."""
    rng, key = schema.rng, schema.keys[0].name
    column = rng.choice(schema.regulars).name
    act = rng.choice((f"UPDATE d.t SET {column} = {column} WHERE ", "DELETE FROM d.t WHERE "))
    schema.add(f"""CREATE FUNCTION d.disturb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 AND abs(hashtext(NEW.k1::text)) % 6 = 0 THEN
        {act}{key} = (SELECT min({key}::text) FROM d.t WHERE {key}::text > NEW.{key}::text)::{schema.keys[0].type};
    END IF;
    RETURN NEW;
END $$""")
    schema.row_by_row = False
    trigger(schema, "x_disturb", rng.choice(("BEFORE", "AFTER")), "d.disturb")
