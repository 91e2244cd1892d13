"""As much of Markdown as the tests of the documentation need: fences, comments, headings, links."""

import pathlib
import re

TREE = pathlib.Path(__file__).resolve().parent.parent.parent

# Documentation for users, whose SQL is run: each file in its own database.
USER_FILES = ["README.md", *sorted(str(p.relative_to(TREE)) for p in (TREE / "docs").glob("*.md"))]


def all_files():
    """Every Markdown file of the project."""
    found = [*TREE.glob("*.md")]
    for directory in ("docs", "src", "bench", "examples", "contrib"):
        found += (TREE / directory).rglob("*.md")
    return sorted(p for p in found if "node_modules" not in p.parts and "build" not in p.parts)


class Block:
    """SQL to run: hidden in a comment, or in a fence with the expected output below it."""

    def __init__(self, line, sql, hidden=False):
        self.line = line
        self.sql = sql
        self.hidden = hidden
        self.output = None


# A comment or a fence. The comments that matter: "sql" is run, "output" is the output of the fence of SQL above
# it, "synopsis" marks the next fence as one that is not run.
PART = re.compile(r"^<!-- *(\w+)\n?(.*?)-->|^```(\w*)\n(.*?)^```", re.S | re.M)


def blocks(text):
    """The blocks of SQL in the order in which they run."""
    found = []
    end = 0
    synopsis = False
    for part in PART.finditer(text):
        comment, commented, language, fenced = part.groups()
        line = text.count("\n", 0, part.start()) + 1
        follows = found and text[end:part.start()].strip() == ""
        if comment == "sql":
            found.append(Block(line, commented, hidden=True))
        elif comment == "synopsis":
            synopsis = True
        elif comment == "output" and follows:
            found[-1].output = commented
        elif language == "sql":
            if not synopsis:
                found.append(Block(line, fenced))
            synopsis = False
        elif language == "" and fenced is not None and follows and not found[-1].hidden:
            found[-1].output = fenced
        end = part.end()
    return found


def heading_anchor(heading):
    """The anchor of a heading in links to it."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def without_code(text):
    """Only the prose: no fences, no inline code, no comments, no link targets."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"`[^`]*`", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)
