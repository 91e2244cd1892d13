"""Values: the stored values are those of Django's own bulk_update()."""

import datetime
import decimal
import uuid
from datetime import timedelta, timezone

import django
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models
from django.db.models import Value
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

try:
    from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange
except ImportError:
    from psycopg2.extras import DateRange, DateTimeTZRange, NumericRange

from app.models import Colour, Everything, Level, Plain
from base import Case
from bulk_update_django import bulk_update

UTC = timezone.utc
EAST = timezone(timedelta(hours=5, minutes=45))
AWKWARD = ["", " ", "\t", "\n", "\r", "\r\n", "\\", "\\N", "\\.", "\\\\x41", "'", '"', "{}", "NULL", "a,b", "é漢🙂\u2028",
           "%s", "%", "\x01\x7f", "$1", "E'\\n'", "\\n\\t"]
try:
    NAN = models.DecimalField().to_python("NaN") and "NaN"
except ValidationError:  # Django has none from 5.0 on
    NAN = "0"
KEYS = [uuid.UUID(int=n << 96 | n) for n in range(60)]


class Values(Case):
    models = [Everything]

    def setUp(self):
        Everything.objects.bulk_create(Everything(id=key) for key in KEYS)

    def every_kind(self, n):
        if n % 5 == 0:
            return {field.name: None for field in Everything._meta.fields if not field.primary_key}
        moment = datetime.datetime(2026, 3, 29, 1, 30, n, 123456, tzinfo=EAST if n % 2 else UTC)
        return {
            "small": -n, "integer": -2**31 + n, "big": 2**63 - 1 - n, "boolean": n % 2 == 0, "char": "tab\tnl\ncr\r\\N",
            "colour": Colour.RED if n % 2 else "green", "level": Level.HIGH if n % 2 else 1,
            "date": datetime.date(2000, 1, 1) + timedelta(days=n), "datetime": moment, "decimal": decimal.Decimal(n) / 32,
            "duration": timedelta(days=-n, seconds=n, microseconds=n), "float": 1 / n if n % 2 else float("-inf"),
            "inet": f"2001:db8::{n:x}" if n % 2 else f"192.0.2.{n}",
            "json": {"n": n, "text": 'quote " back\\slash \n é 漢', "list": [1, None, {"a": True}]},
            "binary": bytes(range(256)) * (n % 3), "text": r"\. \\ \x41 " + "é漢🙂" + "\u2028" + "x" * n,
            "time": datetime.time(n % 24, 59, 59, 999999), "file": f"some/file{n}", "other_id": KEYS[n],
            "reversed": f"abc{n}", "cents": n / 4, "upper": f"upper {n}", "integers": list(range(n % 4)),
            "matrix": [[n, 2], [None, 4]] if n % 3 else [], "chars": ["", "NULL", None, '"\\{,}', "a\tb\n"],
            "colours": [Colour.GREEN, "red"], "uuids": [KEYS[n]] * 2, "jsons": [{"a": [n]}, "text", 5],
            "times": [moment, moment + timedelta(days=200)], "decimals": [decimal.Decimal("1.50"), decimal.Decimal(n)],
            "binaries": [b"\\\x00\xff", b""], "hstore": {"a": "1", 'q"\\': None, "": "\t"},
            "int_range": NumericRange(n, 2 * n), "decimal_range": NumericRange(None, decimal.Decimal("2.5")),
            "date_range": DateRange(datetime.date(2020, 1, 1), None),
            "time_range": DateTimeTZRange(moment, moment + timedelta(hours=n)),
        }

    def test_every_kind_of_field(self):
        fields = [field.name for field in Everything._meta.fields if not field.primary_key]
        rows = self.both([self.every_kind(n) for n in range(60)], fields)
        self.assertIn("UPPER 7", rows[7])
        self.assertIn("7cba", rows[7])

    def test_values_of_django_fields_are_written_by_copy(self):
        others = {"upper", "hstore", "int_range", "decimal_range", "date_range", "time_range"}
        fields = {field.attname for field in Everything._meta.fields if not field.primary_key} - others
        objects = [Everything(id=key, **self.every_kind(n)) for n, key in enumerate(KEYS) if n % 5]
        with CaptureQueriesContext(connection) as context:
            bulk_update(Everything, objects, fields)
        ways = [query["sql"].split()[0] for query in context]
        self.assertEqual((ways.count("COPY"), ways.count("INSERT")), (1, 0))

    def test_strings_with_a_meaning_elsewhere(self):
        self.both([{"text": text, "char": text[:20], "json": {text: [text]}, "chars": [text, text[:9], None],
                    "hstore": {text: text}, "jsons": [text], "binary": text.encode()} for text in AWKWARD])
        self.assertEqual(list(Everything.objects.order_by("id").values_list("text", flat=True)[:len(AWKWARD)]), AWKWARD)

    def test_strings_that_are_more_than_strings(self):
        rows = self.both([{"text": Plain.A, "char": mark_safe("<b>"), "colour": Colour.RED, "reversed": Colour.GREEN,
                           "chars": [Plain.A, Colour.GREEN]},
                          {"text": gettext_lazy("lazy"), "char": gettext_lazy("lazy"), "colour": Colour.GREEN,
                           "reversed": "x", "chars": []}])
        self.assertIn("a value", rows[0])

    def test_numbers_at_their_limits(self):
        floats = [float("nan"), float("inf"), float("-inf"), 0.0, 5e-324, 1.7976931348623157e308, 0.1, 1e22, 1e-7, 1e16]
        decimals = ["0", "-0.00001", "123456789012345.12345", "1E+5", "-1E-5", "1.00000", NAN, "7", "8", "9"]
        self.both([{"float": a, "decimal": decimal.Decimal(b), "small": c, "big": d, "boolean": bool(c)} for a, b, c, d in
                   zip(floats, decimals, [-2**15, 2**15 - 1, True, False, 0, 1, 2, 3, 4, 5], [2**63 - 1, -2**63] * 5)])

    def test_times_at_their_limits(self):
        moments = [datetime.datetime.max.replace(tzinfo=UTC), datetime.datetime(1, 1, 2, tzinfo=UTC),
                   datetime.datetime(1880, 1, 1, tzinfo=timezone(timedelta(hours=1, minutes=5, seconds=20))),
                   datetime.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=EAST), datetime.datetime(99, 9, 9, tzinfo=EAST)]
        days = [datetime.date.min, datetime.date.max, datetime.date(999, 1, 1), datetime.date(2024, 2, 29), moments[4]]
        times = [datetime.time.min, datetime.time.max, datetime.time(0, 0, 0, 1), datetime.time(12), datetime.time(23, 59)]
        spans = [timedelta(0), timedelta(microseconds=-1), timedelta(days=-100000), timedelta(days=99999, seconds=86399),
                 timedelta(hours=-1)]
        self.both([{"datetime": a, "date": b, "time": c, "duration": d, "times": [a]}
                   for a, b, c, d in zip(moments, days, times, spans)])

    def test_durations_do_not_depend_on_the_style_of_intervals(self):
        span = timedelta(days=-2, seconds=5)
        with connection.cursor() as cursor:
            cursor.execute("SET intervalstyle = sql_standard")
            try:
                bulk_update(Everything, [Everything(id=KEYS[0], duration=span)], ["duration"])
            finally:
                cursor.execute("RESET intervalstyle")
        self.assertEqual(Everything.objects.get(id=KEYS[0]).duration, span)

    def test_arrays_of_all_shapes(self):
        self.both([{"matrix": [], "integers": [], "chars": [], "jsons": []},
                   {"matrix": [[1], [2]], "integers": [1], "chars": ["", " ", "null"], "jsons": [[], {}, [[]]]},
                   {"matrix": [[None, None]], "integers": (1, 2), "chars": [None], "jsons": [1.5, "x", True]},
                   {"matrix": None, "integers": "{3,4}", "chars": "{a,NULL}", "jsons": None}])
        with self.assertRaises(DatabaseError):
            bulk_update(Everything, [Everything(id=KEYS[0], matrix=[[1], [2, 3]])], ["matrix"])

    def test_values_that_are_wrapped_as_expressions(self):
        self.both([{"integer": Value(5), "text": Value("a\tb"), "boolean": Value(True)},
                   {"integer": Value(None), "text": Value(""), "boolean": Value(None)}])
        with self.assertRaises(DatabaseError):
            bulk_update(Everything, [Everything(id=KEYS[0], integer=Value(True))], ["integer"])
        bulk_update(Everything, [Everything(id=KEYS[0], json=Value({"a": 1}, models.JSONField())),
                                 Everything(id=KEYS[1], json=Value(None, models.JSONField())),
                                 Everything(id=KEYS[2], json=None)], ["json"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT json::text FROM app_everything ORDER BY id LIMIT 3")
            null = "null" if django.VERSION >= (4, 2) else None  # not possible before 4.2
            self.assertEqual(cursor.fetchall(), [('{"a": 1}',), (null,), (None,)])

    def test_values_that_the_database_cannot_store(self):
        for values, error in (({"text": "a\0b"}, ValueError), ({"chars": ["\0"]}, ValueError),
                              ({"text": "\ud800"}, UnicodeEncodeError), ({"json": "\0"}, DatabaseError),
                              ({"integer": 2**31}, DatabaseError), ({"char": "x" * 21}, DatabaseError),
                              ({"decimal": decimal.Decimal(10**15)}, Exception), ({"integer": "x"}, ValueError),
                              ({"other_id": uuid.uuid4()}, DatabaseError), ({"big": 2**63}, DatabaseError)):
            with self.subTest(values=values):
                before = self.rows(Everything)
                objects = [Everything(id=KEYS[0], **dict.fromkeys(values)), Everything(id=KEYS[1], **values)]
                with self.assertRaises(error) as caught:
                    bulk_update(Everything, objects, list(values))
                self.assertEqual(self.rows(Everything), before)
        with self.assertRaisesRegex(ValueError, r"^field 'text' of app.Everything with key UUID\('[-0]+'\) has a NUL"):
            bulk_update(Everything, [Everything(id=KEYS[0], text="a\0b")], ["text"])

