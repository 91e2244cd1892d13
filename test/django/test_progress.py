"""progress: while the objects are staged and while they are applied."""

import logging
import re

from django.db import connection

from app.models import Object
from base import Case
from bulk_update_django import Progress, bulk_update, progress as module


class Reported(Case):
    models = [Object]

    def setUp(self):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO app_object (id, field1, field2, changed)"
                           " SELECT n, n, n::text, now() FROM generate_series(1, 4500) AS n")

    def objects(self):
        return (Object(id=n, field1=-n) for n in range(1, 4501))

    def test_a_function_gets_each_batch_and_each_phase(self):
        seen = []
        bulk_update(Object, self.objects(), ["field1"], progress=seen.append)
        self.assertEqual([(each.phase, each.rows) for each in seen],
                         [("staging", 0), ("staging", 2000), ("staging", 4000), ("staging", 4500), ("applying", 0)])
        self.assertEqual({each.table for each in seen}, {"app_object"})
        self.assertTrue(all(each.seconds >= 0 for each in seen))

    def test_notices_of_the_extension(self):
        seen = []
        with connection.cursor() as cursor:
            cursor.execute("SET bulk_update.progress_interval = '1ms'")
            try:
                bulk_update(Object, self.objects(), ["field1"], batch_size=100, progress=seen.append)
            finally:
                cursor.execute("RESET bulk_update.progress_interval")
        applied = [each.rows for each in seen if each.phase == "applying"]
        self.assertEqual(applied, sorted(applied))
        self.assertEqual(applied[0], 0)
        if hasattr(connection.connection, "add_notice_handler"):
            self.assertGreater(applied[-1], 0)
            self.assertEqual(connection.connection._notice_handlers[1:], [])
        else:
            texts = [re.sub(r"^NOTICE: +", "", notice) for notice in connection.connection.notices]
            self.assertTrue(any(module.APPLIED.match(text) for text in texts), texts)

    def test_rows_that_are_read_for_sorting_are_not_applied_yet(self):
        for text, rows in (("1,200 of about 5,000 rows (24 %), 310 rows/s, about 12 s left", "1,200"),
                           ("1,200 rows, 310 rows/s", "1,200"), ("1,200 rows read for sorting, 310 rows/s", None),
                           ("1,200 of about 5,000 rows read for sorting (24 %), 310 rows/s", None)):
            found = module.APPLIED.match(f"bulk_update: {text}")
            self.assertEqual(found and found[1], rows)

    def test_an_error_of_the_function_ends_the_call(self):
        def fail(progress):
            if progress.rows == 4000:
                raise LookupError

        with self.assertRaises(LookupError):
            bulk_update(Object, self.objects(), ["field1"], progress=fail)
        self.assertEqual(Object.objects.filter(field1__lt=0).count(), 0)

    def test_without_a_function_it_is_logged(self):
        seconds, module.LOG_SECONDS = module.LOG_SECONDS, 0
        try:
            with self.assertLogs("bulk_update_django", logging.INFO) as logged:
                bulk_update(Object, self.objects(), ["field1"])
        finally:
            module.LOG_SECONDS = seconds
        self.assertIn("app_object: 2,000 objects staged", logged.output[1])
        with self.assertLogs("bulk_update_django", logging.INFO) as logged:
            logging.getLogger("bulk_update_django").info("nothing else")
            bulk_update(Object, self.objects(), ["field1"])
        self.assertEqual(len(logged.output), 1)

    def test_the_text(self):
        self.assertEqual(str(Progress("t", "staging", 1200000, 10.0)),
                         "t: 1,200,000 objects staged, 120,000 per second")
        self.assertEqual(str(Progress("t", "applying", 0, 0.0)), "t: 0 objects applied")
