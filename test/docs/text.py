"""Links, names of tests, widths of lines, and spelling in the documentation."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from harness import equal  # noqa: E402
from markdown import TREE, all_files, heading_anchor, without_code  # noqa: E402

WORDS = pathlib.Path(__file__).parent / "words"


def anchors(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    return {heading_anchor(h) for h in re.findall(r"^#+ +(.*)$", text, re.M)}


def broken_links(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", address):
            continue
        file, _, anchor = address.partition("#")
        to = path.parent / file if file else path
        if not to.exists() or (anchor and anchor not in anchors(to)):
            yield f"{path.relative_to(TREE)}: {address}"


def test_links():
    equal([link for path in all_files() for link in broken_links(path)], [], "links lead somewhere")


NAMED = re.compile(r"`((?:sql|specs|test|scripts|bench|examples|contrib|docs|src)/[\w./-]+)`")


def test_names():
    """A file that is named in code is there."""
    missing = [f"{path.relative_to(TREE)}: {name}" for path in all_files()
               for name in NAMED.findall(path.read_text())
               if not (TREE / name).exists() and not (path.parent / name).exists()
               and not re.search(r"NAME|SUITE", name)]
    equal(missing, [], "files that the documentation names are there")


def test_guarantees():
    """Each item of the page names the tests that show it."""
    items = re.findall(r"^- (.*?)(?=^- |^#|\Z)", (TREE / "docs" / "guarantees.md").read_text(), re.S | re.M)
    unbacked = [item[:60] for item in items if not re.search(r"`(?:sql|specs|test)/[\w./-]+`", item)]
    equal((len(items) > 20, unbacked), (True, []), "each guarantee and each limit names its tests")


WIDEST = 120


def wide_lines(path):
    """Lines of prose; tables, fences and comments are as wide as they must be."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", lambda part: "\n" * part.group().count("\n"), path.read_text(), flags=re.S | re.M)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > WIDEST and not line.startswith("|"):
            yield f"{path.relative_to(TREE)}:{number}: {len(line)} columns"


def test_width():
    equal([line for path in all_files() for line in wide_lines(path)], [], f"no line of prose is wider than {WIDEST} columns")


def unknown_words():
    prose = "\n".join(without_code(path.read_text()) for path in all_files())
    result = subprocess.run(["aspell", "--lang=en_US", "--encoding=utf-8", "--ignore=2", "list"], input=prose,
                            stdout=subprocess.PIPE, text=True, check=True)
    return set(result.stdout.split())


def test_spelling():
    unknown = unknown_words()
    known = set(WORDS.read_text().split())
    equal(sorted(unknown - known), [], "spelling: the words are in the dictionary or in test/docs/words")
    equal(sorted(known - unknown), [], "test/docs/words has no word too many")


def test_text():
    test_links()
    test_names()
    test_width()
    test_guarantees()
    test_spelling()


if __name__ == "__main__" and sys.argv[1:] == ["--update-words"]:
    WORDS.write_text("\n".join(sorted(unknown_words())) + "\n")
