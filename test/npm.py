"""Projects with packages of npm, installed from their lock files below build/."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What npm says when it does not get to its registry, does not trust what is on the way, or is refused there.
UNREACHABLE = re.compile(r"request to \S+ failed|network request|code (ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ENETUNREACH"
                         r"|EHOSTUNREACH|\w*CERT\w*|\w*SIGNATURE|E[45]\d\d)\b")


class Unavailable(Exception):
    """Something cannot be had here; says why."""


def installed(source, project):
    """The directory `project` with the files of `source` and their packages, again when the lock file has changed."""
    if not shutil.which("npm"):
        raise Unavailable("npm is not installed")
    source, project = pathlib.Path(source), pathlib.Path(project)
    project.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, project, dirs_exist_ok=True)
    done = project / "installed-lock.json"
    lock = (source / "package-lock.json").read_text()
    if not done.exists() or done.read_text() != lock:
        npm = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1",
                              "--fetch-timeout=30000"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             cwd=project, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
        if npm.returncode and UNREACHABLE.search(npm.stdout):
            raise Unavailable("npm does not reach its registry")
        assert npm.returncode == 0, npm.stdout
        done.write_text(lock)
    return project
