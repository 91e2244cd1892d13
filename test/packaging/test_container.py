"""The workflow and the Dockerfile: both only call scripts of the repository, and these work."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from tree import copy_of_the_tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
IN_VIEW = ROOT / "test/packaging/in_view"
DEBIAN = "debian:12"


def test_workflow():
    """One job on the Debian that the scripts are made for, whose one command is continuous integration's script."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    jobs = list(workflow["jobs"].values())
    assert [job["container"] for job in jobs] == [{"image": DEBIAN, "options": "--privileged"}]
    assert [step["run"] for job in jobs for step in job["steps"] if "run" in step] == [".ci/run"]
    uses = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert len(uses) == 1 and re.fullmatch(r"actions/checkout@v\d+", uses[0])
    # YAML 1.1 reads the key "on" as a truth value.
    assert set(workflow.get(True, workflow.get("on"))) == {"push", "pull_request"}
    assert all(job["timeout-minutes"] <= 60 for job in jobs)
    assert workflow["permissions"] == {"contents": "read"}


def instructions():
    """The Dockerfile's lines as (instruction, argument)."""
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def test_dockerfile():
    """It is based on that Debian, and runs only the repository's scripts and make."""
    lines = instructions()
    assert [line for line in lines if line[0] == "FROM"] == [("FROM", DEBIAN)]
    assert {name for name, _ in lines} <= {"FROM", "WORKDIR", "COPY", "RUN", "CMD"}
    assert [run for name, run in lines if name == "RUN" and not re.match(r"(scripts/|make )", run)] == []


def test_dockerfile_runs(work):
    """Its commands, in a view of this system instead of a container, in a copy of the tree: the last one runs psql with
    the extension."""
    release = re.search(r'^VERSION_ID="?(\d+)', pathlib.Path("/etc/os-release").read_text(), re.M)
    if not release or DEBIAN != f"debian:{release[1]}":
        pytest.skip(f"this is not {DEBIAN}")
    lines = instructions()
    steps = "set -eu\n" + "".join(f"{argument}\n" for name, argument in lines if name == "RUN") + """
        ls "$(pg_config --pkglibdir)/bulk_update.so" "$(pg_config --sharedir)/extension/bulk_update.control"
        echo "CREATE EXTENSION bulk_update; SELECT extname FROM pg_extension" | "$@" """
    run = subprocess.run([IN_VIEW, "sh", "-c", steps, "sh", *json.loads(lines[-1][1])],
                         cwd=copy_of_the_tree(work / "container" / "tree"), text=True,
                         capture_output=True, stdin=subprocess.DEVNULL)
    if run.returncode == 125:
        pytest.skip(f"no view of this system ({run.stdout.strip()}{run.stderr.strip()})")
    assert run.returncode == 0 and " bulk_update\n" in run.stdout, run.stdout + run.stderr
