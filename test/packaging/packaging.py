"""The suite of test/packaging/run, which says what it is about."""

import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

import container
import deb
import meta
from harness import finish

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ("*.o", "*.bc", "*.so", "build", ".git", "__pycache__")


def copy_of_the_tree(to):
    """What is in the repository; all that is not built where git does not know it."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*BUILT), symlinks=True)
        return to
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "--deduplicate"],
                            capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name, follow_symlinks=False)
    return to


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=("meta", "container", "debian"))
    parts = parser.parse_args().only or ("meta", "container", "debian")
    release = re.search(r'^VERSION_ID="?(\d+)', pathlib.Path("/etc/os-release").read_text(), re.M)

    with tempfile.TemporaryDirectory(prefix="bulk_update-packaging.") as directory:
        work = pathlib.Path(directory)
        work.chmod(0o755)  # the server's user reads what is installed below
        if "meta" in parts:
            meta.check()
        if "container" in parts:
            container.workflow()
            container.dockerfile(copy_of_the_tree(work / "container" / "tree"), release and release[1])
        if "debian" in parts:
            deb.check(copy_of_the_tree(work / "debian" / "bulk-update"))
    return finish()


raise SystemExit(main())
