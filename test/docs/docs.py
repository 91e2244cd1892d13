"""The documentation: its SQL runs, its reference is complete, its links and names lead somewhere."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from harness import finish, ok  # noqa: E402
from markdown import USER_FILES  # noqa: E402
from reference import test_reference  # noqa: E402
from sql import test_like, test_pasted, test_sql  # noqa: E402
from text import test_text  # noqa: E402

test_like()
count = sum(test_sql(name) for name in USER_FILES)
ok(count >= 24, f"{count} blocks of SQL were found")
test_pasted("README.md")
test_reference()
test_text()
sys.exit(finish())
