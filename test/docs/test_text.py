"""Links, names of tests, widths of lines, and spelling in the documentation."""

import pathlib
import re
import subprocess
import sys

from markdown import TREE, all_files, heading_anchor, without_code

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
    assert [link for path in all_files() for link in broken_links(path)] == []


NAMED = re.compile(r"`((?:sql|specs|test|scripts|bench|examples|contrib|docs|src)/[\w./-]+)`")


def test_names():
    """A file that is named in code exists."""
    missing = [f"{path.relative_to(TREE)}: {name}" for path in all_files()
               for name in NAMED.findall(path.read_text())
               if not (TREE / name).exists() and not (path.parent / name).exists()
               and not re.search(r"NAME|SUITE", name)]
    assert missing == []


def test_guarantees():
    """Each item of the page names its tests."""
    items = re.findall(r"^- (.*?)(?=^- |^#|\Z)", (TREE / "docs" / "guarantees.md").read_text(), re.S | re.M)
    unbacked = [item[:60] for item in items if not re.search(r"`(?:sql|specs|test)/[\w./-]+`", item)]
    assert len(items) > 20
    assert unbacked == []


WIDEST = 120


def wide_lines(path):
    """Lines of prose; tables, fences and comments may be wider."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", lambda part: "\n" * part.group().count("\n"), path.read_text(), flags=re.S | re.M)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > WIDEST and not line.startswith("|"):
            yield f"{path.relative_to(TREE)}:{number}: {len(line)} columns"


def test_width():
    assert [line for path in all_files() for line in wide_lines(path)] == []


def unknown_words():
    prose = "\n".join(without_code(path.read_text()) for path in all_files())
    result = subprocess.run(["aspell", "--lang=en_US", "--encoding=utf-8", "--ignore=2", "list"], input=prose,
                            stdout=subprocess.PIPE, text=True, check=True)
    return set(result.stdout.split())


def test_spelling():
    """The words are in the dictionary or in test/docs/words, which has no unused word."""
    unknown = unknown_words()
    known = set(WORDS.read_text().split())
    assert (sorted(unknown - known), sorted(known - unknown)) == ([], [])


if __name__ == "__main__" and sys.argv[1:] == ["--update-words"]:
    WORDS.write_text("\n".join(sorted(unknown_words())) + "\n")
