"""The workflow and the Dockerfile: both only call scripts of the repository, and these run."""

import json
import pathlib
import re
import subprocess

import yaml

from harness import equal, ok, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
IN_VIEW = ROOT / "test/packaging/in_view"
DEBIAN = "debian:12"


def workflow():
    """One job on the Debian that the scripts are made for, whose one command is continuous integration's script."""
    told = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    jobs = list(told["jobs"].values())
    equal([job["container"] for job in jobs], [{"image": DEBIAN, "options": "--privileged"}],
          f"the workflow's jobs run in {DEBIAN}, and may mount")
    equal([step["run"] for job in jobs for step in job["steps"] if "run" in step], [".ci/run"], "and run .ci/run alone")
    uses = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    ok(all(re.fullmatch(r"actions/checkout@v\d+", action) for action in uses) and len(uses) == 1,
       "after a checkout", str(uses))
    # YAML 1.1 reads the key "on" as a truth value.
    equal(set(told.get(True, told.get("on"))), {"push", "pull_request"}, "for pushes and pull requests")
    ok(all(job["timeout-minutes"] <= 60 for job in jobs) and told["permissions"] == {"contents": "read"},
       "within 60 minutes, with no right to write")


def instructions():
    """The Dockerfile's lines as (instruction, argument)."""
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def dockerfile(tree, release):
    """Its commands, in a view of this system instead of a container, in a copy of the tree."""
    lines = instructions()
    equal([line for line in lines if line[0] == "FROM"], [("FROM", DEBIAN)], f"the Dockerfile begins with {DEBIAN}")
    equal({name for name, _ in lines} - {"FROM", "WORKDIR", "COPY", "RUN", "CMD"}, set(), "and has no other instructions")
    runs = [argument for name, argument in lines if name == "RUN"]
    ok(all(re.match(r"(scripts/|make )", run) for run in runs), "it runs the repository's scripts and make", str(runs))
    command = json.loads(lines[-1][1])
    if DEBIAN != f"debian:{release}":
        skip(f"the Dockerfile's commands: this is not {DEBIAN}")
        return
    steps = "set -eu\n" + "".join(f"{run}\n" for run in runs) + """
        ls "$(pg_config --pkglibdir)/bulk_update.so" "$(pg_config --sharedir)/extension/bulk_update.control"
        echo "CREATE EXTENSION bulk_update; SELECT extname FROM pg_extension" | "$@" """
    run = subprocess.run([IN_VIEW, "sh", "-c", steps, "sh", *command], cwd=tree, text=True,
                         capture_output=True, stdin=subprocess.DEVNULL)
    if run.returncode == 125:
        skip(f"the Dockerfile's commands: no view of this system ({run.stdout.strip()}{run.stderr.strip()})")
        return
    ok(run.returncode == 0 and " bulk_update\n" in run.stdout,
       "its commands build and install, and its last one gives psql with the extension", run.stdout + run.stderr)
