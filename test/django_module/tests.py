"""Runs the tests with the driver that DRIVER names, prints and counts them as the other suites do.

usage: tests.py [TEST]...
"""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(HERE, "..", "..", "contrib", "django")]

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
import harness  # noqa: E402

MODULES = ["test_values", "test_types", "test_api", "test_models", "test_streams", "test_drop_in", "test_readme"]


class Result(unittest.TestResult):
    @staticmethod
    def name(test):
        if not isinstance(test, unittest.TestCase):
            return f"{os.environ['DRIVER']}, {test}"
        title = test._testMethodName.replace("test_", "", 1).replace("_", " ")
        return f"{os.environ['DRIVER']}, {type(test).__name__.lower()}: {title}"

    def addSuccess(self, test):
        harness.ok(True, self.name(test))

    def addFailure(self, test, error):
        harness.ok(False, self.name(test), self._exc_info_to_string(error, test))

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error:
            harness.ok(False, f"{self.name(test)} {subtest._subDescription()}", self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        harness.skip(f"{self.name(test)}: {reason}")


def main():
    print(f"--- Django {django.get_version()}, {connection.Database.__name__} {connection.Database.__version__}, "
          f"Python {sys.version.split()[0]} ---", flush=True)
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:] or MODULES)
    suite.run(Result())
    return harness.finish()


sys.exit(main())
