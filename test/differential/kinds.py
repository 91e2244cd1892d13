"""Kinds of columns: a type, values of it as SQL literals, and the types that a source may have for it."""


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def either(*generators):
    return lambda rng: rng.choice(generators)(rng)


def number(low, high):
    return lambda rng: quoted(rng.randint(low, high))


def decimal(digits, scale):
    return lambda rng: quoted(f"{rng.randint(-10 ** (digits - scale) + 1, 10 ** (digits - scale) - 1)}"
                              f".{rng.randint(0, 10 ** scale - 1):0{scale}d}")


def one_of(*values):
    return lambda rng: quoted(rng.choice(values))


WORDS = ("alpha", "Beta", "gamma delta", "", " ", "it's", "back\\slash", "é漢🙂", "quote\"d", "{1,2}", "null", "NULL", "x" * 120)


def short_text(rng):
    return quoted(rng.choice(WORDS) + rng.choice(("", str(rng.randint(0, 99)))))


def noise(rng, most=9000):
    """Incompressible text; often large enough to be stored out of line."""
    return f"d.noise({rng.choice((300, 1900, 2500, 5000, most))}, {rng.randint(1, 10 ** 6)})"


def repeated(rng):
    return f"repeat({quoted(rng.choice(('ab', 'x', 'long ')))}, {rng.choice((100, 900, 3000, 20000))})"


def text(rng):
    return rng.choices((short_text, noise, repeated), (88, 7, 5))[0](rng)


def date(rng):
    return quoted(f"{rng.randint(1990, 2030)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}")


def timestamp(rng):
    return quoted(f"{date(rng)[1:-1]} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{rng.randint(0, 999999):06d}")


def uuid(rng):
    digits = f"{rng.getrandbits(128):032x}"
    return quoted("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def json(rng):
    return rng.choice((
        lambda: quoted('{"a": %d, "b": [1, null, "x"]}' % rng.randint(0, 9)),
        lambda: quoted('[ %d,  {"k": "%d"} ]' % (rng.randint(0, 9), rng.randint(0, 9))),
        lambda: quoted(rng.choice(("null", "1.0", "1.00", '"text"', "{}"))),
        lambda: f"json_build_object('n', {noise(rng)})" if rng.random() < 0.3 else quoted("{}")))()


def int_array(rng):
    if rng.random() < 0.03:
        return f"array(SELECT generate_series(1, {rng.choice((500, 4000))}) * {rng.randint(1, 9)})"
    return quoted("{" + ",".join(rng.choice((str(rng.randint(0, 9)), "NULL")) for _ in range(rng.randint(0, 5))) + "}")


def text_array(rng):
    if rng.random() < 0.05:
        return f"ARRAY[{noise(rng)}, NULL, 'x']"
    return quoted("{" + ",".join(rng.choice(("a", '"b c"', "NULL", '""')) for _ in range(rng.randint(0, 4))) + "}")


def pair(rng):
    if rng.random() < 0.05:
        return f"ROW({rng.randint(0, 9)}, {noise(rng)})::d.pair"
    return quoted(rng.choice((f"({rng.randint(0, 9)},word)", "(,)", f"({rng.randint(0, 99)},)", '(1,"a, b")')))


def int_range(rng):
    low = rng.randint(0, 500)
    return quoted(rng.choice((f"[{low},{low + rng.randint(0, 9)})", "empty", f"[{low},)", f"({low},{low + 9}]")))


def binary(rng):
    if rng.random() < 0.08:
        return f"convert_to({noise(rng)}, 'UTF8')"
    return quoted("\\x" + "".join(f"{rng.randint(0, 255):02x}" for _ in range(rng.randint(0, 12))))


class Kind:
    """A type. sources: other types that an assignment cast takes to it, with values; bad: (type, value) that fail."""

    def __init__(self, type, value, sources=(), bad=(), methods=("btree",), compared=True, varlena=True, generated=None):
        self.type, self.value, self.sources, self.bad = type, value, sources, bad
        self.methods, self.compared, self.varlena, self.generated = methods, compared, varlena, generated


SMALL = number(-30000, 30000)
INT = number(-10 ** 6, 10 ** 6)
FLOAT = one_of("1.5", "-0", "0", "NaN", "Infinity", "-Infinity", "3.25", "1e300", "-2")

KINDS = [
    Kind("smallint", SMALL, [("bigint", SMALL), ("numeric", SMALL)], [("integer", "'70000'")],
         ("btree", "hash", "brin"), varlena=False, generated="({c} + 0)"),
    Kind("integer", INT, [("bigint", INT), ("smallint", SMALL), ("numeric", decimal(7, 2))], [("bigint", "'9000000000'")],
         ("btree", "hash", "brin"), varlena=False, generated="({c} * 2)"),
    Kind("bigint", INT, [("integer", INT), ("real", one_of("1.5", "2", "-7"))], [("numeric", "'1e30'")],
         ("btree", "hash", "brin"), varlena=False, generated="({c} % 100)"),
    Kind("numeric", either(decimal(9, 3), one_of("NaN", "1", "1.0", "1.00", "123456789012345678901234567890.5")),
         [("integer", INT)], (), ("btree", "hash"), generated="({c} + 1)"),
    Kind("numeric(8,2)", decimal(8, 2), [("numeric", decimal(6, 4)), ("double precision", one_of("1.005", "-2.5"))],
         [("numeric", "'12345678.9'"), ("integer", "'99999999'")], ("btree", "brin")),
    Kind("text", text, [("integer", INT), ("varchar", short_text), ("boolean", one_of("t", "f"))], (),
         ("btree", "hash", "gin_tsvector", "expression"), generated="upper({c})"),
    Kind("varchar(12)", one_of("", "abc", "twelve chars", "x "), [("text", one_of("abc", "short", "trailing        ", ""))],
         [("text", "'far more than twelve'")], ("btree", "hash", "expression"), generated="length({c})"),
    Kind("char(6)", one_of("", "a", "abc", "sixsix"), [("text", one_of("a", "a     ", "abc"))],
         [("text", "'too long for it'")], ("btree", "hash")),
    Kind("bytea", binary, (), (), ("btree", "hash"), generated="octet_length({c})"),
    Kind("jsonb", json, [("json", json)], (), ("gin", "btree"), generated="({c} ->> 'a')"),
    Kind("json", json, [("jsonb", json)], (), (), compared=False),
    Kind("uuid", uuid, (), (), ("btree", "hash"), varlena=False),
    Kind("date", date, [("timestamptz", timestamp)], (), ("btree", "brin"), varlena=False, generated="({c} + 1)"),
    Kind("timestamptz", timestamp, [("date", date)], (), ("btree", "brin"), varlena=False),
    Kind("time", one_of("00:00", "12:34:56.789", "24:00"), (), (), ("btree",), varlena=False),
    Kind("interval", one_of("1 month", "30 days", "720 hours", "1 s"), [("time", one_of("00:01", "12:00"))], (), ("btree",), varlena=False),
    Kind("boolean", one_of("t", "f"), (), (), ("btree",), varlena=False, generated="(NOT {c})"),
    Kind("double precision", FLOAT, [("integer", INT), ("numeric", decimal(5, 2))], (), ("btree", "hash"), varlena=False),
    Kind("real", one_of("1.5", "-0", "NaN", "0.1"), [("double precision", one_of("0.1", "-0", "1e10"))],
         [("double precision", "'1e300'")], ("btree",), varlena=False),
    Kind("integer[]", int_array, [("smallint[]", one_of("{1,2}", "{}", "{NULL}"))], (), ("gin", "btree"),
         generated="cardinality({c})"),
    Kind("text[]", text_array, [("varchar[]", one_of("{a,b}", "{}"))], (), ("gin",)),
    Kind("d.mood", one_of("sad", "ok", "happy"), (), (), ("btree", "hash"), varlena=False),
    Kind("d.positive", number(1, 10 ** 6), [("bigint", number(1, 99)), ("integer", number(1, 99))], [("integer", "'-5'")],
         ("btree",), varlena=False, generated="({c} - 1)"),
    Kind("d.brief", one_of("", "word", "ten chars!"), [("text", one_of("a", "bc"))], [("text", "'more than ten characters'")],
         ("btree",)),
    Kind("d.pair", pair, (), (), ("btree",)),
    Kind("d.pair[]", one_of('{"(1,a)","(2,)"}', "{}", "{NULL}"), (), (), ()),
    Kind("int4range", int_range, (), (), ("gist", "btree"), generated="lower({c})"),
    Kind("int4multirange", one_of("{}", "{[1,5),[7,9)}", "{[0,)}"), (), (), ("gist",)),
    Kind("inet", one_of("10.0.0.1", "10.0.0.0/8", "::1"), [("cidr", one_of("10.0.0.0/8", "::/0"))], (), ("btree", "gist_inet"),
         generated="host({c})"),
    Kind("bit(5)", one_of("10101", "00000"), (), (), ("btree",)),
    Kind("varbit", one_of("1", "", "1010101010"), (), (), ()),
    Kind("name", one_of("n", "some name", ""), [("text", one_of("a", "b" * 70))], (), ("btree",), varlena=False),
    Kind('"char"', one_of("a", "b", ""), (), (), ("btree",), varlena=False),
    Kind("oid", number(1, 10 ** 5), [("bigint", number(1, 10 ** 6))], (), ("btree",), varlena=False),
    Kind("point", one_of("(1,2)", "(-0,0)", "(3.5,4)"), (), (), ("gist_point",), compared=False, varlena=False),
    Kind("tsvector", one_of("'a':1 'b':2", "", "'word'"), (), (), ("gin",)),
]


# (column's type, source's type) that have no "=", and whose cast cannot be reversed for a comparison or loses nothing.
WITHOUT_EQUALITY = (("text", "integer"), ("text", "boolean"), ("jsonb", "json"), ("integer[]", "smallint[]"))


def bare(type):
    """A type without its modifier: a key is cast to it, because it is compared, not assigned."""
    name, modifier, _ = type.partition("(")
    # Without one, char and bit are char(1) and bit(1).
    return {"char": "bpchar", "bit": "pg_catalog.bit"}.get(name, name) if modifier else type


# Types to which text has an assignment cast, or of which any text is a value.
NOT_READ = ("text", "varchar(12)", "char(6)", "name", '"char"', "bytea", "tsvector", "d.brief", "varchar(20)", "char(12)")


class KeyKind:
    """A type of key columns; value(i): the literal for i, different for each; alike(i): others that equal it.

    sources: other types that a cast takes to it; changed: (type, expression of a literal that this cast changes).
    leakproof: may its "=" be evaluated before a policy?
    """

    def __init__(self, type, value, alike=None, sources=(), collation=None, column_collation=None, opclass=None, changed=(),
                 leakproof=True):
        self.type, self.value, self.alike, self.sources = type, value, alike or (lambda i: [value(i)]), sources
        self.changed, self.leakproof = changed, leakproof
        self.collation, self.column_collation, self.opclass = collation, column_collation, opclass
        self.order = '"C"' if opclass else collation


def code(i):
    return f"{'Kk'[i % 2]}ey{i * 7919 % 100003:06d}"


def key_text(i):
    return quoted(code(i))


def any_case(i):
    return [quoted(code(i)), quoted(code(i).upper()), quoted(code(i).lower())]


KEY_KINDS = [
    KeyKind("bigint", lambda i: quoted(i * 3 - 50), sources=("integer",),
            changed=[("numeric", "{l}::numeric + 0.4"), ("double precision", "{l}::float8 - 0.5")]),
    KeyKind("bigint", lambda i: quoted(i)),
    KeyKind("integer", lambda i: quoted(i * 7919 % 100003), sources=("bigint",),
            changed=[("bigint", "{l}::bigint + 8589934592"), ("numeric", "{l}::numeric + 0.5"), ("numeric", "{l}::numeric + 1e12")]),
    KeyKind("smallint", lambda i: quoted(i - 100), sources=("integer",), changed=[("integer", "{l}::integer + 65536")]),
    KeyKind("text", key_text),
    KeyKind("text", key_text, column_collation='"C"'),
    KeyKind("text", key_text, opclass="text_pattern_ops"),
    KeyKind("text", key_text, any_case, column_collation="d.ignoring_case"),
    KeyKind("text", key_text, any_case, collation="d.ignoring_case"),
    KeyKind("text", lambda i: f"repeat('long ', 900) || {key_text(i)}", column_collation='"C"'),
    KeyKind("varchar(20)", key_text, sources=("text",), changed=[("text", "{l} || repeat(' ', 20)"), ("text", "repeat({l}, 5)")]),
    KeyKind("char(12)", key_text, lambda i: [key_text(i), quoted(code(i) + "  ")], sources=("text",),
            changed=[("text", "{l} || '  '"), ("text", "repeat({l}, 5)")]),
    KeyKind("uuid", lambda i: f"md5({quoted(i)})::uuid"),
    KeyKind("numeric", lambda i: quoted(i / 10), lambda i: [quoted(f"{i / 10:.1f}"), quoted(f"{i / 10:.3f}")], leakproof=False),
    KeyKind("numeric(9,2)", lambda i: quoted(i), sources=("integer", "bigint"),
            changed=[("numeric", "{l}::numeric + 0.004"), ("bigint", "{l}::bigint + 1000000000")], leakproof=False),
    KeyKind("date", lambda i: f"'2000-01-01'::date + {i}", changed=[("timestamp", "({l})::timestamp + '5 hours'")]),
    KeyKind("timestamptz", lambda i: f"'2000-01-01'::timestamptz + '{i * 11} minutes'"),
    KeyKind("real", lambda i: quoted(i / 4 - 3), sources=("double precision", "numeric"),
            changed=[("double precision", "{l}::float8 + 1e-9"), ("double precision", "1e300")]),
    KeyKind("double precision", lambda i: quoted(i / 4 - 3) if i != 12 else "'-0'", lambda i: [quoted(i / 4 - 3)]),
    KeyKind("bytea", lambda i: quoted(f"\\x{i:06x}")),
    KeyKind("oid", lambda i: quoted(i + 4294000000)),
    KeyKind("d.positive", lambda i: quoted(i + 1)),
    KeyKind("d.key_mood", lambda i: quoted(f"m{i % 400}"), leakproof=False),
    KeyKind("d.pair", lambda i: quoted(f"({i % 10},k{i:06d})"), leakproof=False),
    KeyKind("int4range", lambda i: quoted(f"[{i},{i + 5})"), leakproof=False),
    KeyKind("integer[]", lambda i: quoted("{%d,%d}" % (i % 7, i)), leakproof=False),
    KeyKind("name", key_text),
    KeyKind("inet", lambda i: quoted(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}")),
]
