"""The ways of applying a job: bulk_update with each applier, and one UPDATE for each source row in key order."""

import psycopg2

import expected
import facts
import kept
import self_reference
from compare import stops
from kinds import bare, quoted

SLOT = "differential"


class Outcome:
    """The result of a way: facts by name, the report, and the error if there was one."""

    def __init__(self):
        self.report = []
        self.totals = {}
        self.error = None          # of the call
        self.commit_error = None
        self.errors = []           # plain: of all rows that could not be applied, as (sqlstate, message)
        self.applier = ""          # the report's counts
        self.by_place = False      # rows may have been applied in the order of their places
        self.facts = {}
        self.before = None         # the rows, if old values are kept


def error_fields(error):
    diag = error.diag
    # The statement that was running may differ.
    context = [line for line in (diag.context or "").splitlines() if "FROM pg_catalog.unnest($1) WITH ORDINALITY AS u(" not in line]
    return {"sqlstate": error.pgcode, "message": diag.message_primary, "detail": diag.message_detail, "hint": diag.message_hint,
            "schema": diag.schema_name, "table": diag.table_name, "column": diag.column_name, "datatype": diag.datatype_name,
            "constraint": diag.constraint_name, "context": context}


class Ways:
    def __init__(self, connection, schema, job, has_applier):
        self.connection, self.schema, self.job, self.has_applier = connection, schema, job, has_applier
        self.cursor = connection.cursor()
        self.undone = False        # has a call been undone with its old values?

    def run(self, statement):
        self.cursor.execute(statement)
        return self.cursor.fetchall() if self.cursor.description else []

    def setup_statements(self):
        statements = ["CLOSE ALL", "RESET ROLE", "DROP PUBLICATION IF EXISTS d_publication", "DROP TABLE IF EXISTS pg_temp.t",
                      "DROP SCHEMA IF EXISTS aux CASCADE", "DROP SCHEMA IF EXISTS d CASCADE"]
        for statement in self.schema.sql + self.job.sql:
            statements.append(statement)
        if self.job.rejects:
            statements += ["SELECT bulk_update_create_rejects('d.rejects')", "GRANT ALL ON d.rejects TO PUBLIC"]
        return statements + kept.setup_statements(self.job)

    def setup(self):
        for statement in self.setup_statements():
            self.run(statement)

    def settings(self):
        job = self.job
        return [f"BEGIN ISOLATION LEVEL {job.isolation}", f"SET LOCAL work_mem = '{job.work_mem}'",
                f"SET LOCAL maintenance_work_mem = '{job.maintenance_work_mem}'",
                f"SET LOCAL bulk_update.sort_index_entries = {job.sort_index_entries}",
                f"SET LOCAL session_replication_role = {job.session_replication_role}"] + (
                    [f"SET LOCAL ROLE {self.schema.role}"] if self.schema.role else []) + job.earlier

    def script(self):
        """SQL that repeats the job by hand."""
        lines = ["CREATE EXTENSION IF NOT EXISTS bulk_update;", "DO $$ BEGIN CREATE ROLE d_user; EXCEPTION WHEN duplicate_object THEN END $$;",
                 "\\set VERBOSITY verbose"]
        for applier in ("sql", "auto"):
            lines += ["", f"-- ===== applier {applier} =====", f"SET bulk_update.applier = {applier};", "SET client_min_messages = warning;"]
            lines += [statement.rstrip(";") + ";" for statement in self.setup_statements()]
            lines += ["RESET client_min_messages;"]
            lines += [statement + ";" for statement in self.settings() + self.job.calls * self.job.call(self.job.chunk_size)] + ["COMMIT;"]
            lines += [f"SELECT tableoid::regclass, * FROM {self.schema.target} AS t ORDER BY {self.schema.keys[0].name}::text;",
                      "SELECT kind, name, place, op, old, new FROM d.log ORDER BY id;"]
            if self.job.rejects:
                lines += ["SELECT source_row, reason, key, sqlstate, message FROM d.rejects ORDER BY source_row;"]
        return "\n".join(lines) + "\n"

    # ----- the ways

    def bulk(self, applier, chunk_size, ordering=None):
        outcome = Outcome()
        outcome.by_place = ordering == "place"
        self.setup()
        if self.has_applier:
            self.run(f"SET bulk_update.applier = {quoted(applier)}")
        self.around(outcome, lambda: self.call(outcome, chunk_size, ordering))
        if self.job.old_values and not outcome.error and not outcome.commit_error:
            outcome.facts["kept"] = kept.problems(self, outcome.before, 0 if self.job.dry_run else outcome.totals["updated"])
        return outcome

    def call(self, outcome, chunk_size, ordering):
        *before, call = self.job.call(chunk_size, ordering)
        outcome.before = kept.rows(self) if self.job.old_values else None
        for _ in range(self.job.calls):
            for statement in before:
                self.run(statement)
            rows = self.run(call)
            names = [column.name for column in self.cursor.description]
            outcome.report += [dict(zip(names, row)) for row in rows]
        for name in ("updated", "unchanged", "missing", "stale", "duplicate", "rejected"):
            outcome.totals[name] = sum(row[f"rows_{name}"] for row in outcome.report)
        outcome.applier = " and ".join(sorted({row["applier"] for row in outcome.report if row.get("applier")}))

    def plain(self):
        outcome = Outcome()
        self.setup()
        for statement in plain_statements(self.schema, self.job):
            self.run(statement)
        self.around(outcome, lambda: self.apply_plainly(outcome))
        return outcome

    def apply_plainly(self, outcome):
        rows = []
        for _ in range(self.job.calls):
            self.set_late("DEFERRED")
            rows += self.run("SELECT n, outcome, state, message FROM aux.apply()")
            # Errors that end the call come first.
            if not stops(self.job, [row[2:] for row in rows if row[1] == "rejected"]) and not self.refuses(rows):
                self.set_late("IMMEDIATE")
        for name in ("updated", "unchanged", "missing", "stale", "duplicate", "rejected"):
            outcome.totals[name] = sum(row[1] == name for row in rows)
        outcome.errors = [row[2:] for row in rows if row[1] == "rejected"]
        outcome.outcomes = [row[:2] for row in rows]
        outcome.rejected = sorted((row[0], row[1], row[2], row[3]) for row in rows if row[1] in ("rejected", "missing", "stale", "duplicate"))

    def refuses(self, rows):
        """Are there rows that are an error under the call's policies?"""
        job = self.job
        return any(row[1] == "duplicate" and job.on_duplicate == "error" or row[1] == "missing" and job.on_missing == "error"
                   or row[1] == "stale" and job.on_stale == "error"
                   for row in rows)

    def set_late(self, mode):
        """One call's updates of single rows are checked together."""
        schema = "pg_temp" if self.schema.form == "temporary" else "d"
        for name in self.schema.late:
            if self.job.on_error == "stop":
                self.run(f"SET CONSTRAINTS {schema}.{name} {mode}")

    def whole(self):
        """One UPDATE of all rows that one UPDATE can apply. Constraint t_s is dropped to find those with their own errors."""
        outcome = Outcome()
        self.setup()
        self.run(f"ALTER TABLE {self.schema.name} DROP CONSTRAINT t_s")
        statements = plain_statements(self.schema, self.job)
        for statement in statements:
            self.run(statement)
        alone = Outcome()
        try:
            for statement in self.settings():
                self.run(statement)
            self.apply_plainly(alone)
        except psycopg2.Error as error:
            alone.error = error_fields(error)
        self.run("ROLLBACK")
        self.setup()
        for statement in statements:
            self.run(statement)
        self.around(outcome, lambda: self.apply_at_once(outcome, alone))
        outcome.error = outcome.error or alone.error
        return outcome

    def apply_at_once(self, outcome, alone):
        outcome.totals, outcome.errors = dict(alone.totals), list(alone.errors)
        outcome.rejected = list(alone.rejected)
        self.run("RESET ROLE")
        position = dict(self.run("SELECT n, pos FROM aux.s"))
        updated = {n for n, what in alone.outcomes if what == "updated"}
        rows = {row: (u, s) for row, u, s in self.run(f"SELECT ctid::text, u, s FROM {self.schema.target}")}
        pairs = {n: (row, u, s) for n, row, u, s in self.run(self_reference.pairs_query(self.job)) if position[n] in updated}
        if self.schema.role:
            self.run(f"SET LOCAL ROLE {self.schema.role}")
        taken = self_reference.largest_set(rows, pairs, pairs)
        state, message = "23503", None
        for n in set(pairs) - taken:
            outcome.rejected.append((position[n], "rejected", state, message))
            outcome.errors.append((state, message))
        outcome.rejected.sort(key=lambda row: row[0])
        outcome.totals["updated"] -= len(pairs) - len(taken)
        outcome.totals["rejected"] += len(pairs) - len(taken)
        self.run(self_reference.update(self.job, taken))

    def around(self, outcome, act):
        """Run act in a transaction of the job's kind and gather the facts."""
        before = facts.before(self)
        self.run("SELECT pg_stat_force_next_flush()")
        self.run(f"SELECT pg_replication_slot_advance('{SLOT}', pg_current_wal_lsn())")
        try:
            for statement in self.settings():
                self.run(statement)
            act()
            outcome.facts["statistics"] = facts.statistics(self)
        except psycopg2.Error as error:
            if self.connection.closed:
                raise
            outcome.error = error_fields(error)
        if outcome.error:
            self.run("ROLLBACK")
        elif self.must_roll_back(outcome):
            self.run("ROLLBACK")
        else:
            try:
                self.run("COMMIT")
            except psycopg2.Error as error:
                if self.connection.closed:
                    raise
                outcome.commit_error = error_fields(error)
        facts.gather(self, outcome, before)

    def must_roll_back(self, outcome):
        """Plain: errors that would have stopped the call stop it here."""
        return bool(stops(self.job, outcome.errors))


# ----- plain UPDATE

def plain_statements(schema, job):
    """The arguments of apply() of plain_function: every row's key and values, coerced; its rank; whether it is applied."""
    def coerced(table, columns, stated=()):
        def type_of(column):
            return (bare(column.type) if table == "k" else column.type) + (column.options if "COLLATE" in column.options else "")

        names = ", ".join([column.name for column in columns] + [column.cast for column in stated])
        fed = ", ".join([job.source_value(column, table == "k") for column in columns] + [column.value for column in stated])
        types = [f"{column.name} {type_of(column)}" for column in columns] + [f"{column.cast} {column.type}" for column in stated]
        # A key that is out of its type's range belongs to no row.
        no_key = "" if table != "k" else f"""WHEN numeric_value_out_of_range OR string_data_right_truncation OR datetime_field_overflow THEN
            INSERT INTO aux.{table} (n) VALUES (r);
        """
        return [f"CREATE TABLE aux.{table} (n int, {', '.join(types)}, state text, message text)",
                f"""DO $$ DECLARE r int; code text; problem text; BEGIN
    FOR r IN SELECT n FROM d.src LOOP
        BEGIN
            INSERT INTO aux.{table} (n, {names}) SELECT n, {fed} FROM d.src WHERE n = r;
        EXCEPTION {no_key}WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, problem = MESSAGE_TEXT;
            INSERT INTO aux.{table} (n, state, message) VALUES (r, code, problem);
        END;
    END LOOP; END $$""", f"CREATE UNIQUE INDEX ON aux.{table} (n)"]

    keys = job.order
    # Of several errors in a row the first one in the order of the source's columns is found.
    values = [column for column in job.columns if column in job.values]
    # Not IS NULL, which is true for a composite value of nulls.
    nulls = " OR ".join(f"{column.name} IS NOT DISTINCT FROM NULL" for column in keys)
    which = "pos" if job.on_duplicate != "last" else "pos DESC"
    groups = job.order_by()
    return (["CREATE SCHEMA aux", "GRANT USAGE ON SCHEMA aux TO PUBLIC"] + coerced("k", keys) + coerced("c", values, job.expected) + [
        f"CREATE TABLE aux.s AS SELECT n, row_number() OVER (ORDER BY {job.arranged}) AS pos FROM d.src",
        f"""CREATE TABLE aux.taken AS
            SELECT n, pos, rank() OVER (ORDER BY {groups}) AS rank, row_number() OVER (PARTITION BY {groups} ORDER BY {which}) = 1 AS taken
              FROM aux.k JOIN aux.s USING (n) WHERE state IS NULL AND NOT ({nulls})""",
        "GRANT SELECT ON ALL TABLES IN SCHEMA aux TO PUBLIC", "ANALYZE aux.k", "ANALYZE aux.c",
        plain_function(schema, job)])


def plain_function(schema, job):
    condition = job.key_condition("t", "k")
    def same(column):
        cast = "" if not column.kind or column.kind.compared else "::text"
        return f"t.{column.name}{cast} IS NOT DISTINCT FROM c.{column.name}{cast}"
    equal = " AND ".join(same(column) for column in job.values)
    assignments = ", ".join(f"{column.name} = s.{job.source_value(column)}" for column in job.values)
    return f"""
CREATE FUNCTION aux.apply() RETURNS TABLE (n bigint, outcome text, state text, message text) LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE r record; there bigint; unchanged boolean; stale boolean;
BEGIN
    RETURN QUERY SELECT s.pos, 'rejected', k.state, k.message FROM aux.k JOIN aux.s USING (n) WHERE k.state IS NOT NULL;
    RETURN QUERY SELECT s.pos, 'missing', NULL, NULL FROM aux.k JOIN aux.s USING (n) LEFT JOIN aux.taken USING (n)
                  WHERE k.state IS NULL AND taken IS NULL;
    RETURN QUERY SELECT pos, 'duplicate', NULL, NULL FROM aux.taken WHERE NOT taken;
    FOR r IN SELECT t.n, t.pos, c.state, c.message FROM aux.taken AS t JOIN aux.c USING (n) WHERE t.taken ORDER BY t.rank LOOP
        n := r.pos; state := r.state; message := r.message; outcome := 'rejected';
        IF state IS NULL THEN
            BEGIN
                SELECT count(*), bool_and({equal}), {expected.is_stale(job, equal)} INTO there, unchanged, stale
                  FROM aux.k AS k, aux.c AS c, {schema.target} AS t WHERE k.n = r.n AND c.n = r.n AND {condition};
                outcome := CASE WHEN there = 0 THEN 'missing' WHEN {job.skip_unchanged} AND unchanged THEN 'unchanged'
                                WHEN stale THEN 'stale' ELSE 'updated' END;
                -- Without a look beforehand, missing rows are part of the statement.
                IF NOT {job.dry_run} AND outcome <> 'stale' AND (outcome = 'updated' OR NOT {job.skip_unchanged}) THEN
                    UPDATE {schema.target} AS t SET {assignments}
                      FROM d.src AS s, aux.k AS k WHERE s.n = r.n AND k.n = r.n AND {condition};
                    IF NOT FOUND AND there > 0 THEN
                        outcome := 'unchanged';
                    END IF;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
                outcome := 'rejected';
            END;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$"""
