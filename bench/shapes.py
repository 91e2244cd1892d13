"""The jobs that are measured: the contents of the tables `objects` and `source`.

`source` has the new values, stored in the order that the shape specifies, and has no index unless the shape adds one.
"""

from typing import NamedTuple

# column: (type, value of row i, new value, constant for the floor)
FIELDS = {
    "field1": ("integer", "i", "field1 + 1", "0"),
    "field2": ("text", "'object ' || i", "md5(field2)", "md5('')"),
    "field3": ("integer", "i % 100", "field3 * 2", "0"),
    "field4": ("numeric", "i / 4.0", "field4 + 1", "0"),
    "field5": ("timestamptz", "timestamptz '2026-01-01 00:00Z' + i * interval '1 second'",
               "field5 + interval '1 day'", "timestamptz '2026-01-01 00:00Z'"),
    # 1 kB of incompressible text, below the size from which values are stored out of line.
    "payload": ("text", "(SELECT string_agg(encode(sha512(int8send(i * 100 + j)), 'hex'), '')"
                        " FROM generate_series(1, 8) j)",
                "reverse(payload)", "repeat(md5(''), 32)"),
}

BIGINT = {"id": ("bigint", "i")}
UUID = {"id": ("uuid", "md5(i::text)::uuid")}
TEXT = {"code": ("text", "'article-' || lpad(i::text, 10, '0')")}
COMPOSITE = {"tenant": ("integer", "i / 1000"), "number": ("integer", "i % 1000")}


class Shape(NamedTuple):
    description: str
    keys: dict = BIGINT
    values: tuple = ("field1", "field2", "field3")
    others: dict = {}            # columns that are not updated: type and value of row i
    triggered: dict = {}         # of these, what a trigger sets in each updated row
    order: str = "id"            # of the source
    source_indexed: bool = False
    changed: str = ""            # condition for a row to get a new value; the rest gets its old one
    condition: str = ""          # which rows are in the source; {rows} is the size of the table
    storage: str = ""            # after the columns of CREATE TABLE
    before_load: tuple = ()
    after_load: tuple = ()
    divisor: int = 1             # the number of requested rows is divided by this
    skip_unchanged: bool = False
    clients: bool = False        # also measured from a client
    jobs: bool = False           # also applied by jobs, as those with clients are
    warm: bool = False           # in a session that has made the same call before
    entries: int = 0             # for each row of the table; the source is their aggregate, a view

    def columns(self):
        return list(self.keys) + list(self.values)

    def type_of(self, column):
        return (self.keys.get(column) or FIELDS[column])[0]

    def statements(self, rows):
        """The statements that create both tables, with this many rows."""
        loaded = {**self.keys, **{name: FIELDS[name][:2] for name in self.values}, **self.others}
        columns = ", ".join(f"{name} {loaded[name][0]}" for name in loaded)
        keys = ", ".join(self.keys)
        yield f"CREATE TABLE objects ({columns}, PRIMARY KEY ({keys})) {self.storage}"
        yield from (statement.format(rows=rows) for statement in self.before_load)
        yield (f"INSERT INTO objects SELECT {', '.join(value for _, value in loaded.values())}"
               f" FROM generate_series(1, {rows}) i")
        yield from self.after_load
        if self.entries:
            yield (f"CREATE TABLE entries AS SELECT i % {rows} + 1 AS id, i % 100 AS amount"
                   f" FROM generate_series(1, {rows * self.entries}) i")
            yield "CREATE VIEW source AS SELECT id::bigint AS id, sum(amount)::integer AS field1 FROM entries GROUP BY id"
            return
        new = ", ".join(f"{self.new_value(name)} AS {name}" for name in self.values)
        where = f"WHERE {self.condition.format(rows=rows)}" if self.condition else ""
        yield f"CREATE TABLE source AS SELECT {keys}, {new} FROM objects {where} ORDER BY {self.order}"
        if self.source_indexed:
            yield f"ALTER TABLE source ADD PRIMARY KEY ({keys})"

    def new_value(self, column):
        new = FIELDS[column][2]
        return f"CASE WHEN {self.changed} THEN {new} ELSE {column} END" if self.changed else new

    def can_be_rebuilt(self):
        """Can a new table take the place of this one?  Triggers would not run, partitions would have to be made."""
        return not any("TRIGGER" in statement for statement in self.after_load) and "PARTITION" not in self.storage

    def whole_table(self):
        return not self.condition and not self.changed


def secondary(*columns):
    return tuple(f"CREATE INDEX ON objects ({column})" for column in columns)


def trigger(name, timing, body):
    return (f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body} END'",
            f"CREATE TRIGGER {name} {timing} UPDATE ON objects FOR EACH ROW EXECUTE FUNCTION {name}()")


OTHERS = {"other1": ("integer", "i"), "other2": ("integer", "i % 1000"), "other3": ("text", "md5(i::text)"),
          "other4": ("timestamptz", "timestamptz '2026-01-01 00:00Z' - i * interval '1 minute'")}
# Neither in the order of the table, nor of any source.
SCATTERED = {"number": ("integer", "hashint4(-i)"), "word": ("text", "md5(i::text)"),
             "token": ("uuid", "md5((-i)::text)::uuid"),
             "moment": ("timestamptz", "timestamptz '2026-01-01 00:00Z' + hashint4(-i) * interval '1 second'"),
             "price": ("numeric", "hashint4(i + 7) / 100.0")}
EIGHT_PARTITIONS = """DO 'BEGIN FOR n IN 0 .. 7 LOOP EXECUTE format(
    ''CREATE TABLE objects_%s PARTITION OF objects FOR VALUES WITH (MODULUS 8, REMAINDER %s)'',
    n, n); END LOOP; END'"""
HASH_PARTITIONS = """DO 'BEGIN FOR n IN 0 .. 15 LOOP EXECUTE format(
    ''CREATE TABLE objects_%s PARTITION OF objects FOR VALUES WITH (MODULUS 16, REMAINDER %s)'',
    n, n); END LOOP; END'"""
RANGE_PARTITIONS = """DO 'BEGIN FOR n IN 0 .. 15 LOOP EXECUTE format(
    ''CREATE TABLE objects_%s PARTITION OF objects FOR VALUES FROM (%s) TO (%s)'',
    n, n * ({rows} / 16 + 1), (n + 1) * ({rows} / 16 + 1)); END LOOP; END'"""
HUNDRED = "id % greatest({rows} / 100, 1) = 0"

SHAPES = {
    "key_order": Shape("bigint key, 3 values, source in key order", clients=True),
    "reverse": Shape("source in reverse order", order="id DESC"),
    "random": Shape("source in random order", order="hashint8(id)", clients=True),
    "source_indexed": Shape("source in key order, with a primary key", source_indexed=True),
    "uuid": Shape("uuid key, source in key order (not the table's)", keys=UUID),
    "uuid_random": Shape("uuid key, source in the table's order (not the key's)", keys=UUID, order="field1"),
    "text": Shape("text key", keys=TEXT, order="code"),
    "composite": Shape("key of two columns", keys=COMPOSITE, order="tenant, number"),
    "values1": Shape("1 value", values=("field1",), others={"field2": FIELDS["field2"][:2]}, jobs=True),
    "text_value": Shape("1 value, a text", values=("field2",),
                        others={"field1": FIELDS["field1"][:2], "field3": FIELDS["field3"][:2]}),
    "values5": Shape("5 values", values=("field1", "field2", "field3", "field4", "field5")),
    "indexes2": Shape("2 secondary indexes", others=OTHERS, after_load=secondary("other1", "other2")),
    "indexes2_updated": Shape("2 secondary indexes, one on an updated column", others=OTHERS,
                              after_load=secondary("other1", "field1")),
    "indexes5": Shape("5 secondary indexes", others=OTHERS,
                      after_load=secondary("other1", "other2", "other3", "other4", "other2, other1")),
    "indexes5_updated": Shape("5 secondary indexes, one on an updated column", others=OTHERS,
                              after_load=secondary("other1", "other2", "other3", "other4", "field1")),
    **{f"{name}_{indexes}": Shape(f"{about}, {what}", keys=keys, order=order, others=SCATTERED,
                                  after_load=secondary(*columns))
       for name, about, keys, order in (("random", "source in random order", BIGINT, "hashint8(id)"),
                                        ("uuid", "uuid key, source in the table's order", UUID, "field1"))
       for indexes, what, columns in (
           ("indexes3", "3 secondary indexes", ("number", "word", "token")),
           ("indexes5", "5 secondary indexes", ("number", "word", "token", "moment", "price")),
           ("indexes3_updated", "3 secondary indexes, one on an updated column", ("number", "word", "field1")))},
    "partitions8_indexes3": Shape("8 partitions by hash of the key, 3 secondary indexes, source in random order",
                                  storage="PARTITION BY HASH (id)", before_load=(EIGHT_PARTITIONS,),
                                  order="hashint8(id)", others=SCATTERED,
                                  after_load=secondary("number", "word", "token")),
    "aggregate": Shape("a hundredth of the rows, from an aggregate of 1,000 entries for each", values=("field1",),
                       divisor=100, entries=1000),
    "fillfactor70": Shape("fillfactor 70", storage="WITH (fillfactor = 70)"),
    "fillfactor70_indexes2": Shape("fillfactor 70, 2 secondary indexes", storage="WITH (fillfactor = 70)",
                                   others=OTHERS, after_load=secondary("other1", "other2")),
    "foreign_key": Shape("a foreign key on an updated column",
                         before_load=("CREATE TABLE referenced (id integer PRIMARY KEY)",
                                      "INSERT INTO referenced SELECT generate_series(0, 199)"),
                         after_load=("ALTER TABLE objects ADD FOREIGN KEY (field3) REFERENCES referenced",)),
    "after_trigger": Shape("an AFTER row trigger", after_load=trigger("seen", "AFTER", "RETURN NULL;")),
    "before_trigger": Shape("a BEFORE row trigger that sets a column", others={"touched": ("boolean", "false")},
                            triggered={"touched": "true"},
                            after_load=trigger("touch", "BEFORE", "NEW.touched := true; RETURN NEW;")),
    "partitions_range": Shape("16 partitions by range of the key", storage="PARTITION BY RANGE (id)",
                              before_load=(RANGE_PARTITIONS,)),
    "partitions_hash": Shape("16 partitions by hash of the key", storage="PARTITION BY HASH (id)",
                             before_load=(HASH_PARTITIONS,)),
    "one_percent": Shape("1 % of the table, evenly spread", condition="id % 100 = 0"),
    "one_percent_random": Shape("1 % of the table, in random order", condition="id % 100 = 0", order="hashint8(id)"),
    "hundred_pairs": Shape("100 pairs, in a new session", condition=HUNDRED),
    "hundred_pairs_again": Shape("100 pairs, in a session that did the same before", condition=HUNDRED, warm=True),
    "wide": Shape("rows of 1 kB with a new value of 1 kB, a tenth of the rows", values=("field1", "payload"),
                  divisor=10),
    "skip_unchanged": Shape("9 of 10 rows have their values already and are not written", changed="id % 10 = 0",
                            skip_unchanged=True),
}
