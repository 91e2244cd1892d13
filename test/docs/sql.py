"""Runs the SQL of a document in psql and compares what comes out with what the document shows."""

import re
import subprocess

from harness import equal, ok
from markdown import TREE, blocks

# What differs from run to run stands as "…" in the documents: a part of a line, or some lines.
LINES = "…"


def pattern(line):
    """A regular expression for a line. Blanks at its ends and runs of them do not count."""
    words = re.split(r"(…|[-+]{3,}|\s+)", line.strip())
    return re.compile("".join(".*?" if word == "…" else "[-+]+" if re.fullmatch(r"[-+]{3,}", word)
                              else " *" if word.isspace() else re.escape(word)
                              for word in words if word))


def like(expected, output):
    """Line by line, which takes no long time when something differs: what lines of … stand for is as few as may be."""
    lines, said = expected.strip().splitlines(), output.splitlines()
    at = here = 0
    again = None  # the line behind the newest …, and where to look for it next
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
    """A difference is found, and in no time."""
    table, lines = "\n".join(["… | … | … | …"] * 20), "\n".join(["1 | 22 | 333 | 4444"] * 20)
    equal([like(table, lines), like(table + "\n…\n(20 rows)", lines + "\na\nb\n(20 rows)"), like("…", ""),
           like(table + "\n(20 rows)", lines + "\n(20 lines)"), like(table, lines + "\n" + lines), like("a\n…\nb", "a\nc")],
          [True, True, True, False, False, False], "outputs are compared line by line")


def normal(output):
    return "".join(line.strip() + "\n" for line in output.strip().splitlines())


def test_sql(name):
    text = (TREE / name).read_text()
    found = blocks(text)
    database = "docs_" + re.sub(r"\W", "_", name.lower())
    subprocess.run(["createdb", database], check=True)

    script = "".join(f"\\echo '=== {i}'\n{block.sql}\n" for i, block in enumerate(found))
    psql = ["psql", "-X", "-q", "-d", database, "-v", "SHOW_CONTEXT=errors"]
    result = subprocess.run(psql, input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    parts = dict(re.findall(r"^=== (\d+)\n(.*?)(?=^=== |\Z)", result.stdout, re.S | re.M))

    for i, block in enumerate(found):
        output = normal(parts.get(str(i), "(nothing)"))
        where = f"{name}:{block.line}"
        if block.hidden:
            if re.search(r"^(psql:.*)?(ERROR|FATAL): ", output, re.M):
                ok(False, f"{where}: preparation\n{output}")
            continue
        expected = (block.output or "").strip()
        passed = like(expected, output) if expected else output.strip() == ""
        ok(passed, f"{where}: {block.sql.strip().splitlines()[0]}"
           + ("" if passed else f"\n--- it prints\n{output}--- the document has\n{expected}"))
    return len(found)


# What psql says of a command that returns no rows.
TAG = re.compile(r"(CREATE|DROP|ALTER|DECLARE) [A-Z ]+|(INSERT 0|SELECT|UPDATE|DELETE) \d+|BEGIN|COMMIT|ROLLBACK|ANALYZE")


def test_pasted(name):
    """A reader who pastes the blocks one after another into an empty database sees what the document shows."""
    text = (TREE / name).read_text()
    found = blocks(text)
    equal(re.findall(r"<!--.*", text), [], f"{name}: no SQL is hidden in a comment")
    database = "pasted_" + re.sub(r"\W", "_", name.lower())
    subprocess.run(["createdb", "--template=template0", database], check=True)
    result = subprocess.run(["psql", "-X", "-d", database], input="".join(block.sql for block in found),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    equal((result.returncode, result.stderr), (0, ""), f"{name}: no error when its SQL is pasted into an empty database")
    shown = "".join(line + "\n" for line in normal(result.stdout).splitlines() if line and not TAG.fullmatch(line))
    expected = "".join(line + "\n" for block in found for line in (block.output or "").splitlines() if line)
    ok(shown != "" and like(expected, shown), f"{name}: it prints what is shown when pasted",
       f"\n--- it prints\n{shown}--- the document has\n{expected}")
