import pathlib
import tempfile

import pytest


@pytest.fixture(scope="session")
def work():
    with tempfile.TemporaryDirectory(prefix="bulk_update-packaging.") as directory:
        pathlib.Path(directory).chmod(0o755)  # the server's user reads the files installed below
        yield pathlib.Path(directory)
