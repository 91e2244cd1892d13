"""An upgraded extension is the same as a newly installed one; test/upgrade/run describes the suite. Runs inside a server."""

import pathlib
import re

import pytest

from describe import describe

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "bulk_update"
COUNTER = 4711

# For a made-up older version: text to replace in its script, or (a list) statements that it adds. An upgrade
# script that does nothing leaves the difference, and the test must find it.
DIFFERENCES = {
    "a comment": ["COMMENT ON VIEW bulk_update_progress IS 'other'"],
    "a column's comment": ["COMMENT ON COLUMN bulk_update_progress.pid IS 'other'"],
    "no comment": ["COMMENT ON FUNCTION bulk_update_create_rejects(text) IS NULL"],
    "a privilege more": ["GRANT UPDATE ON SEQUENCE bulk_update_run TO PUBLIC"],
    "a privilege less": ["REVOKE EXECUTE ON FUNCTION bulk_update_create_rejects(text) FROM PUBLIC"],
    "a function's cost": ["ALTER FUNCTION bulk_update_progress_entries() COST 7"],
    "a function's setting": ["ALTER FUNCTION bulk_update_progress_entries() SET work_mem = '1MB'"],
    "a function's safety": ["ALTER FUNCTION bulk_update_progress_entries() PARALLEL UNSAFE"],
    "an argument's default": ("DEFAULT 10000,", "DEFAULT 1000,"),
    "an argument's name": ("bulk_update_create_rejects(name text)", "bulk_update_create_rejects(title text)"),
    "the C function": ("'bulk_update_query'", "'bulk_update_create_rejects'"),
    "a sequence's increment": ["ALTER SEQUENCE bulk_update_run INCREMENT 2"],
    "no configuration table": ("SELECT pg_catalog.pg_extension_config_dump('bulk_update_run', '');", ""),
    "no configuration table of jobs": ("SELECT pg_catalog.pg_extension_config_dump('bulk_update_job_batch', '');", ""),
    "a table's column more": ["ALTER TABLE bulk_update_job ADD COLUMN more integer"],
    "a table's column that may be null": ["ALTER TABLE bulk_update_job ALTER COLUMN owner DROP NOT NULL"],
    "a table's column's default": ("NOT NULL DEFAULT 5", "NOT NULL DEFAULT 6"),
    "a table's constraint": ("state IN ('pending', 'done', 'failed')", "state IN ('pending', 'done')"),
    "a table's index": ("WHERE state <> 'done';", "WHERE state = 'pending';"),
    "a table's privilege": ["GRANT UPDATE ON bulk_update_job TO PUBLIC"],
    "a view's query, of jobs": ("ELSE 'interrupted'", "ELSE 'stopped'"),
    "a procedure less": ["DROP PROCEDURE bulk_update_job_run(text, bigint, interval)"],
    "a configuration table's condition": ("dump('bulk_update_run', '')", "dump('bulk_update_run', 'WHERE true')"),
    "a view's query": ("nullif(p.rows_estimated, -1)", "nullif(p.rows_estimated, -2)"),
    "a view's option": ["ALTER VIEW bulk_update_progress SET (security_barrier)"],
    "a column's default": ["ALTER VIEW bulk_update_progress ALTER chunk SET DEFAULT 1"],
    "a column's comment of the type": ["COMMENT ON COLUMN bulk_update_chunk.chunk IS 'other'"],
    "a type's column more": ["ALTER TYPE bulk_update_chunk ADD ATTRIBUTE more integer"],
    "a type's column of another type": ["ALTER TYPE bulk_update_chunk ALTER ATTRIBUTE elapsed_ms TYPE real"],
    "a function more": ["CREATE FUNCTION bulk_update_more() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    "a type more": ["CREATE DOMAIN bulk_update_more AS int CHECK (VALUE > 0)"],
    "a function less": ["DROP FUNCTION bulk_update_create_rejects(text)"],
}


def staged(session):
    """The directory in which this server finds the extension's scripts."""
    for path, in session.run("""
            SELECT split_part(s.setting, ':', 1) || CASE s.name WHEN 'extension_destdir' THEN c.setting ELSE '' END
            FROM pg_settings AS s, pg_config AS c
            WHERE s.name IN ('extension_control_path', 'extension_destdir') AND c.name = 'SHAREDIR'"""):
        directory = pathlib.Path(path) / "extension"
        if (directory / f"{NAME}.control").exists():
            return directory
    raise LookupError("no directory of extensions")


def scripts(directory):
    """The versions that can be installed, and the steps (from, to) between versions."""
    versions, steps = set(), set()
    for file in directory.glob(f"{NAME}--*.sql"):
        parts = file.name[:-len(".sql")].split("--")[1:]
        versions.add(parts[0]) if len(parts) == 1 else steps.add(tuple(parts))
    return versions, steps


def described(session, version, upgrade_to=None):
    """Of a version, installed and possibly upgraded; and the state of its sequence."""
    session.run(f"BEGIN; CREATE SCHEMA its; CREATE EXTENSION {NAME} SCHEMA its VERSION '{version}'")
    try:
        counts = session.value("SELECT to_regclass('its.bulk_update_run') IS NOT NULL")
        if counts:
            session.run(f"SELECT setval('its.bulk_update_run', {COUNTER})")
        if upgrade_to:
            session.run(f"ALTER EXTENSION {NAME} UPDATE TO '{upgrade_to}'")
        kept = not counts or session.value("SELECT last_value FROM its.bulk_update_run") == COUNTER
        return describe(session, NAME), kept
    finally:
        session.run("ROLLBACK")


def compare(fresh, upgraded):
    return "\n".join(f"    {sign} {line}" for sign, lines in (("fresh:   ", fresh - upgraded),
                                                              ("upgraded:", upgraded - fresh)) for line in sorted(lines))


DEFAULT = re.search(r"^default_version = '(.*)'", (ROOT / f"{NAME}.control").read_text(), re.M)[1]


@pytest.fixture(scope="module")
def fresh(admin):
    return described(admin, DEFAULT)[0]


def test_description(session, fresh):
    assert len(fresh) > 50
    assert described(session, DEFAULT)[0] == fresh


def paths_of(session):
    """By version, the steps from there to the default one."""
    return dict(session.run(f"SELECT source, path FROM pg_extension_update_paths('{NAME}') WHERE target = %s", (DEFAULT,)))


def test_upgrade(session, fresh):
    """Every version, upgraded, is the same as a new one, and keeps the sequence's value."""
    for version in sorted(scripts(ROOT)[0] - {DEFAULT}):
        assert paths_of(session).get(version), version
        upgraded, kept = described(session, version, DEFAULT)
        assert compare(fresh, upgraded) == "", version
        assert kept, version


def test_upgrade_scripts(session):
    """Every upgrade script is a step from some version to the default one, and every released version has such steps."""
    paths = paths_of(session)
    on_ways = {step for path in paths.values() if path for step in zip(path.split("--"), path.split("--")[1:])}
    assert sorted(scripts(ROOT)[1] - on_ways) == []
    released = re.findall(r"^## (\S+) \((?!unreleased)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert [version for version in released if version != DEFAULT and not paths.get(version)] == []


class MadeUp:
    """An older version that is made up here."""

    def __init__(self, session):
        self.session, directory = session, staged(session)
        self.script = (directory / f"{NAME}--{DEFAULT}.sql").read_text()
        self.old = directory / f"{NAME}--made_up.sql"
        self.step = directory / f"{NAME}--made_up--{DEFAULT}.sql"

    def upgraded(self, script, statements=""):
        self.old.write_text(script)
        self.step.write_text(statements)
        return described(self.session, "made_up", DEFAULT)


@pytest.fixture
def made_up(session):
    version = MadeUp(session)
    yield version
    version.old.unlink()
    version.step.unlink(missing_ok=True)


def test_no_difference_is_found(made_up, fresh):
    upgraded, kept = made_up.upgraded(made_up.script)
    assert compare(fresh, upgraded) == ""
    assert kept


@pytest.mark.parametrize("what", DIFFERENCES)
def test_difference_is_found(made_up, fresh, what):
    change = DIFFERENCES[what]
    if isinstance(change, list):
        other = made_up.script + "".join(f"{statement};\n" for statement in change)
    else:
        other = made_up.script.replace(*change)
    assert other != made_up.script
    assert made_up.upgraded(other)[0] != fresh


def test_non_member_function_is_found(made_up, fresh):
    drop = "ALTER EXTENSION bulk_update DROP FUNCTION bulk_update_create_rejects(text)"
    assert made_up.upgraded(made_up.script, drop)[0] != fresh


def test_lost_value_of_the_sequence_is_found(made_up):
    assert not made_up.upgraded(made_up.script, "ALTER SEQUENCE bulk_update_run RESTART")[1]


def test_difference_removed_by_the_upgrade_is_none(made_up, fresh):
    mended, _ = made_up.upgraded(made_up.script + "COMMENT ON VIEW bulk_update_progress IS 'other';\n",
                                 "COMMENT ON VIEW bulk_update_progress IS 'the running calls of bulk_update'")
    assert compare(fresh, mended) == ""


def test_function_missing_in_the_module_is_found(made_up):
    made_up.old.write_text(
        made_up.script + "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME', 'bulk_update_gone';\n")
    assert made_up.session.fails(f"CREATE EXTENSION {NAME} VERSION 'made_up'") == "42883"
