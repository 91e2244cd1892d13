"""A copy of the tree."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = ("*.o", "*.bc", "*.so", "build", ".git", "__pycache__")


def copy_of_the_tree(to):
    """The files of the repository; without git, all files that were not built."""
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
