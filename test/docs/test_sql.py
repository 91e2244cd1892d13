"""Runs the SQL of a document in psql and compares the output with what the document shows."""

import functools
import re
import subprocess

import pytest

from markdown import TREE, USER_FILES, blocks

# Output that differs from run to run is shown as "…" in the documents: part of a line, or some lines.
LINES = "…"


def pattern(line):
    """A regular expression for a line. Blanks at its ends are ignored, and runs of them count as one."""
    words = re.split(r"(…|[-+]{3,}|\s+)", line.strip())
    return re.compile("".join(".*?" if word == "…" else "[-+]+" if re.fullmatch(r"[-+]{3,}", word)
                              else " *" if word.isspace() else re.escape(word)
                              for word in words if word))


def like(expected, output):
    """Line by line, which stays fast when something differs: … stands for as few lines as possible."""
    lines, said = expected.strip().splitlines(), output.splitlines()
    at = here = 0
    again = None  # the line after the newest …, and where to search for it next
    while here < len(said):
        if at < len(lines) and lines[at].strip() == LINES:
            at += 1
            again = (at, here)
        elif at < len(lines) and pattern(lines[at]).fullmatch(said[here]):
            at, here = at + 1, here + 1
        elif again:
            again = (again[0], again[1] + 1)
            at, here = again
        else:
            return False
    return all(line.strip() == LINES for line in lines[at:])


def test_like():
    """A difference is found, and fast."""
    table, lines = "\n".join(["… | … | … | …"] * 20), "\n".join(["1 | 22 | 333 | 4444"] * 20)
    assert like(table, lines)
    assert like(table + "\n…\n(20 rows)", lines + "\na\nb\n(20 rows)")
    assert like("…", "")
    assert not like(table + "\n(20 rows)", lines + "\n(20 lines)")
    assert not like(table, lines + "\n" + lines)
    assert not like("a\n…\nb", "a\nc")


def normal(output):
    return "".join(line.strip() + "\n" for line in output.strip().splitlines())


BLOCKS = {f"{name}:{block.line}": (name, i, block)
          for name in USER_FILES for i, block in enumerate(blocks((TREE / name).read_text()))}


def test_blocks_are_found():
    assert len(BLOCKS) >= 24


@functools.lru_cache(maxsize=None)
def outputs(name):
    """The output of psql for each block of a document, by its number; each document has its own database."""
    database = "docs_" + re.sub(r"\W", "_", name.lower())
    subprocess.run(["createdb", database], check=True)
    script = "".join(f"\\echo '=== {i}'\n{block.sql}\n" for of, i, block in BLOCKS.values() if of == name)
    psql = ["psql", "-X", "-q", "-d", database, "-v", "SHOW_CONTEXT=errors"]
    result = subprocess.run(psql, input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    return dict(re.findall(r"^=== (\d+)\n(.*?)(?=^=== |\Z)", result.stdout, re.S | re.M))


@pytest.mark.parametrize("where", BLOCKS)
def test_sql(where):
    """A block prints the output shown below it; one that is hidden in a comment prints no error."""
    name, i, block = BLOCKS[where]
    output = normal(outputs(name).get(str(i), "(nothing)"))
    if block.hidden:
        assert not re.search(r"^(psql:.*)?(ERROR|FATAL): ", output, re.M), output
        return
    expected = (block.output or "").strip()
    assert like(expected, output) if expected else output.strip() == "", \
        f"{block.sql.strip().splitlines()[0]}\n--- it prints\n{output}--- the document has\n{expected}"


# The output of psql for a command that returns no rows.
TAG = re.compile(r"(CREATE|DROP|ALTER|DECLARE) [A-Z ]+|(INSERT 0|SELECT|UPDATE|DELETE) \d+"
                 r"|BEGIN|COMMIT|ROLLBACK|ANALYZE|CALL")


def test_pasted():
    """Pasting the README's blocks one after another into an empty database has the output that it shows."""
    text = (TREE / "README.md").read_text()
    found = blocks(text)
    assert re.findall(r"<!--.*", text) == [], "no SQL is hidden in a comment"
    subprocess.run(["createdb", "--template=template0", "pasted"], check=True)
    result = subprocess.run(["psql", "-X", "-d", "pasted"], input="".join(block.sql for block in found),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    shown = "".join(line + "\n" for line in normal(result.stdout).splitlines() if line and not TAG.fullmatch(line))
    expected = "".join(line + "\n" for block in found for line in (block.output or "").splitlines() if line)
    assert shown != ""
    assert like(expected, shown), f"\n--- it prints\n{shown}--- the document has\n{expected}"
