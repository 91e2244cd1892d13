"""Upgraded is the same as freshly installed; test/upgrade/run says more. Runs inside a server."""

import pathlib
import re

from describe import describe
from harness import Session, equal, finish, ok

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "bulk_update"
COUNTER = 4711

# Of a made-up older version: what its script says otherwise, or (a list) the statements that it adds. An upgrade
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
    """Of a version, installed and perhaps upgraded; and what its sequence tells then."""
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


def upgrades(session, default, fresh):
    """Every version there is, to the default one."""
    versions, steps = scripts(ROOT)
    paths = dict(session.run(f"SELECT source, path FROM pg_extension_update_paths('{NAME}') WHERE target = %s",
                             (default,)))
    for version in sorted(versions - {default}):
        if ok(paths.get(version), f"there is a way from {version} to {default}"):
            upgraded, kept = described(session, version, default)
            ok(upgraded == fresh, f"{paths[version]} is as a fresh {default}", "\n" + compare(fresh, upgraded))
            ok(kept, f"{paths[version]} keeps the sequence's value")
    on_ways = {step for path in paths.values() if path for step in zip(path.split("--"), path.split("--")[1:])}
    equal(sorted(steps - on_ways), [], "every upgrade script is on the way from some version to the default one")
    released = re.findall(r"^## (\S+) \((?!unreleased)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    equal([v for v in released if v != default and not paths.get(v)], [],
          f"from every released version there is a way to {default}")


def differences(session, directory, default, fresh):
    """That the comparison can fail, and that it does not fail without a difference."""
    script = (directory / f"{NAME}--{default}.sql").read_text()
    old = directory / f"{NAME}--made_up.sql"
    step = directory / f"{NAME}--made_up--{default}.sql"

    def upgraded(text, statements=""):
        old.write_text(text)
        step.write_text(statements)
        return described(session, "made_up", default)

    upgraded_lines, kept = upgraded(script)
    ok(upgraded_lines == fresh, "no difference, none found", "\n" + compare(fresh, upgraded_lines))
    ok(kept, "the sequence's value is compared")
    for what, change in DIFFERENCES.items():
        if isinstance(change, list):
            other = script + "".join(f"{statement};\n" for statement in change)
        else:
            other = script.replace(*change)
        found, _ = upgraded(other)
        ok(other != script and found != fresh, f"found: {what}")
    ok(upgraded(script, "ALTER EXTENSION bulk_update DROP FUNCTION bulk_update_create_rejects(text)")[0] != fresh,
       "found: a function that is there and no member")
    ok(not upgraded(script, "ALTER SEQUENCE bulk_update_run RESTART")[1], "found: a sequence's lost value")
    mended, _ = upgraded(script + "COMMENT ON VIEW bulk_update_progress IS 'other';\n",
                         "COMMENT ON VIEW bulk_update_progress IS 'the bulk updates that are running now'")
    equal(compare(fresh, mended), "", "a difference that the upgrade mends is none")
    old.write_text(script + "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME', 'bulk_update_gone';\n")
    ok(session.fails(f"CREATE EXTENSION {NAME} VERSION 'made_up'") == "42883",
       "found: a C function of an older version that the module has no more")
    old.unlink()
    step.unlink()


def main():
    with Session() as session:
        default = re.search(r"^default_version = '(.*)'", (ROOT / f"{NAME}.control").read_text(), re.M)[1]
        fresh, _ = described(session, default)
        ok(len(fresh) > 50 and described(session, default)[0] == fresh, f"a fresh {default} is described, twice the same")
        upgrades(session, default, fresh)
        differences(session, staged(session), default, fresh)
    return finish()


raise SystemExit(main())
