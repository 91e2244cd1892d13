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
SUPPORTED = subprocess.run(["make", "--silent", "print-supported"], cwd=ROOT, text=True, capture_output=True,
                           check=True).stdout.split()


def test_workflow():
    """One job for each version that some Debian packages, whose one command is a script of the repository."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    jobs = list(workflow["jobs"].values())
    assert [job["container"] for job in jobs] == [{"image": "${{ matrix.debian }}", "options": "--privileged"}]
    assert [step["run"] for job in jobs for step in job["steps"] if "run" in step] == ["${{ matrix.command }}"]
    versions = {str(one["postgresql"]): one for job in jobs for one in job["strategy"]["matrix"]["include"]}
    assert set(versions) == set(SUPPORTED) - {"16"}    # which is in no Debian
    for version, one in versions.items():
        assert one["debian"].startswith("debian:")
        assert one["command"] in (".ci/run", "scripts/check", f"scripts/server-root {version} scripts/check")
    assert ".ci/run" in [one["command"] for one in versions.values()]
    uses = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert len(uses) == 1 and re.fullmatch(r"actions/checkout@v\d+", uses[0])
    # YAML 1.1 reads the key "on" as a truth value.
    assert set(workflow.get(True, workflow.get("on"))) == {"push", "pull_request"}
    assert all(job["timeout-minutes"] <= 90 for job in jobs)
    assert workflow["permissions"] == {"contents": "read"}


def instructions():
    """The Dockerfile's lines as (instruction, argument)."""
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def test_dockerfile():
    """It takes the versions as arguments, and runs only the repository's scripts and make."""
    lines = instructions()
    arguments = dict(argument.split("=") for name, argument in lines if name == "ARG")
    assert [argument for name, argument in lines if name == "FROM"] == ["debian:${DEBIAN}"]
    assert set(arguments) == {"DEBIAN", "PGVERSION"} and arguments["PGVERSION"] in SUPPORTED
    assert {name for name, _ in lines} <= {"ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "CMD"}
    assert [run for name, run in lines if name == "RUN" and not re.match(r"(scripts/|make )", run)] == []


def test_dockerfile_runs(work):
    """Its commands with this system's version, in a view of this system instead of a container, in a copy of the tree:
    the last one runs psql with the extension."""
    lines = instructions()
    version = subprocess.run([ROOT / "scripts/setup", "--print-version"], text=True, capture_output=True,
                             check=True).stdout.strip()
    steps = f"set -eu\nexport PGVERSION={version}\n" + "".join(
        f"{argument}\n" for name, argument in lines if name == "RUN") + """
        PG_CONFIG=/usr/lib/postgresql/$PGVERSION/bin/pg_config
        ls "$($PG_CONFIG --pkglibdir)/bulk_update.so" "$($PG_CONFIG --sharedir)/extension/bulk_update.control"
        echo "CREATE EXTENSION bulk_update; SELECT extname FROM pg_extension" | "$@" """
    run = subprocess.run([IN_VIEW, "sh", "-c", steps, "sh", *json.loads(lines[-1][1])],
                         cwd=copy_of_the_tree(work / "container" / "tree"), text=True,
                         capture_output=True, stdin=subprocess.DEVNULL)
    if run.returncode == 125:
        pytest.skip(f"no view of this system ({run.stdout.strip()}{run.stderr.strip()})")
    assert run.returncode == 0 and " bulk_update\n" in run.stdout, run.stdout + run.stderr
