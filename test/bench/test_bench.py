"""Tests of the benchmark; test/bench/run describes them. Starts servers by the commands it tests."""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import pytest

import records
from peers import PEERS
from shapes import SHAPES

HERE = pathlib.Path(__file__).resolve().parent


def command(*arguments):
    """Exit code and standard output; standard error is passed on only after a failure."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, end="", file=sys.stderr)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def quick():
    """The files of a quick run: measurements, tables, plot."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [pathlib.Path(scratch) / name for name in ("runs.csv", "tables.md", "plot.svg")]
        assert command("bench/run", "--quick", "--csv", files[0], "--markdown", files[1], "--svg", files[2])[0] == 0
        yield files


@pytest.fixture(scope="module")
def runs(quick):
    return records.read([quick[0]])


@pytest.mark.parametrize("script", ("bench/run", "bench/bounds", "bench/arrays"))
def test_script_explains_itself(script):
    assert "exit code:" in command(script, "--help")[1]


def test_unknown_shape_is_a_usage_error():
    assert command("bench/run", "--shapes", "no_such")[0] == 2


def test_every_peer_ran_once_on_every_supported_shape(runs):
    assert sorted((run["shape"], run["peer"]) for run in runs) \
        == sorted((shape, peer) for shape in SHAPES for peer in PEERS if PEERS[peer].fits(SHAPES[shape]))


@pytest.mark.parametrize("name", ("seconds", "backend_peak", "wal_bytes"))
def test_every_run_has_its_figures(runs, name):
    assert [run for run in runs if not run[name] > 0] == []


def test_client_memory_is_recorded_for_clients(runs):
    assert [run for run in runs if (run["client_extra"] is not None) != (PEERS[run["peer"]].run is None)] == []


@pytest.mark.parametrize("name", ("date", "cpu", "kernel", "postgresql", "commit", "server_settings"))
def test_every_line_has_machine_versions_and_settings(runs, name):
    assert [run for run in runs if not run[name]] == []


def test_applier_and_ordering_are_recorded(runs):
    assert {run["way"].split(",")[0] for run in runs if run["peer"] == "ours_sql"} == {"sql"}
    assert [run for run in runs if run["peer"] == "ours" and not run["way"]] == []


def test_tables_are_complete(quick):
    """Every shape is in the overview and has a table, whose lines have the same number of cells; the header has settings
    and command."""
    text = quick[1].read_text(encoding="utf-8")
    lines = text.splitlines()
    assert [line for before, line in zip(lines, lines[1:])
            if before.startswith("|") and line.startswith("|") and before.count("|") != line.count("|")] == []
    assert [name for name in SHAPES if f"\n| {name} |" not in text or f"\n### {name}: " not in text] == []
    assert "shared_buffers = 128MB" in text and "--quick" in text


def test_plot_names_its_lines(quick):
    labels = {element.text for element in xml.parse(quick[2]).iter("{http://www.w3.org/2000/svg}text")}
    assert {"Django bulk_update", "one UPDATE … FROM", "this extension"} <= labels


def test_tables_are_reproduced_from_the_csv_file(quick):
    assert command("bench/run", "--from", quick[0]) == (0, quick[1].read_text(encoding="utf-8"))


def test_bounds():
    """A line for each bound; the exit code agrees with the lines."""
    expected = {"pairs_5m": 4, "django_500k": 3, "indexes3": 3, "parallel": 1}
    status, text = command("bench/bounds", "--scale", "0.0004", "--rounds", "1", "--only", ",".join(expected))
    lines = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert {name: lines.count(name) for name in expected} == expected
    assert status == (1 if "**no**" in text else 0)


def test_arrays():
    """A line for each way."""
    status, text = command("bench/arrays", "--quick")
    assert status == 0
    assert [line.count("|") for line in text.splitlines() if line.startswith("| ")] == [6] * 8
    assert command("bench/arrays", "--ways", "no_such")[0] == 2


def test_wrong_rows_are_found():
    status, text = command("scripts/with-server", "env", "PYTHONPATH=test:bench", "/usr/bin/python3", "-B", HERE / "wrong_rows.py")
    assert status == 0, text
