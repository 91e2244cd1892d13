"""META.json against the rules of the PGXN Meta Spec 1.0.0, and the versions in all files against each other."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

TERM = re.compile(r"[^\s/\\\x00-\x1f\x7f]{2,}")
TAG = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+)?")
RANGE = re.compile(rf"((==|!=|>=?|<=?)?\s*{SEMVER.pattern}|0)(\s*,\s*(==|!=|>=?|<=?)?\s*{SEMVER.pattern})*")
URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
LICENSES = set("""agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1
    lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted
    unrestricted unknown""".split())


def text(value):
    return isinstance(value, str) and value.strip() != ""


def matching(pattern):
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def one_or_more(rule):
    return lambda value: all(map(rule, value)) and value != [] if isinstance(value, list) else rule(value)


def mapping(key, value):
    return lambda given: isinstance(given, dict) and given != {} and all(key(k) and value(given[k]) for k in given)


def fields(required, optional):
    """A map with these keys; others begin with x_."""
    def rule(given):
        return isinstance(given, dict) and required.keys() <= given.keys() and all(
            {**required, **optional}.get(key, lambda _: key[:2].lower() == "x_")(value) for key, value in given.items())
    return rule


def among(*words):
    return lambda value: value in words


def license_rule(value):
    return mapping(text, matching(URL))(value) or one_or_more(lambda name: name in LICENSES)(value)


RELATIONS = mapping(among("requires", "recommends", "suggests", "conflicts"), mapping(matching(TERM), matching(RANGE)))
REQUIRED = {
    "name": matching(TERM),
    "version": matching(SEMVER),
    "abstract": text,
    "maintainer": one_or_more(text),
    "license": license_rule,
    "provides": mapping(matching(TERM), fields({"file": text, "version": matching(SEMVER)},
                                               {"abstract": text, "docfile": text})),
    "meta-spec": fields({"version": among("1.0.0")}, {"url": among("https://pgxn.org/meta/spec.txt",
                                                                   "http://pgxn.org/meta/spec.txt")}),
}
OPTIONAL = {
    "description": text,
    "generated_by": text,
    "tags": lambda value: isinstance(value, list) and one_or_more(matching(TAG))(value),
    "release_status": among("stable", "testing", "unstable"),
    "no_index": mapping(among("file", "directory"), one_or_more(text)),
    "prereqs": mapping(among("configure", "runtime", "build", "test", "develop"), RELATIONS),
    "resources": fields({}, {
        "homepage": matching(URL), "bugtracker": fields({}, {"web": matching(URL), "mailto": text}),
        "repository": fields({}, {"url": matching(URL), "web": matching(URL), "type": matching(re.compile("[a-z]+"))})}),
}


def wrong(meta):
    """The keys that violate the specification."""
    rules = {**REQUIRED, **OPTIONAL}
    return sorted(key for key in REQUIRED if key not in meta) + sorted(
        key for key in meta if not rules.get(key, lambda _, key=key: key[:2].lower() == "x_")(meta[key]))


# Each of these makes one key of META.json invalid.
MISTAKES = {
    "name": "bulk update", "version": "1.0", "abstract": "", "maintainer": [], "license": "PostgreSQL License",
    "provides": {"bulk_update": {"file": "bulk_update.sql"}}, "meta-spec": {"version": "2.0.0"}, "tags": "update",
    "release_status": "released", "prereqs": {"runtime": {"requires": {"PostgreSQL": "fifteen"}}},
    "resources": {"homepage": "none"}, "colour": "blue",
}


def first(pattern, file):
    """The first match of the pattern's group in a file."""
    found = re.search(pattern, (ROOT / file).read_text(), re.M)
    return found[1] if found else None


META = json.loads((ROOT / "META.json").read_text())
VERSION = first(r"^default_version = '(.*)'", "bulk_update.control")
SCRIPT = f"bulk_update--{VERSION}.sql"


def test_meta_spec():
    assert wrong(META) == []


def test_mistakes_are_found():
    assert [key for key, value in MISTAKES.items() if wrong({**META, key: value}) != [key]] == []
    assert [key for key in REQUIRED if wrong({k: v for k, v in META.items() if k != key}) != [key]] == []


def test_version():
    assert META["version"] == f"{VERSION}.0"
    assert META["provides"]["bulk_update"]["version"] == f"{VERSION}.0"
    assert first(r'^version = "(.*)"', "contrib/django/pyproject.toml") == f"{VERSION}.0"
    assert {file: first(pattern, file) for file, pattern in (
        ("CHANGELOG.md", r"^## (\S+)"), ("debian/changelog", r"^bulk-update \((.*)-\d+\)"),
        ("CMakeLists.txt", r"project\(bulk_update VERSION (\S+)"), (SCRIPT, r"\A/\* bulk_update--(.*)\.sql \*/"))} \
        == dict.fromkeys(("CHANGELOG.md", "debian/changelog", "CMakeLists.txt", SCRIPT), VERSION)


def test_provided_files():
    provided = META["provides"]["bulk_update"]
    assert provided["file"] == SCRIPT
    assert (ROOT / provided["docfile"]).is_file()


def test_oldest_postgresql():
    assert first(r"^(\d+)\+$", "debian/pgversions") + ".0.0" == META["prereqs"]["runtime"]["requires"]["PostgreSQL"]
