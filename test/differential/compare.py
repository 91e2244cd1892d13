"""Which results of the ways must be equal."""

import re

REPORT_IGNORED = ("elapsed_ms", "memory_bytes", "applier")
LONG = 600
# SQLSTATEs that on_error 'skip' does not skip.
NEVER_SKIPPED = ("42P10", "55P03", "55006", "55000", "P0004", "54001")
NEVER_SKIPPED_CLASSES = ("00", "01", "02", "08", "25", "2D", "40", "53", "57", "58", "F0", "XX")


def stops(job, errors):
    """The errors of rows that end the call."""
    return [error for error in errors
            if job.on_error == "stop" or error[0] in NEVER_SKIPPED or error[0][:2] in NEVER_SKIPPED_CLASSES]


def short(value):
    text = repr(value)
    return text if len(text) <= LONG else text[:LONG] + f"… ({len(text)} characters)"


def first_difference(a, b):
    """Where two values differ, as text."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b), key=repr):
            if a.get(key) != b.get(key):
                return f"{key}: {first_difference(a.get(key), b.get(key))}"
    if isinstance(a, list) and isinstance(b, list):
        texts_a, texts_b = set(map(repr, a)), set(map(repr, b))
        only_a = [x for x in a if repr(x) not in texts_b]
        only_b = [x for x in b if repr(x) not in texts_a]
        if only_a or only_b:
            return f"{len(a)} and {len(b)} entries; only first: {short(only_a[:2])}; only second: {short(only_b[:2])}"
        for n, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return f"order: entry {n} is {short(x)} and {short(y)}"
        return f"{len(a)} and {len(b)} entries"
    return f"{short(a)} and {short(b)}"


class Comparison:
    def __init__(self, schema, job, found):
        self.schema, self.job, self.found = schema, job, found
        self.problems = []

    def equal(self, what, names, a, b):
        if a != b:
            self.problems.append(f"{what} of {names}: {first_difference(a, b)}")

    # ----- each way by itself

    def sound(self, name, outcome):
        for problem in outcome.facts["damage"]:
            self.problems.append(f"{name}: {problem}")
        for table, (used, stored) in outcome.facts["toast"].items():
            if used > stored or used < stored and not outcome.error and not outcome.commit_error and not outcome.errors \
                    and not outcome.totals.get("rejected"):
                self.problems.append(f"{name}: {table} uses {used} values out of line, and {stored} are stored")
        self.problems += [f"{name}: {problem}" for problem in outcome.facts.get("kept", [])]
        for row in outcome.report:
            if row["rows_fetched"] != sum(row[f"rows_{k}"] for k in ("updated", "unchanged", "missing", "stale", "duplicate", "rejected")):
                self.problems.append(f"{name}: counts do not add up in {row}")

    # ----- the same applied by two appliers

    def appliers(self):
        a, b = self.found["sql"], self.found["auto"]
        names = "sql and auto"
        self.equal("error", names, *(self.of_any_plan(self.of_any_partition(o.error)) for o in (a, b)))
        self.equal("error at commit", names, a.commit_error, b.commit_error)
        self.equal("report", names, *([{k: v for k, v in row.items() if k not in REPORT_IGNORED} for row in o.report] for o in (a, b)))
        for fact in ("rows", "log", "rejects", "decoded"):
            self.equal(fact, names, *(self.comparable(o.facts.get(fact), fact) for o in (a, b)))
        tries = a.error or b.error or a.totals.get("rejected")
        # Rows of failed attempts remain as dead tuples, and so do locks of failed attempts; their number may differ.
        if not tries:
            self.equal("statistics", names, a.facts.get("statistics"), b.facts.get("statistics"))
        # With expected or old values, the SQL applier locks each row first, and the new version keeps that lock.
        same_locks = not tries and not self.job.expected and not self.job.old_values
        self.equal("tuples", names, *({table: sorted(((m, m2 if not tries else 0, locks if same_locks else 0, attributes)
                                                      for m, m2, locks, attributes in rows), key=repr)
                                       for table, rows in o.facts["tuples"].items()} for o in (a, b)))

    def choice(self):
        """auto uses direct exactly if direct does not raise an error."""
        auto = self.found["auto"]
        used = {row["applier"] for row in auto.report if row["rows_updated"] and row.get("applier")}
        if used and not auto.error and ("sql" in used) != ("refused" in self.found):
            self.problems.append(f"auto used {sorted(used)}, and direct is {'' if 'refused' in self.found else 'not '}refused")

    @staticmethod
    def of_any_partition(error):
        """Any of several partitions that publish updates and have no replica identity may be found first."""
        if error and error["message"].startswith("cannot update table"):
            return {**error, "message": re.sub(r'"t_\w+"', "a partition", error["message"])}
        return error

    def of_any_plan(self, error):
        """With children, the plan decides whether a source row is the current one when an error is raised."""
        return {**error, "context": None} if error and self.schema.form == "inherited" else error

    def comparable(self, value, fact):
        """The part of a fact that is equal for both appliers."""
        if (self.schema.rows <= 7 or self.schema.form == "inherited") and fact in ("log", "decoded") and value:
            # Few rows may be the outer side of the executor's join, and then their order is the plan's; so it is if
            # there are children.
            value = sorted(value, key=repr)
        # Statement triggers run for each attempt that is not rolled back, and attempts may be divided differently.
        if self.found["sql"].totals.get("rejected") and fact == "log":
            return [entry for entry in value if entry[0] != "statement"]
        if self.found["sql"].totals.get("rejected") and fact == "decoded":
            return [line for line in value if "kind[text]:'statement'" not in line]
        return value

    # ----- the same in other chunks, or row by row

    def per_row(self, name):
        """Facts that do not depend on how rows are divided into statements."""
        a, b = self.found["sql"], self.found[name]
        names = f"sql and {name}"
        if not self.schema.row_by_row or b.by_place and self.job.may_conflict:
            return
        if name != "plain":
            self.equal("error", names, bool(a.error), bool(b.error))
        if a.error or b.error:
            self.equal("rows", names, a.facts["rows"], b.facts["rows"])
            return
        self.equal("error at commit", names, *(o.commit_error and (o.commit_error["sqlstate"], o.commit_error["message"]) for o in (a, b)))
        self.equal("counts", names, *({k: n for k, n in o.totals.items() if n} for o in (a, b)))
        self.equal("rows", names, a.facts["rows"], b.facts["rows"])
        in_order = sorted if self.job.other_order or b.by_place else list
        for kind in ("before", "after", "deferred"):
            self.equal(f"log of kind {kind}", names,
                       *(in_order([tuple(map(str, e)) for e in o.facts["log"] if e[0] == kind]) for o in (a, b)))
        self.equal("decoded", names, *({table: in_order(lines) for table, lines in self.by_table(o).items()} for o in (a, b)))
        self.equal("tuples", names, *({table: sorted((m, attributes) for m, m2, locks, attributes in rows)
                                       for table, rows in map(self.of_values, o.facts["tuples"].items())} for o in (a, b)))

    def of_values(self, item):
        table, rows = item
        return table, [(m, m2, locks, tuple(str(x) for x in attributes)) for m, m2, locks, attributes in rows]

    @staticmethod
    def by_table(outcome):
        tables = {}
        for line in outcome.facts["decoded"]:
            if line.startswith("table ") and "kind[text]:'statement'" not in line:
                tables.setdefault(line.split(":")[0], []).append(line)
        # Triggers before and after rows interleave differently there; the rows are compared.
        tables.pop("table d.log", None)
        tables.pop("table d.side", None)
        return tables

    def plain_errors(self):
        """Under 'stop', the error is one that plain UPDATE raises too; under 'skip' the same rows are rejected."""
        a, plain = self.found["sql"], self.found["plain"]
        if not self.schema.row_by_row:
            return
        if plain.error:
            self.equal("error", "sql and plain", a.error and (a.error["sqlstate"], a.error["message"]),
                       (plain.error["sqlstate"], plain.error["message"]))
            return
        possible = stops(self.job, plain.errors)
        states = set()
        if self.job.on_duplicate == "error" and plain.totals["duplicate"]:
            states.add("21000")
        if self.job.on_missing == "error" and plain.totals["missing"]:
            states.add("P0002")
        if self.job.on_stale == "error" and plain.totals["stale"]:
            states.add("55000")
        if a.error:
            found = (a.error["sqlstate"], a.error["message"])
            if found not in possible and found[0] not in states:
                self.problems.append(f"error of sql {found}, and plain UPDATE raises {short(possible[:3])}")
        elif possible or states:
            self.problems.append(f"no error of sql, and plain UPDATE raises {short(possible[:3])} {states or ''}")
        elif self.job.rejects and not a.commit_error:
            self.equal("rejects", "sql and plain", [(r[2], r[3], r[6], r[7]) for r in a.facts["rejects"]],
                       [(n, {"rejected": "error"}.get(what, what), state, message) for n, what, state, message in plain.rejected])

    # ----- the same as one statement

    def whole(self):
        """If rows can only be applied together, and all of them are in one chunk: the table of one UPDATE."""
        for name, outcome in self.found.items():
            if name in ("plain", "whole", "refused") or not self.in_one_chunk(name, outcome):
                continue
            whole = self.found["whole"]
            states = {"21000"} if self.job.on_duplicate == "error" and whole.totals.get("duplicate") else set()
            states |= {"P0002"} if self.job.on_missing == "error" and whole.totals.get("missing") else set()
            states |= {"55000"} if self.job.on_stale == "error" and whole.totals.get("stale") else set()
            states |= {state for state, _ in stops(self.job, whole.errors)}
            if whole.error:     # of errors before the call, or of UPDATE whatever its rows
                states = {whole.error["sqlstate"]}
            names = f"{name} and whole"
            if outcome.error or states:
                if bool(states) != bool(outcome.error) or outcome.error["sqlstate"] not in states:
                    self.problems.append(f"error of {names}: {outcome.error and outcome.error['message']}, and of one UPDATE {sorted(states)}")
                continue
            self.equal("error at commit", names, outcome.commit_error, whole.commit_error)
            self.equal("counts", names, *({k: n for k, n in o.totals.items() if n} for o in (outcome, whole)))
            self.equal("rows", names, outcome.facts["rows"], whole.facts["rows"])
            if self.job.rejects and not outcome.commit_error:
                self.equal("rejects", names, [(r[2], r[3], r[6]) for r in outcome.facts["rejects"]],
                           [(n, {"rejected": "error"}.get(what, what), state) for n, what, state, _ in whole.rejected])

    def in_one_chunk(self, name, outcome):
        chunk_size = self.job.chunk_size if name in ("sql", "auto") else self.job.chunk_size_other
        small = not any(word in statement for statement in self.job.sql for word in ("noise(", "repeat(", "generate_series"))
        return len(outcome.report) == 1 or outcome.error and chunk_size >= self.job.size and small

    def run(self):
        for name, outcome in self.found.items():
            if name != "refused":
                self.sound(name, outcome)
        self.appliers()
        self.choice()
        self.per_row("direct" if "direct" in self.found else "other chunks")
        self.plain_errors()
        if "whole" in self.found:
            self.whole()
        if not self.found["sql"].error:
            self.per_row("plain")
        return self.problems


def differences(schema, job, found):
    return Comparison(schema, job, found).run()
